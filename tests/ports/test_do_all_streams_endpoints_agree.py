"""Do the laboratory, the local AWS and, where there is one, DynamoDB Local keep the same contract?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.server import serve
from tabletrail_local.info import StackInfo
from tests.ports.local_tables import drop_tables, unique
from tests.ports.streams_api_contract import Place, StreamsApiContract

DYNAMODB_LOCAL = "TABLETRAIL_DYNAMODB_LOCAL"
"""Names the endpoint of a DynamoDB Local, as http://127.0.0.1:8000. It is not ours to ship: see its licence."""
KEYS = {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "lab", "AWS_DEFAULT_REGION": "eu-central-1"}
ONCE = Config(retries={"total_max_attempts": 1})


class LabTable:
    """A table in front of the laboratory: changes of its items become records, as DynamoDB makes them."""

    def __init__(self, laboratory: Laboratory, arn: str) -> None:
        self._laboratory, self._arn = laboratory, arn
        self._items: dict[str, dict[str, Any]] = {}

    def put(self, item_id: str, state: str) -> None:
        old, new = self._items.get(item_id), {"id": {"S": item_id}, "state": {"S": state}}
        self._items[item_id] = new
        if old != new:
            self._change("INSERT" if old is None else "MODIFY", item_id, OldImage=old, NewImage=new)

    def delete(self, item_id: str) -> None:
        self._change("REMOVE", item_id, OldImage=self._items.pop(item_id))

    def _change(self, name: str, item_id: str, **images: Any) -> None:
        self._laboratory.write(self._arn, [{"eventName": name, "Keys": {"id": {"S": item_id}}, **images}])


class TestLaboratory(StreamsApiContract):
    @pytest.fixture
    def place(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
        for name, value in {**KEYS, "NO_PROXY": "127.0.0.1"}.items():
            monkeypatch.setenv(name, value)
        laboratory = Laboratory(DrivenClock(), seed=6)
        arn = laboratory.add_stream("orders")
        table = LabTable(laboratory, arn)
        with serve(laboratory) as url:
            client = boto3.client("dynamodbstreams", endpoint_url=url, config=ONCE)
            yield Place(client, arn, "orders", table.put, table.delete, lambda: laboratory.disable(arn), KEYS)


def real_place(dynamodb: Any, streams: Any, environment: dict[str, str]) -> Iterator[Place]:
    """A table of a real DynamoDB API, dropped at the end."""
    name = unique("contract")
    description = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    dynamodb.get_waiter("table_exists").wait(TableName=name)

    def put(item_id: str, state: str) -> None:
        dynamodb.put_item(TableName=name, Item={"id": {"S": item_id}, "state": {"S": state}})

    yield Place(
        streams,
        description["LatestStreamArn"],
        name,
        put,
        lambda item_id: dynamodb.delete_item(TableName=name, Key={"id": {"S": item_id}}),
        lambda: dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False}),
        environment,
    )
    drop_tables(dynamodb, name)


@pytest.mark.stack
class TestLocalAws(StreamsApiContract):
    @pytest.fixture
    def place(self, stack: StackInfo) -> Iterator[Place]:
        session = stack.session()
        yield from real_place(session.client("dynamodb"), session.client("dynamodbstreams"), stack.aws_environment())


@pytest.mark.skipif(DYNAMODB_LOCAL not in os.environ, reason=f"{DYNAMODB_LOCAL} names no DynamoDB Local to ask")
class TestDynamoDbLocal(StreamsApiContract):
    @pytest.fixture
    def place(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        url = os.environ[DYNAMODB_LOCAL]
        dynamodb, streams = (boto3.client(name, endpoint_url=url) for name in ("dynamodb", "dynamodbstreams"))
        yield from real_place(dynamodb, streams, KEYS)
