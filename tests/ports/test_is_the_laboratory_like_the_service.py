"""Are the laboratory's replies those of the service: shapes, errors, headers, limits?"""

from __future__ import annotations

import json
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.iterators import Position
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.records import TTL_IDENTITY
from tabletrail_lab.server import serve
from tests.ports.laboratory_reading import SIGNED, DirectCaller, HttpCaller, RefusedError, change
from tests.ports.streams_model import departures, service_model


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory(DrivenClock(), seed=11)


@pytest.fixture
def caller(laboratory: Laboratory) -> DirectCaller:
    return DirectCaller(laboratory)


@pytest.fixture
def http(laboratory: Laboratory) -> Iterator[HttpCaller]:
    with serve(laboratory) as url:
        yield HttpCaller(url)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as caught:
        call()
    code: str = caught.value.code
    return code


def every_type() -> dict[str, Any]:
    return {
        "text": {"S": "\u202ewords \u0000 \U0001f600"},
        "number": {"N": "1" * 38},
        "bytes": {"B": "AAEC"},
        "sets": {"M": {"SS": {"SS": ["a"]}, "NS": {"NS": ["1"]}, "BS": {"BS": ["AAEC"]}}},
        "list": {"L": [{"NULL": True}, {"BOOL": False}, {"L": []}]},
    }


