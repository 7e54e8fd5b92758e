"""Tables that are deleted or restored one by one, over `World`, and a log that is checked by its rows alone.

`moment(world)` keeps what the four tables hold; `restore` puts some of them back, or empty, as another table or in
place. `RestoredWorld` reads the log from the rows of segments, as everybody else must, and not from what once happened.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from tabletrail.core.checkpoint import GENESIS_CHAIN, SegmentRow, ShardKey, StreamState
from tabletrail.core.segment import Line, read
from tabletrail.core.stamps import TABLES
from tabletrail.recovery import Recovery
from tests.fakes.faulty import Crash, Fault, Way
from tests.fakes.runs import FakeProgress
from tests.fakes.stamps import FakeRecoveredRows, new_table_id
from tests.faults.world import SETTINGS, World
from tests.validation import assert_valid_entry

_VALID: set[bytes] = set()


@dataclass
class Moment:
    """What the tables held, by table; the stamp that each had."""

    contents: dict[str, Any]
    stamps: dict[str, Any]


def moment(world: World) -> Moment:
    rows = world.rows
    contents = {
        "streams": rows.streams,
        "streams_shards": (rows.shards, rows.groups),
        "segments": rows.segments,
        "runs": (world.notes.notes, world.leases.held),
    }
    return Moment(deepcopy(contents), deepcopy(world.mark.stamps))


NOTHING = Moment({"streams": {}, "streams_shards": ({}, {}), "segments": {}, "runs": ({}, {})}, {})


def restore(world: World, tables: tuple[str, ...], kept: Moment, *, in_place: bool = False) -> None:
    """These tables hold what they held then. `in_place`: the rows were put back into the same table."""
    found = deepcopy(kept.contents)
    rows = world.rows
    if "streams" in tables:
        rows.streams = found["streams"]
    if "streams_shards" in tables:
        rows.shards, rows.groups = found["streams_shards"]
    if "segments" in tables:
        rows.segments = found["segments"]
    if "runs" in tables:
        world.notes.notes, world.leases.held = found["runs"]
    for table in tables:
        world.mark.stamps.pop(table, None)
        if table in kept.stamps:
            world.mark.stamps[table] = kept.stamps[table]
        if not in_place:
            world.mark.ids[table] = new_table_id()
    assert set(tables) <= set(TABLES)


class RestoredWorld(World):
    """A world whose log is what the rows of segments say, in the order of the chains."""

    def _committed(self) -> list[SegmentRow]:
        heads: dict[ShardKey, str] = {}
        waiting = sorted(self.rows.segments.values(), key=lambda row: (row.committed_at, row.segment_id))
        ordered: list[SegmentRow] = []
        while waiting:
            ready = [row for row in waiting if _goes_on(row, heads)]
            assert ready, f"{len(waiting)} segments do not go on from any other: a fork or a hole"
            row = ready[0]
            heads |= {ShardKey(link.stream_arn, link.shard_id): link.chain for link in row.links}
            waiting.remove(row)
            ordered.append(row)
        return ordered

    def lines(self) -> list[dict[str, Any]]:
        """As in the parent; a document that was found valid is not looked at again."""
        found = []
        for row in self._committed():
            for line in list(read(self.store.get(row.key, row.version_id)))[1:]:
                assert isinstance(line, Line)
                if line.document not in _VALID:
                    assert_valid_entry(line.entry)
                    _VALID.add(line.document)
                found.append(line.entry)
        return found

    def _assert_chains(self) -> None:
        """`_committed` has seen that they are unbroken. A shard's row may be gone only when its stream is done."""
        heads = {ShardKey(link.stream_arn, link.shard_id): link for row in self._committed() for link in row.links}
        for key, link in heads.items():
            row = self.rows.shards.get(key)
            if row is None:
                assert self.rows.streams[key.stream_arn].state is StreamState.DONE, "a shard lost its checkpoint"
            else:
                assert (row.chain_hash, row.sequence_no) == (link.chain, link.last)

    def recovery(self) -> Recovery:
        ports = self._ports()
        return Recovery(
            self.stamping(ports),
            ports["listing"],
            ports["store"],
            self.faults.wrap(FakeRecoveredRows(self.rows, self.clock), "recovered"),
            ports["checkpoints"],
            ports["segments"],
            ports["stream"],
            ports["tables"],
            ports["leases"],
            ports["notes"],
            self.clock,
            self.settings,
            self.conversion(),
            FakeProgress(),
        )

    def run_unless_dead(self) -> None:
        """A run; one that dies leaves its lease, and the next ones wait for its end."""
        try:
            self.run()
        except Crash:
            self.clock.advance(60)

    def settle(self) -> None:
        """Normal runs until a dead run's lease has ended and all is read and indexed."""
        for _ in range(9):
            self.run()
        for _ in range(3):
            self.drain()


def _goes_on(row: SegmentRow, heads: dict[ShardKey, str]) -> bool:
    return all(
        heads.get(ShardKey(link.stream_arn, link.shard_id), GENESIS_CHAIN) == link.previous_chain for link in row.links
    )


def busy_world() -> tuple[RestoredWorld, str]:
    """Some runs of one table whose first shard was split, with records in each shard; the table's stream."""
    world = RestoredWorld(replace(SETTINGS, cycle_records=5))
    arn = world.add_table("orders", shards=2)
    for _ in range(3):
        world.write(arn, "shard-0", 3)
        world.write(arn, "shard-1", 4)
        world.run()
    world.stream.split(arn, "shard-0", "left", "right")
    world.write(arn, "left", 2)
    world.run()
    world.write(arn, "right", 6)
    world.run()
    return world, arn


def leave_an_orphan(world: RestoredWorld) -> None:
    """A run dies between staging and commit; its lease ends."""
    world.faults.add(Fault(Way.BEFORE, method="checkpoints.commit", error=Crash))
    objects = len(world.store.objects)
    world.run_unless_dead()
    assert len(world.store.objects) == objects + 1
    world.clock.advance(400)


def assert_nothing_is_captured(world: RestoredWorld) -> None:
    """After a dead run's lease has ended, and because a run has seen why."""
    world.clock.advance(400)
    commits = len(world.rows.commits)
    assert world.run() == []
    assert len(world.rows.commits) == commits
    assert "tabletrail recover" in world.notes.read("last_run")["failures"][0]


def recovered(world: RestoredWorld) -> None:
    world.recovery().apply("recover-1")
    world.settle()
    world.assert_complete()


def leave_an_orphan_after_writing(world: RestoredWorld, arn: str) -> None:
    world.write(arn, "right", 3)
    leave_an_orphan(world)
