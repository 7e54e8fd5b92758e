"""Which windows of time are to be judged next: of each stream its own, from where its row says.

A window [a, b) of a stream is due when
- CloudTrail has told of all calls around it, as far as one can wait: an hour later (`witness.SETTLED_SECONDS`);
- every stream of its table was read past it, so that all changes around it are in the log;
- it is worth a commit: `LEAST_SECONDS` long, or the stream's last.

Rules
- A stream is judged up to the moment at which its table left or got another stream, no further: what comes later is in
  another log, or in none.
- Windows that fall together are judged together: what they need is read once. Who is far behind is judged first, and
  holds up nobody whose window begins after that.

Pure. Called by `tabletrail.attribute`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tabletrail.core.checkpoint import ShardRow, ShardStatus, StreamRow, StreamState
from tabletrail.core.judgement import CALLS_SECONDS, CONTEXT_SECONDS, Span
from tabletrail.core.walk import read_until
from tabletrail.core.witness import SETTLED_SECONDS

LEAST_SECONDS = 900
"""The shortest window, but for a stream's last one: each is a commit for every stream, and each reads the trail's files
of its own time and of the hour behind it."""
MOST_SECONDS = 3600
"""The longest: where much is to be made up for."""
APPEARS_SECONDS = 60
"""How long after its time a record may come to be in its stream: far more than is known."""
PASSED_OVER_SECONDS = 3 * 24 * 3600
"""Older windows are passed over: a period that ended takes no entries after 7 days."""
_FOR_EVER = 1 << 60


@dataclass(frozen=True, slots=True)
class TrailTables:
    """Which tables the trail tells of: their ARNs, or beginnings of ARNs with `*` behind them."""

    arns: tuple[str, ...] = ()

    def covers(self, table_arn: str) -> bool:
        return any(
            table_arn.startswith(arn[:-1]) if arn.endswith("*") else table_arn == arn for arn in self.arns if arn
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A stream, and before which second its changes may be judged now."""

    row: StreamRow
    limit: int

    @property
    def is_last(self) -> bool:
        """Nothing of the stream is left to be judged behind `limit`."""
        return self.row.state is not StreamState.ACTIVE and self.limit == self.row.ending_at

    @property
    def is_due(self) -> bool:
        length = self.limit - self.row.attributed_until
        return length >= LEAST_SECONDS or (self.is_last and length > 0)


def standings(
    rows: Iterable[StreamRow],
    shards: Mapping[str, Sequence[ShardRow]],
    now: float,
    settled_seconds: int = SETTLED_SECONDS,
) -> list[Standing]:
    """Of each stream. `shards` has the rows of each stream's shards, of those that are DONE none. `settled_seconds`:
    how long CloudTrail is waited for."""
    tables: dict[str, list[StreamRow]] = defaultdict(list)
    for row in rows:
        tables[row.table_arn].append(row)
    settled = int(now) - settled_seconds - CALLS_SECONDS
    found: list[Standing] = []
    for streams in tables.values():
        seen = min(_seen_until(row, shards.get(row.stream_arn, ())) for row in streams)
        limit = min(settled, seen - CONTEXT_SECONDS - APPEARS_SECONDS)
        found += [
            Standing(row, limit if row.state is StreamState.ACTIVE else min(limit, row.ending_at)) for row in streams
        ]
    return found


def is_worth_a_look(row: StreamRow, now: float, settled_seconds: int = SETTLED_SECONDS) -> bool:
    """False where a stream has no due window, whatever its shards' rows say."""
    settled = int(now) - settled_seconds - CALLS_SECONDS
    if row.state is not StreamState.ACTIVE:
        return row.attributed_until < min(settled, row.ending_at)
    return settled - row.attributed_until >= LEAST_SECONDS


def next_round(found: Iterable[Standing], step: int) -> dict[str, Span]:
    """The windows that are judged together next, by stream ARN; empty where none is due. `step`: the longest one."""
    due = [one for one in found if one.is_due]
    if not due:
        return {}
    first = min(due, key=lambda one: (one.row.attributed_until, one.row.stream_arn))
    end = min(first.row.attributed_until + step, first.limit)
    spans = {one.row.stream_arn: (one.row.attributed_until, min(end, one.limit)) for one in due}
    return {arn: (begin, to) for arn, (begin, to) in spans.items() if begin < to}


def leading(rows: Iterable[StreamRow]) -> StreamRow:
    """Of one table's streams the one whose log tells of calls without an entry: the present one."""
    return max(rows, key=lambda row: (row.state is StreamState.ACTIVE, row.ending_at, row.joined_at, row.stream_arn))


def _seen_until(row: StreamRow, shards: Sequence[ShardRow]) -> int:
    """Before that moment no record of the stream is unread."""
    open_ones = [read_until(shard) for shard in shards if shard.status is not ShardStatus.CLOSED_AND_PROCESSED]
    if row.state is StreamState.ACTIVE:
        # A walk lists shards of which no row knows yet. A stream without a row to read is one that was not walked.
        return min([*open_ones, row.last_walk_at]) if open_ones else 0
    return min(open_ones, default=_FOR_EVER) if row.state is StreamState.ENDING else _FOR_EVER
