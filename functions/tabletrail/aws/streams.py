"""`StreamReader` over DynamoDB Streams.

Rules
- `read` is the hot path: signed here, parsed by `json.loads`, no botocore model in between.
- DescribeStream is limited to 10 calls/s in the account: one process stays below half of it.
- Children are filtered here too: an endpoint that does not know ShardFilter lists all shards.
- Reading moves nothing, so every call may be repeated.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tabletrail.aws.pacer import Pacer
from tabletrail.aws.signed_requests import Reply, SignedRequests
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import THROTTLES, RefusedError, translated
from tabletrail.errors import (
    IteratorExpiredError,
    ShardGoneError,
    TabletrailError,
    ThrottledError,
    TransientError,
    TrimmedError,
)
from tabletrail.ports import Clock, Page, Shard, StreamView

GET_RECORDS = "DynamoDBStreams_20120810.GetRecords"
SIGNING_NAME = "dynamodb"
LIMIT = 1_000
"""The most a page may hold; a smaller one makes more empty pages."""
DESCRIBES_PER_SECOND = 5
LONGEST_INTEGER = 100
"""Digits. No number of a record outside its texts has more than 10."""
_POSITIONS: dict[str, tuple[type[TabletrailError], str]] = {
    "ExpiredIteratorException": (IteratorExpiredError, "the iterator is older than 15 minutes"),
    "TrimmedDataAccessException": (TrimmedError, "the position lies before the stream's 24 hours"),
    "ResourceNotFoundException": (ShardGoneError, "the stream or the shard is gone"),
}


class SignedStreamReader:
    """`client` is `clients.streams_client` of the same session.

    `tries` bounds `read`: by default none begins after 3 s, and with the client's time-outs (2 s to connect, 5 s to
    read) a read ends within 10 s of its deadline, as the commit does.
    """

    def __init__(self, session: Any, client: Any, clock: Clock, tries: Tries | None = None) -> None:
        self._client = client
        self._requests = SignedRequests(session, client, SIGNING_NAME)
        self._tries = tries or Tries(clock, most=4, seconds=3.0, first=0.1)
        self._pacer = Pacer(clock, DESCRIBES_PER_SECOND)

    def describe(self, stream_arn: str) -> StreamView:
        pages = list(self._descriptions(stream_arn, {}))
        last = pages[-1]
        # A shard that moved to the next page while we turned it is listed twice.
        shards = {shard.shard_id: shard for page in pages for shard in _shards(page)}
        return StreamView(last["StreamStatus"], last.get("StreamViewType", ""), tuple(shards.values()))

    def children(self, stream_arn: str, shard_id: str) -> tuple[Shard, ...]:
        only = {"ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": shard_id}}
        shards = [shard for page in self._descriptions(stream_arn, only) for shard in _shards(page)]
        return tuple(shard for shard in shards if shard.parent_shard_id == shard_id)

    def iterator_after(self, stream_arn: str, shard_id: str, sequence_no: str | None) -> str:
        where: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if sequence_no is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": sequence_no}
        reply = self._call("GetShardIterator", "get_shard_iterator", StreamArn=stream_arn, ShardId=shard_id, **where)
        iterator = reply.get("ShardIterator")
        if not iterator:
            raise TransientError("GetShardIterator gave no iterator")
        return str(iterator)

    def read(self, iterator: str) -> Page:
        body = json.dumps({"ShardIterator": iterator, "Limit": LIMIT}).encode()
        return self._tries.run("GetRecords", lambda: _page(self._requests.post(GET_RECORDS, body)))

    def _descriptions(self, stream_arn: str, extra: dict[str, Any]) -> Iterator[dict[str, Any]]:
        start: dict[str, str] = {}
        while True:
            self._pacer.wait()
            reply = self._call("DescribeStream", "describe_stream", StreamArn=stream_arn, **extra, **start)
            description: dict[str, Any] = reply["StreamDescription"]
            yield description
            last = description.get("LastEvaluatedShardId")
            if not last:
                return
            start = {"ExclusiveStartShardId": last}

    def _call(self, what: str, method: str, **request: Any) -> dict[str, Any]:
        try:
            with translated(what):
                reply: dict[str, Any] = getattr(self._client, method)(**request)
        except RefusedError as error:
            _raise_position(error.code, error)
            raise
        return reply


def _shards(description: dict[str, Any]) -> Iterator[Shard]:
    for shard in description.get("Shards", []):
        numbers = shard.get("SequenceNumberRange", {})
        yield Shard(shard["ShardId"], shard.get("ParentShardId") or None, numbers.get("EndingSequenceNumber"))


def _page(reply: Reply) -> Page:
    """A page from a reply. Errors as the port names them; a body that is no page is a passing trouble."""
    content = _parse(reply)
    if reply.status != 200:
        _raise_error(reply.status, content)
    records = content.get("Records")
    if not isinstance(records, list):
        raise TransientError("GetRecords gave a reply without records")
    return Page(records, content.get("NextShardIterator"), len(reply.body))


def _parse(reply: Reply) -> dict[str, Any]:
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        content = _parse_leniently(reply.body)
    if isinstance(content, dict):
        return content
    if reply.status == 200 or reply.status >= 500:
        raise TransientError(f"GetRecords gave status {reply.status} and a body that is no JSON object")
    return {}


def _parse_leniently(body: bytes) -> Any:
    """The page in spite of bytes that are no UTF-8, bare control characters or an endless number in one of its records.

    Such a byte becomes half of a surrogate pair, by which the conversion knows the record, and from which the byte can
    be told: one record is `unreadable`, the others are read, and the shard goes on. None for what is no JSON.
    """
    try:
        return json.loads(body.decode("utf-8", "surrogateescape"), strict=False, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> int | str:
    """Python takes no number of more than some thousand digits; as text they are all kept."""
    return int(digits) if len(digits) < LONGEST_INTEGER else digits


def _raise_error(status: int, content: dict[str, Any]) -> None:
    code = str(content.get("__type", "")).rpartition("#")[2]
    _raise_position(code, None)
    if code in THROTTLES or status == 429:
        raise ThrottledError(f"GetRecords: {code or status}")
    if status >= 500 or code == "InternalServerError":
        raise TransientError(f"GetRecords: {code or status}")
    raise RefusedError(f"GetRecords was refused: {code or status}", code, content)


def _raise_position(code: str, cause: Exception | None) -> None:
    if code in _POSITIONS:
        kind, text = _POSITIONS[code]
        raise kind(text) from cause
