"""Rows for the tests of checkpoints, commits and segments, as long as real ones get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tabletrail.core.checkpoint import Commit, SegmentRow, ShardLink, ShardMove, ShardRow, ShardStatus, StreamRow

ARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/orders/stream/2026-11-24T00:00:00.000"
OTHER_ARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/items/stream/2026-11-24T00:00:00.000"
LONG = "1" * 39 + "7"
"""A sequence number of 40 digits: a DynamoDB number would round it."""
NOW = 1_800_000_000


def shard(name: str = "a", *, arn: str = ARN, **values: Any) -> ShardRow:
    """A readable shard of group g1."""
    return ShardRow(arn, f"shardId-{name}", **{"parent_processed": True, "group_id": "g1", **values})


def moved(row: ShardRow, **values: Any) -> ShardMove:
    """One step on, by default to a later record."""
    changes = {"sequence_no": LONG, "records": row.records + 1, "chain_hash": "ab" * 32, **values}
    return ShardMove(row, replace(row, version=row.version + 1, **changes))


def finished(row: ShardRow) -> ShardMove:
    """The step to the end: no group any more."""
    return moved(row, status=ShardStatus.CLOSED_AND_PROCESSED, group_id=None, iterator=None, expires_at=NOW + 172_800)


def child(name: str, of: ShardRow, **values: Any) -> ShardRow:
    return shard(name, arn=of.stream_arn, parent_shard_id=of.shard_id, **values)


def stream(arn: str = ARN, **values: Any) -> StreamRow:
    table = arn.split("/")[1]
    return StreamRow(arn, table, arn.partition("/stream/")[0], f"id-{table}", "111122223333", "eu-central-1", **values)


def link(row: ShardRow, last: str = LONG) -> ShardLink:
    return ShardLink(row.stream_arn, row.shard_id, "101", last, 3, "0a" * 32, "00" * 32, "fe" * 32)


def segment(name: str = "s1", *rows: ShardRow, **values: Any) -> SegmentRow:
    given: dict[str, Any] = {"committed_at": NOW, "indices": ("tabletrail-v1-2026.11",), **values}
    return SegmentRow(
        name,
        run_id="run-1",
        group_id="g1",
        key=f"segments/{name}",
        version_id="v1",
        sha256="cd" * 32,
        size=1_234,
        entries=3,
        links=tuple(link(row) for row in rows),
        **given,
    )


def commit(token: str, name: str, *moves: ShardMove, **values: Any) -> Commit:
    return Commit(token, segment(name, *(move.before for move in moves)), moves, **values)
