"""Alerts, sent from the log after the commit: each entry that is due one, once, and again only where it must be.

Rules
- Work is found by the rows alone, oldest first. An entry is due in the one segment in which it is committed, and that
  segment's row counts it.
- Two kinds of ways. Words are for people: what is due in all segments of a call is told together, at the call's
  beginning. Events are for programs: each alert is one, segment by segment, for as long as the call has time.
- At least once. What a way has taken is kept in the segment's row before the next segment is touched, and a segment is
  taken off when each way has taken all its alerts. A crash between sending and noting sends the same again, with the
  same ids: one segment's events, or one message.
- OpenSearch has no part in it: alerts leave while it is away.
- A segment whose bytes are not what its row says is damage: it is named, not sent, and stays due. It holds up no other,
  and neither does one that a way refuses, nor a broken way the other one.
- Where there is no way, what is due is taken off: nothing piles up for a way that may come one day.

Called by `tabletrail.backlog`, before it drains: a long backlog takes all of a call's time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tabletrail.core.alert import Alert, AlertForm, alert_of, is_due
from tabletrail.core.alert_digest import Digest
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.segment import Line, read
from tabletrail.deadline import Deadline
from tabletrail.errors import ObjectMissingError, SegmentError, TabletrailError
from tabletrail.owing import Owed, Owing
from tabletrail.ports import Clock, Segments, SegmentStore

MOST_SEGMENTS = 200
"""Segments that one call sends at most by each way. More than this is one cause, told often enough."""
MOST_FAILURES = 3
"""How often events may fail in a call before their way is left alone: a single segment may be at fault."""
WORDS_SECONDS = 4
"""Of a call, for collecting what is told in words."""
KEPT_ALERTS = 500
"""Alerts that a call keeps between its ways; the others are read once more."""


class Events(Protocol):
    """A way on which each alert leaves by itself. At least once: their readers know a repeated one by its id."""

    def publish(self, alerts: Sequence[Alert]) -> frozenset[str]:
        """The ids of those that were taken, durably; the others may have been, if a reply was lost.

        `alerts` are of one segment, in the order of its lines. What the service turns away one by one is tried again a
        few times. May end early, with what was taken by then. TransientError, ThrottledError, TabletrailError if
        nothing was.
        """


class Words(Protocol):
    """A way to people. At least once."""

    def tell(self, digest: Digest) -> frozenset[str]:
        """The ids of those that were told, durably; the others may have been, if a reply was lost.

        A few alerts are told one by one, more together. TransientError, ThrottledError, TabletrailError if nothing was.
        """


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways out, by name; a segment's row knows them by it, so a name stands for one way only."""

    events: Mapping[str, Events] = field(default_factory=dict)
    words: Mapping[str, Words] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.words, *self.events)


@dataclass(slots=True)
class Alerted:
    """Of one call. `alerts` counts what left by any way, `segments` those that are no longer due."""

    alerts: int = 0
    segments: int = 0
    waiting: int = 0
    """Segments that were seen and stay due, without the damaged ones."""
    damaged: list[str] = field(default_factory=list)
    """Segment ids whose object is missing or altered, at most 20."""
    trouble: str = ""
    """Why some stay due: a way's name and the error's class."""
    more: bool = False
    """The call's time or measure was at its end, and it was of use: another call may go on at once."""
    nowhere: bool = False
    """There is no way out: what was due was taken off unsent."""


