"""IndexSegments: committed segments that are not indexed yet, oldest first, at a bounded rate.

Rules
- It finds its work by the rows alone, never by listing the bucket.
- A segment whose bytes are not what its row says is not indexed: it is damage, named in the result and in the next
  run's report, for a person.
- A segment is marked when each of its entries is stored, was there, or is parked.
- What an index refused while it accepted nothing is offered once more at the call's end, if it accepted something by
  then.

Called by `handlers.index_segments`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.segment import Line, read
from tabletrail.deadline import Deadline
from tabletrail.errors import ObjectMissingError, SegmentError, TabletrailError
from tabletrail.index import INDEX_RESERVE_SECONDS, Document, Indexer, Offered
from tabletrail.ports import Clock, Leases, RunNotes, Segments, SegmentStore
from tabletrail.report import BACKLOG_NOTE
from tabletrail.settings import Settings

LEASE = "index_backlog"


@dataclass(slots=True)
class BacklogResult:
    """Counts of one call. `acquired` is false where another run is at work."""

    acquired: bool = False
    more: bool = False
    segments: int = 0
    entries: int = 0
    parked: int = 0
    waiting: int = 0
    damaged: list[str] = field(default_factory=list)
    """Segment ids whose object is missing or altered, at most 20."""
    trouble: str = ""

    def add(self, earlier: Mapping[str, Any]) -> None:
        for name in ("segments", "entries", "parked"):
            setattr(self, name, getattr(self, name) + int(earlier.get(name, 0)))
        self.damaged = sorted({*self.damaged, *earlier.get("damaged", ())})[:20]


@dataclass(slots=True)
class Backlog:
    """One call's work. Make a new one for each call."""

    segments: Segments
    store: SegmentStore
    indexer: Indexer
    leases: Leases
    notes: RunNotes
    clock: Clock
    settings: Settings
    result: BacklogResult = field(default_factory=BacklogResult)

    def run(self, owner: str) -> BacklogResult:
        """Frees the lease at its end, whatever happened. `more` asks for another call at once."""
        now = int(self.clock.now())
        if not self.leases.acquire(LEASE, owner, self.settings.lease_seconds, now):
            return self.result
        self.result.acquired = True
        try:
            self._drain(Deadline.after(self.clock, self.settings.function_seconds - INDEX_RESERVE_SECONDS))
            self._leave_note()
        except TabletrailError as error:
            self.result.trouble = type(error).__name__
        finally:
            self.leases.release(LEASE, owner)
        return self.result

    def _leave_note(self) -> None:
        """For the report and `status`; written only when it differs, so that a quiet minute costs no write."""
        facts = {"damaged": self.result.damaged, "trouble": self.result.trouble}
        if facts != (self.notes.read(BACKLOG_NOTE) or {"damaged": [], "trouble": ""}):
            self.notes.write(BACKLOG_NOTE, facts)

    def _drain(self, deadline: Deadline) -> None:
        before = int(self.clock.now()) - self.settings.backlog_delay_seconds
        rows = self.segments.waiting(before, self.settings.backlog_segments)
        self.indexer.deadline = deadline
        refused: list[SegmentRow] = []
        """Without their documents, which are read again: a whole backlog of them is more than the memory holds."""
        for batch in _batches(rows, self.settings.bulk_bytes):
            if deadline.passed() or self.indexer.breaker.is_open():
                break
            refused += self._offer(batch)
        for row in refused:
            if not deadline.passed() and self.indexer.accepted & set(row.indices):
                self._offer([row])
        is_cut_off = deadline.passed() or len(rows) == self.settings.backlog_segments
        self.result.more = self.result.segments > 0 and is_cut_off

    def _documents(self, row: SegmentRow) -> list[Document] | None:
        """None, and a note, where the log is damaged."""
        try:
            body = self.store.get(row.key, row.version_id)
            if hashlib.sha256(body).hexdigest() != row.sha256:
                raise SegmentError("the object's hash is not the committed one")
            lines = [line for line in read(body) if isinstance(line, Line)]
            return [Document(row.segment_id, line.id, line.index, line.document) for line in lines]
        except (ObjectMissingError, SegmentError):
            self.result.damaged = [*self.result.damaged, row.segment_id][:20]
            return None

    def _offer(self, rows: Sequence[SegmentRow]) -> list[SegmentRow]:
        """Offers whole segments and marks those that are complete; returns the others, without the damaged ones."""
        work = [(row, documents) for row in rows if (documents := self._documents(row)) is not None]
        offered = self.indexer.offer([document for _, documents in work for document in documents])
        left = []
        self.result.waiting = 0
        for row, documents in work:
            if offered.waiting.get(row.segment_id):
                left.append(row)
                self.result.waiting += len(documents)
            else:
                self._mark(row, len(documents), offered)
        self.result.trouble = offered.trouble
        return left

    def _mark(self, row: SegmentRow, entries: int, offered: Offered) -> None:
        parked = offered.parked.get(row.segment_id, 0)
        self.segments.mark_indexed(row.segment_id, int(self.clock.now()), parked)
        self.result.segments += 1
        self.result.entries += entries
        self.result.parked += parked


def _batches(rows: Sequence[SegmentRow], size: int) -> Iterator[list[SegmentRow]]:
    """Neighbours whose compressed objects together stay under a fifth of `size`: about one bulk request's worth."""
    batch: list[SegmentRow] = []
    held = 0
    for row in rows:
        if batch and held + row.size > size // 5:
            yield batch
            batch, held = [], 0
        batch.append(row)
        held += row.size
    if batch:
        yield batch
