"""The durable state of the real code, over fakes, as a state of the model.

Of one stream: its shards in the order in which the world made them, records numbered within their shard. What has no
place in the model's state is checked on the way: links name what their lines hold, an object has the bytes that its
row's hash names.

Called by `tests.model.following`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.checkpoint import Commit, SegmentRow, ShardRow, ShardStatus
from tabletrail.core.lineage import is_stand_in
from tabletrail.core.segment import Line, read
from tabletrail.errors import ObjectMissingError
from tests.faults.world import World
from tests.model.sizes import (
    CLOSED,
    NO_GAP,
    OPEN,
    PROCESSED,
    TRIMMED,
    VANISHED,
    Content,
    Link,
    Row,
    Segment,
    Sizes,
    State,
)

STATUS = {ShardStatus.OPEN: OPEN, ShardStatus.CLOSED: CLOSED, ShardStatus.CLOSED_AND_PROCESSED: PROCESSED}
Entry = dict[str, Any]
FOREIGN = 1 << 100_000
"""Stands for documents in the index that no committed segment holds."""


@dataclass
class Lineage:
    """The shards of a stream that ever were, by name: also those that the stream forgot."""

    parents: dict[str, str | None] = field(default_factory=dict)

    def number(self, shard_id: str | None) -> int:
        return -1 if shard_id is None else list(self.parents).index(shard_id)


@dataclass
class View:
    """Looks at one stream of a world."""

    world: World
    stream_arn: str
    lineage: Lineage
    _read: dict[str, tuple[bytes, list[Entry]]] = field(default_factory=dict)
    """Entries of bodies that were read before: they are read again only if the bytes are others."""
    _told: dict[str, int] = field(default_factory=dict)
    """By commit, the shards (bits) that there were when a gap of the stream was first seen: it tells of no others."""

    def sizes(self) -> Sizes:
        parents = tuple(self.lineage.number(parent) for parent in self.lineage.parents.values())
        records = tuple(len(self.world.written[self.stream_arn, shard]) for shard in self.lineage.parents)
        return Sizes("the real code", parents, records, trims=True, indexes=True)

    def state(self) -> State:
        log = tuple(self._segment(commit) for commit in self._commits())
        full, parked = self._index(log)
        return (self._rows(), self._trimmed(), log, full, parked, (), 0, (), (0,), ())

    def row(self, row: ShardRow) -> Row:
        position = self._number(row.shard_id, row.sequence_no) + 1 if row.sequence_no else 0
        is_said = is_stand_in(row) or (STATUS[row.status] != PROCESSED and not row.iterator_obtained_at)
        return (position, STATUS[row.status], int(row.parent_processed), int(is_said), int(row.resume_at_horizon))

    def content(self, commit: Commit) -> Content:
        """What a commit's object holds of this stream, line by line, or nothing if its bytes are not the row's."""
        assert commit.segment is not None
        before = {move.before.shard_id: self.row(move.before)[0] for move in commit.moves}
        numbers: dict[str, list[int]] = defaultdict(list)
        gaps: dict[str, str] = {}
        for entry in self._entries(commit.segment):
            stream, kind = entry["stream"], entry["tabletrail"]["kind"]
            if stream["arn"] != self.stream_arn:
                continue
            if kind == "gap":
                gaps[stream.get("shard", "")] = entry["tabletrail"]["gap"]["reason"]
            elif kind in ("change", "unreadable"):
                numbers[stream["shard"]].append(self._number(stream["shard"], stream["sequence"]))
        found = [
            link
            for shard, position in before.items()
            for link in self._links(shard, position, numbers.get(shard, []), gaps.pop(shard, ""))
        ]
        if "" in gaps:
            of_that_time = self._told.setdefault(commit.token, (1 << len(self.lineage.parents)) - 1)
            found.append((len(self.lineage.parents), of_that_time, 0, 0, TRIMMED))
            del gaps[""]
        assert not gaps, "a gap entry of a shard that the commit does not move"
        return tuple(sorted(found))

    def _links(self, shard_id: str, position: int, numbers: list[int], gap: str) -> list[Link]:
        """What vanished lies behind the records that were read with it: a link of its own."""
        shard = self.lineage.number(shard_id)
        first, end = (numbers[0], numbers[-1] + 1) if numbers else (position, position)
        assert numbers == list(range(first, end)), f"{shard_id}: a record is left out, doubled or out of order"
        if gap == "vanished":
            vanished = [(shard, end, end, end, VANISHED)]
            return [(shard, position, first, end, NO_GAP), *vanished] if numbers else vanished
        return [(shard, position, first, end, TRIMMED if gap else NO_GAP)] if gap or numbers else []

    def _commits(self) -> list[Commit]:
        return [commit for commit in self.world.rows.commits if commit.segment is not None]

    def _segment(self, commit: Commit) -> Segment:
        assert commit.segment is not None
        now = self.world.rows.segments[commit.segment.segment_id]
        content = self.content(commit)
        is_whole = self._body(commit.segment) is not None and now.sha256 == commit.segment.sha256
        return (content, content if is_whole else ((-1, 0, 0, 0, 0),), int(bool(now.indexed_at)))

    def _body(self, segment: SegmentRow) -> bytes | None:
        try:
            body = self.world.store.get(segment.key, segment.version_id)
        except ObjectMissingError:
            return None
        return body if hashlib.sha256(body).hexdigest() == segment.sha256 else None

    def _entries(self, segment: SegmentRow) -> list[Entry]:
        body = self._body(segment)
        if body is None:
            return []
        if self._read.get(segment.segment_id, (b"", []))[0] != body:
            entries = [line.entry for line in read(body) if isinstance(line, Line)]
            self._read[segment.segment_id] = (body, entries)
        return self._read[segment.segment_id][1]

    def _number(self, shard_id: str, sequence_no: str) -> int:
        return self.world.written[self.stream_arn, shard_id].index(sequence_no)

    def _rows(self) -> tuple[Row | None, ...]:
        found = {key.shard_id: row for key, row in self.world.rows.shards.items() if key.stream_arn == self.stream_arn}
        return tuple(self.row(found[shard]) if shard in found else None for shard in self.lineage.parents)

    def _trimmed(self) -> tuple[int, ...]:
        there = self.world.stream.streams[self.stream_arn].shards
        return tuple(
            sum(slot is not None for slot in there[shard].slots[: there[shard].trimmed])
            if shard in there
            else len(self.world.written[self.stream_arn, shard]) + 1
            for shard in self.lineage.parents
        )

    def _index(self, log: tuple[Segment, ...]) -> tuple[int, int]:
        """Bits of the entries that lie in the index, whole and reduced."""
        bits: dict[str, int] = {}
        sizes = self.sizes()
        for number, commit in enumerate(self._commits()):
            assert commit.segment is not None
            for entry in self._entries(commit.segment):
                bits[entry["event"]["id"]] = self._bit(sizes, entry, number)
        full = parked = 0
        for id_, document in self.world.index.documents().items():
            if document["tabletrail"]["kind"] == "parked":
                parked |= bits.get(id_, FOREIGN)
            else:
                full |= bits.get(id_, FOREIGN)
        return full, parked

    def _bit(self, sizes: Sizes, entry: Entry, number: int) -> int:
        stream, kind = entry["stream"], entry["tabletrail"]["kind"]
        if stream["arn"] != self.stream_arn or kind not in ("change", "unreadable", "gap"):
            return 0
        shard = self.lineage.number(stream["shard"]) if stream.get("shard") else len(sizes.parents)
        if kind == "gap":
            return sizes.bits(((shard, 0, 0, 0, TRIMMED),), number)
        record = self._number(stream["shard"], stream["sequence"])
        return sizes.bits(((shard, record, record, record + 1, NO_GAP),), number)
