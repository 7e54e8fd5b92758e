"""Step 5 of the commit protocol: offer committed entries to the index. The log is safe already, whatever happens here.

Rules
- What becomes of each entry is one of: stored, already there, parked, waiting. Nothing is dropped.
- Only an error of a single document parks it: a reduced entry takes its place and says where the full one lies. If an
  index refuses all that it was offered, a wrong mapping may be the cause, and all of it waits until the index is known
  to take full entries: it was seen to hold another one in the same call, or it is defined as this release defines it
  (`tabletrail.report` looks, `tabletrail.backlog` tells `accepted`).
- No request is begun after the deadline: how long its reply takes is the server's affair.
- A request that is turned away whole (401, 403, 429, 5xx) or gets no reply opens the breaker: no further request for a
  minute, and for longer if the next one fails too, so that trouble here never slows capture. 413 is answered by halves.
- An index that is blocked, closed, missing or without its shards is left alone for a minute too; others are not.

Called by `tabletrail.capture` (best effort) and `tabletrail.backlog` (repair).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tabletrail.core.bulk import requests
from tabletrail.core.entry import reduced_entry
from tabletrail.core.outcome import ItemResult, Outcome
from tabletrail.core.waits import NO_REPLY, NO_TIME, PARKING_FAILED, REFUSED
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.ports import BulkReply, Clock, EntryIndex

BREAKER_SECONDS = 60
BREAKER_LONGEST_SECONDS = 240
"""Each time that a request finds the same trouble again, the breaker stays open for twice as long, up to this."""
TOO_LARGE = 413
OF_ONE_INDEX = (400, 403, 404)
"""Statuses of an item whose index is closed, blocked or missing: the others may be well."""
REASONS_OF_ONE_INDEX = ("cluster_block_exception", "unavailable_shards_exception")
"""The same with 429 (a full disk makes an index read-only) and with 503 (an index that lacks its primary shard)."""
INDEX_RESERVE_SECONDS = 13
"""The last request begins this long before the end of a call's 50 s. With up to 4 s for the secret, 2 s to connect and
15 s for the reply that is under the function's own limit of 60 s. A function that is killed loses nothing, but it looks
like a failure, and keeps its lease."""


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
    """Why something waits: see `core.waits`."""
    refused: dict[str, str] = field(default_factory=dict)
    """By index, why: it refused documents and is not known to take any."""

    def wait(self, documents: Sequence[Document], trouble: str) -> None:
        for document in documents:
            self.waiting[document.segment_id] += 1
        self.trouble = trouble


@dataclass(slots=True)
class Breaker:
    """Remembers for some minutes that the index was in trouble. One a process: each finds out for itself."""

    clock: Clock
    open_until: float = 0.0
    seconds: float = BREAKER_SECONDS
    """How long it will stay open the next time."""
    why: str = ""
    """What opened it last."""
    blocked: dict[str, tuple[float, str]] = field(default_factory=dict)
    """By index: until when it is left alone, and why."""

    def is_open(self) -> bool:
        return self.clock.monotonic() < self.open_until

    def trip(self) -> None:
        self.open_until = self.clock.monotonic() + self.seconds
        self.seconds = min(2 * self.seconds, BREAKER_LONGEST_SECONDS)

    def mend(self) -> None:
        """The cluster took a request."""
        self.seconds = BREAKER_SECONDS

    def block(self, index: str, why: str) -> None:
        """Leaves this index alone for a minute."""
        self.blocked[index] = (self.clock.monotonic() + BREAKER_SECONDS, why)

    def block_of(self, index: str) -> str:
        """Why this index is left alone now; empty if it is not."""
        until, why = self.blocked.get(index, (0.0, ""))
        return why if self.clock.monotonic() < until else ""


@dataclass(slots=True)
class Indexer:
    """Offers documents; `accepted` holds the indices that are known to take full entries, so that a refusal is the
    document's own."""

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
        free = [document for document in batch if not self.breaker.block_of(document.index)]
        if len(free) < len(batch):
            for document in batch:
                if why := self.breaker.block_of(document.index):
                    offered.wait([document], why)
            body = _body(free)
        obstacle = self._obstacle()
        if obstacle and free:
            offered.wait(free, obstacle)
        elif free:
            self._settle(free, self._create(body), offered)

    def _create(self, body: bytes) -> BulkReply | None:
        """None if there was no reply; the breaker knows why."""
        try:
            reply = self.index.create(body)
        except TabletrailError as error:
            self._trip(f"{NO_REPLY}: {error}")
            return None
        if reply.results is None and reply.status != TOO_LARGE:
            self._trip(str(reply.status))
        return reply

    def _trip(self, why: str) -> None:
        self.breaker.why = why
        self.breaker.trip()

    def _obstacle(self) -> str:
        """Why no request is begun now; empty if one may be."""
        if self.breaker.is_open():
            return self.breaker.why
        return NO_TIME if self.deadline is not None and self.deadline.passed() else ""

    def _settle(self, batch: list[Document], reply: BulkReply | None, offered: Offered) -> None:
        if reply is None:
            offered.wait(batch, self.breaker.why)
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
        refused: list[tuple[Document, str]] = []
        for document, result in zip(batch, results, strict=True):
            if result.outcome is Outcome.STORED:
                offered.stored += 1
                self.accepted.add(document.index)
            elif result.outcome is Outcome.ALREADY_THERE:
                # It was stored, or parked because another one was: either way this index takes full entries.
                offered.already_there += 1
                self.accepted.add(document.index)
            elif result.outcome is Outcome.REFUSED:
                refused.append((document, result.reason))
            else:
                why = f"{result.status} {result.reason}".strip()
                offered.wait([document], why)
                if _is_of_one_index(result):
                    self.breaker.block(document.index, why)
        for document, reason in refused:
            self._settle_refused(document, reason, offered)
        if all(result.outcome is Outcome.TRY_AGAIN and not _is_of_one_index(result) for result in results):
            self._trip(offered.trouble)
        else:
            self.breaker.mend()

    def _settle_refused(self, document: Document, reason: str, offered: Offered) -> None:
        if document.index in self.accepted:
            self._park(document, reason, offered)
        else:
            offered.refused[document.index] = f"{REFUSED}: {reason}"
            offered.wait([document], f"{REFUSED}: {reason}")

    def _park(self, document: Document, reason: str, offered: Offered) -> None:
        """The reduced entry takes the full one's id. If even that is refused, the trouble is not the document's."""
        reduced = Document(document.segment_id, document.id, document.index, reduced_entry(document.body, reason))
        obstacle = self._obstacle() or self.breaker.block_of(document.index)
        reply = None if obstacle else self._create(_body([reduced]))
        results = reply.results if reply else None
        if results and results[0].outcome in (Outcome.STORED, Outcome.ALREADY_THERE):
            offered.parked[document.segment_id] += 1
        else:
            offered.wait([document], f"{PARKING_FAILED}: {reason}")


def _is_of_one_index(result: ItemResult) -> bool:
    """For an item that waits: whether it is its index that is in trouble, and not the cluster."""
    return result.status in OF_ONE_INDEX or result.reason in REASONS_OF_ONE_INDEX


def _body(documents: Sequence[Document]) -> bytes:
    size = sum(len(document.body) + 1000 for document in documents)
    return b"".join(request.body for request in requests(((d.id, d.index, d.body) for d in documents), size))
