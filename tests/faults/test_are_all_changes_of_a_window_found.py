"""Is every change of a window found in the log, in whatever order its objects are listed and however late they came?"""

from __future__ import annotations

from dataclasses import replace

from tests.faults.attributing import ALICE, BATCH, HOUR, TRAIL_SETTINGS, TrailWorld, begun


def test_are_changes_found_that_one_run_read_late_into_many_objects() -> None:
    """Nothing was captured for hours. Then one run reads it all: its objects lie in the order of chance, and windows
    are shorter than what one of them may hold."""
    for _ in range(5):
        world = TrailWorld(replace(TRAIL_SETTINGS, cycle_records=3))
        world, (orders,) = begun("orders", world=world)
        world.stream.page_records = 3
        for number in range(40):
            world.call(orders, f"order-{number}", ALICE if number % 2 else BATCH)
            world.clock.advance(300)
            if number % 5 == 4:
                world.deliver()
        world.minutes(20)
        world.settle()
        result = world.attribute()
        world.assert_attributed()
        assert (result.attributed, result.possible, result.unrecorded) == (40, 0, 0)
        assert result.windows > 3


def test_are_objects_behind_the_window_left_alone() -> None:
    """Of a shard's objects beyond the window one is read, not each that was written since."""
    world, (orders,) = begun("orders", world=TrailWorld())
    world.minutes(20)
    while world.clock.now() < world.rows.streams[orders].attributed_until + 4 * HOUR:
        world.call(orders, "order-1", ALICE)
        world.clock.advance(240)
        world.run()
    world.deliver()
    result = world.attribution().run("once")
    assert result.windows == 3
    assert sum(1 for row in world.rows.segments.values() if row.links) == 44
    assert result.objects <= result.attributed + 3 * result.windows, "each object has one change"


def test_does_a_later_call_begin_where_the_one_before_has_looked() -> None:
    """The listing goes on from a place that was remembered, and finds all the same."""
    world, (orders,) = begun("orders", world=TrailWorld())
    world.minutes(20)
    for number in range(60):
        world.call(orders, f"order-{number}", ALICE)
        world.deliver()
        world.clock.advance(840)
        world.run()
        world.attribute()
    world.settle()
    world.attribute()
    world.assert_attributed()
    assert len(world.found()) == 60
    places = world.notes.read("attribution_past")["places"]
    assert len(places) > 10
    assert [at for at, _ in places] == sorted(at for at, _ in places)