@dataclass(slots=True)
class Alerter:
    """One call's work. Make a new one for each call."""

    segments: Segments
    store: SegmentStore
    ways: Ways
    clock: Clock
    form: AlertForm
    most: int = MOST_SEGMENTS
    result: Alerted = field(default_factory=Alerted)
    _is_cut: bool = False
    _failures: Counter[str] = field(default_factory=Counter)
    _kept: dict[str, list[Alert]] = field(default_factory=dict)

    def run(self, deadline: Deadline) -> Alerted:
        """Never raises for trouble: whatever it is, indexing goes on, and the next call sends what is due."""
        self.result.nowhere = not self.ways.names
        owing = Owing(self.segments, self.clock, self.ways.names)
        try:
            for name, words in self.ways.words.items():
                self._tell(name, words, owing, deadline)
            for name, events in self.ways.events.items():
                self._send(name, events, owing, deadline)
            self._settle(owing, deadline)
        except TabletrailError as error:
            self.result.trouble = type(error).__name__
        self.result.segments = owing.count_done()
        self.result.waiting = owing.count_waiting()
        self.result.more = self._is_cut and bool(self.result.alerts or self.result.segments)
        return self.result

    def _tell(self, name: str, words: Words, owing: Owing, deadline: Deadline) -> None:
        """Tells together what all segments owe to this way, as far as they can be read in time."""
        until = Deadline.after(self.clock, WORDS_SECONDS)
        digest = Digest(self.form)
        told: list[tuple[Owed, list[str]]] = []
        for owed in owing.to(name):
            if deadline.passed() or until.passed() or len(told) >= self.most:
                self._is_cut = True
                break
            rest = self._alerts_of(owed)[owed.taken[name] :]
            for alert in rest:
                digest.add(alert)
            if rest:
                told.append((owed, [alert.id for alert in rest]))
        if not told:
            return
        ids = self._attempt(name, lambda: words.tell(digest))
        # All is told. A crash here, or before a row's turn, tells it again, with what has come meanwhile.
        for owed, its_ids in told:
            self._take(name, owed, its_ids, ids)
            owing.note(owed)

    def _send(self, name: str, events: Events, owing: Owing, deadline: Deadline) -> None:
        """Sends what each segment owes to this way, one after the other."""
        sent = 0
        for owed in owing.to(name):
            if deadline.passed() or sent >= self.most:
                self._is_cut = True
                return
            rest = self._alerts_of(owed)[owed.taken[name] :]
            if not rest:
                continue
            ids = self._attempt(name, lambda rest=rest: events.publish(rest))  # type: ignore[misc]
            # Sent. A crash here leaves them due, so they are sent again: twice is told by the id.
            count = self._take(name, owed, [alert.id for alert in rest], ids)
            owing.note(owed)
            sent += 1
            self._is_cut |= 0 < count < len(rest)
            self._failures[name] += not count
            if self._failures[name] >= MOST_FAILURES:
                return

    def _settle(self, owing: Owing, deadline: Deadline) -> None:
        """Takes off what owes nothing any more: a way that it owed is no longer there, or there is none at all."""
        for owed in owing.seen if self.ways.names else owing:
            if deadline.passed() or owing.count_done() >= self.most:
                self._is_cut = True
                return
            owing.note(owed)

    def _attempt(self, name: str, send: Callable[[], frozenset[str]]) -> frozenset[str]:
        try:
            return send()
        except TabletrailError as error:
            self.result.trouble = f"{name}: {type(error).__name__}"
            return frozenset()

    def _take(self, name: str, owed: Owed, ids: Sequence[str], taken: frozenset[str]) -> int:
        """Counts how many, from the first on, the way took. What it took behind a gap is sent again."""
        count = next((place for place, id_ in enumerate(ids) if id_ not in taken), len(ids))
        owed.taken[name] += count
        self.result.alerts += count
        if not count:
            self.result.trouble = self.result.trouble or f"{name}: nothing was taken"
        return count

    def _alerts_of(self, owed: Owed) -> list[Alert]:
        """In the order of lines. Empty, and noted, where the log is damaged or the store does not give the object."""
        row = owed.row
        if row.segment_id in self._kept:
            return self._kept[row.segment_id]
        try:
            alerts = self._read(row)
        except (ObjectMissingError, SegmentError):
            owed.is_damaged = True
            self.result.damaged = [*self.result.damaged, row.segment_id][:20]
            return []
        except TabletrailError as error:
            self.result.trouble = f"store: {type(error).__name__}"
            return []
        if len(alerts) + sum(map(len, self._kept.values())) <= KEPT_ALERTS:
            self._kept[row.segment_id] = alerts
        return alerts

    def _read(self, row: SegmentRow) -> list[Alert]:
        """SegmentError, ObjectMissingError where the log is damaged."""
        body = self.store.get(row.key, row.version_id)
        if hashlib.sha256(body).hexdigest() != row.sha256:
            raise SegmentError("the object's hash is not the committed one")
        entries = (line.entry for line in read(body) if isinstance(line, Line))
        alerts = [alert_of(entry, self.form) for entry in entries if is_due(entry["event"]["severity"])]
        if len(alerts) != row.alerts:
            raise SegmentError("the row counts other alerts than its segment holds")
        return alerts
