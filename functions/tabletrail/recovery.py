"""Recovery: the tables of checkpoints are made to agree with the log again, after one was restored or made anew.

    1 look      what do the stamps say, and what the log             tabletrail.stamping, tabletrail.log_survey
    2 segments  rows of committed objects that have none             here
    3 shards    each goes on behind the log's last record of it      tabletrail.core.rebuilt_shards
    4 streams   rows from the log's coverage entries, and in one     tabletrail.rebuilt_streams
                commit with each a coverage entry "recovered"
    5 stamps    the next number, later than any in tables and log    here

The crash argument: until 5 the stamps differ, so no run captures anything. 2 and 3 only put back what the log says, and
may be repeated; 4 may leave a second entry "recovered", which is true. So after a crash it is said again.

Rules
- A table that is as the last run left it is believed, and left alone.
- Nothing is read from the streams here. What the log has is not read again, what it lacks is read by the next runs, and
  what the streams have forgotten meanwhile becomes a gap by the usual rule.
- The lease is held, so that no run is at work.

Called by the command line's `recover`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tabletrail.core.adoption import COVERAGE_SHARD, Adoption, Head, coverage_chain
from tabletrail.core.checkpoint import (
    GENESIS_CHAIN,
    Commit,
    Committed,
    ShardKey,
    ShardRow,
    StreamMove,
    StreamRow,
    StreamState,
)
from tabletrail.core.entry import Conversion, coverage_entry
from tabletrail.core.lineage import Listed
from tabletrail.core.rebuilt_shards import ShardPut, rebuilt_shards
from tabletrail.core.sources import source_of
from tabletrail.core.stamps import TABLES, Stamp, Stamped, stamped_run
from tabletrail.coverage import GROUP, terms_of
from tabletrail.errors import CommitUnknownError, LeaseHeldError, ShardGoneError, TransientError
from tabletrail.log_survey import RecoveredRows, Survey
from tabletrail.plan import NOTE
from tabletrail.ports import (
    Checkpoints,
    Clock,
    Leases,
    LogListing,
    Progress,
    RunNotes,
    Segments,
    SegmentStore,
    StreamReader,
    Tables,
)
from tabletrail.rebuilt_streams import attributed_until, rebuilt_stream
from tabletrail.report import LEASE
from tabletrail.settings import Settings
from tabletrail.staging import Stager
from tabletrail.stamping import Stamping

LEASE_TRIES = 60
"""Each a second: a run that is refused holds the lease for a moment, one at work for a minute."""


@dataclass(slots=True)
class Findings:
    """What was found, and put right if it was asked for. Counts; `behind`: tables, each with the words for it."""

    trouble: str
    behind: dict[str, str] = field(default_factory=dict)
    objects: int = 0
    rows_missing: int = 0
    orphans: int = 0
    forced: int = 0
    damaged: list[str] = field(default_factory=list)
    shards_moved: int = 0
    streams: int = 0
    streams_rebuilt: int = 0
    stamp: int = 0
    is_applied: bool = False


@dataclass(slots=True)
class Recovery:
    """One recovery. Make a new one for each call."""

    stamping: Stamping
    listing: LogListing
    store: SegmentStore
    rows: RecoveredRows
    checkpoints: Checkpoints
    segments: Segments
    stream: StreamReader
    tables: Tables
    leases: Leases
    notes: RunNotes
    clock: Clock
    settings: Settings
    conversion: Conversion
    progress: Progress
    _known: dict[str, tuple[StreamRow | None, list[ShardRow]]] = field(default_factory=dict)
    """By stream: its rows as they are in the tables."""

    def look(self) -> Findings:
        """Changes nothing. TransientError, RefusedError."""
        found = self.stamping.stamps.read()
        return self._recover(found, "", is_applied=False)

    def apply(self, owner: str) -> Findings:
        """Puts it right; does nothing if nothing is wrong. LeaseHeldError, TransientError: say it again."""
        self._hold(owner)
        try:
            return self._recover(self.stamping.stamps.read(), owner, is_applied=True)
        finally:
            self.leases.release(LEASE, owner)

    def _recover(self, found: Stamped, owner: str, *, is_applied: bool) -> Findings:
        behind = self.stamping.behind(found)
        findings = Findings(self.stamping.trouble(found), behind, is_applied=is_applied)
        if not behind:
            return findings
        survey = self._read_log(findings, owner)
        findings.stamp = max(found.number, survey.stamp) + 1
        streams = self._rebuilt_streams(findings, survey)
        moved = self._rebuild_shards(findings, survey, streams)
        for arn, row in streams.items() if is_applied else ():
            self._put_stream(self._known[arn][0], row, self._detail(findings, moved.get(arn, 0)), owner, findings.stamp)
        if is_applied:
            self._note_groups()
            if not self.stamping.stamps.write(found, Stamp(findings.stamp, int(self.clock.now()), found.ids)):
                raise TransientError("the stamps were moved meanwhile: is another recovery at work? Say it again")
        return findings

    def _hold(self, owner: str) -> None:
        for _ in range(LEASE_TRIES):
            if self.leases.acquire(LEASE, owner, self.settings.lease_seconds, int(self.clock.now())):
                return
            self.clock.sleep(1)
        raise LeaseHeldError("a run holds the lease: deploy with ScheduleState=DISABLED, or say it again in a while")

    # Steps 1 and 2

    def _read_log(self, findings: Findings, owner: str) -> Survey:
        trusts_segments = "segments" not in findings.behind
        adoption = Adoption({}, {})
        survey = Survey(
            self.listing,
            self.store,
            self.rows,
            adoption,
            lambda arn: self._learn(arn, adoption, findings.behind),
            trusts_segments,
            needs_coverage="streams" in findings.behind,
        )
        for row in self.checkpoints.streams():
            self._learn(row.stream_arn, adoption, findings.behind)
        for segment in survey.adoptions():
            findings.rows_missing += 1
            if findings.is_applied:
                self.rows.put_segment(segment)
            if findings.rows_missing % 100 == 1:
                self.progress.note("log", objects=survey.objects, rows_missing=findings.rows_missing)
                self._prolong(owner)
        findings.objects, findings.orphans = survey.objects, survey.orphans
        findings.damaged, findings.forced = survey.damaged, adoption.forced
        return survey

    def _prolong(self, owner: str) -> None:
        if owner and not self.leases.acquire(LEASE, owner, self.settings.lease_seconds, int(self.clock.now())):
            raise LeaseHeldError("a run took the lease: deploy with ScheduleState=DISABLED and say it again")

    def _learn(self, stream_arn: str, adoption: Adoption, behind: Mapping[str, str]) -> None:
        """A stream's rows; and what they say of its chains: where these end, or only that they came so far."""
        if stream_arn in self._known:
            return
        row, shards = self.checkpoints.stream(stream_arn), self.checkpoints.shards_of(stream_arn)
        self._known[stream_arn] = row, shards
        known = adoption.marks if "streams_shards" in behind else adoption.ends
        known |= {shard.key: shard.chain_hash for shard in shards}
        if row is not None:
            known = adoption.marks if "streams" in behind else adoption.ends
            known[ShardKey(stream_arn, COVERAGE_SHARD)] = coverage_chain(row.coverage_no)

    # Step 3

    def _rebuild_shards(self, findings: Findings, survey: Survey, streams: Mapping[str, StreamRow]) -> dict[str, int]:
        """How many shards were moved, by stream."""
        heads: dict[str, dict[str, Head]] = {}
        for key, head in survey.adoption.heads.items():
            if key.shard_id != COVERAGE_SHARD and head.chain != GENESIS_CHAIN:
                heads.setdefault(key.stream_arn, {})[key.shard_id] = head
        moved = {}
        for arn, row in streams.items() if "streams_shards" in findings.behind else ():
            puts = self._shards_of(row, heads.get(arn, {}))
            moved[arn] = sum(put.is_moved for put in puts)
            for put in puts if findings.is_applied else ():
                if not self.rows.put_shard(put.before, put.after):
                    raise TransientError("a shard's row was moved meanwhile: is a run at work? Say it again")
        findings.shards_moved = sum(moved.values())
        return moved

    def _shards_of(self, row: StreamRow, heads: Mapping[str, Head]) -> list[ShardPut]:
        is_over = row.state is StreamState.DONE
        try:
            view = None if is_over else self.stream.describe(row.stream_arn)
        except ShardGoneError:
            view = None
        listed = [Listed(shard.shard_id, shard.parent_shard_id) for shard in view.shards] if view else []
        now = self.clock.now()
        rows = {shard.shard_id: shard for shard in self._known[row.stream_arn][1]}
        expires_at = int(now) + self.settings.finished_row_hours * 3600
        return rebuilt_shards(row.stream_arn, listed, rows, heads, int(now * 1000), expires_at, is_over=is_over)

    # Step 4

    def _rebuilt_streams(self, findings: Findings, survey: Survey) -> dict[str, StreamRow]:
        """Each stream's row as it was before the loss."""
        streams: dict[str, StreamRow] = {}
        for arn, (before, _) in sorted(self._known.items()):
            row = before
            facts = survey.facts.get(arn, [])
            if facts and (before is None or before.coverage_no < facts[-1].number):
                view = self.tables.view(facts[-1].document["table"]["arn"])
                row = rebuilt_stream(before, facts, view, survey.gaps[arn], survey.judged.get(arn, 0))
                findings.streams_rebuilt += 1
            elif row is not None and row.attributed_until < survey.judged.get(arn, 0):
                # Restored to a moment between two coverage entries: windows were judged since.
                row = replace(row, attributed_until=attributed_until(facts, survey.judged[arn]))
            if row is not None:
                streams[arn] = row
                findings.streams += row.state is not StreamState.DONE
        return streams

    def _put_stream(self, before: StreamRow | None, row: StreamRow, detail: str, owner: str, stamp: int) -> None:
        version = before.version + 1 if before else 1
        if row.state is StreamState.DONE:
            if row != before and not self.checkpoints.move_stream(StreamMove(before, replace(row, version=version))):
                raise TransientError("a stream's row was moved meanwhile: is a run at work? Say it again")
            return
        # Walked long ago, so that the next run looks at its table and its shards.
        after = replace(row, coverage_no=row.coverage_no + 1, last_walk_at=1, version=version)
        entry = coverage_entry(
            source_of(after, ""),
            terms_of(self.conversion, after),
            what="recovered",
            number=after.coverage_no,
            observed_at=int(self.clock.now()),
            detail=detail,
        )
        staged = Stager(self.store, self.clock).stage(stamped_run(stamp, owner), GROUP, (), [entry])
        commit = Commit(staged.token, staged.row, streams=(StreamMove(before, after),))
        try:
            is_done = isinstance(self.checkpoints.commit(commit), Committed)
        except CommitUnknownError:
            is_done = self.segments.get(staged.row.segment_id) is not None
        if not is_done:
            raise TransientError("a stream's row was moved meanwhile: is a run at work? Say it again")

    def _detail(self, findings: Findings, moved: int) -> str:
        tables = ", ".join(table for table in TABLES if table in findings.behind)
        return f"lost or restored: {tables}; of this stream {moved} shards were moved on"

    # Step 5

    def _note_groups(self) -> None:
        """Every group that a row names is found by the next run; the rows without one get theirs by its walk."""
        groups = [row.group_id for row in self._present_shards() if row.group_id]
        count = max((int(group[1:]) + 1 for group in groups), default=0)
        self.notes.write(NOTE, {"count": count})

    def _present_shards(self) -> Iterable[ShardRow]:
        for arn in self._known:
            yield from self.checkpoints.shards_of(arn)