def tell_all(laboratory: Laboratory, caller: DirectCaller) -> None:
    """Every operation, over a stream in which everything has happened."""
    arn = laboratory.add_stream("orders", shards=3)
    laboratory.generate(arn, 2_000, items=30, seed=1)
    laboratory.write(arn, [change("types", NewImage=every_type()), change("ttl", userIdentity=TTL_IDENTITY)])
    first, second, third = (shard["shard_id"] for shard in laboratory.shards(arn))
    laboratory.split(arn, first, last_records=2)
    laboratory.add_empty_pages(arn, second, 3, "front")
    laboratory.quiet_tip(arn, third, 2)
    laboratory.roll_all(arn, 2)
    laboratory.advance(3_600)
    laboratory.generate(arn, 200, items=30, seed=2)
    caller.all_records(arn)
    laboratory.disable(arn)
    laboratory.enable("orders", shards=2)
    laboratory.add_stream("customers", view_type="KEYS_ONLY")
    caller.call("ListStreams")
    caller.call("ListStreams", TableName="orders", Limit=1)
    caller.all_records(arn)
    caller.call("DescribeStream", StreamArn=arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": first})
    caller.call("DescribeStream", StreamArn=arn, Limit=2)


def test_every_reply_has_the_modelled_shape(laboratory: Laboratory, caller: DirectCaller) -> None:
    tell_all(laboratory, caller)
    seen = {operation for operation, _, _ in caller.replies}
    assert seen == set(service_model().operation_names)
    wrong = [text for reply in caller.replies for text in departures(*reply)]
    assert not wrong
    records = [r for name, _, content in caller.replies if name == "GetRecords" for r in content["Records"]]
    identities = [record["userIdentity"] for record in records if "userIdentity" in record]
    assert identities
    assert all(identity == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"} for identity in identities)
    assert all(type(record["dynamodb"]["ApproximateCreationDateTime"]) is int for record in records)


def test_every_error_is_one_that_the_operation_has(laboratory: Laboratory, caller: DirectCaller) -> None:
    arn = laboratory.add_stream("orders")
    shard_id = laboratory.shards(arn)[0]["shard_id"]
    iterator = caller.iterator(arn, shard_id)
    horizon = {"StreamArn": arn, "ShardId": shard_id, "ShardIteratorType": "TRIM_HORIZON"}
    for kind in ("throttle", "internal"):
        for operation, request in (
            ("ListStreams", {}),
            ("DescribeStream", {"StreamArn": arn}),
            ("GetShardIterator", horizon),
            ("GetRecords", {"ShardIterator": iterator}),
        ):
            laboratory.fault(operation, kind)
            code = refused(lambda op=operation, req=request: caller.call(op, **req))  # type: ignore[misc]
            assert code == {"throttle": "ThrottlingException", "internal": "InternalServerError"}[kind]
    assert not [text for reply in caller.replies for text in departures(*reply)]


def test_every_refusal_is_one_that_the_operation_has(laboratory: Laboratory, caller: DirectCaller) -> None:
    arn = laboratory.add_stream("orders")
    shard_id = laboratory.shards(arn)[0]["shard_id"]
    iterator = caller.iterator(arn, shard_id)
    number = laboratory.write(arn, [change("a")])[0][1]
    laboratory.fault("GetRecords", "limit")
    assert refused(lambda: caller.records(iterator)) == "LimitExceededException"
    assert refused(lambda: caller.records(iterator, Limit=1_001)) == "LimitExceededException"
    assert refused(lambda: caller.records(iterator, Limit=0)) == "ValidationException"
    assert refused(lambda: caller.records(iterator[:-8] + "AAAAAAA=")) == "ValidationException"
    foreign = Laboratory(DrivenClock(), seed=12).seal.make(arn, shard_id, Position(0), laboratory.now())
    assert refused(lambda: caller.records(foreign)) == "ValidationException"
    assert refused(lambda: caller.call("DescribeStream", StreamArn=arn, Limit=101)) == "ValidationException"
    assert refused(lambda: caller.call("DescribeStream")) == "ValidationException"
    assert refused(lambda: caller.iterator(arn, shard_id, "SOMEWHERE")) == "ValidationException"
    assert refused(lambda: caller.iterator(arn, shard_id, "AT_SEQUENCE_NUMBER")) == "ValidationException"
    after = {"SequenceNumber": str(int(number) + 10**9)}
    assert refused(lambda: caller.iterator(arn, shard_id, "AFTER_SEQUENCE_NUMBER", **after)) == "ValidationException"
    laboratory.advance(901)
    assert refused(lambda: caller.records(iterator)) == "ExpiredIteratorException"
    laboratory.advance(85_000)
    fresh = caller.iterator(arn, shard_id)
    laboratory.advance(500)
    assert refused(lambda: caller.records(fresh)) == "TrimmedDataAccessException"
    trimmed = {"SequenceNumber": number}
    assert (
        refused(lambda: caller.iterator(arn, shard_id, "AT_SEQUENCE_NUMBER", **trimmed)) == "TrimmedDataAccessException"
    )
    laboratory.drop_stream(arn)
    for call in (lambda: caller.shards(arn), lambda: caller.iterator(arn, shard_id), lambda: caller.records(fresh)):
        assert refused(call) == "ResourceNotFoundException"
    assert not [text for reply in caller.replies for text in departures(*reply)]


def test_replies_carry_the_services_headers(laboratory: Laboratory, http: HttpCaller) -> None:
    laboratory.add_stream("orders")
    ids = set()
    for operation in ("ListStreams", "DescribeStream"):
        response, body = http.reply(operation, b"{}")
        assert response.getheader("Content-Type") == "application/x-amz-json-1.0"
        assert int(response.headers["x-amz-crc32"]) == zlib.crc32(body)
        ids.add(response.headers["x-amzn-RequestId"])
    assert len(ids) == 2
    assert all(len(request_id) == 52 and request_id.isalnum() for request_id in ids)


@pytest.mark.parametrize(
    ("operation", "body", "headers", "code"),
    [
        ("ListStreams", b"{}", {"Authorization": ""}, "MissingAuthenticationTokenException"),
        ("ListStreams", b"{}", {"Authorization": "Bearer x"}, "IncompleteSignatureException"),
        ("ListStreams", b"{", {}, "SerializationException"),
        ("ListStreams", b"[]", {}, "SerializationException"),
        ("ListStreams", b"\xff", {}, "SerializationException"),
        ("DescribeStream", b'{"StreamArn": 1}', {}, "SerializationException"),
        ("PutItem", b"{}", {}, "UnknownOperationException"),
        ("", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, "UnknownOperationException"),
    ],
)
def test_a_request_that_is_none_is_refused(
    http: HttpCaller, operation: str, body: bytes, headers: dict[str, str], code: str
) -> None:
    response, content = http.reply(operation, body, **headers)
    assert response.status == 400
    assert json.loads(content)["__type"].rpartition("#")[2] == code
    assert http.call("ListStreams") == {"Streams": []}, "the connection lives on"


def test_the_sdk_waits_out_throttling(laboratory: Laboratory) -> None:
    laboratory.add_stream("orders")
    with serve(laboratory) as url:
        client = boto3.client(
            "dynamodbstreams",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="lab",
            aws_secret_access_key="lab",
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
        )
        laboratory.fault("ListStreams", "throttle", count=1)
        assert client.list_streams()["ResponseMetadata"]["RetryAttempts"] == 1


def test_bytes_that_are_no_request_close_the_connection_and_no_other(laboratory: Laboratory) -> None:
    with serve(laboratory) as url:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=60) as broken:
            broken.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert broken.recv(100) == b""
        request = (
            b"POST / HTTP/1.1\r\nAuthorization: "
            + SIGNED.encode()
            + b"\r\nX-Amz-Target: x\r\nContent-Length: 2\r\n\r\n{}"
        )
        with socket.create_connection(address, timeout=60) as slow:
            for byte in request:
                slow.sendall(bytes([byte]))
            assert slow.recv(100).startswith(b"HTTP/1.1 400")
