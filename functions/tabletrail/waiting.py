"""What waits to be indexed, in the order and the amount in which one call of IndexSegments offers it.

Rules
- Oldest first, at most so many segments a call.
- Where the call before met trouble, one segment goes alone, to show whether that is over: nothing more is read for a
  request that fails.
- An index that was blocked in the call before gets one segment to show that it is not. Segments that wait for blocked
  indices alone are passed over, so that they hold up no others.
- A call reads a bounded number of rows. So the place before which nothing but such segments waits is kept for the next
  call, which begins with the oldest all the same, to see whether they can go on.

Called by `tabletrail.backlog`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.index import Breaker
from tabletrail.ports import SegmentPlace, Segments

LOOKS = 2_000
"""Rows that a call reads at most to find work behind blocked indices: $0.0003 of consistent reads."""
BATCH_SEGMENTS = 50
"""Objects that are read for one offer: where each takes half a second, some are still indexed within a call."""
PASS_SECONDS = 300
"""This often at most all that waits is looked at again, though a place is kept: what comes into the index of waiting
rows late, or waits for an index that no newer segment needs, is not forgotten behind it."""


@dataclass(slots=True)
class Waiting:
    """One call's way through the waiting rows. `batch_bytes` bounds a batch, in bytes of compressed objects.

    `note` is what the call before left: `blocked` by index, and `place`.
    """

    segments: Segments
    breaker: Breaker
    note: Mapping[str, Any]
    now: int
    before: int
    """Younger segments are left alone; seconds."""
    limit: int
    """How many segments may be offered still."""
    batch_bytes: int
    looks: int = LOOKS
    is_through: bool = False
    """All that waits was seen."""
    _page: int = 0
    _suspects: set[str] = field(default_factory=set)
    """Blocked in the call before, and not tried yet in this one."""
    _is_first: bool = True
    _recovered: set[str] = field(default_factory=set)
    _seen: SegmentPlace | None = None
    _settled: SegmentPlace | None = None
    _is_gapless: bool = True
    """False from the first row on that waits for more than blocked indices: `_settled` moves no further."""
    _has_skipped: bool = False

    def __post_init__(self) -> None:
        self._page = self.limit
        self._suspects = set(self.note.get("blocked", ()))

    def batches(self) -> Iterator[list[SegmentRow]]:
        """Neighbours, each batch to be offered before the next is asked for.

        The first row of an index that was blocked goes alone: until its answer is known, the others of it wait here.
        """
        while self.limit > 0 and self.looks > 0 and not self.is_through:
            yield from self._batches()
        if self._is_gapless:
            self._settled = self._seen

    def _batches(self) -> Iterator[list[SegmentRow]]:
        batch: list[SegmentRow] = []
        held = 0
        for row in self._rows():
            tried = self._suspects.intersection(row.indices)
            goes_alone = bool(tried) or (self._is_first and "trouble" in self.note)
            self._is_first = False
            is_full = len(batch) == BATCH_SEGMENTS or held + row.size > self.batch_bytes
            if batch and (goes_alone or is_full):
                yield batch
                batch, held = [], 0
            if self._is_hopeless(row):
                continue
            batch.append(row)
            held += row.size
            if goes_alone:
                yield batch
                batch, held = [], 0
                self._suspects -= tried
                self._recovered |= {index for index in tried if not self.breaker.block_of(index)}
        if batch:
            yield batch

    def settle(self, batch: Sequence[SegmentRow], *, is_done: bool) -> None:
        """After the offer of a batch. `is_done`: each is marked, or damaged, or waits for blocked indices alone."""
        self._is_gapless = self._is_gapless and is_done
        if self._is_gapless:
            self._settled = (batch[-1].committed_at, batch[-1].segment_id)

    def untried(self) -> set[str]:
        """Indices that were blocked and may be still: what waits for them was passed over, or not reached."""
        return set() if self.is_through and not self._has_skipped else self._suspects

    def place(self) -> dict[str, Any]:
        """For the next call's note, where something is blocked; empty if it must look at everything."""
        if self._settled is None or self._recovered:
            return {}
        committed_at, segment_id = self._settled
        # The place that this call went by is as old as the look at everything that found it, however far it went on.
        kept = self.note["place"] if self._kept() else {"begun": self.now, "is_through": False}
        is_through = self.is_through or kept["is_through"]
        return {
            "committed_at": committed_at,
            "segment_id": segment_id,
            "begun": int(kept["begun"]),
            "is_through": is_through,
        }

    def _rows(self) -> Iterator[SegmentRow]:
        """Without those that wait for blocked indices alone, as far as that is known."""
        while self.limit > 0 and self.looks > 0:
            rows = self.segments.waiting(self.before, self._page, self._seen)
            for row in rows:
                if self.limit <= 0:
                    return
                self._seen = (row.committed_at, row.segment_id)
                self.looks -= 1
                if not self._is_hopeless(row) and self._is_due(row):
                    self.limit -= 1
                    yield row
            if len(rows) < self._page:
                self.is_through = True
                return
            kept = self._kept()
            if kept is not None and self._seen is not None and self._seen < kept:
                self._seen, self._has_skipped = kept, True

    def _kept(self) -> SegmentPlace | None:
        """The place that an earlier call kept, unless it is time to look again or an index recovered."""
        kept = self.note.get("place")
        if not kept or self._recovered:
            return None
        if kept["is_through"] and self.now - int(kept["begun"]) >= PASS_SECONDS:
            return None
        return (int(kept["committed_at"]), str(kept["segment_id"]))

    def _is_due(self, row: SegmentRow) -> bool:
        """Before the kept place: only what shows whether an index recovered, and damage that may be mended."""
        kept = self._kept()
        if kept is None or (row.committed_at, row.segment_id) > kept:
            return True
        return not self._suspects.isdisjoint(row.indices) or row.segment_id in self.note["damaged"]

    def _is_hopeless(self, row: SegmentRow) -> bool:
        return all(self.breaker.block_of(index) for index in row.indices)
