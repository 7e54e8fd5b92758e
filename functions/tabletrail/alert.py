"""Alerts, sent from the log after the commit: each entry that is due one, once, and again only where it must be.

Rules
- Work is found by the rows alone, oldest first. An entry is due in the one segment in which it is committed, and that
  segment's row counts it.
- At least once. A segment is taken off when each way out has taken all its alerts; a crash before that mark sends them
  again, with the same ids. What a way has taken is kept in the row while another way has not, or while a segment is so
  large that it takes several calls: a broken topic must not make the bus repeat itself each minute.
- OpenSearch has no part in it: alerts leave while it is away.
- A segment whose bytes are not what its row says is damage: it is named, not sent, and stays due. It holds up no other,
  and neither does one that a way refuses, nor a broken way the other one.
- Where there is no way, what is due is taken off: nothing piles up for a way that may come one day.

Called by `tabletrail.backlog`, before it drains: a long backlog takes all of a call's time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tabletrail.core.alert import Alert, alert_of, is_due
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.segment import Line, read
from tabletrail.deadline import Deadline
from tabletrail.errors import ObjectMissingError, SegmentError, TabletrailError
from tabletrail.ports import Clock, Segments, SegmentStore

PAGE = 50
"""Rows looked up at once."""
MOST_SEGMENTS = 200
"""Segments that one call sends at most. Alerts are rare; more than this is one cause, told often enough."""
MOST_FAILURES = 3
"""How often a way may fail in a call before it is left alone: a single segment may be at fault."""


class Alerts(Protocol):
    """One way on which alerts leave. At least once: their readers know a repeated one by its id."""

    def publish(self, alerts: Sequence[Alert]) -> frozenset[str]:
        """The ids of those that were taken, durably; the others may have been, if a reply was lost.

        `alerts` are of one segment, in the order of its lines. What the service turns away one by one is tried again a
        few times. May end early, with what was taken by then. TransientError, ThrottledError, TabletrailError if
        nothing was.
        """


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
    """One call's work. Make a new one for each call. `ways` are the ways out, by name."""

    segments: Segments
    store: SegmentStore
    ways: Mapping[str, Alerts]
    clock: Clock
    most: int = MOST_SEGMENTS
    result: Alerted = field(default_factory=Alerted)
    _failures: Counter[str] = field(default_factory=Counter)

    def run(self, deadline: Deadline) -> Alerted:
        """Never raises for trouble: whatever it is, indexing goes on, and the next call sends what is due."""
        self.result.nowhere = not self.ways
        try:
            is_through = self._send_all(deadline)
            self.result.more = not is_through and self.result.segments > 0
        except TabletrailError as error:
            self.result.trouble = type(error).__name__
        return self.result

    def _send_all(self, deadline: Deadline) -> bool:
        """False if it was cut off by the deadline or by its measure."""
        place = None
        while True:
            rows = self.segments.unalerted(PAGE, place)
            for row in rows:
                if deadline.passed() or self.result.segments >= self.most:
                    return False
                if self.ways and not self._open_ways():
                    return True
                self._send(row)
            if len(rows) < PAGE:
                return True
            place = (rows[-1].committed_at, rows[-1].segment_id)

    def _open_ways(self) -> list[str]:
        return [name for name in self.ways if self._failures[name] < MOST_FAILURES]

    def _send(self, row: SegmentRow) -> None:
        """Sends what a segment still owes to each way, and marks it as far as it came."""
        taken = {name: count for name, count in row.alerted_to if name in self.ways}
        owing = [name for name in self._open_ways() if taken.get(name, 0) < row.alerts]
        if owing:
            alerts = self._alerts_of(row)
            if alerts is None:
                return
            for name in owing:
                taken[name] = taken.get(name, 0) + self._publish(name, alerts[taken.get(name, 0) :])
        is_done = all(taken.get(name, 0) >= row.alerts for name in self.ways)
        self._mark(row, taken, is_done=is_done)

    def _mark(self, row: SegmentRow, taken: Mapping[str, int], *, is_done: bool) -> None:
        if is_done:
            # All is sent. A crash here leaves the segment due, so it is sent again: twice is told by the id.
            self.segments.mark_alerted(row.segment_id, int(self.clock.now()))
            self.result.segments += 1
            return
        self.result.waiting += 1
        progress = tuple(sorted(taken.items()))
        if progress != row.alerted_to and any(taken.values()):
            self.segments.note_alerted(row.segment_id, progress)

    def _alerts_of(self, row: SegmentRow) -> list[Alert] | None:
        """In the order of lines. None, and a note, where the log is damaged or the store does not give the object."""
        try:
            body = self.store.get(row.key, row.version_id)
            if hashlib.sha256(body).hexdigest() != row.sha256:
                raise SegmentError("the object's hash is not the committed one")
            entries = (line.entry for line in read(body) if isinstance(line, Line))
            alerts = [alert_of(entry) for entry in entries if is_due(entry["event"]["severity"])]
            if len(alerts) != row.alerts:
                raise SegmentError("the row counts other alerts than its segment holds")
            return alerts
        except (ObjectMissingError, SegmentError):
            self.result.damaged = [*self.result.damaged, row.segment_id][:20]
        except TabletrailError as error:
            self.result.waiting += 1
            self.result.trouble = f"store: {type(error).__name__}"
        return None

    def _publish(self, name: str, alerts: Sequence[Alert]) -> int:
        """How many of them, from the first on, the way took. What it took behind a gap is sent again."""
        try:
            ids = self.ways[name].publish(alerts)
        except TabletrailError as error:
            ids = frozenset()
            self.result.trouble = f"{name}: {type(error).__name__}"
        count = next((place for place, alert in enumerate(alerts) if alert.id not in ids), len(alerts))
        self.result.alerts += count
        if not count:
            self._failures[name] += 1
            self.result.trouble = self.result.trouble or f"{name}: nothing was taken"
        return count
