"""IndexSegments: committed segments that are not indexed yet, oldest first, at a bounded rate.

Rules
- It finds its work by the rows alone, never by listing the bucket.
- A segment whose bytes are not what its row says is not indexed: it is damage, named in the result and in the next
  run's report, for a person.
- A segment is marked when each of its entries is stored, was there, or is parked.
- What an index refused while it accepted nothing is offered once more at the call's end, if it accepted something by
  then. Where ReportRun found that the index is defined as this release defines it, a refusal is the document's own
  fault; where it found the contrary, the index counts as blocked.
- Which segments it offers, and what it passes over: `tabletrail.waiting`.
- Alerts that are due leave first, in a time of their own, whatever state OpenSearch is in (`tabletrail.alert`).

Called by `handlers.index_segments`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail.alert import Alerted, Alerter
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.segment import Line, read
from tabletrail.core.waits import is_refusal
from tabletrail.deadline import Deadline
from tabletrail.errors import ObjectMissingError, SegmentError, TabletrailError
from tabletrail.index import INDEX_RESERVE_SECONDS, Document, Indexer, Offered
from tabletrail.ports import Clock, Leases, RunNotes, Segments, SegmentStore
from tabletrail.report import BACKLOG_NOTE, DEFINITIONS_NOTE
from tabletrail.settings import Settings
from tabletrail.waiting import LOOKS, Waiting

LEASE = "index_backlog"
ALERT_SECONDS = 10
"""Of a call, for alerts."""
MOST_UNREAD = 20
"""Objects that a call may fail to read before it ends: more is the store's own trouble."""
FINDING_SECONDS = 300
"""How long ReportRun's word about an index counts: an index can be made anew, with another mapping."""


