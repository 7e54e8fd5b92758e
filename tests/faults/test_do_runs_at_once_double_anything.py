"""Do two or three runs at once, a doubled start or a run that wakes 20 minutes later lose or double anything?

Every call through a port is a turn, and the seed decides whose turn it is. The lease is out of the way in all of these:
it makes runs at once rare, and nothing may depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from tests.fakes.turns import Sleeper, Turns
from tests.faults.alerting import assert_alerted
from tests.faults.world import SETTINGS, World

ZOMBIE_SECONDS = 1200


class EveryoneMay:
    """A lease that is granted to whoever asks."""

    def acquire(self, name: str, owner: str, seconds: int, now: int) -> bool:
        return True

    def release(self, name: str, owner: str) -> None:
        pass


def busy_world() -> tuple[World, str, str]:
    """Two tables whose shards are at work, with changes that nobody has read."""
    world = World(replace(SETTINGS, cycle_records=5, group_shards=1))
    world.stream.page_records = 3
    orders, payments = world.add_table("orders"), world.add_table("payments")
    world.run()
    world.write(orders, "shard-0", 9)
    world.write(payments, "shard-0", 4)
    world.stream.split(orders, "shard-0", "next")
    world.write(orders, "next", 7)
    return world, orders, payments


def one_run(world: World, run_id: str) -> Callable[[], None]:
    """A whole run: plan, each group until it has nothing more, report."""

    def run() -> None:
        plan = world.planner(run_id).run(run_id)
        results = [world.capture_until_done(group) for group in plan["groups"]]
        if plan["acquired"]:
            world.reporter().run(run_id, plan["report"], [asdict(result) | {"group_id": "g"} for result in results])

    return run


def at_once(world: World, turns: Turns, names: list[str], sleeper: Sleeper | None = None) -> None:
    faults, leases = world.faults, world.leases
    world.faults, world.leases = turns, EveryoneMay()  # type: ignore[assignment]
    programs: dict[str, Callable[[], object]] = {name: one_run(world, name.rstrip("'")) for name in names}
    programs["backlog"] = lambda: world.backlog().run("backlog")
    turns.run(programs, sleeper, lambda: world.clock.advance(ZOMBIE_SECONDS))
    world.faults, world.leases = faults, leases


def recover(world: World) -> None:
    for _ in range(8):
        world.run()
    for _ in range(4):
        world.drain()


def assert_whole(world: World, turns: Turns, story: str) -> None:
    """The log, the index and the alerts are as if one run had done it all; else `story` and its calls are shown."""
    try:
        world.assert_complete()
        assert_alerted(world, once=True)
    except AssertionError as error:
        pytest.fail(f"{story}: {error}\n" + "\n".join(turns.calls))


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c"], ["a", "a'"]], ids=["two", "three", "doubled start"])
def test_is_every_record_one_entry_in_whatever_order_they_come(names: list[str]) -> None:
    for seed in range(20):
        world, orders, payments = busy_world()
        turns = Turns(seed)
        at_once(world, turns, names)
        assert not world.notes.read("last_run")["problems"], "runs at once are no trouble that a person should hear of"
        world.write(payments, "shard-0", 2)
        world.write(orders, "next", 2)
        recover(world)
        assert_whole(world, turns, f"seed {seed}")


def test_is_every_record_one_entry_where_replies_are_lost_and_runs_die_beside_others() -> None:
    for seed in range(40):
        world, _, payments = busy_world()
        turns = Turns(seed, lost=0.06, dies=0.02)
        at_once(world, turns, ["a", "b", "c"])
        world.write(payments, "shard-0", 2)
        recover(world)
        assert_whole(world, turns, f"seed {seed}")


def test_does_a_run_that_wakes_after_twenty_minutes_change_nothing_that_the_others_did() -> None:
    """It stops before each of its calls in turn, while another run does all the work and time goes by."""
    call = 0
    while True:
        world, _, _ = busy_world()
        turns = Turns(call)
        at_once(world, turns, ["zombie", "other"], Sleeper("zombie", call))
        calls = sum(name.startswith("zombie ") for name in turns.calls)
        recover(world)
        assert_whole(world, turns, f"asleep before call {call}")
        if call >= calls:
            break
        call += 1
    assert call > 10
