"""Is a shard read whose group no note names?

PlanRun makes a new shard's row first and notes how many groups there are last. A run may die, or lose the note, in
between; then the rows alone say which groups there are.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tabletrail.core.checkpoint import ShardKey
from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.world import SETTINGS, World


def _world(tables: int) -> World:
    """The first run makes the rows and loses its note; each table has a record, and a group of its own."""
    world = World(replace(SETTINGS, group_shards=1))
    for number in range(tables):
        world.write(world.add_table(f"orders-{number}"), "shard-0", 5)
    return world


@pytest.mark.parametrize("error", [None, Crash], ids=["fails", "dies"])
def test_a_lost_note_delays_nothing_beyond_the_next_run(error: type[BaseException] | None) -> None:
    world = _world(tables=3)
    world.faults.add(Fault(Way.BEFORE, method="notes.write", nth=0, error=error))
    with pytest.raises(error or Exception):
        world.run()
    world.clock.advance(world.settings.lease_seconds + 1)
    world.run()
    world.assert_complete()
    assert world.notes.read("groups") == {"count": 3}


def test_a_walk_finds_shards_of_a_group_behind_an_empty_one() -> None:
    world = _world(tables=3)
    world.run()
    first = next(key for key, row in world.rows.shards.items() if row.group_id == "g0000")
    _finish(world, first)
    world.notes.write("groups", {"count": 0})
    for name in ("orders-1", "orders-2"):
        (arn,) = [arn for arn in world.stream.streams if f"table/{name}/" in arn]
        world.write(arn, "shard-0", 2)
    world.clock.advance(world.settings.walk_seconds)
    world.run()
    world.assert_complete()


def _finish(world: World, key: ShardKey) -> None:
    """The shard ends and is read to its end, so that its group is empty."""
    world.stream.close(key.stream_arn, key.shard_id)
    world.run()
    assert world.rows.shards[key].group_id is None
