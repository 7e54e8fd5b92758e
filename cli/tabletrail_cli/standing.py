"""How every audited stream stands, gathered from the tables and from OpenSearch.

Called by `status`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tabletrail.closing import NOTE as LIFECYCLE
from tabletrail.core.checkpoint import ShardRow, ShardStatus, StreamRow
from tabletrail.core.waits import words
from tabletrail.errors import TabletrailError
from tabletrail.report import BACKLOG_NOTE, NOTE
from tabletrail_cli.entries import Entries
from tabletrail_cli.log import Log
from tabletrail_cli.periods import PeriodStanding, periods_of, remarks
from tabletrail_cli.place import Place
from tabletrail_cli.readers import lambda_readers
from tabletrail_cli.recovering import stamping_of

BEHIND_SECONDS = 600
"""A quiet shard's row is written every 5 minutes; twice that without a word means that it is not being read."""
MOST_TABLES = 10_000


@dataclass(slots=True)
class StreamStanding:
    """One audited stream. Times are seconds since the epoch, 0 if never; `gaps` and `parked` are None if unknown.

    `known_gaps` are those that the tables tell of: of the stream as a whole, and of shards whose rows are still there.
    """

    table: str
    stream_arn: str
    state: str
    joined_at: int
    open: int = 0
    unfinished: int = 0
    behind: int = 0
    last_record_at: int = 0
    read_at: int = 0
    known_gaps: int = 0
    gaps: int | None = None
    parked: int | None = None
    readers: list[str] = field(default_factory=list)

    def facts(self, now: int) -> dict[str, Any]:
        return {
            "kind": "stream",
            "table": self.table,
            "stream": self.stream_arn,
            "state": self.state,
            "joined_at": self.joined_at,
            "open_shards": self.open,
            "unfinished_shards": self.unfinished,
            "behind_shards": self.behind,
            "last_change_seconds": now - self.last_record_at if self.last_record_at else None,
            "read_seconds": now - self.read_at if self.read_at else None,
            "known_gaps": self.known_gaps,
            "gaps": self.gaps,
            "parked": self.parked,
            "lambda_readers": self.readers,
        }


@dataclass(slots=True)
class Standing:
    """`trouble` says why OpenSearch could not be asked; empty if it could."""

    now: int
    streams: list[StreamStanding]
    waiting: int
    oldest_waiting_at: int
    last_run: dict[str, Any]
    backlog: dict[str, Any] = field(default_factory=dict)
    """What the last call of IndexSegments met."""
    unalerted: int = 0
    """Segments that owe alerts."""
    gaps_of_others: dict[str, int] = field(default_factory=dict)
    """By name of a table that is no longer audited."""
    trouble: str = ""
    restored: str = ""
    """Why no run captures anything: the tables do not belong together. Empty if they do."""
    unchecked: str = ""
    """Why it is not known whether they do."""
    periods: list[PeriodStanding] = field(default_factory=list)
    period_remarks: list[str] = field(default_factory=list)
    """What is not as it should be with the ends of periods: sentences."""

    def waits(self) -> list[dict[str, Any]]:
        """Why segments wait, the oldest reason first; empty where none does, or where they are only many."""
        if not self.waiting:
            return []
        note = self.backlog
        found = [(fact["since"], words(fact["why"], index)) for index, fact in note.get("blocked", {}).items()]
        if note.get("trouble"):
            found.append((note["since"], words(note["trouble"])))
        return [{"why": why, "seconds": self.now - int(since)} for since, why in sorted(found)]

    def alerts(self) -> str:
        """A clause about what keeps alerts from leaving; empty if nothing does."""
        note = self.backlog.get("alerts", {})
        if note.get("nowhere"):
            return "alerts go nowhere: the stack has neither AlertBusName nor AlertTopicArn"
        trouble = f" ({note['trouble']})" if note.get("trouble") else ""
        return f"{self.unalerted} segments owe alerts{trouble}" if self.unalerted else ""

    def facts(self) -> dict[str, Any]:
        by_table = {stream.table: stream for stream in self.streams}
        return {
            "kind": "total",
            "tables": len(by_table),
            "open": sum(stream.open for stream in self.streams),
            "behind": sum(stream.behind for stream in self.streams),
            "waiting_segments": self.waiting,
            "waiting_seconds": self.now - self.oldest_waiting_at if self.waiting else 0,
            "waits": self.waits(),
            "unalerted_segments": self.unalerted,
            "alerts": self.alerts() or None,
            "gaps": None if self.trouble else sum(stream.gaps or 0 for stream in by_table.values()),
            "gaps_of_others": self.gaps_of_others,
            "parked": None if self.trouble else sum(stream.parked or 0 for stream in by_table.values()),
            "restored": self.restored or None,
            "last_run": self.last_run,
        }


