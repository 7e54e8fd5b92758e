"""Segments into an index, as fast as it takes them: the work of a rebuild, without its decisions.

Rules
- Rows come in the order of a scan; several batches of them are under way at once, each in a lane of its own. Memory is
  bounded by the lanes, never by the log.
- An object is used only if its bytes are the committed ones. What is damaged is named, and the rest goes on.
- What the index does not take now is offered again after a pause that grows. It is given up only after `PATIENCE`
  seconds without any effect, or after a few tries where the index does not let us in.
- A batch in which the index refused each document waits until all others are through: by then the index was seen to
  take full entries, or it is the index that is wrong (see `tabletrail.index`).
- `position` is a place in the scan before which everything is in the index. It moves over nothing that is damaged or
  refused, so a rebuild that begins there again misses nothing.

Called by `tabletrail.reindex`.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TypeVar

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.segment import Line, read
from tabletrail.errors import ObjectMissingError, ReindexError, SegmentError, TransientError
from tabletrail.index import Breaker, Document, Indexer, Offered
from tabletrail.ports import Clock, EntryIndex, SegmentStore

PATIENCE_SECONDS = 300
"""How long one batch may fail before the rebuild gives up. It keeps its place, so giving up loses nothing."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 20.0
NOT_LET_IN = ("401", "403")
TRIES_IF_NOT_LET_IN = 3
TICK_SECONDS = 10.0
"""While a lane is waited for, the rebuild looks after its lease this often."""
MOST_REFUSED = 1_000
"""Segments kept for another offer at the end. More than this refused one by one is no matter of single documents."""
MOST_DAMAGED = 1_000

Reply = TypeVar("Reply")


