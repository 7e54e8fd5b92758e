"""CaptureShards: the commit protocol for one group of shards. What the whole product promises is kept here.

    1 read      bounded pages of each shard                       tabletrail.reading
    2 convert   each record becomes an entry                      tabletrail.parts
    3 stage     one object in S3 with a name of its own           tabletrail.staging
    4 COMMIT    segment row + all checkpoints, one transaction    here
    5 index     offer to OpenSearch, best effort                  tabletrail.index
    6 mark      the segment's row says that it is indexed         here

Steps 5 and 6 of a segment go on aside, while steps 1 to 4 of the next one are done.

The crash argument. Before 4 nothing happened: checkpoints stand where they stood, the object is an orphan, the next
run reads the same records and makes the same entries. After 4 the entries exist: the row names the object by key,
version and hash, and is found by `index_backlog` until it is marked. 4 is one transaction, so no state lies between.

Rules
- A shard that loses the compare-and-swap has another reader: its lines are dropped and the rest is staged anew.
- A lost reply is settled by reading the segment's row consistently: it is there, or the cycle is given up.
- A parent's end and its children's rows are one commit; a child's commit asserts that its parent is processed.
- A failing shard fails alone; what failed is data in the result.
- Each stream is converted under the rules that its row names (`tabletrail.conversions`), or not at all.
- A segment is offered to the index only after its commit and marked only after its offer; only one is on this way.
- No request to the index is begun when its reply could come too late for this call: the backlog will make it.

Called by `handlers.capture_shards`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tabletrail.aside import Aside, AtOnce
from tabletrail.collector import paused
from tabletrail.core.checkpoint import (
    Commit,
    Lost,
    ShardKey,
    ShardMove,
    ShardRow,
    ShardStatus,
    StreamRow,
)
from tabletrail.deadline import Deadline
from tabletrail.errors import CommitUnknownError, TabletrailError
from tabletrail.index import INDEX_RESERVE_SECONDS, Indexer
from tabletrail.parts import Part, PartMaker
from tabletrail.ports import Checkpoints, Clock, Segments, StreamReader
from tabletrail.reading import CycleBudget, ShardRead, ShardReader, record_time
from tabletrail.settings import Settings
from tabletrail.staging import Staged, Stager, new_attempt

READERS = 8
"""Threads that read shards: enough to hide the network, few enough for the smallest memory setting."""
MOVES = 30
"""Shards in one transaction: with two children each and the segment's row, under its 100 items."""
ITEMS = 100
"""In one transaction, where shards have more children than that."""


@dataclass(frozen=True, slots=True)
class CaptureTask:
    run_id: str
    group_id: str
    deadline: int
    """Of the whole run, seconds since the epoch."""


@dataclass(slots=True)
class CaptureResult:
    """What one call did; counts only. `lag_seconds` is the age of the youngest record where more is waiting, or of the
    oldest one where records were left out."""

    more: bool = False
    records: int = 0
    entries: int = 0
    segments: int = 0
    gaps: int = 0
    waiting: int = 0
    parked: int = 0
    pages: int = 0
    lag_seconds: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, earlier: Mapping[str, Any]) -> None:
        """Adds an earlier call's counts of the same run and group."""
        for name in ("records", "entries", "segments", "gaps", "waiting", "parked", "pages"):
            setattr(self, name, getattr(self, name) + int(earlier.get(name, 0)))
        self.failures = sorted({*self.failures, *earlier.get("failures", ())})


