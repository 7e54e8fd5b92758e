"""One shard: its records, the empty pages between them, its end.

Rules
- Sequence numbers rise; a record is trimmed once it is as old as the retention, whatever the place of its readers.
- A run of empty pages lies before the record of its index, or at the tip.
- A closed shard's last page says that nothing follows, and may hold records.

Called by `streams`, `api` and `laboratory`; no one else changes a shard.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from tabletrail_lab.errors import invalid, trimmed
from tabletrail_lab.iterators import Position

PAGE_RECORDS = 1_000
PAGE_BYTES = 1_048_576
"""GetRecords gives at most 1 MB a page."""
_FREED = b""


class Shard:
    """`low` to `high` (exclusive) are the virtual partitions that it covers while it is open."""

    def __init__(
        self, shard_id: str, ordinal: int, parent: Shard | None, covers: tuple[int, int], starting: int, at: float
    ) -> None:
        self.shard_id, self.ordinal, self.parent = shard_id, ordinal, parent
        self.low, self.high = covers
        self.starting, self.opened_at = starting, at
        self.ending: int | None = None
        self.closed_at: float | None = None
        self.vanished_at: float | None = None
        self.children: list[Shard] = []
        self.numbers: list[int] = []
        self.written = array("d")
        self.empty_pages: dict[int, int] = {}
        self.quiet_pages = 0
        """Empty pages that will stand before the next record, and cannot be seen until it is written."""
        self.hidden_calls = 0
        """DescribeStream calls that will not list it yet."""
        self.was_listed = False
        self.read_to = 0
        """The furthest that anybody has read: records."""
        self._records: list[bytes] = []
        self._freed = 0

    @property
    def count(self) -> int:
        """Records ever written."""
        return len(self.numbers)

    @property
    def is_open(self) -> bool:
        return self.ending is None

    def append(self, record: bytes, number: int, at: float) -> int:
        """Writes a record; returns its index."""
        index = len(self.numbers)
        if self.quiet_pages:
            self.empty_pages[index] = self.empty_pages.get(index, 0) + self.quiet_pages
            self.quiet_pages = 0
        self._records.append(record)
        self.numbers.append(number)
        self.written.append(max(at, self.written[-1]) if index else at)
        return index

    def close(self, ending: int, at: float) -> None:
        self.ending, self.closed_at = ending, at

    def add_empty_pages(self, count: int, index: int) -> None:
        """`index` records lie before the run."""
        self.empty_pages[index] = self.empty_pages.get(index, 0) + count

    def horizon(self, oldest: float) -> int:
        """How many records are trimmed, when those up to `oldest` are; their content is forgotten."""
        index = bisect_right(self.written, oldest)
        for freed in range(self._freed, index):
            self._records[freed] = _FREED
            self.empty_pages.pop(freed, None)
        self._freed = max(self._freed, index)
        return index

    def record(self, index: int) -> bytes:
        """Empty if it is trimmed."""
        return self._records[index]

    def tip(self) -> Position:
        return Position(self.count, self.empty_pages.get(self.count, 0))

    def position(self, number: int, after: bool, horizon: int) -> Position:
        """Behind or at a sequence number. Trimmed if that record is; invalid if the number is none of this shard's."""
        if number < self.starting or (horizon and number <= self.numbers[horizon - 1]):
            raise trimmed()
        last = self.ending if self.ending is not None else self.numbers[-1] if self.numbers else self.starting
        if number > last:
            raise invalid("Invalid SequenceNumber: it lies behind the shard's last record")
        return Position(bisect_right(self.numbers, number) if after else bisect_left(self.numbers, number))

    def page(self, at: Position, limit: int, horizon: int) -> tuple[list[bytes], Position | None]:
        """The page there and the position behind it, None at the shard's end. Trimmed if its first record is."""
        index, empties = at
        if index < horizon:
            raise trimmed()
        waiting = self.empty_pages.get(index, 0)
        if empties < waiting:
            return [], self._behind(Position(index, empties + 1))
        end, size = index, 0
        most = min(self.count, index + limit)
        while end < most:
            size += len(self._records[end])
            if end > index and (size > PAGE_BYTES or end in self.empty_pages):
                break
            end += 1
        if end == index:  # the tip: the empty pages that were passed stay passed
            return [], self._behind(Position(index, waiting))
        return self._records[index:end], self._behind(Position(end, 0))

    def _behind(self, position: Position) -> Position | None:
        at_end = position.record >= self.count and position.empties >= self.empty_pages.get(self.count, 0)
        return None if at_end and not self.is_open else position

    def is_gone(self, forget_before: float) -> bool:
        """Whether the service has forgotten it: it vanished, or it closed so long ago."""
        return self.vanished_at is not None or (self.closed_at is not None and self.closed_at <= forget_before)
