"""What becomes of each reply that DynamoDB Streams may give, sound or broken, and of the request as sent?"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.clients import new_session, streams_client
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.core.entry import convert
from tabletrail.errors import (
    IteratorExpiredError,
    ShardGoneError,
    TabletrailError,
    ThrottledError,
    TransientError,
    TrimmedError,
)
from tabletrail.ports import Page, Shard
from tests.core.strategies import CONVERSION, SOURCE
from tests.fakes.clock import FakeClock
from tests.fakes.stream import make_record
from tests.ports.checkpoint_rows import ARN, LONG
from tests.ports.reply_server import Canned, Received, ReplyServer, reply_server

A, B, C, X = (f"shardId-{number:020d}-{number:08x}" for number in (1, 2, 3, 9))
SECRET, KEY, TOKEN = "secret", "AKIDEXAMPLE", "session-token"


def ok(content: object, **values: Any) -> Canned:
    body = json.dumps(content).encode()
    return Canned(200, body, {"x-amz-crc32": str(zlib.crc32(body))}, **values)


def error(code: str, status: int = 400, prefix: str = "com.amazonaws.dynamodb.v20120810#") -> Canned:
    return Canned(status, json.dumps({"__type": prefix + code, "message": "no"}).encode())


GOOD = ok({"Records": [make_record(LONG)], "NextShardIterator": "next"})


@pytest.fixture(scope="module")
def running() -> Iterator[ReplyServer]:
    with reply_server() as server:
        yield server


@pytest.fixture(scope="module")
def wired(running: ReplyServer) -> Iterator[tuple[Any, Any]]:
    """A session and its client, made under an environment that names the server for this one service."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": running.url,
            "NO_PROXY": "127.0.0.1",
        }.items():
            environment.setenv(name, value)
        session = new_session()
        yield session, streams_client(session)


@pytest.fixture
def server(running: ReplyServer) -> ReplyServer:
    running.say(GOOD)
    return running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def reader(server: ReplyServer, wired: tuple[Any, Any], clock: FakeClock) -> SignedStreamReader:
    return SignedStreamReader(*wired, clock)


class TestReading:
    def test_a_page_comes_as_it_was_sent(self, reader: SignedStreamReader, server: ReplyServer) -> None:
        assert reader.read("here") == Page([make_record(LONG)], "next", len(GOOD.body))
        assert json.loads(server.received[0].body) == {"ShardIterator": "here", "Limit": 1000}

    @pytest.mark.parametrize(
        ("poison", "kept"),
        [
            (b'{"S":"caf\xe9"}', {"S": "caf\udce9"}),
            (b'{"S":"\xc0\x80"}', {"S": "\udcc0\udc80"}),
            (b'{"S":"\xff\xfe"}', {"S": "\udcff\udcfe"}),
            (b'{"S":"a\x00b\nc"}', {"S": "a\x00b\nc"}),
            (b'{"N":' + b"7" * 5000 + b"}", {"N": "7" * 5000}),
        ],
    )
    def test_one_odd_byte_costs_no_other_record(
        self, reader: SignedStreamReader, server: ReplyServer, poison: bytes, kept: dict[str, Any]
    ) -> None:
        """Bytes that are no UTF-8 or no JSON: DynamoDB never sent any, and a page that is not read blocks its shard."""
        records = [make_record(str(number), new={"v": {"S": f"value {number}"}}) for number in (1, 2, 3)]
        body = json.dumps({"Records": records, "NextShardIterator": "next"}).encode()
        server.say(Canned(200, body.replace(b'{"S": "value 2"}', poison)))
        first, odd, last = reader.read("here").records
        assert [first, last] == [records[0], records[2]]
        assert odd["dynamodb"]["NewImage"]["v"] == kept

    def test_a_byte_that_is_no_utf8_makes_the_record_unreadable_and_can_be_told(
        self, reader: SignedStreamReader, server: ReplyServer
    ) -> None:
        made = make_record("7", old={"v": {"S": "x"}}, new={"v": {"S": "value"}})
        body = json.dumps({"Records": [made], "NextShardIterator": "next"}).encode()
        server.say(Canned(200, body.replace(b'"value"', b'"\x80\xff"')))
        entry = convert(reader.read("here").records[0], SOURCE, CONVERSION)
        assert entry.kind == "unreadable"
        whole = json.loads(json.loads(entry.images)["record"])
        assert whole["dynamodb"]["NewImage"]["v"]["S"].encode("utf-8", "surrogateescape") == b"\x80\xff"

    @pytest.mark.parametrize("end", [{"Records": []}, {"Records": [], "NextShardIterator": None}])
    def test_no_next_iterator_is_the_shards_end(
        self, reader: SignedStreamReader, server: ReplyServer, end: dict[str, Any]
    ) -> None:
        server.say(ok(end))
        assert reader.read("here").next_iterator is None

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (error("ExpiredIteratorException"), IteratorExpiredError),
            (error("TrimmedDataAccessException"), TrimmedError),
            (error("ResourceNotFoundException"), ShardGoneError),
            (error("ResourceNotFoundException", prefix=""), ShardGoneError),
        ],
    )
    def test_a_lost_position_is_said_at_once(
        self, reader: SignedStreamReader, server: ReplyServer, reply: Canned, kind: type[TabletrailError]
    ) -> None:
        server.say(reply)
        with pytest.raises(kind):
            reader.read("here")
        assert len(server.received) == 1

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (error("ProvisionedThroughputExceededException"), ThrottledError),
            (error("LimitExceededException"), ThrottledError),
            (error("ThrottlingException"), ThrottledError),
            (error("Throttling"), ThrottledError),
            (Canned(429, b"slow down"), TransientError),
            (error("TooMany", 429), ThrottledError),
            (error("InternalServerError", 500), TransientError),
            (Canned(500, b""), TransientError),
            (Canned(502, b"<html>bad gateway</html>"), TransientError),
            (Canned(503, b"{}"), TransientError),
            (Canned(200, b"<html>a proxy's page</html>"), TransientError),
            (Canned(200, b"\xff\xfe"), TransientError),
            (Canned(200, b"[]"), TransientError),
            (Canned(200, b'{"Records":' + b"[" * 100_000), TransientError),
            (ok({"NextShardIterator": "next"}), TransientError),
            (Canned(200, GOOD.body, {"x-amz-crc32": "1"}), TransientError),
            (ok({"Records": [], "NextShardIterator": "next"}, missing=7), TransientError),
            (Canned(hangs_up=True), TransientError),
        ],
    )
    def test_passing_trouble_is_waited_out_and_then_said(
        self, reader: SignedStreamReader, server: ReplyServer, clock: FakeClock, reply: Canned, kind: type[Exception]
    ) -> None:
        server.say(reply, GOOD)
        assert reader.read("here").next_iterator == "next"
        assert len(clock.sleeps) == 1
        server.say(reply)
        with pytest.raises(kind):
            reader.read("here")
        assert len(server.received) == 4

    @pytest.mark.parametrize(
        "reply", [error("ValidationException"), error("AccessDeniedException"), Canned(403, b"no")]
    )
    def test_a_refusal_is_not_repeated(self, reader: SignedStreamReader, server: ReplyServer, reply: Canned) -> None:
        server.say(reply)
        with pytest.raises(TabletrailError) as raised:
            reader.read("here")
        assert not isinstance(raised.value, TransientError)
        assert len(server.received) == 1

    def test_nothing_listens(self, wired: tuple[Any, Any], clock: FakeClock) -> None:
        session, _ = wired
        deaf = session.client("dynamodbstreams", endpoint_url="http://127.0.0.1:9")
        with pytest.raises(TransientError):
            SignedStreamReader(session, deaf, clock).read("here")

    def test_one_connection_carries_many_pages(self, reader: SignedStreamReader, server: ReplyServer) -> None:
        reader.read("here")
        before = server.connections
        for _ in range(20):
            reader.read("here")
        assert server.connections == before


