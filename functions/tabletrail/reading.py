"""Step 1 of the commit protocol: read pages of one shard, within bounds.

Rules
- Resume from the kept iterator while it is young enough, else behind the last committed record, else at the trim
  horizon. Never at LATEST.
- Records at or before the committed position are discarded, compared as numbers: a reader may see a page twice.
- Stop at the shard's end, at the bounds of the cycle, at the deadline, or when the walk over empty pages has had its
  allowance. What was read before a failure counts; the next run goes on from the last good iterator.
- A trimmed or vanished range is reported, never skipped in silence, and reported once: until something was read behind
  a gap, what else the stream forgets there is part of it. Any other error is a failure of this shard alone.
- A shard whose end was seen is not read again: all of it is committed, and only its children are asked for.

Called by `tabletrail.capture`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.change import seconds_of
from tabletrail.core.checkpoint import ShardRow, ShardStatus, is_after
from tabletrail.core.document import SEQUENCE_DIGITS
from tabletrail.core.walk import allowance, debt_after, debt_at_horizon, may_have_lost
from tabletrail.deadline import Deadline
from tabletrail.errors import (
    EntryError,
    IteratorExpiredError,
    ShardGoneError,
    TabletrailError,
    TransientError,
    TrimmedError,
)
from tabletrail.ports import Clock, Page, StreamReader
from tabletrail.settings import Settings


class CycleBudget:
    """Records and bytes that one segment may hold; shared by the threads that read a group's shards.

    A page is asked for only while something is left, so a cycle overshoots by at most one page a thread.
    """

    def __init__(self, records: int, size: int) -> None:
        self._records = records
        self._size = size
        self._lock = threading.Lock()

    def is_spent(self) -> bool:
        with self._lock:
            return self._records <= 0 or self._size <= 0

    def take(self, page: Page) -> None:
        with self._lock:
            self._records -= len(page.records)
            self._size -= page.size


@dataclass(slots=True)
class ShardRead:
    """What one cycle read of one shard. `records` are new ones in stream order."""

    row: ShardRow
    records: list[dict[str, Any]] = field(default_factory=list)
    iterator: str | None = None
    iterator_obtained_at: int = 0
    walk_debt: int = 0
    quiet_pages: int = 0
    """Empty pages that it may cost without a debt: so many for each minute since its place was kept."""
    pages: int = 0
    is_ended: bool = False
    has_more: bool = False
    """The cycle's bounds stopped it while records were coming."""
    gap: str = ""
    """Empty, or why records may be lost: `trimmed` or `vanished`."""
    restarts_at_horizon: bool = False
    failure: str = ""
    """Empty, or the error's class: this shard is tried again by the next run."""
    is_left_out: bool = False
    """Its records cannot be converted now, for the reason in `failure`: nothing of it is committed."""
    trouble: str = ""
    """Empty, or what a person should hear of although the records were converted."""


