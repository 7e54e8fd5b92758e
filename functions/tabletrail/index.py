"""Step 5 of the commit protocol: offer committed entries to the index. The log is safe already, whatever happens here.

Rules
- What becomes of each entry is one of: stored, already there, parked, waiting. Nothing is dropped.
- Only an error of a single document parks it: a reduced entry takes its place and says where the full one lies. If an
  index refuses all that it was offered, that is the cluster's trouble (a wrong mapping, say) and all of it waits, until
  the index is seen to hold another full entry in the same call.
- No request is begun after the deadline: how long its reply takes is the server's affair.
- A request that is turned away whole (403, 429, 5xx) or gets no reply opens the breaker: no further request for a
  minute, so that trouble here never slows capture. 413 is answered by halves.

Called by `tabletrail.capture` (best effort) and `tabletrail.backlog` (repair).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tabletrail.core.bulk import requests
from tabletrail.core.entry import reduced_entry
from tabletrail.core.outcome import ItemResult, Outcome
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.ports import BulkReply, Clock, EntryIndex

BREAKER_SECONDS = 60
TOO_LARGE = 413
ONE_INDEX = (403, 404)
"""Statuses of an item whose index is blocked or missing: the others may be well."""
INDEX_RESERVE_SECONDS = 9
"""The last request begins this long before the end of a call's 50 s: with up to 17 s for its reply that is under the
function's own limit of 60 s. A function that is killed is harmless, but it looks like a failure."""


@dataclass(frozen=True, slots=True)
class Document:
    """One entry as the index gets it: `body` is the entry with its `log`, one line of JSON."""

    segment_id: str
    id: str
    index: str
    body: bytes


@dataclass(slots=True)
class Offered:
    """What became of the documents of one offer. Counts, and the segments in which something still waits."""

    stored: int = 0
    already_there: int = 0
    parked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By segment."""
    waiting: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By segment."""
    trouble: str = ""
    """Why something waits: an HTTP status or an error's class."""

    def wait(self, documents: Sequence[Document], trouble: str) -> None:
        for document in documents:
            self.waiting[document.segment_id] += 1
        self.trouble = trouble


@dataclass(slots=True)
class Breaker:
    """Remembers for a minute that the index was in trouble. One a process: each finds out for itself."""

    clock: Clock
    open_until: float = 0.0

    def is_open(self) -> bool:
        return self.clock.monotonic() < self.open_until

    def trip(self) -> None:
        self.open_until = self.clock.monotonic() + BREAKER_SECONDS


@dataclass(slots=True)
class Indexer:
    """Offers documents; `accepted` holds the indices that were seen to take full entries since it was made."""

    index: EntryIndex
    breaker: Breaker
    bulk_bytes: int
    accepted: set[str] = field(default_factory=set)
    deadline: Deadline | None = None
    """Of the call: what is not sent by then waits. It must leave the time for one reply."""

    def offer(self, documents: Sequence[Document]) -> Offered:
        """May be repeated: an entry's id follows from its content, and a second try finds it there."""
        offered = Offered()
        by_id = {document.id: document for document in documents}
        for request in requests(((d.id, d.index, d.body) for d in documents), self.bulk_bytes):
            batch = [by_id[id_] for id_ in request.ids]
            self._send(batch, request.body, offered)
        return offered

    def _send(self, batch: list[Document], body: bytes, offered: Offered) -> None:
        obstacle = self._obstacle()
        if obstacle:
            offered.wait(batch, offered.trouble or obstacle)
        else:
            self._settle(batch, self._create(body), offered)

    def _create(self, body: bytes) -> BulkReply | None:
        try:
            reply = self.index.create(body)
        except TabletrailError:
            self.breaker.trip()
            return None
        if reply.results is None and reply.status != TOO_LARGE:
            self.breaker.trip()
        return reply

    def _obstacle(self) -> str:
        """Why no request is begun now; empty if one may be."""
        if self.breaker.is_open():
            return "breaker open"
        return "no time left" if self.deadline is not None and self.deadline.passed() else ""

    def _settle(self, batch: list[Document], reply: BulkReply | None, offered: Offered) -> None:
        if reply is None:
            offered.wait(batch, "no reply")
        elif reply.results is not None:
            self._settle_items(batch, reply.results, offered)
        elif reply.status == TOO_LARGE:
            self._halve(batch, offered)
        else:
            offered.wait(batch, str(reply.status))

    def _halve(self, batch: list[Document], offered: Offered) -> None:
        if len(batch) == 1:
            self._park(batch[0], "request_entity_too_large", offered)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            self._send(half, _body(half), offered)

    def _settle_items(self, batch: list[Document], results: Sequence[ItemResult], offered: Offered) -> None:
        refused: dict[str, list[tuple[Document, str]]] = defaultdict(list)
        for document, result in zip(batch, results, strict=True):
            if result.outcome is Outcome.STORED:
                offered.stored += 1
                self.accepted.add(document.index)
            elif result.outcome is Outcome.ALREADY_THERE:
                # It was stored, or parked because another one was: either way this index takes full entries.
                offered.already_there += 1
                self.accepted.add(document.index)
            elif result.outcome is Outcome.REFUSED:
                refused[document.index].append((document, result.reason))
            else:
                offered.wait([document], f"{result.status} {result.reason}".strip())
        for index, documents in refused.items():
            for document, reason in documents:
                if index in self.accepted:
                    self._park(document, reason, offered)
                else:
                    offered.wait([document], f"every document refused: {reason}")
        if all(result.outcome is Outcome.TRY_AGAIN and result.status not in ONE_INDEX for result in results):
            self.breaker.trip()

    def _park(self, document: Document, reason: str, offered: Offered) -> None:
        """The reduced entry takes the full one's id. If even that is refused, the trouble is not the document's."""
        reduced = Document(document.segment_id, document.id, document.index, reduced_entry(document.body, reason))
        reply = None if self._obstacle() else self._create(_body([reduced]))
        results = reply.results if reply else None
        if results and results[0].outcome in (Outcome.STORED, Outcome.ALREADY_THERE):
            offered.parked[document.segment_id] += 1
        else:
            offered.wait([document], f"parking failed: {reason}")


def _body(documents: Sequence[Document]) -> bytes:
    size = sum(len(document.body) + 1000 for document in documents)
    return b"".join(request.body for request in requests(((d.id, d.index, d.body) for d in documents), size))
