"""What segments owe to each way of alerts: found once in a call, page by page, and noted as it leaves.

Rules
- Oldest first. Each row is read once in a call, whichever ways go over it.
- A row is noted only where something is new: what a way has taken while another one has not, or that nothing is owed.

Called by `tabletrail.alert`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.ports import Clock, Segments

PAGE = 50
"""Rows looked up at once."""


@dataclass(slots=True)
class Owed:
    """One segment that is due. `taken`: by way, how many of its alerts, in the order of lines, left."""

    row: SegmentRow
    taken: dict[str, int]
    is_done: bool = False
    is_damaged: bool = False


class Owing:
    """`names` are the ways that there are."""

    def __init__(self, segments: Segments, clock: Clock, names: Sequence[str]) -> None:
        self._segments, self._clock, self._names = segments, clock, names
        self.seen: list[Owed] = []
        self._is_all = False

    def __iter__(self) -> Iterator[Owed]:
        """All of them, as far as anybody asks."""
        number = 0
        while number < len(self.seen) or self._found_more():
            yield self.seen[number]
            number += 1

    def to(self, name: str) -> Iterator[Owed]:
        """Those that owe something to this way, without the damaged ones."""
        return (owed for owed in self if owed.taken[name] < owed.row.alerts and not owed.is_damaged)

    def note(self, owed: Owed) -> None:
        """Durable on return. Takes it off if it owes nothing to any way."""
        row = owed.row
        if owed.is_done:
            return
        if all(count >= row.alerts for count in owed.taken.values()):
            self._segments.mark_alerted(row.segment_id, int(self._clock.now()))
            owed.is_done = True
            return
        progress = tuple(sorted((name, count) for name, count in owed.taken.items() if count))
        if progress and progress != self._noted(row):
            self._segments.note_alerted(row.segment_id, progress)

    def count_done(self) -> int:
        return sum(owed.is_done for owed in self.seen)

    def count_waiting(self) -> int:
        return sum(not owed.is_done and not owed.is_damaged for owed in self.seen)

    def _noted(self, row: SegmentRow) -> tuple[tuple[str, int], ...]:
        return tuple(sorted((name, count) for name, count in row.alerted_to if name in self._names and count))

    def _found_more(self) -> bool:
        """One more page of them, if there is one that holds any."""
        if self._is_all:
            return False
        last = self.seen[-1].row if self.seen else None
        place = (last.committed_at, last.segment_id) if last else None
        rows = self._segments.unalerted(PAGE, place)
        self._is_all = len(rows) < PAGE
        for row in rows:
            noted = dict(row.alerted_to)
            self.seen.append(Owed(row, {name: noted.get(name, 0) for name in self._names}))
        return bool(rows)
