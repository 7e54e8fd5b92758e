"""Step 4 of the commit protocol as one TransactWriteItems: what it asks, and what its refusal says.

The crash argument: the transaction is the only point where anything happens. Before it, the staged object is an orphan;
after it, the segment's row, every checkpoint that it covers and the children of finished shards are durable together.
A lost reply is answered by sending the very same request again: the service remembers the token for 10 minutes, and
after that the segment's row stands in the way of a second effect.

Rules
- A checkpoint moves on `version` and only where `parent_processed` is true.
- `parent_processed` is monotone: written as true or not at all, here and in every other move. So a child's upsert need
  not raise `version`: a walk that swaps the same row at the same time can neither lose it nor undo it, and a capture
  that already reads the child (its parent was forgotten by the stream) does not lose its swap, and its work, for
  nothing.
- A child's row that is there keeps its checkpoint. It gets the group only if it has none.
- 100 items and 4 MB are the service's limits. Beyond them the caller's sizing is wrong: that is said before sending.

Called by `checkpoints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail.aws.rows import FLEET_PARTITION, Item, encode_segment, encode_shard, encode_stream
from tabletrail.core.checkpoint import Commit, Lost, SegmentRow, ShardKey, ShardMove, ShardRow, StreamMove
from tabletrail.errors import TabletrailError

ITEMS = 100
ITEM_BYTES = 400_000
TRANSACTION_BYTES = 4_000_000
TOKEN_LENGTH = 36

_NEVER_WRITTEN = frozenset({"stream_arn", "shard_id", "parent_processed"})
"""The key, which an update may not set, and the monotone flag, which has a clause of its own."""


@dataclass(frozen=True, slots=True)
class TableNames:
    streams: str
    shards: str
    segments: str


def transaction(commit: Commit, tables: TableNames) -> list[dict[str, Any]]:
    """The items: segment, moves, children, streams, in this order, which `lost_rows` counts on.

    TabletrailError if the commit cannot be sent as one transaction.
    """
    items: list[dict[str, Any]] = []
    if commit.segment is not None:
        items.append({"Put": _segment_put(commit.segment, tables)})
    items += [{"Update": shard_update(move, tables, needs_parent=True)} for move in commit.moves]
    items += [{"Update": _child_upsert(child, tables)} for child in commit.children]
    items += [{"Put": stream_put(move, tables)} for move in commit.streams]
    _check(commit, items)
    return items


def lost_rows(commit: Commit, reasons: Sequence[dict[str, Any]]) -> Lost:
    """Which rows were not as the commit assumed, by the position of the failed conditions."""
    failed = [reason.get("Code") == "ConditionalCheckFailed" for reason in reasons]
    segments = 0 if commit.segment is None else 1
    streams = segments + len(commit.moves) + len(commit.children)
    moved = zip(commit.moves, failed[segments:], strict=False)
    stream_moves = zip(commit.streams, failed[streams:], strict=False)
    return Lost(
        shards=frozenset(move.before.key for move, lost in moved if lost),
        streams=frozenset(move.after.stream_arn for move, lost in stream_moves if lost),
        segment_exists=any(failed[:segments]),
    )


def shard_update(move: ShardMove, tables: TableNames, *, needs_parent: bool) -> dict[str, Any]:
    """An update that writes `after` whole if the row still has `before.version` and, if asked, a processed parent."""
    _check_move(move)
    item = encode_shard(move.after)
    written = {name: value for name, value in item.items() if name not in _NEVER_WRITTEN}
    removed = [name for name in ("sequence_no", "group_id", "iterator", "expires_at") if name not in item]
    sets = [f"#{name} = :{name}" for name in written]
    values: Item = {f":{name}": value for name, value in written.items()}
    values[":expected"] = {"N": str(move.before.version)}
    condition = "#version = :expected"
    names = [*written, *removed]
    if move.after.parent_processed:
        sets.append("#parent_processed = :true")
    if needs_parent:
        condition += " AND #parent_processed = :true"
    if move.after.parent_processed or needs_parent:
        values[":true"] = {"BOOL": True}
        names.append("parent_processed")
    removal = " REMOVE " + ", ".join(f"#{name}" for name in removed) if removed else ""
    return {
        "TableName": tables.shards,
        "Key": shard_item_key(move.before.key),
        "UpdateExpression": "SET " + ", ".join(sets) + removal,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": values,
    }


def stream_put(move: StreamMove, tables: TableNames) -> dict[str, Any]:
    """A put of the stream's row if it is as `before` says. Every writer swaps, so the whole row may be written."""
    if move.before is None:
        return {
            "TableName": tables.streams,
            "Item": encode_stream(move.after),
            "ConditionExpression": "attribute_not_exists(stream_arn)",
        }
    if move.before.stream_arn != move.after.stream_arn or move.after.version != move.before.version + 1:
        raise TabletrailError("a stream's move stays on its row and raises the version by one")
    return {
        "TableName": tables.streams,
        "Item": encode_stream(move.after),
        "ConditionExpression": "#version = :expected",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":expected": {"N": str(move.before.version)}},
    }


def shard_item_key(key: ShardKey) -> Item:
    return {"stream_arn": {"S": key.stream_arn}, "shard_id": {"S": key.shard_id}}


def stream_item_key(stream_arn: str) -> Item:
    return {"fleet_partition": {"S": FLEET_PARTITION}, "stream_arn": {"S": stream_arn}}


def _segment_put(segment: SegmentRow, tables: TableNames) -> dict[str, Any]:
    return {
        "TableName": tables.segments,
        "Item": encode_segment(segment),
        "ConditionExpression": "attribute_not_exists(segment_id)",
    }


def _child_upsert(child: ShardRow, tables: TableNames) -> dict[str, Any]:
    if child.sequence_no is not None or child.iterator is not None:
        # A row that is there may lack these for good reason; only a child at its horizon can be merged with it.
        raise TabletrailError("a finished shard's child starts at the trim horizon")
    written = {name: value for name, value in encode_shard(child).items() if name not in _NEVER_WRITTEN}
    sets = [f"#{name} = if_not_exists(#{name}, :{name})" for name in written]
    return {
        "TableName": tables.shards,
        "Key": shard_item_key(child.key),
        "UpdateExpression": "SET #parent_processed = :true, " + ", ".join(sets),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*written, "parent_processed")},
        "ExpressionAttributeValues": {":true": {"BOOL": True}, **{f":{name}": written[name] for name in written}},
    }


def _check(commit: Commit, items: list[dict[str, Any]]) -> None:
    keys: list[object] = [move.before.key for move in commit.moves]
    keys += [child.key for child in commit.children]
    keys += [move.after.stream_arn for move in commit.streams]
    sizes = [len(repr(item)) for item in items]
    if not 0 < len(items) <= ITEMS:
        raise TabletrailError(f"a transaction takes 1 to {ITEMS} items, this one has {len(items)}: make groups smaller")
    if len(keys) != len(set(keys)):
        raise TabletrailError("a transaction cannot act twice on one row")
    if max(sizes) > ITEM_BYTES or sum(sizes) > TRANSACTION_BYTES:
        raise TabletrailError("a row or the transaction is too large: make groups smaller")
    if not 0 < len(commit.token) <= TOKEN_LENGTH:
        raise TabletrailError(f"a client token has 1 to {TOKEN_LENGTH} characters")


def _check_move(move: ShardMove) -> None:
    if move.before.key != move.after.key or move.after.version != move.before.version + 1:
        raise TabletrailError("a shard's move stays on its row and raises the version by one")