@dataclass(slots=True)
class Filled:
    """What one pass did. Counts of entries, except where said."""

    segments: int = 0
    entries: int = 0
    stored: int = 0
    parked: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    """By segment id, why; at most MOST_DAMAGED of them."""
    refused: list[SegmentRow] = field(default_factory=list)

    def of_later_pass(self) -> Filled:
        """To be added to a pass that offered most of it before: what was there already was counted then."""
        return replace(self, entries=self.stored)

    def add(self, other: Filled) -> None:
        for name in ("segments", "entries", "stored", "parked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.damaged = dict(list((self.damaged | other.damaged).items())[:MOST_DAMAGED])
        self.refused += other.refused


class NoBreaker(Breaker):
    """Never open: a rebuild slows nothing down, and waits in its own way."""

    def trip(self) -> None:
        return

    def block(self, index: str, why: str) -> None:  # noqa: ARG002 -- the signature is Breaker's
        return


Tick = Callable[[str, Filled], None]
"""Called often, with the position and what the pass did so far."""


class Filler:
    """One for a process. `executor` has as many threads as there are lanes; each lane has a client of its own."""

    def __init__(
        self,
        store: SegmentStore,
        lanes: Sequence[EntryIndex],
        executor: Executor,
        clock: Clock,
        bulk_bytes: int,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._executor, self._clock, self._jitter = store, executor, clock, jitter
        self._batch_bytes = bulk_bytes // 5
        """Of compressed objects: about one bulk request's worth of documents."""
        accepted: set[str] = set()
        self._free: SimpleQueue[Indexer] = SimpleQueue()
        self._most_under_way = 2 * len(lanes)
        for lane in lanes:
            self._free.put(Indexer(lane, NoBreaker(clock), bulk_bytes, accepted))
        self._stopped = False

    def fill(self, rows: Iterable[SegmentRow], name: str, target: str, position: str, tick: Tick) -> Filled:
        """Offers the entries of `rows` that belong to `name` to the index `target`; all of them are there on return.

        Except those in segments that `damaged` names. ReindexError, and what the ports raise, when it gives up.
        """
        total = Filled()
        under_way: deque[tuple[str, Future[Filled]]] = deque()
        try:
            for batch in _batches(rows, self._batch_bytes):
                under_way.append((batch[-1].segment_id, self._executor.submit(self._offer, batch, name, target)))
                if len(under_way) >= self._most_under_way:
                    position = self._settle(under_way, position, total, tick)
            while under_way:
                position = self._settle(under_way, position, total, tick)
        except BaseException:
            self._stopped = True
            for _, future in under_way:
                future.cancel()
            raise
        self._offer_refused(total, name, target)
        tick(position, total)
        return total

    def _settle(self, under_way: deque[tuple[str, Future[Filled]]], position: str, total: Filled, tick: Tick) -> str:
        last, future = under_way[0]
        total.add(self._await(future, lambda: tick(position, total)))
        under_way.popleft()
        if len(total.refused) > MOST_REFUSED:
            raise ReindexError(_words_for_refusal(total.refused))
        position = position if total.damaged or total.refused else last
        tick(position, total)
        return position

    def _await(self, future: Future[Filled], tick: Callable[[], None]) -> Filled:
        while True:
            try:
                return future.result(timeout=TICK_SECONDS)
            except TimeoutError:
                tick()

    def _offer_refused(self, total: Filled, name: str, target: str) -> None:
        refused, total.refused = total.refused, []
        for row in refused:
            total.add(self._offer([row], name, target))
        if total.refused:
            raise ReindexError(_words_for_refusal(total.refused))

    def _offer(self, rows: Sequence[SegmentRow], name: str, target: str) -> Filled:
        """In a lane."""
        filled = Filled()
        documents: list[Document] = []
        for row in rows:
            try:
                documents += self._documents(row, name, target)
            except (ObjectMissingError, SegmentError) as error:
                filled.damaged[row.segment_id] = str(error)
        indexer = self._free.get()
        try:
            refused = self._until_taken(indexer, target, documents, filled)
        finally:
            self._free.put(indexer)
        filled.refused = [row for row in rows if row.segment_id in refused]
        filled.segments = len(rows) - len(filled.damaged) - len(filled.refused)
        filled.entries = sum(document.segment_id not in refused for document in documents)
        return filled

    def _documents(self, row: SegmentRow, name: str, target: str) -> list[Document]:
        body = self._patiently(lambda: self._store.get(row.key, row.version_id))
        if hashlib.sha256(body).hexdigest() != row.sha256:
            raise SegmentError(f"{row.key}, version {row.version_id}, is not what was committed: its SHA-256 differs")
        return [
            Document(row.segment_id, line.id, target, line.document)
            for line in read(body)
            if isinstance(line, Line) and line.index == name
        ]

    def _until_taken(self, indexer: Indexer, target: str, documents: list[Document], filled: Filled) -> set[str]:
        """The segments in which the index refused all that it was offered; everything else is taken on return."""
        waits = _Waits(self._clock, self._jitter)
        while documents:
            offered = indexer.offer(documents)
            filled.stored += offered.stored
            filled.parked += sum(offered.parked.values())
            documents = [document for document in documents if offered.waiting.get(document.segment_id)]
            if documents and target in offered.refused:
                return {document.segment_id for document in documents}
            if documents:
                self._pause(waits, f"the index did not take entries ({offered.trouble})", _is_shut(offered))
        return set()

    def _patiently(self, call: Callable[[], Reply]) -> Reply:
        waits = _Waits(self._clock, self._jitter)
        while True:
            try:
                return call()
            except TransientError as error:
                self._pause(waits, str(error), is_shut=False)

    def _pause(self, waits: _Waits, why: str, is_shut: bool) -> None:
        if self._stopped:
            raise TransientError("the rebuild was stopped")
        if is_shut and waits.tries + 1 >= TRIES_IF_NOT_LET_IN:
            raise ReindexError(f"{why}: its user may not create entries, or the index is closed to writing")
        if not waits.pause():
            raise TransientError(f"{why}, for {PATIENCE_SECONDS} s; say the same again to go on from here")


@dataclass(slots=True)
class _Waits:
    """Pauses that grow, of one piece of work."""

    clock: Clock
    jitter: Callable[[], float]
    tries: int = 0
    slept: float = 0.0

    def pause(self) -> bool:
        """False, without a pause, when patience is at its end."""
        if self.slept >= PATIENCE_SECONDS:
            return False
        seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self.tries) * (0.5 + self.jitter() / 2)
        self.clock.sleep(seconds)
        self.tries += 1
        self.slept += seconds
        return True


def _is_shut(offered: Offered) -> bool:
    return offered.trouble.startswith(NOT_LET_IN)


def _words_for_refusal(rows: Sequence[SegmentRow]) -> str:
    return (
        f"the index refuses every entry of {len(rows)} segments ({rows[0].segment_id}): its mapping is not this "
        "release's, so deploy the stack again; nothing was parked, and the index in use was not touched"
    )


def _batches(rows: Iterable[SegmentRow], size: int) -> Iterator[list[SegmentRow]]:
    """Neighbours whose compressed objects together stay under `size`."""
    batch: list[SegmentRow] = []
    held = 0
    for row in rows:
        if batch and held + row.size > size:
            yield batch
            batch, held = [], 0
        batch.append(row)
        held += row.size
    if batch:
        yield batch
