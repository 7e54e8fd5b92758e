"""Rows as DynamoDB items, and back.

Rules
- An attribute has its field's name. None is an absent attribute, so that sparse indexes hold nothing of it; so is an
  `expires_at` of 0, which would otherwise be a time to live long past.
- Attributes without a field are left alone: a newer release may have written them.
- Sequence numbers are strings: up to 40 digits, and a DynamoDB number has 38.
- How far a segment's alerts have come is left out while it is nowhere: a new row does not pay for it. So is what most
  streams have nothing to say of: each call of capture reads the rows of all.
- A segment's links are packed: stream ARNs once, hashes as bytes. A transactional write is charged per 1 KB twice.

Called by `commit`, `checkpoints`, `segments`, `runs`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tabletrail.core.checkpoint import SegmentRow, ShardLink, ShardRow, ShardStatus, StreamRow, StreamState
from tabletrail.errors import TabletrailError

Item = dict[str, dict[str, Any]]

FLEET_PARTITION = "0"
"""One partition of audited streams; a fleet would have many, each planned on its own."""
WORK_SHARDS = ("0", "1", "2", "3")
"""The indexes of waiting segments are split by a hash, so that no single key takes all writes (1,000/s a key)."""
NEVER_EXPIRES = 0
_EXPIRY = "expires_at"
_LEFT_OUT = frozenset(
    {"alerted_to", "attributed_until", "ending_at", "gaps", "holds_told", "service", "ttl_attribute", "ttl_read_at"}
)
"""While they are empty or 0, which is what a row without them means."""


def encode_value(value: Any) -> dict[str, Any]:
    """One value as an attribute. TabletrailError for what has no exact form, floats among them."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, list | tuple):
        return {"L": [encode_value(item) for item in value]}
    if isinstance(value, Mapping):
        return {"M": {str(key): encode_value(item) for key, item in value.items()}}
    raise TabletrailError(f"a row cannot hold a {type(value).__name__}")


def decode_value(attribute: Mapping[str, Any]) -> Any:
    """The inverse of `encode_value`; lists come back as lists."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return int(value)
    if kind == "L":
        return [decode_value(item) for item in value]
    if kind == "M":
        return {key: decode_value(item) for key, item in value.items()}
    return value


def encode_shard(row: ShardRow) -> Item:
    return _encode(row)


def decode_shard(item: Item) -> ShardRow:
    values = _decode(item, ShardRow)
    return ShardRow(**{**values, "status": ShardStatus(values["status"])})


def encode_stream(row: StreamRow) -> Item:
    return {"fleet_partition": {"S": FLEET_PARTITION}, **_encode(row)}


def decode_stream(item: Item) -> StreamRow:
    values = _decode(item, StreamRow)
    return StreamRow(**{**values, "state": StreamState(values["state"])})


def encode_segment(row: SegmentRow) -> Item:
    """With the keys of the sparse indexes: a new row waits for indexing and sealing, and for alerts if it has any."""
    item = _encode(row)
    arns = sorted({link.stream_arn for link in row.links})
    item["stream_arns"] = encode_value(arns)
    item["links"] = {"L": [_pack(link, arns) for link in row.links]}
    shard = {"S": work_shard(row.segment_id)}
    item["committed_order"] = {"S": committed_order(row.committed_at, row.segment_id)}
    item["not_sealed"] = shard
    if not row.indexed_at:
        item["not_indexed"] = shard
    if row.alerts and not row.alerted_at:
        item["not_alerted"] = shard
    return item


def decode_segment(item: Item) -> SegmentRow:
    values = _decode(item, SegmentRow)
    arns = decode_value(item["stream_arns"])
    links = tuple(_unpack(packed["L"], arns) for packed in item["links"]["L"])
    alerted_to = tuple((name, taken) for name, taken in values.get("alerted_to", ()))
    return SegmentRow(**{**values, "links": links, "indices": tuple(values["indices"]), "alerted_to": alerted_to})


def work_shard(segment_id: str) -> str:
    """Which of the four keys of a waiting index holds this segment."""
    return WORK_SHARDS[hashlib.sha256(segment_id.encode()).digest()[0] % len(WORK_SHARDS)]


def committed_order(committed_at: int, segment_id: str) -> str:
    """Sorts by time, then id; ten digits last until the year 2286."""
    return f"{committed_at:010d}#{segment_id}"


def committed_at_of(order: str) -> int:
    return int(order.partition("#")[0])


def _encode(row: ShardRow | StreamRow | SegmentRow) -> Item:
    item = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if value is None or field.name == "links" or (field.name == _EXPIRY and value == NEVER_EXPIRES):
            continue
        if field.name in _LEFT_OUT and not value:
            continue
        item[field.name] = encode_value(value)
    return item


def _decode(item: Item, kind: type[ShardRow] | type[StreamRow] | type[SegmentRow]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)} - {"links"}
    return {name: decode_value(value) for name, value in item.items() if name in names}


def _pack(link: ShardLink, arns: list[str]) -> dict[str, Any]:
    hashes = [bytes.fromhex(text) for text in (link.sequences_sha256, link.previous_chain, link.chain)]
    return encode_value([arns.index(link.stream_arn), link.shard_id, link.first, link.last, link.count, *hashes])


def _unpack(packed: list[dict[str, Any]], arns: list[str]) -> ShardLink:
    arn, shard_id, first, last, count, *hashes = (decode_value(value) for value in packed)
    return ShardLink(arns[arn], shard_id, first, last, count, *(bytes(digest).hex() for digest in hashes))
