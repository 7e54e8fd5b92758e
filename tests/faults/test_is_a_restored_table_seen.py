"""Do the stamps tell each table that was restored or made anew, before anything is captured, and nothing else?"""

from __future__ import annotations

import pytest

from tabletrail.core.stamps import TABLES, Stamp
from tests.faults.restoring import (
    NOTHING,
    RestoredWorld,
    assert_nothing_is_captured,
    busy_world,
    leave_an_orphan_after_writing,
    moment,
    recovered,
    restore,
)


def test_a_new_deployment_begins_with_the_first_stamp() -> None:
    world = RestoredWorld()
    world.run()
    assert {stamp.number for stamp in world.mark.stamps.values()} == {1}
    world.run()
    assert {stamp.number for stamp in world.mark.stamps.values()} == {2}


def test_a_deployment_of_an_older_release_goes_on_by_itself() -> None:
    world, arn = busy_world()
    world.mark.stamps.clear()
    world.write(arn, "right", 2)
    world.settle()
    world.assert_complete()
    assert world.mark.stamps.keys() == set(TABLES)


@pytest.mark.parametrize("table", ["streams", "streams_shards", "segments"])
def test_an_older_release_whose_table_is_empty_does_not(table: str) -> None:
    world, _ = busy_world()
    restore(world, (table,), NOTHING)
    world.mark.stamps.clear()
    assert_nothing_is_captured(world)


def test_an_orphan_and_a_long_stop_are_no_restore() -> None:
    world, arn = busy_world()
    leave_an_orphan_after_writing(world, arn)
    world.clock.advance(3 * 86_400 // 10)
    world.settle()
    world.assert_complete()
    assert not world.recovery().look().trouble


def test_the_log_is_looked_at_only_when_no_run_began_for_a_while() -> None:
    world, _ = busy_world()
    asked = world.faults.count("listing.keys")
    for _ in range(5):
        world.run()
    assert world.faults.count("listing.keys") == asked
    world.clock.advance(600)
    world.run()
    assert world.faults.count("listing.keys") == asked + 1


@pytest.mark.parametrize("tables", [("streams_shards",), ("segments",), TABLES], ids="+".join)
def test_rows_that_were_put_back_in_place_are_seen_too(tables: tuple[str, ...]) -> None:
    """The tables keep their ids. If it is all four, only the log knows better."""
    world, arn = busy_world()
    kept = moment(world)
    world.write(arn, "right", 2)
    world.run()
    world.write(arn, "right", 2)
    world.run()
    restore(world, tables, kept, in_place=True)
    assert_nothing_is_captured(world)
    recovered(world)


def test_a_restore_to_a_moment_within_a_run_is_seen() -> None:
    """All tables hold the same stamp: that of the run whose commit they have not seen."""
    world, arn = busy_world()
    world.write(arn, "right", 2)
    plan = world.planner("during").run("during")
    kept = moment(world)
    for group in plan["groups"]:
        world.capture_until_done(group)
    world.reporter().run("during", plan["report"], [])
    restore(world, TABLES, kept)
    assert_nothing_is_captured(world)
    recovered(world)


def test_two_runs_that_move_the_stamp_at_once_make_no_trouble() -> None:
    world, _ = busy_world()
    stamping = world.stamping(world._ports())
    found = stamping.stamps.read()
    assert stamping.stamps.write(found, Stamp(found.number + 1, 0, found.ids))
    assert not stamping.stamps.write(found, Stamp(found.number + 1, 0, found.ids))
    assert stamping.advance() == found.number + 2
