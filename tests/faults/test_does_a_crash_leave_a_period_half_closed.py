"""Each call of closing a period fails once, in both ways, or the process dies at it: do the next runs repair it?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tabletrail.closing import LEASE, NOTE
from tabletrail.core.lifecycle import DELETION, MERGE_SECONDS
from tests.fakes.faulty import Crash, Fault, Plan, Way
from tests.faults.periods_world import NAME, PeriodsWorld, deletion_world

SCENES: dict[str, tuple[Callable[[], PeriodsWorld], int]] = {
    "closing": (PeriodsWorld, 3),
    "closing by ISM": (lambda: PeriodsWorld(has_ism=True), 4),
    "deleting": (deletion_world, 4),
}


def died() -> BaseException:
    return Crash("died")


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("kind", ["error", "crash"])
def test_is_each_call_repaired_that_fails_or_at_which_the_process_dies(scene: str, way: Way, kind: str) -> None:
    make, rounds = SCENES[scene]
    for number in range(1000):
        world = make()
        plan = Plan([Fault(way, number=number, error=died if kind == "crash" else None)])
        for _ in range(rounds):
            world.clock.sleep(60)
            world.cluster.turn()
            try:
                world.run(plan)
            except Crash:
                world.clock.sleep(60)
        if not plan.struck:
            break
        # What was noted and not done is begun again when it is time to believe that it failed.
        world.clock.sleep(MERGE_SECONDS)
        world.minutes(40)
        check_end(scene, world)
    assert number > 10


def check_end(scene: str, world: PeriodsWorld) -> None:
    if scene == "deleting":
        assert NAME not in world.cluster.indices
        assert NAME in world.notes.read(NOTE)["deleted"]
    else:
        assert world.is_blocked()
        assert world.stage() == "merged"
    assert LEASE not in world.leases.held
    assert world.notes.read(NOTE)["trouble"] == ""
    assert world.notes.read(NOTE)["failures"] == []


@pytest.mark.parametrize("way", list(Way))
def test_is_nothing_deleted_under_a_hold_wherever_a_run_fails(way: Way) -> None:
    for number in range(1000):
        world = deletion_world()
        world.minutes(4)
        assert world.cluster.jobs[NAME].policy_id == DELETION
        world.hold()
        plan = Plan([Fault(way, number=number, error=died)])
        try:
            world.run(plan)
        except Crash:
            world.clock.sleep(61)
        world.run()
        world.minutes(30)
        assert NAME in world.cluster.indices
        if not plan.struck:
            break
    assert number >= 9


def test_is_a_lost_reply_of_the_cluster_decided_again() -> None:
    """Each request of the whole way, with its reply lost."""
    for number in range(200):
        world = deletion_world()
        asked = [0]

        def lose(what: str, number: int = number, asked: list[int] = asked) -> None:
            asked[0] += 1
            if asked[0] == number + 1:
                raise ConnectionError(what)

        world.cluster.before_answer = lose
        world.minutes(15)
        if asked[0] <= number:
            break
        world.minutes(60)
        check_end("deleting", world)
    assert number > 10
