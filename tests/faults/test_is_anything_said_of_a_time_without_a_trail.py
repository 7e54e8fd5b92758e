"""Is nothing said of changes of a time from which CloudTrail delivered nothing, and is it told that nothing is said?"""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail.attribution_past import OFF_SECONDS
from tabletrail.core.attribution_windows import PASSED_OVER_SECONDS
from tests.core.trail import stamp
from tests.faults.attributing import ALICE, BOB, HOUR, TrailWorld, quiet


@pytest.fixture
def world() -> TrailWorld:
    return quiet()


@pytest.fixture
def orders(world: TrailWorld) -> str:
    return next(arn for arn in world.rows.streams if ":table/orders/" in arn)


def until(world: TrailWorld, arn: str) -> int:
    return world.rows.streams[arn].attributed_until


def details(world: TrailWorld, arn: str, what: str) -> list[str]:
    """Of the coverage entries of this kind about the stream."""
    found = [one for one in world.lines() if one["event"]["action"] == what and one["stream"]["arn"] == arn]
    return [one["tabletrail"]["coverage"].get("detail", "") for one in found]


def pass_time(world: TrailWorld, seconds: float, *, attribute: bool) -> list[Any]:
    """Runs, and calls of AttributeChanges where it is on. Their results."""
    end, results = world.clock.now() + seconds, []
    while world.clock.now() < end:
        world.clock.advance(700)
        world.run()
        if attribute:
            results.append(world.attribute())
    return results


def test_do_changes_wait_where_no_file_was_delivered(world: TrailWorld, orders: str) -> None:
    """The trail's files are late, or looked for in the wrong place: once they are there, they are heard."""
    world.call(orders, "order-1", ALICE)
    at, delivered = int(world.clock.now()), int(world.clock.now()) + 300
    results = pass_time(world, 8 * HOUR, attribute=True)
    assert not world.found(), "nobody asked whether a call fits"
    assert until(world, orders) <= at
    assert any("CloudTrail delivered no file" in sentence for sentence in results[-1].failures)
    assert not results[-1].more, "the state machine would ask without end"
    world.deliver(at=delivered)
    pass_time(world, HOUR, attribute=True)
    world.assert_attributed()
    assert [entry["event"]["action"] for entry in world.of_item("order-1")] == ["attributed"]


def test_are_files_heard_that_all_came_late(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    pass_time(world, 3 * HOUR, attribute=True)
    assert not world.found()
    world.deliver()
    pass_time(world, 700, attribute=True)
    world.assert_attributed()
    assert [entry["principal"]["name"] for entry in world.of_item("order-1")] == ["alice"]


def test_are_windows_of_long_ago_passed_over_and_is_that_said(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    before = int(world.clock.now())
    for _ in range(PASSED_OVER_SECONDS // (3 * HOUR) + 1):
        world.clock.advance(3 * HOUR)
        world.run()
        world.attribute()
    world.minutes(20)
    world.attribute()
    assert until(world, orders) >= world.clock.now() - PASSED_OVER_SECONDS > before
    [first, *_] = details(world, orders, "attribution_skipped")
    assert first.endswith("they waited for too long")
    assert not world.found()


def test_is_a_pause_of_the_trail_passed_over_once_it_tells_again(world: TrailWorld, orders: str) -> None:
    pass_time(world, 2 * HOUR, attribute=True)
    world.changed(orders, "in-pause")
    pass_time(world, 4 * HOUR, attribute=True)
    assert not world.found()
    world.call(orders, "after", BOB)
    world.deliver()
    pass_time(world, HOUR / 2, attribute=True)
    assert not details(world, orders, "attribution_skipped"), "files of the pause may still come"
    pass_time(world, 2 * HOUR, attribute=True)
    skipped = details(world, orders, "attribution_skipped")
    assert skipped
    assert all("CloudTrail delivered no file" in detail for detail in skipped)
    assert not world.of_item("in-pause")
    assert [entry["principal"]["name"] for entry in world.of_item("after")] == ["bob"]


def test_does_a_trail_that_is_switched_on_again_begin_anew(world: TrailWorld, orders: str) -> None:
    world.call(orders, "before", ALICE)
    world.deliver()
    pass_time(world, 2 * HOUR, attribute=True)
    assert world.of_item("before")
    stood = until(world, orders)
    pass_time(world, OFF_SECONDS, attribute=False)
    world.changed(orders, "in-between")
    pass_time(world, OFF_SECONDS, attribute=False)
    world.tell(orders, "another", BOB)
    world.deliver()
    world.attribute()
    on_again = int(world.clock.now())
    assert until(world, orders) == on_again
    [_, detail] = details(world, orders, "attribution_begun")
    assert detail == f"from {stamp(stood)} to {stamp(on_again)} CloudTrail was not asked"
    world.call(orders, "after", BOB)
    world.deliver()
    pass_time(world, 2 * HOUR, attribute=True)
    assert not world.of_item("in-between")
    assert [entry["principal"]["name"] for entry in world.of_item("after")] == ["bob"]
    assert len(details(world, orders, "attribution_begun")) == 2, "it begins anew once"
