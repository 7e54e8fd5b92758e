"""The changes of a slice of time, read from the log's segments: each object once for all streams.

Which objects may hold them: those that were staged since the slice began, of which those count that are committed. A
shard's records are in order, so of each shard no more is read than its first segment that goes beyond the slice.

Rules
- Only committed segments: an object without a row never happened. Its bytes must be those that its row names.
- Keys of the log sort by the day, then by the run: `places` remembers where a run began, so that no call lists a whole
  day. A run is over within minutes, so what was written well before the slice stands before all that matters.
- One object is in memory at a time; of its entries those of the slice stay, without what they changed.
- What cannot be read is damage, named for a person; then the log is not whole, and nothing is concluded from what is
  not in it.

Called by `tabletrail.attribute`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from tabletrail.core.checkpoint import SegmentRow, ShardKey, is_after
from tabletrail.core.document import moment_of
from tabletrail.core.seen_changes import Seen, is_attributable, seen
from tabletrail.core.segment import Line, read
from tabletrail.core.staged_names import day_prefix, segment_of
from tabletrail.deadline import Deadline
from tabletrail.errors import ObjectMissingError, SegmentError, TransientError
from tabletrail.ports import Logged, SegmentStore

CLOCKS_SECONDS = 120
"""How far a record's time and the writing of its object may seem to be the wrong way round."""
RUN_SECONDS = 900
"""Longer than a run: an object that was written so much later was staged by a later run."""
KEPT_SECONDS = 26 * 3600
"""No record is committed so long after it was made: its stream has forgotten it by then."""
BEYOND_SECONDS = 60
"""Behind a record so much later than the slice a shard has none of the slice: times are approximate."""
PLACE_SECONDS = 1800
PLACES = 160
"""Half-hourly places for more than three days."""
ROWS = 100
MOST_DAMAGED = 20

Place = tuple[int, str]
"""(when an object was written, its key)"""


class WrittenLog(Protocol):
    def written(self, after: str) -> Iterator[Logged]:
        """As `LogListing.written`: what lies behind the key `after`, in the order of keys."""


class SegmentRows(Protocol):
    def segments(self, segment_ids: Sequence[str]) -> dict[str, SegmentRow]:
        """Those that exist, by their ids, consistent. At most 100 at once. TransientError."""


class TooMuchError(TransientError):
    """More changes than are held at once, or than there was time to read: take a shorter slice."""


@dataclass(slots=True)
class LoggedChanges:
    """`changes` of the slice, as they came. `damaged`: segments whose objects cannot be read."""

    changes: list[Seen] = field(default_factory=list)
    objects: int = 0
    damaged: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.damaged


@dataclass(slots=True)
class ChangeReader:
    """Reads slices for one call. `places` is kept from call to call, by the caller."""

    listing: WrittenLog
    rows: SegmentRows
    store: SegmentStore
    most: int
    """Changes that are held at once."""
    places: list[Place] = field(default_factory=list)

    def read(self, begin: int, end: int, streams: frozenset[str], deadline: Deadline) -> LoggedChanges:
        """All changes of `streams` from `begin` to before `end` (seconds) that calls can have made.

        TooMuchError; TransientError from the ports.
        """
        wanted = _Slice(streams, _moment(begin), _moment(end), _moment(end + BEYOND_SECONDS), self.most)
        batch: list[str] = []
        for logged in self._written(begin - CLOCKS_SECONDS):
            if logged.written_at > end + KEPT_SECONDS:
                break
            if segment_id := segment_of(logged.key):
                batch.append(segment_id)
            if len(batch) == ROWS:
                self._take(batch, wanted, deadline)
                batch = []
        self._take(batch, wanted, deadline)
        return wanted.found

    def _written(self, since: int) -> Iterator[Logged]:
        """Objects that were written since then, and, as keys are not in the order of time, some that were before."""
        places = [place for place in self.places if place[0] <= since - RUN_SECONDS]
        after = max(places)[1] if places else day_prefix(since - RUN_SECONDS)
        for logged in self.listing.written(after):
            if logged.written_at >= max((at for at, _ in self.places), default=0) + PLACE_SECONDS:
                self.places = [*self.places, (logged.written_at, logged.key)][-PLACES:]
            if logged.written_at >= since:
                yield logged

    def _take(self, segment_ids: Sequence[str], wanted: _Slice, deadline: Deadline) -> None:
        rows = self.rows.segments(segment_ids) if segment_ids else {}
        for segment_id in segment_ids:
            row = rows.get(segment_id)
            if row is None or not wanted.may_be_in(row):
                continue
            if deadline.passed():
                raise TooMuchError("there was no time to read all changes of the slice")
            wanted.found.objects += 1
            try:
                wanted.add(self._lines(row))
            except (ObjectMissingError, SegmentError):
                wanted.found.damaged = [*wanted.found.damaged, segment_id][:MOST_DAMAGED]

    def _lines(self, row: SegmentRow) -> Iterator[Line]:
        body = self.store.get(row.key, row.version_id)
        if sha256(body).hexdigest() != row.sha256:
            raise SegmentError("the object's hash is not the committed one")
        return (line for line in read(body) if isinstance(line, Line))


@dataclass(slots=True)
class _Slice:
    """What is wanted, as the texts of entries' times, and what was found."""

    streams: frozenset[str]
    first: str
    last: str
    beyond: str
    most: int
    found: LoggedChanges = field(default_factory=LoggedChanges)
    done: dict[ShardKey, str] = field(default_factory=dict)
    """By shard, the sequence number of a record beyond the slice. A run's segments are listed in no order."""

    def may_be_in(self, row: SegmentRow) -> bool:
        return any(
            link.stream_arn in self.streams
            and not ((end := self.done.get(ShardKey(link.stream_arn, link.shard_id))) and is_after(link.first, end))
            for link in row.links
        )

    def add(self, lines: Iterator[Line]) -> None:
        for line in lines:
            entry, stream = line.entry, line.entry["stream"]
            if entry["tabletrail"]["kind"] != "change" or stream["arn"] not in self.streams:
                continue
            at = entry["@timestamp"]
            if at >= self.beyond:
                self.done.setdefault(ShardKey(stream["arn"], stream["shard"]), stream["sequence"])
            elif self.first <= at < self.last and is_attributable(entry):
                self.found.changes.append(seen(entry, line.images))
                if len(self.found.changes) > self.most:
                    raise TooMuchError("there are too many changes in the slice")


def _moment(seconds: int) -> str:
    """As entries write it: such texts are in the order of time."""
    return moment_of(seconds, "day")[0]
