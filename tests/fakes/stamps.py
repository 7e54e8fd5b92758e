"""The stamps of the four tables, the log's listing and a recovery's rows in memory.

`TablesMark` is what is durable: a table that is made anew or restored gets another id, as the service gives it one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from tabletrail.core.checkpoint import SegmentRow, ShardRow
from tabletrail.core.stamps import TABLES, Stamp, Stamped
from tabletrail.ports import Clock, Logged
from tests.fakes.checkpoints import Rows
from tests.fakes.segments import FakeSegmentStore

_ids = itertools.count(1)


def new_table_id() -> str:
    return f"table-{next(_ids)}"


@dataclass
class TablesMark:
    """By table: its stamp, and the id that it got when it was made."""

    stamps: dict[str, Stamp] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=lambda: {table: new_table_id() for table in TABLES})


@dataclass
class FakeStamps:
    """`Stamps` over `mark`."""

    mark: TablesMark

    def read(self) -> Stamped:
        return Stamped({table: self.mark.stamps.get(table) for table in TABLES}, dict(self.mark.ids))

    def write(self, before: Stamped, stamp: Stamp) -> bool:
        for table in TABLES:
            expected, found = before.stamps[table], self.mark.stamps.get(table)
            if (expected and expected.number) != (found and found.number):
                return False
        self.mark.stamps.update(dict.fromkeys(TABLES, stamp))
        return True


@dataclass
class FakeListing:
    """`LogListing` over a store. `calls` counts those of `keys`."""

    store: FakeSegmentStore
    clock: Clock
    calls: int = 0

    def keys(self, after: str, limit: int) -> list[str]:
        self.calls += 1
        return [key for key in sorted(self.store.objects) if key > after][:limit]

    def written(self, after: str) -> Iterator[Logged]:
        for key in sorted(self.store.objects):
            if key > after:
                yield Logged(key, "", self.store.written_at.get(key, 0))

    def objects(self) -> Iterator[Logged]:
        for key in sorted(self.store.objects):
            version_id, _ = self.store.objects[key]
            yield Logged(key, version_id, self.store.written_at.get(key, 0))


@dataclass
class FakeRecoveredRows:
    """`RecoveredRows` over `rows`."""

    rows: Rows
    clock: Clock

    def segments(self, segment_ids: Sequence[str]) -> dict[str, SegmentRow]:
        return {one: self.rows.segments[one] for one in segment_ids if one in self.rows.segments}

    def put_segment(self, row: SegmentRow) -> None:
        self.rows.segments.setdefault(row.segment_id, replace(row, indexed_at=0))

    def put_shard(self, before: ShardRow | None, after: ShardRow) -> bool:
        found = self.rows.shards.get(after.key)
        if (before.version if before else None) != (found.version if found else None):
            return False
        self.rows.store_shard(after, self.clock.now())
        return True
