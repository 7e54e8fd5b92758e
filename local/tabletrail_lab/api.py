"""The four operations of the DynamoDB Streams API over the laboratory's streams.

Rules
- What the service's model says of a request's members is checked first, then whether stream and shard exist.
- Replies have the members that the service sends, and no others.
- Where the service's documents are silent we took the stricter way: a sequence number behind the tip is invalid, a
  trimmed one is trimmed even if nothing was trimmed behind it.
- A page of records is put together from the bytes that were written, so that each read gives the same ones.

Called by `laboratory` under its lock, with the time of the call.
"""

from __future__ import annotations

import json
from typing import Any

from tabletrail_lab.errors import ApiError, expired, invalid, limit_exceeded, stream_not_found
from tabletrail_lab.iterators import SECONDS, Iterator, Position, Seal
from tabletrail_lab.shards import PAGE_RECORDS, Shard
from tabletrail_lab.streams import Stream
from tabletrail_lab.views import View

LISTING = 100
"""Most streams or shards in one reply."""
ITERATOR_TYPES = ("TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP")
Request = dict[str, Any]


class Api:
    def __init__(self, streams: dict[str, Stream], views: dict[str, View], seal: Seal) -> None:
        self._streams, self._views, self._seal = streams, views, seal

    def list_streams(self, request: Request, now: float) -> bytes:
        limit = _limit(request, LISTING)
        table, behind = _text(request, "TableName"), _text(request, "ExclusiveStartStreamArn")
        known = [s for s in self._streams.values() if not s.is_gone(now) and table in (None, s.table_name)]
        known = sorted((s for s in known if s.arn > (behind or "")), key=lambda stream: stream.arn)
        reply: dict[str, Any] = {
            "Streams": [{"StreamArn": s.arn, "TableName": s.table_name, "StreamLabel": s.label} for s in known[:limit]]
        }
        if len(known) > limit:
            reply["LastEvaluatedStreamArn"] = known[limit - 1].arn
        return json.dumps(reply).encode()

    def describe_stream(self, request: Request, now: float) -> bytes:
        limit = _limit(request, LISTING)
        stream = self._stream(_required(request, "StreamArn"), now)
        behind = _text(request, "ExclusiveStartShardId")
        shards, last = self._views[stream.arn].page(_parent_asked_for(request), behind, limit, now)
        keys = stream.keys or ["id"]
        description = {
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": "ENABLED" if stream.disabled_at is None else "DISABLED",
            "StreamViewType": stream.view_type,
            "CreationRequestDateTime": int(stream.created_at * 1_000) / 1_000,
            "TableName": stream.table_name,
            "KeySchema": [
                {"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            "Shards": shards,
        }
        if last is not None:
            description["LastEvaluatedShardId"] = last
        return json.dumps({"StreamDescription": description}).encode()

    def get_shard_iterator(self, request: Request, now: float) -> bytes:
        arn, shard_id = _required(request, "StreamArn"), _required(request, "ShardId")
        kind = _required(request, "ShardIteratorType")
        if kind not in ITERATOR_TYPES:
            raise _constraint(kind, "shardIteratorType", f"satisfy enum value set: [{', '.join(ITERATOR_TYPES)}]")
        stream = self._stream(arn, now)
        shard = stream.shard(shard_id, now)
        position = _start(request, kind, shard, shard.horizon(stream.oldest(now)), now)
        return json.dumps({"ShardIterator": self._seal.make(arn, shard_id, position, now)}).encode()

    def opened(self, request: Request) -> tuple[Iterator, int]:
        """GetRecords' iterator and limit."""
        token = _required(request, "ShardIterator")
        limit = request.get("Limit", PAGE_RECORDS)
        if type(limit) is not int or limit < 1:
            raise _constraint(limit, "limit", "have value greater than or equal to 1")
        if limit > PAGE_RECORDS:
            raise limit_exceeded(f"The limit is at most {PAGE_RECORDS}")
        return self._seal.open(token), limit

    def readable(self, iterator: Iterator, now: float) -> tuple[Stream, Shard]:
        """The shard that it reads, if it may still be used."""
        stream = self._stream(iterator.stream_arn, now)
        if now - iterator.made_at > SECONDS:
            raise expired()
        return stream, stream.shard(iterator.shard_id, now)

    def get_records(
        self, iterator: Iterator, limit: int, stream: Stream, shard: Shard, now: float
    ) -> tuple[bytes, int, int]:
        """The reply, how many records it holds and their bytes."""
        records, behind = shard.page(iterator.position, limit, shard.horizon(stream.oldest(now)))
        joined = b",".join(records)
        reached = iterator.position.record + len(records)
        shard.read_to = max(shard.read_to, reached)
        if behind is None:
            return b'{"Records":[' + joined + b"]}", len(records), len(joined)
        token = self._seal.make(iterator.stream_arn, iterator.shard_id, behind, now).encode()
        return (
            b'{"Records":[' + joined + b'],"NextShardIterator":"' + token + b'"}',
            len(records),
            len(joined),
        )

    def _stream(self, arn: str, now: float) -> Stream:
        stream = self._streams.get(arn)
        if stream is None or stream.is_gone(now):
            raise stream_not_found(arn)
        return stream


def _start(request: Request, kind: str, shard: Shard, horizon: int, now: float) -> Position:
    if kind == "TRIM_HORIZON":
        return Position(horizon)
    if kind == "LATEST":
        return shard.tip()
    if kind == "AT_TIMESTAMP":
        return _first_since(request.get("Timestamp"), shard, horizon, now)
    number = _required(request, "SequenceNumber")
    if not (number.isascii() and number.isdigit() and 21 <= len(number) <= 40):
        raise _constraint(number, "sequenceNumber", "be a sequence number of 21 to 40 digits")
    return shard.position(int(number), kind == "AFTER_SEQUENCE_NUMBER", horizon)


def _first_since(timestamp: Any, shard: Shard, horizon: int, now: float) -> Position:
    if type(timestamp) not in (int, float):
        raise invalid("AT_TIMESTAMP needs a Timestamp")
    if timestamp > now:
        raise invalid("Timestamp lies in the future")
    for index in range(horizon, shard.count):
        created = _created(shard.record(index))
        if created is not None and created >= timestamp:
            return Position(index)
    return shard.tip()


def _created(record: bytes) -> float | None:
    try:
        created = json.loads(record)["dynamodb"]["ApproximateCreationDateTime"]
    except (ValueError, TypeError, KeyError):
        return None
    return created if isinstance(created, int | float) else None


def _parent_asked_for(request: Request) -> str | None:
    chosen = request.get("ShardFilter")
    if chosen is None:
        return None
    if not isinstance(chosen, dict) or chosen.get("Type") != "CHILD_SHARDS":
        raise invalid("ShardFilter needs the Type CHILD_SHARDS")
    return _required(chosen, "ShardId")


def _required(request: Request, name: str) -> str:
    value = request.get(name)
    if value is None:
        raise _constraint("null", name[0].lower() + name[1:], "not be null")
    return _checked_text(value, name)


def _text(request: Request, name: str) -> str | None:
    value = request.get(name)
    return None if value is None else _checked_text(value, name)


def _checked_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ApiError("SerializationException", f"{name} cannot be converted to String")
    return value


def _limit(request: Request, most: int) -> int:
    limit = request.get("Limit", most)
    if type(limit) is not int or limit < 1:
        raise _constraint(limit, "limit", "have value greater than or equal to 1")
    if limit > most:
        raise _constraint(limit, "limit", f"have value less than or equal to {most}")
    return limit


def _constraint(value: Any, member: str, what: str) -> ApiError:
    return invalid(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {what}"
    )
