"""Reading a stream again, with nothing of the capture's code: its shards, and one shard's records from its horizon.

Rules
- Passing trouble (throttling, 5xx) is waited out; an iterator that expired is asked for again behind the last record.
- What the stream no longer has ends the reading, and the reason is kept: it is no damage of the log.

Called by `stream_walk`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

LIMIT = 1_000
TRIES = 12
LONGEST_PAUSE = 5.0
DESCRIBE_PAUSE = 0.2
"""DescribeStream is limited to 10 calls/s in the account, and the capture needs them too."""
EMPTY_PAGES = 50_000
"""In a row, after which an open shard is given up."""
_PASSING = frozenset(
    {
        "InternalServerError",
        "InternalFailure",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_NO_MODEL = (ResponseParserError, AttributeError, KeyError, TypeError, ValueError)
"""What boto3's parser raises for a page that DynamoDB would not send."""
_GONE = {
    "ResourceNotFoundException": "the stream no longer knows it",
    "TrimmedDataAccessException": "the stream trimmed it while it was read",
}


class GoneError(RuntimeError):
    """The stream has it no longer; the text says which way."""


@dataclass(frozen=True, slots=True)
class ListedShard:
    shard_id: str
    parent: str
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Record:
    event_id: str
    sequence_no: str


@dataclass(slots=True)
class StreamPages:
    """`client` is boto3's for `dynamodbstreams`."""

    client: Any
    pause: Callable[[float], None]
    requests: int = field(default=0)
    """GetRecords calls: what is charged."""

    def shards(self, stream_arn: str) -> list[ListedShard]:
        """GoneError."""
        found: dict[str, ListedShard] = {}
        start: dict[str, str] = {}
        while True:
            reply = self._call(self.client.describe_stream, StreamArn=stream_arn, **start)["StreamDescription"]
            for shard in reply.get("Shards", ()):
                ends = shard.get("SequenceNumberRange", {}).get("EndingSequenceNumber")
                listed = ListedShard(shard["ShardId"], shard.get("ParentShardId") or "", bool(ends))
                found[listed.shard_id] = listed
            last = reply.get("LastEvaluatedShardId")
            if not last:
                return list(found.values())
            start = {"ExclusiveStartShardId": last}
            self.pause(DESCRIBE_PAUSE)

    def records(self, stream_arn: str, shard_id: str) -> Iterator[Record]:
        """From the horizon to the end of the shard; an open shard has none: the caller stops. GoneError."""
        iterator, last, empty = self._iterator(stream_arn, shard_id, ""), "", 0
        while iterator:
            try:
                self.requests += 1
                reply = self._call(self.client.get_records, ShardIterator=iterator, Limit=LIMIT)
            except ClientError as error:
                if _code(error) != "ExpiredIteratorException":
                    raise
                iterator = self._iterator(stream_arn, shard_id, last)
                continue
            records = [_record(record) for record in reply.get("Records", ())]
            yield from records
            last = next((one.sequence_no for one in reversed(records) if one.sequence_no), last)
            empty = 0 if records else empty + 1
            if empty >= EMPTY_PAGES:
                raise GoneError(f"{EMPTY_PAGES} pages in a row were empty")
            iterator = reply.get("NextShardIterator") or ""

    def _iterator(self, stream_arn: str, shard_id: str, behind: str) -> str:
        where = {"ShardIteratorType": "TRIM_HORIZON"}
        if behind:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": behind}
        reply = self._call(self.client.get_shard_iterator, StreamArn=stream_arn, ShardId=shard_id, **where)
        return str(reply.get("ShardIterator") or "")

    def _call(self, call: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any]:
        for number in range(TRIES):
            try:
                return call(**request)
            except ClientError as error:
                code = _code(error)
                if code in _GONE:
                    raise GoneError(_GONE[code]) from error
                status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
                if number + 1 == TRIES or (code not in _PASSING and status < 500):
                    raise
            except BotoCoreError:
                if number + 1 == TRIES:
                    raise
            except _NO_MODEL as error:
                raise GoneError(f"a reply does not follow the API's own model ({type(error).__name__})") from error
            self.pause(min(LONGEST_PAUSE, 0.1 * 2**number))
        raise AssertionError("the last try returns or raises")


def _record(record: dict[str, Any]) -> Record:
    return Record(str(record.get("eventID", "")), str(record.get("dynamodb", {}).get("SequenceNumber", "")))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "")).rpartition("#")[2]
