"""A call of DynamoDB that we sign and parse ourselves: is each reply taken as the SDK takes it, or more carefully?"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tabletrail.aws.clients import dynamodb_client, new_session
from tabletrail.aws.direct_calls import DirectCalls
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError, Trouble, trouble_of
from tabletrail.errors import ThrottledError, TransientError
from tests.fakes.clock import FakeClock
from tests.ports.reply_server import Canned, ReplyServer, reply_server

PREFIX = "com.amazonaws.dynamodb.v20120810#"
PUT = {"TableName": "claims", "Item": {"id": {"S": "ü"}, "data": {"B": "AAE="}}}
REQUESTS: dict[str, dict[str, Any]] = {
    "PutItem": PUT,
    "TransactWriteItems": {"TransactItems": [{"Put": PUT}]},
    "BatchGetItem": {"RequestItems": {"outbox": {"Keys": [{"id": {"S": "a"}}]}}},
}


def body(content: Any) -> bytes:
    return json.dumps(content).encode()


def refusal(code: str, status: int = 400, **more: Any) -> Canned:
    return Canned(status, body({"__type": PREFIX + code, "message": "in words", **more}))


@pytest.fixture(scope="module")
def server() -> Iterator[ReplyServer]:
    with reply_server() as running, pytest.MonkeyPatch.context() as environment:
        values = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "DEFAULT_REGION": "eu-west-1"}
        for name, value in {**values, "ENDPOINT_URL_DYNAMODB": running.url}.items():
            environment.setenv(f"AWS_{name}", value)
        yield running


@pytest.fixture(scope="module")
def client(server: ReplyServer) -> Any:
    return dynamodb_client(new_session())


@pytest.fixture(scope="module")
def calls(client: Any) -> DirectCalls:
    return DirectCalls(new_session(), client)


def test_what_is_sent_is_what_the_sdk_sends(server: ReplyServer, client: Any, calls: DirectCalls) -> None:
    server.say(Canned())
    client.put_item(**{**PUT, "Item": {"id": {"S": "ü"}, "data": {"B": b"\x00\x01"}}})
    calls.call("PutItem", PUT)
    theirs, ours = server.received
    assert json.loads(ours.body) == json.loads(theirs.body)
    for name in ("x-amz-target", "content-type", "host"):
        assert ours.headers[name] == theirs.headers[name]
    assert ours.headers["authorization"].split("/")[1:4] == theirs.headers["authorization"].split("/")[1:4]


def test_a_reply_comes_as_it_is(server: ReplyServer, calls: DirectCalls) -> None:
    content = {"Responses": {"outbox": [{"id": {"S": "ü"}, "data": {"B": "AAE="}}]}, "UnprocessedKeys": {}}
    server.say(Canned(200, body(content), {"x-amz-crc32": str(zlib.crc32(body(content)))}))
    assert calls.call("BatchGetItem", {}) == content


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (refusal("ThrottlingException"), Trouble.THROTTLED),
        (refusal("ProvisionedThroughputExceededException"), Trouble.THROTTLED),
        (refusal("RequestLimitExceeded"), Trouble.THROTTLED),
        (refusal("InternalServerError", 500), Trouble.UNKNOWN),
        (Canned(503, b"<html>"), Trouble.UNKNOWN),
        (refusal("TransactionInProgressException"), Trouble.UNKNOWN),
        (refusal("ResourceNotFoundException"), Trouble.REFUSED),
        (refusal("AccessDeniedException"), Trouble.REFUSED),
        (refusal("ValidationException"), Trouble.REFUSED),
        (Canned(400, b"not JSON"), Trouble.REFUSED),
        (Canned(429, b""), Trouble.THROTTLED),
        (
            refusal(
                "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]
            ),
            Trouble.THROTTLED,
        ),
        (
            refusal(
                "TransactionCanceledException",
                CancellationReasons=[{"Code": "ConditionalCheckFailed", "Item": {"id": {"S": "a"}}}, {"Code": "None"}],
            ),
            Trouble.REFUSED,
        ),
    ],
)
@pytest.mark.parametrize("operation", REQUESTS)
def test_a_refusal_is_the_same_trouble(
    server: ReplyServer, client: Any, calls: DirectCalls, operation: str, reply: Canned, trouble: Trouble
) -> None:
    server.say(reply)
    errors = []
    for call in (
        lambda: calls.call(operation, REQUESTS[operation]),
        lambda: client._make_api_call(operation, REQUESTS[operation]),
    ):
        with pytest.raises((ClientError, TransientError)) as raised:
            call()
        errors.append(raised.value)
    ours, theirs = errors
    assert trouble_of(ours) is trouble_of(theirs) is trouble
    if isinstance(ours, ClientError) and ours.response["Error"]["Message"]:
        # On a body that is no JSON the SDK has words of its own.
        for part in ("Error", "CancellationReasons"):
            assert ours.response.get(part) == theirs.response.get(part)


@pytest.mark.parametrize("missing", [1, 5, 12])
def test_half_a_reply_is_none(server: ReplyServer, calls: DirectCalls, missing: int) -> None:
    server.say(Canned(200, body({"Items": [1]}), missing=missing))
    with pytest.raises(TransientError):
        Tries(FakeClock(), most=2).run("Query", lambda: calls.call("Query", {}))
    assert len(server.received) == 2


def test_a_reply_that_is_another_one_than_was_sent_is_none(server: ReplyServer, calls: DirectCalls) -> None:
    server.say(Canned(200, body({"Items": []}), {"x-amz-crc32": "1"}))
    with pytest.raises(TransientError):
        Tries(FakeClock(), most=2).run("Query", lambda: calls.call("Query", {}))


@pytest.mark.parametrize("text", [b"[]", b"null", b"", b'{"Items": ', b"[" * 100_000])
def test_a_reply_without_an_object_is_none(server: ReplyServer, calls: DirectCalls, text: bytes) -> None:
    server.say(Canned(200, text))
    with pytest.raises(TransientError):
        calls.call("Query", {})


def test_tries_sees_throttling_and_refusals(server: ReplyServer, calls: DirectCalls) -> None:
    tries = Tries(FakeClock(), most=3)
    server.say(refusal("ThrottlingException"), Canned(200, body({"Items": []})))
    assert tries.run("Query", lambda: calls.call("Query", {})) == {"Items": []}
    server.say(refusal("ThrottlingException"))
    with pytest.raises(ThrottledError):
        tries.run("Query", lambda: calls.call("Query", {}))
    server.say(refusal("AccessDeniedException"))
    with pytest.raises(RefusedError, match="AccessDeniedException: in words"):
        tries.run("Query", lambda: calls.call("Query", {}))
    assert len(server.received) == 1