@dataclass(slots=True)
class BacklogResult:
    """Counts of one call. `acquired` is false where another run is at work."""

    acquired: bool = False
    more: bool = False
    segments: int = 0
    entries: int = 0
    parked: int = 0
    waiting: int = 0
    """Entries that were offered, or read to be offered, and still wait."""
    damaged: list[str] = field(default_factory=list)
    """Segment ids whose object is missing or altered, at most 20."""
    trouble: str = ""
    """Why something waits (see `core.waits`)."""
    alerts: int = 0
    """Alerts that left."""

    def add(self, earlier: Mapping[str, Any]) -> None:
        for name in ("segments", "entries", "parked", "alerts"):
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
    looks: int = LOOKS
    alerter: Alerter | None = None
    """None where alerts are not this one's work: in a benchmark, say."""
    _trouble: str = ""
    """Why something waits, where it is not the trouble of an index of its own."""
    _left: dict[str, int] = field(default_factory=dict)
    """By segment, how many of its entries wait."""
    _refused: dict[str, str] = field(default_factory=dict)
    """By index, why, where it refused all that it was offered."""
    _unread: int = 0
    """Objects that the store did not give, for a reason that may be theirs alone: a key of KMS, say."""
    _departing: set[str] = field(default_factory=set)
    """Indices that are defined otherwise than this release defines them."""

    def run(self, owner: str) -> BacklogResult:
        """Frees the lease at its end, whatever happened. `more` asks for another call at once."""
        now = int(self.clock.now())
        if not self.leases.acquire(LEASE, owner, self.settings.lease_seconds, now):
            return self.result
        self.result.acquired = True
        deadline = Deadline.after(self.clock, self.settings.function_seconds - INDEX_RESERVE_SECONDS)
        try:
            alerted = self._alert()
            note = self.notes.read(BACKLOG_NOTE)
            waiting = self._waiting(note, now)
            try:
                self._drain(waiting, note, deadline)
            except TabletrailError as error:
                self.result.trouble = self._trouble = type(error).__name__
            self.result.more |= alerted.more
            self._leave_note(waiting, note, now, alerted)
        except TabletrailError as error:
            self.result.trouble = type(error).__name__
        finally:
            self.leases.release(LEASE, owner)
        return self.result

    def _waiting(self, note: Mapping[str, Any], now: int) -> Waiting:
        return Waiting(
            self.segments,
            self.indexer.breaker,
            note,
            now,
            before=now - self.settings.backlog_delay_seconds,
            limit=self.settings.backlog_segments,
            batch_bytes=self.settings.bulk_bytes // 5,  # compressed: about one bulk request's worth
            looks=self.looks,
        )

    def _alert(self) -> Alerted:
        if self.alerter is None:
            return Alerted()
        alerted = self.alerter.run(Deadline.after(self.clock, ALERT_SECONDS))
        self.result.alerts = alerted.alerts
        return alerted

    def _drain(self, waiting: Waiting, note: Mapping[str, Any], deadline: Deadline) -> None:
        self.indexer.deadline = deadline
        self._heed_findings(note)
        refused: list[SegmentRow] = []
        """Without their documents, which are read again: a whole backlog of them is more than the memory holds."""
        for batch in waiting.batches():
            if deadline.passed() or self.indexer.breaker.is_open():
                break
            refused += self._offer(batch, waiting)
        for row in refused:
            if not deadline.passed() and self.indexer.accepted & set(row.indices):
                self._offer([row], waiting)
        self.result.waiting = sum(self._left.values())
        self.result.trouble = (self.result.trouble if self._left else "") or self._trouble
        is_cut_off = deadline.passed() or not waiting.is_through
        self.result.more = self.result.segments > 0 and is_cut_off and not self.indexer.breaker.is_open()

    def _heed_findings(self, note: Mapping[str, Any]) -> None:
        """What ReportRun found about the indices that refused everything in the call before."""
        if not any(is_refusal(fact["why"]) for fact in note.get("blocked", {}).values()):
            return
        since = self.clock.now() - FINDING_SECONDS
        for index, finding in self.notes.read(DEFINITIONS_NOTE).items():
            if finding["at"] < since:
                continue
            if finding["departure"]:
                self._departing.add(index)
            else:
                self.indexer.accepted.add(index)

    def _documents(self, row: SegmentRow) -> list[Document] | None:
        """None, and a note, where the log is damaged, or where the store does not give this object."""
        try:
            body = self.store.get(row.key, row.version_id)
            if hashlib.sha256(body).hexdigest() != row.sha256:
                raise SegmentError("the object's hash is not the committed one")
            lines = [line for line in read(body) if isinstance(line, Line)]
            return [Document(row.segment_id, line.id, line.index, line.document) for line in lines]
        except (ObjectMissingError, SegmentError):
            self.result.damaged = [*self.result.damaged, row.segment_id][:20]
        except TabletrailError as error:
            self._unread += 1
            assert self.indexer.deadline is not None
            if self._unread > MOST_UNREAD or self.indexer.deadline.passed():
                raise
            self._trouble = type(error).__name__
        return None

    def _offer(self, rows: Sequence[SegmentRow], waiting: Waiting) -> list[SegmentRow]:
        """Offers whole segments and marks those that are complete; returns those that wait by a refusal."""
        unread = self._unread
        work = [(row, documents) for row in rows if (documents := self._documents(row)) is not None]
        waiting.limit += len(rows) - len(work)  # damage, however much of it, takes nothing from the others' share
        offered = self.indexer.offer([document for _, documents in work for document in documents])
        self._learn(offered)
        is_done = self._unread == unread
        for row, documents in work:
            if offered.waiting.get(row.segment_id):
                self._left[row.segment_id] = offered.waiting[row.segment_id]
                is_done = self._waits_for_blocked(documents, offered) and is_done
            else:
                self._left.pop(row.segment_id, None)
                self._mark(row, len(documents), offered)
        waiting.settle(rows, is_done=is_done)
        return [row for row, _ in work if row.segment_id in self._left and offered.refused.keys() & {*row.indices}]

    def _learn(self, offered: Offered) -> None:
        self.result.trouble = offered.trouble or self.result.trouble
        self._refused |= offered.refused
        self._refused = {index: why for index, why in self._refused.items() if index not in self.indexer.accepted}
        for index in self._departing & offered.refused.keys():
            self.indexer.breaker.block(index, offered.refused[index])

    def _waits_for_blocked(self, documents: Sequence[Document], offered: Offered) -> bool:
        """True if a segment waits for blocked indices alone. If it is more than single indices, that is noted."""
        waiting = offered.waiting[documents[0].segment_id]
        blocked = sum(bool(self.indexer.breaker.block_of(document.index)) for document in documents)
        if waiting > blocked + sum(document.index in offered.refused for document in documents):
            self._trouble = offered.trouble
        return waiting <= blocked

    def _mark(self, row: SegmentRow, entries: int, offered: Offered) -> None:
        parked = offered.parked.get(row.segment_id, 0)
        self.segments.mark_indexed(row.segment_id, int(self.clock.now()), parked)
        self.result.segments += 1
        self.result.entries += entries
        self.result.parked += parked

    def _leave_note(self, waiting: Waiting, earlier: Mapping[str, Any], now: int, alerted: Alerted) -> None:
        """For the report, `status` and the next call; written only when it differs: a quiet minute costs no write."""
        facts: dict[str, Any] = {"damaged": self.result.damaged, "blocked": self._blocked(waiting, earlier, now)}
        if self._trouble:
            facts |= {"trouble": self._trouble, "since": earlier["since"] if earlier.get("trouble") else now}
        if told := _alerts_note(alerted, earlier.get("alerts", {}), now):
            facts["alerts"] = told
        place = waiting.place() if facts["blocked"] or facts["damaged"] else {}
        if place:
            facts["place"] = place
        if facts != (earlier or {"damaged": [], "blocked": {}}):
            self.notes.write(BACKLOG_NOTE, facts)

    def _blocked(self, waiting: Waiting, earlier: Mapping[str, Any], now: int) -> dict[str, Any]:
        """By index why it takes nothing, and since when."""
        before = earlier.get("blocked", {})
        breaker = self.indexer.breaker
        found = {index: before[index]["why"] for index in waiting.untried()}
        found |= {index: why for index in breaker.blocked if (why := breaker.block_of(index))}
        found |= self._refused
        return {
            index: {"why": why, "since": before[index]["since"] if index in before else now}
            for index, why in sorted(found.items())
        }


def _alerts_note(alerted: Alerted, earlier: Mapping[str, Any], now: int) -> dict[str, Any]:
    """What is wrong with alerts, and since when; empty where nothing is."""
    facts: dict[str, Any] = {"damaged": alerted.damaged} if alerted.damaged else {}
    if alerted.nowhere:
        facts["nowhere"] = True
    if alerted.trouble:
        facts |= {"trouble": alerted.trouble, "since": earlier["since"] if earlier.get("trouble") else now}
    return facts
