"""The contract-tested fakes, made for a million calls: the same answers, without a look at each row that ever was.

Rules
- Rows of a group, of a stream and waiting segments are found by sets that each write keeps up to date.
- The index over groups lags by `LAG` seconds, as the service's does; only what lies within the lag is remembered.
- Of a commit that took effect only its segment is kept, and its token for the ten minutes that it counts.
- The index keeps of each document what the last check compares: a digest, its sort keys, where its line lies.

Called by `soak_world`.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tabletrail.core.checkpoint import Commit, SegmentRow, ShardKey, ShardRow
from tabletrail.errors import TransientError
from tabletrail.ports import BulkReply
from tests.fakes.checkpoints import TOKEN_SECONDS, FakeCheckpoints, Rows
from tests.fakes.index import Document, FakeIndex
from tests.fakes.segments import FakeSegments

LAG = 1.0


class SegmentTable(dict[str, SegmentRow]):
    """`waiting` are those without a mark."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, SegmentRow] = {}

    def __setitem__(self, segment_id: str, row: SegmentRow) -> None:
        super().__setitem__(segment_id, row)
        if row.indexed_at:
            self.waiting.pop(segment_id, None)
        else:
            self.waiting[segment_id] = row


@dataclass
class SoakRows(Rows):
    """`Rows` with its indexes. `segments` is a `SegmentTable`."""

    lag: float = LAG
    by_stream: dict[str, dict[str, ShardRow]] = field(default_factory=lambda: defaultdict(dict))
    members: dict[str, set[ShardKey]] = field(default_factory=lambda: defaultdict(set))
    """By group, the rows that are in it or were within the lag."""

    def __post_init__(self) -> None:
        self.segments = self.waiting = SegmentTable()

    def store_shard(self, row: ShardRow, now: float) -> None:
        self.shards[row.key] = self.by_stream[row.stream_arn][row.shard_id] = row
        seen = self.groups.setdefault(row.key, [])
        if not seen or seen[-1][1] != row.group_id:
            seen.append((now, row.group_id))
        if row.group_id is not None:
            self.members[row.group_id].add(row.key)
        while len(seen) > 1 and seen[1][0] <= now - self.lag:
            _, group_id = seen.pop(0)
            if group_id is not None and all(group_id != other for _, other in seen):
                self.members[group_id].discard(row.key)


class SoakCheckpoints(FakeCheckpoints):
    """`Checkpoints` over `SoakRows`."""

    _rows: SoakRows

    def group(self, group_id: str) -> list[ShardRow]:
        now = self._clock.now()
        keys = [key for key in self._rows.members[group_id] if self._rows.group_seen(key, now) == group_id]
        return [row for key in keys if (row := self._rows.shards[key]).group_id == group_id]

    def shards_of(self, stream_arn: str, shard_ids: Iterable[str] | None = None) -> list[ShardRow]:
        rows = self._rows.by_stream[stream_arn]
        if shard_ids is None:
            return list(rows.values())
        return [rows[shard_id] for shard_id in dict.fromkeys(shard_ids) if shard_id in rows]

    def extend_expiry(self, keys: Any, expires_at: int) -> None:
        for key in keys:
            if key in self._rows.shards:
                self._store(replace(self._rows.shards[key], expires_at=expires_at))

    def _apply(self, commit: Commit) -> None:
        super()._apply(commit)
        self._rows.commits[-1] = Commit(commit.token, commit.segment)
        tokens, now = self._rows.tokens, self._clock.now()
        while tokens:
            oldest = next(iter(tokens))
            if now - tokens[oldest][0] <= TOKEN_SECONDS:
                return
            del tokens[oldest]


class SoakSegments(FakeSegments):
    """`Segments` over `SoakRows`."""

    _rows: SoakRows

    def _waiting(self) -> list[SegmentRow]:
        seen = self._clock.now() - self._rows.lag
        rows = [row for row in self._rows.waiting.waiting.values() if row.committed_at <= seen]
        return sorted(rows, key=lambda row: (row.committed_at, row.segment_id))


@dataclass(frozen=True, slots=True)
class Kept:
    """What the last check needs of a document."""

    index: str
    digest: bytes
    timestamp: str
    sequence_key: str
    kind: str
    place: tuple[str, int]
    """The segment and the line where the whole entry lies."""
    item: tuple[str, str]
    """The stream and the item's key, empty where it has none."""


class SoakIndex(FakeIndex):
    """`EntryIndex` and `ReleaseKeeper`. `kept` is by id; `away`: the status that each request gets, 0: no
    reply; None: it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies = deque(maxlen=1)  # type: ignore[assignment]  # of a day's requests only the last is kept
        self.kept: dict[str, Kept] = {}
        self.twice: list[str] = []
        self.away: int | None = None

    def create(self, body: bytes) -> BulkReply:
        if self.away is None:
            return super().create(body)
        if not self.away:
            raise TransientError("no reply")
        return BulkReply(self.away, None)

    def _write(self, action: dict[str, Any], document: Document) -> tuple[int, str]:
        status, reason = super()._write(action, document)
        if status == 201:
            ((_, target),) = action.items()
            self.indices[target["_index"]][target["_id"]] = {}
            if target["_id"] in self.kept:
                self.twice.append(target["_id"])
            self.kept[target["_id"]] = kept_of(target["_index"], document)
        return status, reason


def kept_of(index: str, document: Document) -> Kept:
    item = json.dumps(document["item"]["key"], sort_keys=True) if "key" in document.get("item", {}) else ""
    return Kept(
        index=index,
        digest=hashlib.blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).digest(),
        timestamp=document["@timestamp"],
        sequence_key=document["event"].get("sequence_key", ""),
        kind=document["tabletrail"]["kind"],
        place=(document["log"]["segment"], document["log"]["line"]),
        item=(document.get("stream", {}).get("arn", ""), item),
    )


def committed(rows: Rows) -> Iterator[SegmentRow]:
    """The segments' rows as they were committed, in that order."""
    return (commit.segment for commit in rows.commits if commit.segment is not None)
