"""What the log in S3 says was committed, read through once from its first day to its last.

Rules
- An object with a row is committed. Of the others the chains decide (`tabletrail.core.adoption`), where the table of
  segments cannot be trusted; where it can, an object without a row is an orphan.
- Nothing of an object without a row is believed that its own lines do not show: each link is made again from them.
- Two days' objects are held at a time, and of the rest the heads of the chains.
- Entries of kind attribution say how far a stream's changes were judged: each change before has one, none behind does.

Called by `tabletrail.recovery`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any, Protocol

from tabletrail.attribution_commit import GROUP as ATTRIBUTION_GROUP
from tabletrail.attribution_start import ATTRIBUTION, judged_by
from tabletrail.core.adoption import Adoption, Piece, coverage_step, step_of
from tabletrail.core.alert import is_due
from tabletrail.core.chain import link_of
from tabletrail.core.checkpoint import SegmentRow, ShardKey, ShardLink, ShardRow
from tabletrail.core.segment import Header, read
from tabletrail.core.staged_names import day_of, segment_of
from tabletrail.core.stamps import stamp_of
from tabletrail.coverage import GROUP
from tabletrail.errors import ObjectMissingError, SegmentError
from tabletrail.ports import Logged, LogListing, SegmentStore

READERS = 4
"""Objects that are read at once: a segment may have 24 MB before it is packed."""
ROWS = 100
"""Rows that are looked up at once."""
MOST_DAMAGED = 100
"""Named ones; all are counted."""


class RecoveredRows(Protocol):
    """Rows that a recovery puts back. Durable on return; each may be repeated. TransientError."""

    def segments(self, segment_ids: Sequence[str]) -> dict[str, SegmentRow]:
        """Those that exist, by their ids, consistent."""

    def put_segment(self, row: SegmentRow) -> None:
        """Makes the row, as not indexed, or leaves the one that is there."""

    def put_shard(self, before: ShardRow | None, after: ShardRow) -> bool:
        """Replaces the row if it still has `before`'s version (None: if there is none). False if it has another."""


@dataclass(frozen=True, slots=True)
class CoverageFact:
    """One coverage entry. `what` happened to the stream; `document` is the entry without images; `at` in seconds.

    `gaps` of the stream as a whole were committed with it.
    """

    stream_arn: str
    number: int
    what: str
    at: int
    document: dict[str, Any]
    gaps: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """An object that was read: its row as a commit would have made it, coverage entries, all ids if it has no link.

    `seconds`: (stream ARN, time) of its entries of kind attribution, each once, instead of their ids.
    `judged`: (stream ARN, the second behind the last one that an entry of kind attribution is of).
    """

    row: SegmentRow
    facts: tuple[CoverageFact, ...]
    ids: tuple[str, ...]
    seconds: tuple[tuple[str, str], ...] = ()
    judged: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Survey:
    """Make a new one for each pass. `new_stream` is told of each stream's ARN before its first link is decided."""

    listing: LogListing
    store: SegmentStore
    rows: RecoveredRows
    adoption: Adoption
    new_stream: Callable[[str], None]
    trusts_segments: bool
    needs_coverage: bool
    """Coverage entries are read of committed objects too."""
    objects: int = 0
    adopted: int = 0
    orphans: int = 0
    stamp: int = 0
    """The latest that a key shows."""
    damaged: list[str] = field(default_factory=list)
    damaged_count: int = 0
    facts: dict[str, list[CoverageFact]] = field(default_factory=lambda: defaultdict(list))
    """Of each stream's coverage entries the last that had it join, the last about attribution, the last of the others;
    by their numbers."""
    gaps: Counter[str] = field(default_factory=Counter)
    """Of each stream as a whole."""
    judged: dict[str, int] = field(default_factory=dict)
    """By stream, before which second its changes have entries of kind attribution, or were passed over."""
    _opened: dict[str, Opened] = field(default_factory=dict)
    _arns: set[str] = field(default_factory=set)

    def adoptions(self) -> Iterator[SegmentRow]:
        """Rows that are missing, of objects that are committed, in the order of their chains within a day. When it has
        ended, the counts and the heads are complete. TransientError."""
        current: list[Piece] | None = None
        for _, group in groupby(self.listing.objects(), key=lambda logged: day_of(logged.key)):
            following = self._pieces(list(group))
            if current is not None:
                yield from self._decided(self.adoption.day(current, following))
            current = following
        if current is not None:
            yield from self._decided(self.adoption.day(current, ()))
            yield from self._decided(self.adoption.finish())
        self.orphans = self.objects - self.adopted - self.damaged_count

    def _decided(self, taken: Iterable[Piece]) -> Iterator[SegmentRow]:
        for piece in taken:
            self.adopted += 1
            opened = self._opened.pop(piece.segment_id, None)
            for fact in opened.facts if opened else ():
                self._remember(fact)
            for arn, until in opened.judged if opened else ():
                self.judged[arn] = max(until, self.judged.get(arn, 0))
            if opened and not piece.is_committed:
                yield opened.row

    def _remember(self, fact: CoverageFact) -> None:
        self.gaps[fact.stream_arn] += fact.gaps
        known = [*self.facts[fact.stream_arn], fact]
        joined = [one for one in known if one.what == "joined"][-1:]
        of_it, others = ([one for one in known if (one.what in ATTRIBUTION) is is_of_it] for is_of_it in (True, False))
        latest = [max(some, key=lambda one: one.number) for some in (joined, of_it, others) if some]
        by_number = {one.number: one for one in latest}
        self.facts[fact.stream_arn] = [by_number[number] for number in sorted(by_number)]

    def _pieces(self, day: list[Logged]) -> list[Piece]:
        found: list[Piece] = []
        for start in range(0, len(day), ROWS):
            found += self._some_pieces(day[start : start + ROWS])
        arns = {step.key.stream_arn for piece in found for step in piece.steps} - self._arns
        self._arns |= arns
        for arn in sorted(arns):
            self.new_stream(arn)
        return found

    def _some_pieces(self, logged: Sequence[Logged]) -> list[Piece]:
        ours = [one for one in logged if segment_of(one.key)]
        self.objects += len(ours)
        self.stamp = max([self.stamp, *(stamp_of(one.key) for one in ours)])
        rows = self.rows.segments([segment_of(one.key) for one in ours])
        with ThreadPoolExecutor(READERS) as pool:
            pieces = pool.map(lambda one: self._piece(one, rows.get(segment_of(one.key))), ours)
            return [piece for piece in pieces if piece is not None]

    def _piece(self, logged: Logged, row: SegmentRow | None) -> Piece | None:
        """None for an orphan, and for what cannot be read though it has no row to vouch for it."""
        segment_id = segment_of(logged.key)
        if row is None and self.trusts_segments:
            return None
        opened = None
        is_told = row is not None and self.needs_coverage and row.group_id in (GROUP, ATTRIBUTION_GROUP)
        if row is None or is_told or not (row.links or self.trusts_segments):
            opened = self._open(logged, row)
            if opened is None and row is None:
                return None
        if opened is not None:
            self._opened[segment_id] = opened
        steps = [step_of(link) for link in (row or opened.row).links]  # type: ignore[union-attr]  # one of both is there
        facts = opened.facts if opened else ()
        steps += [coverage_step(fact.stream_arn, fact.number) for fact in facts]
        ids, seconds = (opened.ids, opened.seconds) if opened and not steps else ((), ())
        return Piece(segment_id, (logged.written_at, logged.key), row is not None, tuple(steps), ids, seconds)

    def _open(self, logged: Logged, row: SegmentRow | None) -> Opened | None:
        version_id = row.version_id if row else logged.version_id
        try:
            return opened_object(logged, version_id, self.store.get(logged.key, version_id))
        except (SegmentError, ObjectMissingError) as error:
            self.damaged_count += row is None
            if len(self.damaged) < MOST_DAMAGED:
                self.damaged.append(f"{logged.key}: {error}")
            return None


