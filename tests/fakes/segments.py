"""The segments' rows and objects in memory.

`FakeSegments` shares `Rows` with `FakeCheckpoints`: a row is there by a commit and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
        self._mark(segment_id, indexed_at=at, parked=parked)

    def unalerted(self, limit: int, after: SegmentPlace | None = None) -> list[SegmentRow]:
        rows = self._unalerted()
        return [row for row in rows if after is None or (row.committed_at, row.segment_id) > after][:limit]

    def count_unalerted(self) -> tuple[int, int]:
        rows = self._unalerted()
        return min(len(rows), COUNT_LIMIT), rows[0].committed_at if rows else 0

    def note_alerted(self, segment_id: str, taken: Sequence[tuple[str, int]]) -> None:
        self._mark(segment_id, alerted_to=tuple(taken))

    def mark_alerted(self, segment_id: str, at: int) -> None:
        self._mark(segment_id, alerted_at=at, alerted_to=())

    def _mark(self, segment_id: str, **values: Any) -> None:
        if segment_id not in self._rows.segments:
            raise TabletrailError(f"segment {segment_id} has no row")
        self._rows.segments[segment_id] = replace(self._rows.segments[segment_id], **values)

    def _waiting(self) -> list[SegmentRow]:
        return self._seen(row for row in self._rows.segments.values() if not row.indexed_at)

    def _unalerted(self) -> list[SegmentRow]:
        return self._seen(row for row in self._rows.segments.values() if row.alerts and not row.alerted_at)

    def _seen(self, rows: Iterable[SegmentRow]) -> list[SegmentRow]:
        """Those that the index shows by now, in the order of commit."""
        seen = self._clock.now() - self._rows.lag
        shown = [row for row in rows if not self._rows.lag or row.committed_at <= seen]
        return sorted(shown, key=lambda row: (row.committed_at, row.segment_id))


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
