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
- Where no file was delivered nothing is judged: windows with changes wait, or are passed over once files come again.
- What cannot be read of trail or log is counted and named; what is judged without it is never sure.
- Where a window is too much for one call a shorter one is taken, now and in the next calls.
- One call at a time, by a lease; if there are two, a row moves by compare-and-swap, and the loser judges again.

Called by `handlers.attribute_changes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from tabletrail.attribution_commit import AttributionCommit
from tabletrail.attribution_past import PAST_NOTE, Past
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
from tabletrail.core.cloudtrail import Scope
from tabletrail.core.document import moment_of
from tabletrail.core.entry import Conversion
from tabletrail.core.judgement import CALLS_SECONDS, CONTEXT_SECONDS, Judged, Span, TableWindow, judge
from tabletrail.core.seen_changes import Seen, by_table
from tabletrail.core.sources import source_of
from tabletrail.core.stamps import stamped_run
from tabletrail.coverage import Coverage
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.index import INDEX_RESERVE_SECONDS
from tabletrail.logged_changes import ChangeReader, LoggedChanges, TooMuchError
from tabletrail.ports import Leases, RunNotes
from tabletrail.settings import Settings
from tabletrail.stamping import Stamping
from tabletrail.trail import CallsOfSlice, Slice, Trail, calls_of, tells_after

LEASE = "attribute_changes"
READ_SECONDS = 30
"""Of a call, for reading; the rest is for judging what was read, the commit and the index."""
FILES_SECONDS = 6 * 3600
"""Files that were delivered so long after the longest window are not read for it: they count as late, whenever they
come. Of a shorter one less, down to what CloudTrail is waited for: or a trail of much would never be caught up with."""
SHORTEST = 15
"""Seconds of a window below which it is not cut."""
CHANGES = 40_000
"""Changes that one round holds: about 100 MB."""
UNTOLD = "CloudTrail delivered no file in their time"


class _UntoldError(Exception):
    def __init__(self, wanted: Slice) -> None:
        super().__init__(UNTOLD)
        self.wanted = wanted


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
        now = int(self.coverage.clock.now())
        self._past = Past.of(self.notes.read(PAST_NOTE), now)
        self.reader.places = list(self._past.places)
        try:
            self._rounds(deadline)
        finally:
            past = replace(self._past, read_at=now, places=self.reader.places)
            self.notes.write(PAST_NOTE, past.facts())
            self.notes.write(NOTE, {"at": now, **self.result.facts()})

    def _rounds(self, deadline: Deadline) -> None:
        rows = self._start().of_all(self.streams.all_streams(), deadline)
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

    def _start(self) -> AttributionStart:
        return AttributionStart(self.coverage, self._tables(), self.result, self._past.off_at)

    def _tables(self) -> TrailTables:
        return TrailTables(tuple(arn.strip() for arn in self.settings.trail_tables.split(",")))

    def _due(self, rows: Sequence[StreamRow]) -> dict[str, Span]:
        tables, now, settled = self._tables(), self.coverage.clock.now(), self.settings.trail_settled_seconds
        begun = [row for row in rows if row.attributed_until and tables.covers(row.table_arn)]
        live = [row for row in begun if row.state is not StreamState.DONE]
        self.result.note_behind(live, int(now))
        due = {row.table_arn for row in begun if is_worth_a_look(row, now, settled)} - self._blocked
        due -= {row.table_arn for row in begun if self._start().is_to_resume(row)}
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
        except _UntoldError as error:
            return self._untold(rows, spans, error.wanted)
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
            self._pass_over(rows, spans, str(error))
        return True

    def _pass_over(self, rows: Sequence[StreamRow], spans: Mapping[str, Span], reason: str) -> None:
        start = self._start()
        for row in rows:
            if row.stream_arn in spans:
                start.skip(row, spans[row.stream_arn][1], reason)

    def _untold(self, rows: Sequence[StreamRow], spans: Mapping[str, Span], wanted: Slice) -> bool:
        """Nothing can be said of these windows, not even that no call fits. They wait for files; where CloudTrail
        delivers again they are passed over. False if they wait: the others have no files either."""
        if tells_after(self.trail, wanted, int(self.coverage.clock.now())):
            self._pass_over(rows, spans, UNTOLD)
            return True
        since = moment_of(min(begin for begin, _ in spans.values()), "day")[0]
        self.result.failures.append(
            f"changes since {since} wait, for three days at most: {UNTOLD}. Is the trail on, and does it write the data"
            " events of these tables to the bucket and under the prefix that the stack has as parameters?"
        )
        self.result.more = False
        return False

    def _judged(self, rows: Sequence[StreamRow], spans: Mapping[str, Span], deadline: Deadline) -> Judged:
        """TooMuchError: a shorter window would do. _UntoldError: there are changes, and no files."""
        wanted = sorted({row.table_arn for row in rows if row.stream_arn in spans})
        tables = {arn: [row for row in rows if row.table_arn == arn] for arn in wanted}
        begin, end = min(one for one, _ in spans.values()), max(one for _, one in spans.values())
        arns = frozenset(row.stream_arn for streams in tables.values() for row in streams)
        logged = self.reader.read(begin - CONTEXT_SECONDS, end + CONTEXT_SECONDS, arns, deadline)
        asked = self._slice(begin, end)
        calls = self._calls(tables, asked, deadline)
        self._tell(logged, calls)
        if logged.changes and not calls.is_told:
            raise _UntoldError(asked)
        changes_of, calls_of_table = by_table(logged.changes), calls.by_table()
        judged = Judged()
        for table_arn, streams in tables.items():
            name = streams[0].table_name
            changes, of_table = changes_of.get(name, []), calls_of_table.get(name, [])
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

    def _slice(self, begin: int, end: int) -> Slice:
        self._past.judged_until = self._past.judged_until or begin
        settled = self.settings.trail_settled_seconds
        beyond = max(CALLS_SECONDS + settled, FILES_SECONDS * min(self._past.step, MOST_SECONDS) // MOST_SECONDS)
        return Slice(
            begin - CALLS_SECONDS,
            end + CALLS_SECONDS,
            until=min(int(self.coverage.clock.now()), end + beyond),
            judged_until=self._past.judged_until,
            read_at=self._past.read_at,
            settled=settled,
        )

    def _calls(self, tables: Mapping[str, Sequence[StreamRow]], wanted: Slice, deadline: Deadline) -> CallsOfSlice:
        streams = [row for rows in tables.values() for row in rows]
        scope = Scope(streams[0].account, streams[0].region, frozenset(row.table_name for row in streams))
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
        source, conversion = source_of(lead, ""), conversions[lead.rules_version]
        return TableWindow(spans, source, conversion, conversions, audited_since=lead.joined_at)
