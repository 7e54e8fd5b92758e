"""What the walks over a stream's shards have seen of it, and what therefore may be missing.

Rules
- A shard that a complete walk did not list had no records then, give or take `LISTED_LATE_SECONDS`.
- Where two walks lie as far apart as the stream keeps records, no row tells what came and went in between.
- A stream's promise begins when its table joins, and ends when the table leaves.
- A last walk before the table joined is none: rows that were rebuilt have it, and an entry `recovered` says so.

Pure. Called by `tabletrail.walking`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from tabletrail.core.checkpoint import ShardRow, StreamRow, StreamState
from tabletrail.core.lineage import Listed
from tabletrail.core.walk import LISTED_LATE_SECONDS, RETENTION_SECONDS, debt_after

READ_ON_SECONDS = 600
"""A stream whose table left is read on this long: longer than a record takes to appear and a run to fetch it."""


def may_have_missed(
    row: StreamRow, now: float, listed: Collection[str], live: Iterable[ShardRow], known: Collection[str]
) -> bool:
    """True if shards that no row tells of may have been lost since the last walk, whole or their beginnings.

    `known` are the listed shards that have rows, and maybe others. What is promised of a stream whose table left before
    the last walk lies in shards that it listed.
    """
    is_promised = row.state is StreamState.ACTIVE or row.ending_at > row.last_walk_at
    is_long_ago = now - row.last_walk_at > RETENTION_SECONDS - LISTED_LATE_SECONDS
    if not (is_promised and is_long_ago and row.last_walk_at and row.last_walk_at >= row.joined_at):
        return False
    return not listed or not set(listed) <= set(known) or any(found.shard_id not in listed for found in live)


def new_row(stream: StreamRow, shard: Listed, now: float, *, is_ready: bool) -> ShardRow:
    """The row of a shard that this walk lists first: since when something may have been written to it, and how many
    empty pages may lie before that."""
    if 0 < stream.last_walk_at < stream.joined_at:
        return new_row_behind_gap(stream, shard, now, is_ready=is_ready)
    if stream.last_walk_at:
        since, debt = stream.last_walk_at - LISTED_LATE_SECONDS, 0
    else:
        since, debt = stream.joined_at, debt_after(_born(stream.stream_arn), now)
    return _row(stream, shard, since, debt, is_ready=is_ready)


def new_row_behind_gap(stream: StreamRow, shard: Listed, now: float, *, is_ready: bool) -> ShardRow:
    """The same where nothing is known of it, or the log says already that its beginning may be lost: it may hold all
    that a stream keeps."""
    return _row(stream, shard, int(now), debt_after(0, now), is_ready=is_ready)


def is_read_past(row: ShardRow, moment: int) -> bool:
    """True if the shard was read at its present, some time after `moment`: a debt says that it was not its present."""
    is_past = row.iterator_obtained_at >= moment + READ_ON_SECONDS // 2
    return row.parent_processed and not row.walk_debt and is_past


def _row(stream: StreamRow, shard: Listed, since: int, debt: int, *, is_ready: bool) -> ShardRow:
    return ShardRow(
        stream.stream_arn,
        shard.shard_id,
        shard.parent_shard_id,
        parent_processed=is_ready,
        iterator_obtained_at=since,
        walk_debt=debt,
    )


def _born(stream_arn: str) -> float:
    """When the stream was made, from its label (the end of its ARN); the retention ago if the label says nothing."""
    try:
        return datetime.fromisoformat(stream_arn.rsplit("/", 1)[-1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return -float(RETENTION_SECONDS)