def look(place: Place, now: int, *, with_readers: bool) -> Standing:
    """Raises only if the tables cannot be read; OpenSearch's trouble is part of the answer."""
    log = Log(place)
    streams = [standing_of(row, log.checkpoints.shards_of(row.stream_arn), now) for row in log.checkpoints.streams()]
    streams.sort(key=lambda stream: (stream.table, stream.stream_arn))
    waiting, oldest = log.segments.count_waiting()
    standing = Standing(now, streams, waiting, oldest, log.notes.read(NOTE), log.notes.read(BACKLOG_NOTE))
    standing.unalerted, _ = log.segments.count_unalerted()
    lifecycle, holds = log.notes.read(LIFECYCLE), log.holds.read()
    standing.periods = periods_of(lifecycle, holds, now)
    standing.period_remarks = remarks(lifecycle, holds, standing.periods)
    _check_stamps(log, standing)
    try:
        standing.gaps_of_others = _count(Entries(place.search), streams)
    except TabletrailError as error:
        standing.trouble = str(error)
    if with_readers:
        client = place.session.client("lambda")
        for stream in streams:
            stream.readers = lambda_readers(client, stream.stream_arn)
    return standing


def _check_stamps(log: Log, standing: Standing) -> None:
    stamping = stamping_of(log)
    try:
        standing.restored = stamping.trouble(stamping.stamps.read())
    except TabletrailError as error:
        standing.unchecked = str(error)


def standing_of(row: StreamRow, shards: Iterable[ShardRow], now: int) -> StreamStanding:
    stream = StreamStanding(row.table_name, row.stream_arn, row.state.value, row.joined_at)
    live = []
    stream.known_gaps = row.gaps
    for shard in shards:
        stream.known_gaps += shard.gaps
        stream.last_record_at = max(stream.last_record_at, shard.last_record_at)
        if shard.status is not ShardStatus.CLOSED_AND_PROCESSED:
            live.append(shard)
    stream.open = sum(shard.status is ShardStatus.OPEN and shard.parent_processed for shard in live)
    stream.unfinished = len(live) - stream.open
    stream.behind = sum(_is_behind(shard, now) for shard in live)
    stream.read_at = min((shard.iterator_obtained_at for shard in live), default=0)
    return stream


def _is_behind(shard: ShardRow, now: int) -> bool:
    """True where the row does not show that the shard was read to the present a short while ago."""
    is_recent = now - shard.iterator_obtained_at <= BEHIND_SECONDS
    return shard.status is not ShardStatus.OPEN or not is_recent or bool(shard.walk_debt)


def _count(entries: Entries, streams: list[StreamStanding]) -> dict[str, int]:
    """Gaps, and parked entries whose full ones are not in the index, by table; the numbers are not the stream's.

    Returns the gaps of other tables.
    """
    by_table = {"terms": {"field": "table.name", "size": MOST_TABLES}}
    retried: dict[str, Any] = {"exists": {"field": "tabletrail.supersedes"}}
    clauses = {kind: {"term": {"tabletrail.kind": kind}} for kind in ("gap", "parked")} | {"retried": retried}
    sorts = {name: {"filter": clause, "aggs": {"tables": by_table}} for name, clause in clauses.items()}
    found = entries.aggregate({"bool": {"should": list(clauses.values())}}, sorts)
    counts = {name: {one["key"]: one["doc_count"] for one in found[name]["tables"]["buckets"]} for name in sorts}
    for stream in streams:
        stream.gaps = counts["gap"].get(stream.table, 0)
        stream.parked = max(0, counts["parked"].get(stream.table, 0) - counts["retried"].get(stream.table, 0))
    audited = {stream.table for stream in streams}
    return {table: count for table, count in counts["gap"].items() if table not in audited}
