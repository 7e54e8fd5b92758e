"""A recovery that is itself disturbed, that meets orphans it cannot judge, damage, and streams that forgot."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from tabletrail.core.checkpoint import ShardKey, ShardMove, StreamState
from tabletrail.core.segment import encode
from tabletrail.core.stamps import TABLES
from tabletrail.errors import TabletrailError
from tests.fakes.faulty import Crash, Fault, Way
from tests.fakes.faulty import Plan as Faults
from tests.fakes.stamps import FakeRecoveredRows
from tests.faults.restoring import (
    NOTHING,
    RestoredWorld,
    busy_world,
    leave_an_orphan_after_writing,
    moment,
    recovered,
    restore,
)

BOTH = ("streams_shards", "segments")


@pytest.mark.parametrize("tables", [*[(table,) for table in TABLES], BOTH, TABLES], ids="+".join)
def test_a_last_orphan_is_taken_once_or_read_again_once(tables: tuple[str, ...]) -> None:
    """Nothing goes on from it, so it may have been committed: its records are true either way."""
    world, arn = busy_world()
    leave_an_orphan_after_writing(world, arn)
    restore(world, tables, NOTHING)
    recovered(world)


def test_with_trusted_checkpoints_an_orphan_is_not_taken() -> None:
    world, arn = busy_world()
    leave_an_orphan_after_writing(world, arn)
    restore(world, ("segments",), NOTHING)
    found = world.recovery().apply("recover-1")
    assert found.orphans == 1
    assert found.shards_moved == 0
    world.settle()
    world.assert_complete()


def test_an_object_whose_links_are_not_those_of_its_lines_is_not_believed() -> None:
    world, arn = busy_world()
    honest = next(row for row in world.rows.segments.values() if row.links)
    forged = replace(
        honest.links[0], shard_id="right", previous_chain=world.rows.shards[ShardKey(arn, "right")].chain_hash
    )
    name = "s0000000009-forged-g0000-1"
    world.store.put(f"segments/v1/2027/01/15/{name}.ndjson.gz", encode(name, "r", "g", [forged], []).body)
    world.store.put("segments/v1/2027/01/15/s0000000009-torn-g0000-2.ndjson.gz", b"not gzip")
    restore(world, BOTH, NOTHING)
    found = world.recovery().apply("recover-1")
    assert len(found.damaged) == 2
    world.settle()
    world.assert_complete()


# A recovery that is disturbed


def test_a_run_at_work_is_waited_for() -> None:
    world, _ = busy_world()
    restore(world, BOTH, NOTHING)
    assert world.leases.acquire("audit_run", "a run", 300, int(world.clock.now()))
    with pytest.raises(TabletrailError, match="ScheduleState=DISABLED"):
        world.recovery().apply("recover-1")
    world.clock.advance(300)
    recovered(world)


def test_where_nothing_is_wrong_nothing_is_done() -> None:
    world, _ = busy_world()
    before = moment(world)
    assert not world.recovery().apply("recover-1").trouble
    assert moment(world) == before


def _lost_world() -> RestoredWorld:
    world, arn = busy_world()
    leave_an_orphan_after_writing(world, arn)
    restore(world, TABLES, NOTHING)
    world.faults = Faults()
    return world


def _calls() -> int:
    world = _lost_world()
    world.recovery().apply("recover-1")
    return len(world.faults.calls)


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("kind", ["error", "crash"])
def test_a_recovery_that_dies_anywhere_is_said_again(kind: str, way: Way) -> None:
    origin = _lost_world()
    kept, mark, objects = moment(origin), origin.mark, deepcopy(origin.store.objects)
    written_at, index = dict(origin.store.written_at), deepcopy(origin.index.indices)
    for number in range(_calls()):
        world = origin
        restore(world, TABLES, kept, in_place=True)
        world.mark.ids = dict(mark.ids)
        world.store.objects, world.store.written_at = dict(objects), dict(written_at)
        world.index.indices = deepcopy(index)
        world.faults = Faults([Fault(way, number=number, error=Crash if kind == "crash" else None)])
        try:
            world.recovery().apply("recover-1")
        except (Crash, TabletrailError):
            world.clock.advance(400)
            world.recovery().apply("recover-2")
        assert world.faults.struck
        world.run()
        world.run()
        world.drain()
        world.assert_complete()


def test_a_reader_from_before_the_loss_cannot_move_a_shard() -> None:
    world, arn = busy_world()
    kept = moment(world)
    then = world.rows.shards[ShardKey(arn, "right")]
    stale = replace(then, version=then.version + 1)  # what it was one move later, before the loss
    restore(world, ("streams_shards",), kept)
    world.recovery().apply("recover-1")
    moved = replace(stale, version=stale.version + 1, sequence_no="1")
    assert not world.checkpoints().move_shard(ShardMove(stale, moved))
    assert not FakeRecoveredRows(world.rows, world.clock).put_shard(None, moved)


# What the streams have forgotten


def test_what_neither_log_nor_stream_has_is_a_gap() -> None:
    world, arn = busy_world()
    kept = moment(world)
    world.write(arn, "right", 4)
    world.written[arn, "right"] = world.written[arn, "right"][:-4]  # nobody reads them before they are trimmed
    restore(world, ("streams_shards",), kept)
    world.clock.advance(90_000)
    for shard in ("shard-0", "shard-1", "left", "right"):
        world.stream.trim(arn, shard, 100)
    world.recovery().apply("recover-1")
    world.settle()
    gaps = [entry for entry in world.lines() if entry["tabletrail"]["kind"] == "gap"]
    assert {entry["stream"]["shard"] for entry in gaps} >= {"right"}
    world.assert_complete()


def test_a_shard_that_was_finished_and_forgotten_is_no_gap() -> None:
    world, arn = busy_world()
    kept = moment(world)
    kept.contents["streams_shards"] = deepcopy(kept.contents["streams_shards"])
    world.stream.split(arn, "right", "later")
    world.write(arn, "later", 2)
    world.run()
    world.run()
    restore(world, ("streams_shards",), kept)
    for shard in ("shard-0",):
        world.stream.forget_shard(arn, shard)
    recovered(world)
    assert "gap" not in world.kinds()


def test_each_audited_stream_has_an_entry_of_its_recovery() -> None:
    world, arn = busy_world()
    restore(world, TABLES, NOTHING)
    recovered(world)
    (entry,) = [entry for entry in world.lines() if entry["event"]["action"] == "recovered"]
    assert entry["stream"]["arn"] == arn
    assert entry["tabletrail"]["coverage"]["number"] == 2
    assert "streams_shards" in entry["message"]
    assert world.rows.streams[arn].state is StreamState.ACTIVE
    assert world.rows.streams[arn].partition_key == world.tables.tables[world.rows_table(arn)].partition_key


def test_a_rebuilt_stream_stands_as_it_stood() -> None:
    """Two streams, since the table's was replaced, and with that a gap that no shard has."""
    world, arn = busy_world()
    world.replace_stream("orders")
    for _ in range(40):
        world.run()
    before = dict(world.rows.streams)
    assert sorted((row.state, row.gaps) for row in before.values()) == [(StreamState.ACTIVE, 1), (StreamState.DONE, 0)]
    restore(world, TABLES, NOTHING)
    world.recovery().apply("recover-1")
    for arn, row in before.items():
        found = world.rows.streams[arn]
        facts = ("table_name", "table_id", "service", "partition_key", "state", "is_enabled", "joined_at", "gaps")
        assert [getattr(found, name) for name in facts] == [getattr(row, name) for name in facts]


def test_no_shard_of_a_stream_that_is_done_is_read_again() -> None:
    world, arn = busy_world()
    kept = moment(world)
    world.tables.set_tag(world.rows_table(arn), False)
    for _ in range(30):
        world.run()
    assert world.rows.streams[arn].state is StreamState.DONE
    restore(world, ("streams_shards",), kept)
    world.recovery().apply("recover-1")
    assert {row.group_id for row in world.rows.shards.values()} == {None}
    assert world.run() == []


def test_the_next_run_finds_every_group_though_the_note_of_them_was_lost() -> None:
    world, _ = busy_world()
    world.rows.shards = {
        key: replace(row, group_id="g0007") if row.group_id else row for key, row in world.rows.shards.items()
    }
    restore(world, ("runs",), NOTHING)
    world.recovery().apply("recover-1")
    assert world.notes.read("groups") == {"count": 8}
    recovered(world)