def opened_object(logged: Logged, version_id: str, body: bytes) -> Opened:
    """SegmentError if the object is not a whole segment whose links are those of its lines."""
    lines = read(body)
    header = next(lines)
    assert isinstance(header, Header)  # `read` yields it first
    if header.segment_id != segment_of(logged.key):
        raise SegmentError("line 0: the header names another segment than the key")
    contents = _Contents()
    for line in lines:
        contents.add(line.entry)  # type: ignore[union-attr]  # nothing but lines follow the header
    contents.check(header.links)
    row = SegmentRow(
        segment_id=header.segment_id,
        run_id=header.run_id,
        group_id=header.group_id,
        key=logged.key,
        version_id=version_id,
        sha256=sha256(body).hexdigest(),
        size=len(body),
        entries=header.entries,
        committed_at=logged.written_at,
        indices=tuple(sorted(contents.indices)),
        links=header.links,
        alerts=contents.alerts,
    )
    facts = [replace(fact, gaps=contents.gaps[fact.stream_arn]) for fact in contents.facts]
    ids = () if header.links else tuple(contents.ids)
    return Opened(row, tuple(facts), ids, tuple(contents.seconds), tuple(contents.judged.items()))


@dataclass(slots=True)
class _Contents:
    """What is kept of an object's entries, one after the other."""

    numbers: dict[ShardKey, list[str]] = field(default_factory=lambda: defaultdict(list))
    indices: set[str] = field(default_factory=set)
    facts: list[CoverageFact] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    gaps: Counter[str] = field(default_factory=Counter)
    seconds: dict[tuple[str, str], None] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    alerts: int = 0

    def add(self, entry: dict[str, Any]) -> None:
        kind, stream = entry["tabletrail"]["kind"], entry["stream"]
        self.indices.add(entry["log"]["index"])
        if kind == "attribution":
            self.seconds[stream["arn"], entry["@timestamp"]] = None
        else:
            self.ids.append(entry["event"]["id"])
        self.alerts += is_due(entry["event"]["severity"])
        if kind in ("change", "unreadable") and "sequence" in stream:
            self.numbers[ShardKey(stream["arn"], stream["shard"])].append(stream["sequence"])
        elif kind == "coverage":
            coverage = entry["tabletrail"]["coverage"]
            self.facts.append(CoverageFact(stream["arn"], coverage["number"], coverage["what"], _time(entry), entry))
            self._judge(stream["arn"], judged_by(coverage["what"], _time(entry)))
        elif kind == "attribution":
            self._judge(stream["arn"], _time(entry) + 1)
        elif kind == "gap" and "shard" not in stream:
            self.gaps[stream["arn"]] += 1

    def _judge(self, stream_arn: str, until: int) -> None:
        if until:
            self.judged[stream_arn] = max(until, self.judged.get(stream_arn, 0))

    def check(self, links: Iterable[ShardLink]) -> None:
        """A link covers all sequence numbers of its shard, so it can be made again from the lines."""
        given = {ShardKey(link.stream_arn, link.shard_id): link for link in links}
        made = {
            key: link_of(given[key].previous_chain, key.stream_arn, key.shard_id, numbers)
            for key, numbers in self.numbers.items()
            if key in given
        }
        if made != given or self.numbers.keys() != given.keys():
            raise SegmentError("line 0: its links are not those of its lines")


def _time(entry: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(entry["@timestamp"]).timestamp())
