"""AttributeChanges: CloudTrail is asked who made the changes that are in the log, an hour later; what it says is
appended.

    1 windows   which seconds of which stream are due             tabletrail.core.attribution_windows
    2 changes   of these seconds, from the log's segments         tabletrail.logged_changes
    3 calls     of these seconds, from the trail's files          tabletrail.trail
    4 judge     entries of kind attribution                       tabletrail.core.judgement
    5 COMMIT    segment row + the streams' rows, one transaction  tabletrail.attribution_commit

The crash argument is capture's. Before 5 nothing happened: the streams' rows stand where they stood, the object is an
orphan, the next call judges the same windows. After 5 the entries exist, and `attributed_until` says so: a window is
judged once. The same log and the same files give the same entries; a file that came in between gives better ones.

Rules
- A stream's first window begins when it is first seen with a trail that tells of its table, and the log says so
  (coverage entry `attribution_begun`); where the trail ceases to tell of it, that too (`attribution_ended`).
- Windows older than three days are passed over, which the log says too (`attribution_skipped`).
- Nothing begins where the tables of checkpoints do not belong together (`tabletrail.stamping`).
- What cannot be read of trail or log is counted and named; what is judged without it is never sure.
- Where a window is too much for one call a shorter one is taken, now and in the next calls.
- One call at a time, by a lease; if there are two, a row moves by compare-and-swap, and the loser judges again.

Called by `handlers.attribute_changes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tabletrail.attribution_commit import AttributionCommit
from tabletrail.attribution_result import NOTE, AttributionResult
from tabletrail.attribution_start import AttributionStart
from tabletrail.conversions import Conversions
from tabletrail.core.attribution_windows import (
    MOST_SECONDS,
    TrailTables,
    is_worth_a_look,
    leading,
    next_round,
    standings,
)
from tabletrail.core.checkpoint import StreamRow, StreamState
from tabletrail.core.cloudtrail import Call, Scope
from tabletrail.core.entry import Conversion
from tabletrail.core.judgement import CALLS_SECONDS, CONTEXT_SECONDS, Judged, Span, TableWindow, judge
from tabletrail.core.seen_changes import Seen
from tabletrail.core.stamps import stamped_run
from tabletrail.coverage import Coverage
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.index import INDEX_RESERVE_SECONDS
from tabletrail.logged_changes import ChangeReader, LoggedChanges, Place, TooMuchError
from tabletrail.parts import source_of
from tabletrail.ports import Leases, RunNotes
from tabletrail.settings import Settings
from tabletrail.stamping import Stamping
from tabletrail.trail import CallsOfSlice, Slice, Trail, calls_of

LEASE = "attribute_changes"
PAST_NOTE = "attribution_past"
READ_SECONDS = 30
"""Of a call, for reading; the rest is for judging what was read, the commit and the index."""
FILES_SECONDS = 6 * 3600
"""Files that were delivered so long after a window are not read for it: they count as late, whenever they come."""
SHORTEST = 15
"""Seconds of a window below which it is not cut."""
CHANGES = 40_000
"""Changes that one round holds: about 100 MB."""


@dataclass(slots=True)
class Past:
    """What a call knows of those before it. `places`: see `logged_changes`; times are seconds since the epoch."""

    step: int = MOST_SECONDS
    """The longest window now."""
    read_at: int = 0
    """When the call before read files: what was delivered later is news."""
    places: list[Place] = field(default_factory=list)
    judged_until: int = 0
    """What was judged before this call; 0 until it is known."""
    known: set[str] = field(default_factory=set)
    """Files whose late calls this call has counted."""

    @classmethod
    def of(cls, note: Mapping[str, Any]) -> Past:
        places = [(int(at), str(key)) for at, key in note.get("places", ())]
        return cls(int(note.get("step", MOST_SECONDS)), int(note.get("read_at", 0)), places)

    def facts(self) -> dict[str, Any]:
        return {"step": self.step, "read_at": self.read_at, "places": [list(place) for place in self.places]}


class AttributedStreams(Protocol):
    def all_streams(self) -> list[StreamRow]:
        """As `Checkpoints.streams`, with those that are DONE."""


@dataclass(slots=True)
class AttributeChanges:
    """One call. Make a new one for each. `coverage` brings the ports of the commit; its run is named here."""

    streams: AttributedStreams
    coverage: Coverage
    reader: ChangeReader
    trail: Trail
    conversions: Conversions
    stamping: Stamping
    leases: Leases
    notes: RunNotes
    settings: Settings
    result: AttributionResult = field(default_factory=AttributionResult)
    _past: Past = field(default_factory=Past)
    _blocked: set[str] = field(default_factory=set)
    """Tables whose rules cannot be had now, by ARN: they wait."""

    def run(self, owner: str) -> AttributionResult:
        """Judges what is due until the call's time is over; `more` asks for another call at once. Frees the lease.

        Trouble ends the call early and is a failure in the result; what was committed before counts.
        """
        clock = self.coverage.clock
        if not self.leases.acquire(LEASE, owner, self.settings.lease_seconds, int(clock.now())):
            return self.result
        self.result.acquired = True
        deadline = Deadline.after(clock, READ_SECONDS)
        self.coverage.indexer.deadline = Deadline.after(clock, self.settings.function_seconds - INDEX_RESERVE_SECONDS)
        try:
            self._attribute(owner, deadline)
        except TabletrailError as error:
            self.result.failures.append(f"{type(error).__name__}: {error}")
            self.result.more = False
        finally:
            self.leases.release(LEASE, owner)
        self.result.add({})
        return self.result

    def _attribute(self, owner: str, deadline: Deadline) -> None:
        found = self.stamping.stamps.read()
        trouble = self.stamping.trouble(found)
        if trouble or not found.number:
            self.result.failures += [f"nothing is attributed before `tabletrail recover`: {trouble}"] if trouble else []
            return
        self.coverage = replace(self.coverage, run_id=stamped_run(found.number, owner))
        self._past = Past.of(self.notes.read(PAST_NOTE))
        self.reader.places = list(self._past.places)
        now = int(self.coverage.clock.now())
        try:
            self._rounds(deadline)
        finally:
            past = replace(self._past, read_at=now, places=self.reader.places)
            self.notes.write(PAST_NOTE, past.facts())
            self.notes.write(NOTE, {"at": now, **self.result.facts()})

    def _rounds(self, deadline: Deadline) -> None:
        rows = AttributionStart(self.coverage, self._tables(), self.result).of_all(self.streams.all_streams(), deadline)
        while True:
            spans = self._due(rows)
            self.result.more = bool(spans)
            if not spans or deadline.passed():
                return
            if not self.result.windows:
                # A call that is killed over this window leaves a shorter one to the next.
                self.notes.write(PAST_NOTE, replace(self._past, step=max(SHORTEST, self._past.step // 2)).facts())
            if not self._round(rows, spans, deadline):
                return
            rows = self.streams.all_streams()

    def _tables(self) -> TrailTables:
        return TrailTables(tuple(arn.strip() for arn in self.settings.trail_tables.split(",")))

    def _due(self, rows: Sequence[StreamRow]) -> dict[str, Span]:
        tables, now, settled = self._tables(), self.coverage.clock.now(), self.settings.trail_settled_seconds
        begun = [row for row in rows if row.attributed_until and tables.covers(row.table_arn)]
        live = [row for row in begun if row.state is not StreamState.DONE]
        self.result.note_behind(live, int(now))
        due = {row.table_arn for row in begun if is_worth_a_look(row, now, settled)} - self._blocked
        asked = [row.stream_arn for row in live if row.table_arn in due]
        shards = {arn: self.coverage.checkpoints.shards_of(arn) for arn in asked}
        wanted = [row for row in begun if row.table_arn in due]
        return next_round(standings(wanted, shards, now, settled), self._past.step)

    def _round(self, rows: Sequence[StreamRow], spans: Mapping[str, Span], deadline: Deadline) -> bool:
        """Judges and commits these windows. False if the call's time is over."""
        try:
            judged = self._judged(rows, spans, deadline)
        except TooMuchError as error:
            return self._shorten(rows, spans, deadline, error)
        moves = {
            row.stream_arn: (row, replace(row, attributed_until=spans[row.stream_arn][1]))
            for row in rows
            if row.stream_arn in spans and row.table_arn not in self._blocked
        }
        AttributionCommit(self.coverage, self.result).commit(moves, judged)
        self._past.step = min(MOST_SECONDS, 2 * self._past.step)
        return True

    def _shorten(
        self, rows: Sequence[StreamRow], spans: Mapping[str, Span], deadline: Deadline, error: Exception
    ) -> bool:
        """The windows were too much: shorter ones are next. The shortest ones are passed over, or nothing would ever
        be attributed again; but not for want of time, which another call may have."""
        length = max(end - begin for begin, end in spans.values())
        self._past.step = max(SHORTEST, length // 2)
        if deadline.passed():
            self.result.problems.append(f"{length} s of changes were too much for one call: shorter windows are next")
            return False
        if length <= SHORTEST:
            start = AttributionStart(self.coverage, self._tables(), self.result)
            for row in rows:
                if row.stream_arn in spans:
                    start.skip(row, spans[row.stream_arn][1], str(error))
        return True

    def _judged(self, rows: Sequence[StreamRow], spans: Mapping[str, Span], deadline: Deadline) -> Judged:
        """TooMuchError: a shorter window would do."""
        wanted = sorted({row.table_arn for row in rows if row.stream_arn in spans})
        tables = {arn: [row for row in rows if row.table_arn == arn] for arn in wanted}
        begin, end = min(one for one, _ in spans.values()), max(one for _, one in spans.values())
        arns = frozenset(row.stream_arn for streams in tables.values() for row in streams)
        logged = self.reader.read(begin - CONTEXT_SECONDS, end + CONTEXT_SECONDS, arns, deadline)
        calls = self._calls(tables, begin, end, deadline)
        self._tell(logged, calls)
        by_table = _by_table(logged.changes), _calls_by_table(calls.calls)
        judged = Judged()
        for table_arn, streams in tables.items():
            name = streams[0].table_name
            changes, of_table = by_table[0].get(name, []), by_table[1].get(name, [])
            window = self._window(streams, spans, changes)
            if window is None:
                self._blocked.add(table_arn)
                continue
            if changes and not of_table:
                self.result.problems.append(f"{name}: CloudTrail shows no call at all. Is its trail on for this table?")
            wholes = {"is_trail_whole": calls.is_complete, "is_log_whole": logged.is_whole}
            try:
                judged.add(judge(window, changes, of_table, **wholes))
            except ValueError as error:
                raise TooMuchError(str(error)) from error
        return judged

    def _calls(
        self, tables: Mapping[str, Sequence[StreamRow]], begin: int, end: int, deadline: Deadline
    ) -> CallsOfSlice:
        streams = [row for rows in tables.values() for row in rows]
        scope = Scope(streams[0].account, streams[0].region, frozenset(row.table_name for row in streams))
        self._past.judged_until = self._past.judged_until or begin
        wanted = Slice(
            begin - CALLS_SECONDS,
            end + CALLS_SECONDS,
            until=min(int(self.coverage.clock.now()), end + FILES_SECONDS),
            judged_until=self._past.judged_until,
            read_at=self._past.read_at,
            settled=self.settings.trail_settled_seconds,
        )
        return calls_of(self.trail, scope, wanted, self._past.known, deadline)

    def _tell(self, logged: LoggedChanges, calls: CallsOfSlice) -> None:
        bad = calls.bad.total()
        self.result.count({"files": calls.files, "records": calls.records, "late": calls.late, "bad": bad})
        self.result.objects += logged.objects
        if bad:
            reasons = ", ".join(f"{count} times {reason}" for reason, count in sorted(calls.bad.items()))
            self.result.failures.append(f"CloudTrail's records cannot be read: {reasons}; in {calls.bad_files[0]}")
        if calls.late:
            self.result.problems.append(f"{calls.late} calls were delivered after their changes were judged")
        self.result.failures += [f"segment {one} is missing or altered" for one in logged.damaged]

    def _window(
        self, streams: Sequence[StreamRow], spans: Mapping[str, Span], changes: Sequence[Seen]
    ) -> TableWindow | None:
        """None where the rules of the table cannot be had: it waits, the others do not."""
        lead = leading(row for row in streams if row.stream_arn in spans)
        versions = {lead.rules_version, *(one.rules_version for one in changes)}
        try:
            conversions: dict[str, Conversion] = {one: self.conversions.of(one) for one in sorted(versions)}
        except TabletrailError as error:
            self.result.failures.append(f"{lead.table_name}: rules: {error}")
            return None
        return TableWindow(spans, source_of(lead, ""), conversions[lead.rules_version], conversions)


def _by_table(changes: Iterable[Seen]) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = defaultdict(list)
    for one in changes:
        found[one.change.table].append(one)
    return found


def _calls_by_table(calls: Iterable[Call]) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        for table in {write.table for write in call.writes}:
            found[table].append(call)
    return found