class TestTheRequest:
    def test_it_is_signed_as_it_is_sent(self, reader: SignedStreamReader, server: ReplyServer) -> None:
        reader.read("here")
        (request,) = server.received
        assert request.headers["x-amz-target"] == "DynamoDBStreams_20120810.GetRecords"
        assert request.headers["x-amz-security-token"] == TOKEN
        assert request.headers["accept-encoding"] == "identity"
        assert request.headers["authorization"].rpartition("Signature=")[2] == signature(request)

    def test_the_sdks_own_calls_go_to_the_same_place(self, reader: SignedStreamReader, server: ReplyServer) -> None:
        server.say(ok({"ShardIterator": "here"}))
        assert reader.iterator_after(ARN, A, LONG) == "here"
        assert json.loads(server.received[0].body)["SequenceNumber"] == LONG


class TestDescribing:
    SHARDS = (
        {"ShardId": A, "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": LONG}},
        {"ShardId": B, "ParentShardId": A, "SequenceNumberRange": {"StartingSequenceNumber": "2"}},
        {"ShardId": C, "ParentShardId": X, "SequenceNumberRange": {"StartingSequenceNumber": "2"}},
    )

    def test_all_pages_are_one_view_paced(
        self, reader: SignedStreamReader, server: ReplyServer, clock: FakeClock
    ) -> None:
        server.say(description(*self.SHARDS[:2], last=B), description(*self.SHARDS[1:]))
        view = reader.describe(ARN)
        assert view.shards == (Shard(A, None, LONG), Shard(B, A, None), Shard(C, X, None))
        assert json.loads(server.received[1].body)["ExclusiveStartShardId"] == B
        assert clock.sleeps == [pytest.approx(0.2)]

    def test_children_are_asked_for_and_others_left_out(self, reader: SignedStreamReader, server: ReplyServer) -> None:
        server.say(description(*self.SHARDS))
        assert reader.children(ARN, A) == (Shard(B, A, None),)
        # A botocore whose model lacks ShardFilter would refuse the call before sending it.
        assert json.loads(server.received[0].body)["ShardFilter"] == {"Type": "CHILD_SHARDS", "ShardId": A}

    def test_a_trimmed_position_is_said_by_the_iterator_too(
        self, reader: SignedStreamReader, server: ReplyServer
    ) -> None:
        server.say(error("TrimmedDataAccessException"))
        with pytest.raises(TrimmedError):
            reader.iterator_after(ARN, A, LONG)


def description(*shards: dict[str, Any], last: str | None = None) -> Canned:
    view = {"StreamStatus": "ENABLED", "StreamViewType": "NEW_AND_OLD_IMAGES", "Shards": shards}
    return ok({"StreamDescription": {**view, **({"LastEvaluatedShardId": last} if last else {})}})


def signature(request: Received) -> str:
    """Signature Version 4 of a POST to "/", by the letter of its specification, from what came over the wire."""
    fields = dict(part.strip().split("=", 1) for part in request.headers["authorization"].split(" ", 1)[1].split(","))
    scope = fields["Credential"].split("/", 1)[1]
    assert scope.split("/")[1:] == ["eu-central-1", "dynamodb", "aws4_request"]
    signed = fields["SignedHeaders"]
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed.split(";"))
    canonical = f"POST\n/\n\n{headers}\n{signed}\n{hashlib.sha256(request.body).hexdigest()}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()