@dataclass(slots=True)
class Capture:
    """One call's work on one group. Make a new one for each call."""

    checkpoints: Checkpoints
    segments: Segments
    stream: StreamReader
    stager: Stager
    indexer: Indexer
    parts: PartMaker
    clock: Clock
    settings: Settings
    aside: Aside = field(default_factory=AtOnce)
    """Where segments are indexed and marked. That work alone writes `waiting` and `parked` of the result."""
    result: CaptureResult = field(default_factory=CaptureResult)
    _left: int = 0
    """Entries that were not offered, because the index took too long over those before: the backlog's work."""
    _born: set[ShardKey] = field(default_factory=set)
    """Children that this call's commits made: the index by group may not show them yet."""
    _quiet: set[ShardKey] = field(default_factory=set)
    """Shards that have nothing more for this call."""

    def run(self, task: CaptureTask) -> CaptureResult:
        """Cycles until nothing more is waiting or the deadline has come. Trouble with the tables or the store ends the
        call early and is a failure in the result; what was committed before counts."""
        deadline = Deadline.earliest(self.clock, self.settings.function_seconds, task.deadline)
        self.indexer.deadline = Deadline(self.clock, deadline.at - INDEX_RESERVE_SECONDS)
        try:
            with paused():
                self._cycle(task, deadline)
        except TabletrailError as error:
            self.result.failures.append(type(error).__name__)
            self.result.more = False
        finally:
            self.aside.finish()
            self.result.waiting += self._left
        self.result.more = self.result.more and self.clock.now() < task.deadline
        return self.result

    def _cycle(self, task: CaptureTask, deadline: Deadline) -> None:
        streams = {row.stream_arn: row for row in self.checkpoints.streams()}
        rows = self._due(task.group_id, streams)
        if rows and deadline.passed():
            self.result.failures.append("not reached before the run's deadline")
        while rows and not deadline.passed():
            reads = self._read(rows, deadline)
            self._commit_all(task, self.parts.make(reads, streams, deadline))
            self._note(reads)
            # Where nothing is left the rows are not read again to be told so: each of them is charged.
            rows = self._due(task.group_id, streams) if self.result.more or self._born - self._quiet else []

    def _under_rules(self, rows: list[ShardRow], streams: Mapping[str, StreamRow]) -> list[ShardRow]:
        """Those whose rules are at hand. The others fail, and wait for the next run: nothing of them is read."""
        missing = set()
        for version in sorted({streams[row.stream_arn].rules_version for row in rows}):
            try:
                self.parts.conversions.of(version)
            except TabletrailError as error:
                self.result.failures.append(f"rules: {type(error).__name__}")
                missing.add(version)
        self._quiet |= {row.key for row in rows if streams[row.stream_arn].rules_version in missing}
        return [row for row in rows if row.key not in self._quiet]

    def _due(self, group_id: str, streams: Mapping[str, StreamRow]) -> list[ShardRow]:
        rows = {row.key: row for row in self.checkpoints.group(group_id)}
        unseen: dict[str, list[str]] = defaultdict(list)
        for key in sorted(self._born - self._quiet - rows.keys()):
            unseen[key.stream_arn].append(key.shard_id)
        for stream_arn, shard_ids in unseen.items():
            rows |= {row.key: row for row in self.checkpoints.shards_of(stream_arn, shard_ids)}
        due = [
            row
            for row in rows.values()
            if row.is_readable
            and row.stream_arn in streams
            and row.key not in self._quiet
            and not self._is_resting(row, streams[row.stream_arn])
        ]
        return self._under_rules(due, streams)

    def _is_resting(self, row: ShardRow, stream: StreamRow) -> bool:
        """A shard without a record for an hour is read in every third run, for three times the pages: fewer writes."""
        now = self.clock.now()
        is_idle = now - max(row.last_record_at, stream.joined_at) >= self.settings.rest_after_seconds
        was_just_read = row.iterator is not None and now - row.iterator_obtained_at < self.settings.rest_seconds
        return is_idle and was_just_read and not row.walk_debt and row.status is ShardStatus.OPEN

    def _read(self, rows: list[ShardRow], deadline: Deadline) -> list[ShardRead]:
        """The shards that have waited longest first, so that a busy one cannot use up every cycle."""
        budget = CycleBudget(self.settings.cycle_records, self.settings.cycle_bytes)
        reader = ShardReader(self.stream, self.clock, self.settings, budget, deadline)
        rows = sorted(rows, key=lambda row: (row.iterator_obtained_at, row.key))
        if len(rows) == 1:
            return [reader.read(rows[0])]
        with ThreadPoolExecutor(max_workers=min(READERS, len(rows))) as pool:
            return list(pool.map(reader.read, rows))

    def _commit_all(self, task: CaptureTask, parts: list[Part]) -> None:
        due = [part for part in parts if part.must_commit]
        for part in parts:
            if not part.must_commit and part.is_worth_keeping:
                self.checkpoints.move_shard(ShardMove(part.before, part.after))
        for batch in _batches(due):
            self._commit(task, batch)

    def _commit(self, task: CaptureTask, parts: list[Part]) -> None:
        """Commits as many of the parts as still stand. Each turn drops at least one part or ends."""
        while parts:
            staged = self._stage(task, parts)
            commit = _commit_of(parts, staged)
            try:
                result = self.checkpoints.commit(commit)
            except CommitUnknownError:
                if not self._is_committed(commit):
                    self.result.failures.append("CommitUnknownError")
                    return
                result = None
            if isinstance(result, Lost):
                left = [part for part in parts if part.before.key not in result.shards]
                if len(left) == len(parts) and not result.segment_exists:
                    return
                parts = left
                continue
            self._count(parts)
            if staged is not None and not self.aside.start(partial(self._index, staged)):
                self._left += staged.row.entries
            return

    def _stage(self, task: CaptureTask, parts: list[Part]) -> Staged | None:
        entries = [entry for part in parts for entry in part.entries]
        if not entries:
            return None
        links = [part.link for part in parts if part.link is not None]
        return self.stager.stage(task.run_id, task.group_id, links, entries)

    def _is_committed(self, commit: Commit) -> bool:
        """Settles a lost reply. Without a segment, the moved row itself tells."""
        if commit.segment is not None:
            return self.segments.get(commit.segment.segment_id) is not None
        move = commit.moves[0]
        rows = self.checkpoints.shards_of(move.after.stream_arn, [move.after.shard_id])
        return rows == [move.after]

    def _count(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self.result.entries += len(part.entries)
            self.result.records += len(part.read.records)
            self.result.gaps += bool(part.read.gap)
            self._born |= {child.key for child in part.children}
        self.result.segments += any(part.entries for part in parts)

    def _index(self, staged: Staged) -> None:
        """Steps 5 and 6. Whatever fails here is repaired by `index_backlog`, so nothing is raised."""
        segment_id = staged.row.segment_id
        offered = self.indexer.offer(staged.documents)
        waiting, parked = offered.waiting.get(segment_id, 0), offered.parked.get(segment_id, 0)
        self.result.waiting += waiting
        self.result.parked += parked
        if waiting:
            return
        try:
            self.segments.mark_indexed(segment_id, int(self.clock.now()), parked)
        except TabletrailError as error:
            self.result.failures.append(f"mark: {type(error).__name__}")

    def _note(self, reads: Sequence[ShardRead]) -> None:
        now = int(self.clock.now())
        self.result.pages += sum(read.pages for read in reads)
        self.result.failures += [text for read in reads for text in (read.failure, read.trouble) if text]
        behind = [read for read in reads if read.has_more]
        self._quiet |= {read.row.key for read in reads if not read.has_more}
        self.result.more = bool(behind)
        seen = [self.parts.last_record_time(read) for read in behind]
        seen += [record_time(read.records[0]) for read in reads if read.is_left_out]
        self.result.lag_seconds = max((now - time for time in seen if time), default=0)


def _batches(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """As many parts as one transaction takes, with their children and the segment's row."""
    batch: list[Part] = []
    items = 1
    for part in parts:
        size = 1 + len(part.children)
        if batch and (len(batch) == MOVES or items + size > ITEMS):
            yield batch
            batch, items = [], 1
        batch.append(part)
        items += size
    if batch:
        yield batch


def _commit_of(parts: Sequence[Part], staged: Staged | None) -> Commit:
    moves = tuple(ShardMove(part.before, part.after) for part in parts)
    # A child of a parent that was listed late is read already. A transaction takes a row once.
    moved = {move.before.key for move in moves}
    return Commit(
        token=staged.token if staged else new_attempt(),
        segment=staged.row if staged else None,
        moves=moves,
        children=tuple(child for part in parts for child in part.children if child.key not in moved),
    )
