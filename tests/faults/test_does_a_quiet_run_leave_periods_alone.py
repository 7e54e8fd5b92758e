"""Does a run look at the ends of periods only where there may be something to do, and then without delay?"""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail.closing import NOTE, REST_SECONDS
from tests.fakes.faulty import Plan
from tests.faults.periods_world import PeriodsWorld


def at_rest() -> PeriodsWorld:
    """All that was to be done is done, and nobody has looked for a while."""
    world = PeriodsWorld()
    world.minutes(6)
    world.clock.sleep(REST_SECONDS)
    return world


def looks(world: PeriodsWorld, **how: Any) -> bool:
    """Does a run look that has nothing urgent? It knows the number of holds as PlanRun reads it."""
    plan = Plan()
    world.run(plan, **{"is_urgent": False, "holds": world.book.read().number, **how})
    return plan.count("periods.look") == 1


def test_does_it_look_once_in_a_while() -> None:
    world = at_rest()
    assert looks(world)
    for _ in range(REST_SECONDS // 60 - 1):
        world.clock.sleep(60)
        assert not looks(world)
    world.clock.sleep(60)
    assert looks(world)
    assert not looks(world)


def test_does_a_rest_cost_one_read_and_no_lease() -> None:
    world = at_rest()
    assert looks(world)
    plan = Plan()
    world.run(plan, is_urgent=False, holds=world.book.read().number)
    assert (plan.count("notes.read"), plan.count("leases.acquire"), plan.count("segments.count_waiting")) == (1, 0, 0)


def test_does_it_look_at_once_where_segments_wait() -> None:
    world = at_rest()
    assert looks(world)
    assert looks(world, is_urgent=True)


def test_does_it_look_at_once_where_holds_changed_or_are_not_known() -> None:
    world = at_rest()
    assert looks(world)
    world.hold()
    assert looks(world)
    assert not looks(world)
    assert looks(world, holds=-1)


@pytest.mark.parametrize("memory", ["deleting", "merging_since"])
def test_does_each_run_look_while_something_is_under_way(memory: str) -> None:
    world = at_rest()
    assert looks(world)
    note = world.notes.read(NOTE)
    world.notes.write(NOTE, {**note, memory: {"tabletrail-v1-2026.01": 1}})
    assert looks(world)


@pytest.mark.parametrize("trouble", [{"failures": ["ISM failed"]}, {"trouble": "away"}, {"holds": -1}])
def test_does_each_run_look_after_a_failure(trouble: dict[str, Any]) -> None:
    world = at_rest()
    assert looks(world)
    world.notes.write(NOTE, {**world.notes.read(NOTE), **trouble})
    assert looks(world)
