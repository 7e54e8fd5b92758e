"""The segments' rows and objects in memory.

`FakeSegments` shares `Rows` with `FakeCheckpoints`: a row is there by a commit and by nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.errors import ObjectExistsError, ObjectMissingError, TabletrailError
from tabletrail.ports import Clock, SegmentPlace
from tests.fakes.checkpoints import Rows

COUNT_LIMIT = 10_000
OLDEST = 1_000


class FakeSegments:
    """`Segments` over `rows`."""

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows, self._clock = rows, clock

    def get(self, segment_id: str) -> SegmentRow | None:
        return self._rows.segments.get(segment_id)

    def waiting(self, before: int, limit: int, after: SegmentPlace | None = None) -> list[SegmentRow]:
        rows = [row for row in self._waiting() if row.committed_at < before]
        return [row for row in rows if after is None or (row.committed_at, row.segment_id) > after][:limit]

    def count_waiting(self) -> tuple[int, int]:
        rows = self._waiting()
        return min(len(rows), COUNT_LIMIT), rows[0].committed_at if rows else 0

    def waiting_indices(self) -> frozenset[str]:
        return frozenset(index for row in self._waiting()[:OLDEST] for index in row.indices)

    def mark_indexed(self, segment_id: str, at: int, parked: int) -> None:
        if segment_id not in self._rows.segments:
            raise TabletrailError(f"segment {segment_id} has no row")
        row = self._rows.segments[segment_id]
        self._rows.segments[segment_id] = replace(row, indexed_at=at, parked=parked)

    def _waiting(self) -> list[SegmentRow]:
        seen = self._clock.now() - self._rows.lag
        rows = [row for row in self._rows.segments.values() if not row.indexed_at]
        if self._rows.lag:
            rows = [row for row in rows if row.committed_at <= seen]
        return sorted(rows, key=lambda row: (row.committed_at, row.segment_id))


@dataclass
class FakeSegmentStore:
    """`SegmentStore`. `objects` is what is durable: by key, its version id and bytes. Nothing is ever replaced.

    With a clock, `written_at` says when each was put: what a listing shows.
    """

    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    clock: Clock | None = None
    written_at: dict[str, int] = field(default_factory=dict)

    def put(self, key: str, body: bytes) -> str:
        if key in self.objects:
            raise ObjectExistsError(f"{key} is taken")
        version_id = f"v{len(self.objects) + 1}"
        self.objects[key] = (version_id, body)
        self.written_at[key] = int(self.clock.now()) if self.clock else 0
        return version_id

    def get(self, key: str, version_id: str) -> bytes:
        found = self.objects.get(key)
        if found is None or found[0] != version_id:
            raise ObjectMissingError(f"no object at {key}, version {version_id}")
        return found[1]