@dataclass(frozen=True, slots=True)
class ShardReader:
    """Reads one shard after the other for one cycle; safe to be called from several threads."""

    stream: StreamReader
    clock: Clock
    settings: Settings
    budget: CycleBudget
    deadline: Deadline

    def read(self, row: ShardRow) -> ShardRead:
        """Never raises a tabletrail error: what went wrong is part of the result."""
        result = ShardRead(row, walk_debt=row.walk_debt, restarts_at_horizon=row.resume_at_horizon)
        result.quiet_pages = self.settings.empty_pages
        if row.status is ShardStatus.CLOSED:
            result.is_ended, result.iterator_obtained_at = True, row.iterator_obtained_at
            return result
        try:
            self._open(result)
            self._walk(result)
        except TrimmedError:
            self._restart_behind_gap(result)
        except ShardGoneError:
            result.gap, result.is_ended, result.iterator = "vanished", True, None
        except TabletrailError as error:
            result.failure = type(error).__name__
        if result.gap == "trimmed" and not result.pages:
            self._leave_at_gap(result)
        return result

    def _open(self, result: ShardRead) -> None:
        row = result.row
        age = self.clock.now() - row.iterator_obtained_at
        if row.iterator is not None and age < self.settings.iterator_seconds:
            result.iterator, result.iterator_obtained_at = row.iterator, row.iterator_obtained_at
            result.quiet_pages = max(1, round(age / 60)) * self.settings.empty_pages
        else:
            self._reposition(result)

    def _reposition(self, result: ShardRead) -> None:
        """A new iterator at the last record read, or at the horizon. What lies between it and the present has to be
        walked again."""
        row = result.row
        position = _position(result)
        if result.restarts_at_horizon and not result.records:
            position = None
        now = self.clock.now()
        result.iterator = None
        result.iterator = self.stream.iterator_after(row.stream_arn, row.shard_id, position)
        result.iterator_obtained_at = int(now)
        if position is not None:
            seen = record_time(result.records[-1]) if result.records else row.last_record_at
            result.walk_debt = max(result.walk_debt, debt_after(seen, now))
        else:
            result.walk_debt = debt_at_horizon(row, now)
            # No error tells that records before the horizon were lost: there is no position that could be trimmed.
            if may_have_lost(row, now):
                result.gap = "trimmed"

    def _walk(self, result: ShardRead) -> None:
        allowed = allowance(result.walk_debt, result.quiet_pages, self.settings.walk_pages)
        empty = 0
        while not self.deadline.passed():
            if self.budget.is_spent():
                result.has_more = True
                return
            page = self._page(result)
            if page.records:
                self._take(page, result)
                empty, allowed = 0, allowance(result.walk_debt, 1, self.settings.walk_pages)
            else:
                empty += 1
                result.walk_debt = max(0, result.walk_debt - 1)
            if page.next_iterator is None:
                result.is_ended, result.iterator = True, None
                return
            if empty >= allowed:
                return
        result.has_more = True

    def _page(self, result: ShardRead) -> Page:
        asked_at = int(self.clock.now())
        try:
            page = self.stream.read(_held(result.iterator))
        except IteratorExpiredError:
            self._reposition(result)
            page = self.stream.read(_held(result.iterator))
        result.pages += 1
        result.iterator, result.iterator_obtained_at = page.next_iterator, asked_at
        self.budget.take(page)
        return page

    def _take(self, page: Page, result: ShardRead) -> None:
        position = _position(result)
        result.records += [record for record in page.records if is_new(record, position)]
        created = record_time(page.records[-1])
        if created:
            result.walk_debt = debt_after(created, self.clock.now())

    def _restart_behind_gap(self, result: ShardRead) -> None:
        """The position is trimmed. A loss is possible unless the shard was seen at the present since; an iterator that
        was trimmed itself had fallen behind."""
        row, now = result.row, self.clock.now()
        was_held = result.iterator is not None
        result.iterator, result.has_more = None, True
        if result.records:
            return  # commit these first; the next cycle meets the gap again, with nothing else to say
        is_said = result.restarts_at_horizon and not row.iterator_obtained_at
        result.restarts_at_horizon = True
        if is_said:
            result.iterator_obtained_at, result.walk_debt, result.has_more = 0, row.walk_debt, False
        elif was_held or not row.iterator_obtained_at or may_have_lost(row, now):
            result.gap = "trimmed"
        else:
            result.iterator_obtained_at, result.walk_debt = row.iterator_obtained_at, row.walk_debt
            result.has_more = not row.resume_at_horizon

    def _leave_at_gap(self, result: ShardRead) -> None:
        """The gap is said and nothing behind it was read: whatever else is lost until then is part of it."""
        result.restarts_at_horizon = True
        # From the horizon on there may be a whole day's empty pages.
        result.iterator, result.iterator_obtained_at, result.walk_debt = None, 0, debt_after(0, self.clock.now())


def is_new(record: dict[str, Any], position: str | None) -> bool:
    """False if the record lies at or before `position`. A record without a usable number is new: never drop it."""
    number = sequence_of(record)
    return number is None or is_after(number, position)


def sequence_of(record: dict[str, Any]) -> str | None:
    """The record's sequence number if it has a usable one, as its entry will have it."""
    try:
        number = record["dynamodb"]["SequenceNumber"]
    except (KeyError, TypeError):
        return None
    is_usable = isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= SEQUENCE_DIGITS
    return number if is_usable else None


def record_time(record: dict[str, Any]) -> int:
    """ApproximateCreationDateTime in whole seconds, 0 if the record has none that its entry could have.

    It goes into the shard's row: a number that DynamoDB cannot hold would stop the shard for good.
    """
    try:
        return seconds_of(record["dynamodb"])
    except (KeyError, TypeError, AttributeError, EntryError):
        return 0


def _position(result: ShardRead) -> str | None:
    """Of the last record read in this cycle, or the committed one."""
    for record in reversed(result.records):
        number = sequence_of(record)
        if number is not None:
            return number
    return result.row.sequence_no


def _held(iterator: str | None) -> str:
    if iterator is None:
        raise TransientError("no iterator is held: the shard is read again by the next run")
    return iterator
