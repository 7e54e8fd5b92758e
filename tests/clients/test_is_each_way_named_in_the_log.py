"""From a call with the writers' package, through a real stream, to the entry: is the actor named, and nobody else?"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tabletrail.core.entry import convert
from tabletrail_client import audited, install
from tabletrail_local.info import StackInfo
from tests.core.strategies import CONVERSION, SOURCE
from tests.validation import assert_valid_entry

pytestmark = pytest.mark.stack

KEY = {"pk": {"S": "order#17"}, "sk": {"N": "1500"}}
ITEM = KEY | {"status": {"S": "paid"}}


@dataclass(frozen=True)
class Streamed:
    """A table with a stream. `entries` are those of all that was written to it so far."""

    session: Any
    name: str
    stream: str

    def client(self, **options: Any) -> Any:
        client = self.session.client("dynamodb")
        if options:
            install(client, **options)
        return client

    def entries(self) -> list[dict[str, Any]]:
        # The raw reply, as the capture reads it: botocore's own types are no typed JSON.
        streams = self.session.client("dynamodbstreams")
        replies: list[bytes] = []
        streams.meta.events.register(
            "before-parse.dynamodb-streams.GetRecords", lambda response_dict, **_: replies.append(response_dict["body"])
        )
        [shard] = streams.describe_stream(StreamArn=self.stream)["StreamDescription"]["Shards"]
        where = {"StreamArn": self.stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        streams.get_records(ShardIterator=streams.get_shard_iterator(**where)["ShardIterator"])
        source = replace(SOURCE, table_name=self.name)
        return [
            assert_valid_entry(convert(made, source, CONVERSION).document) for made in json.loads(replies[0])["Records"]
        ]


@pytest.fixture
def table(stack: StackInfo) -> Iterator[Streamed]:
    client = stack.session().client("dynamodb")
    made = client.create_table(
        TableName=f"named-{uuid.uuid4().hex[:12]}",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": next(iter(KEY[name]))} for name in KEY],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    yield Streamed(stack.session(), made["TableName"], made["LatestStreamArn"])
    client.delete_table(TableName=made["TableName"])


def named(entries: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(one["event"]["action"], one.get("actor", {}).get("id")) for one in entries]


def test_put_update_batch_transaction_and_marked_delete(table: Streamed) -> None:
    client, name = table.client(deletes="two-step"), table.name
    with audited(actor="alice", request_id="req-1", reason="an order"):
        client.put_item(TableName=name, Item=ITEM | {"sk": {"N": "1.5E+3"}})
    with audited(actor="bob", service="crm"):
        client.update_item(
            TableName=name, Key=KEY, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "1"}}
        )
    with audited(actor="carol"):
        client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": ITEM}}]})
    with audited(actor="dora"):
        client.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": ITEM | {"n": {"N": "2"}}}}])
    with audited(actor="emil", reason="asked to be forgotten"):
        client.delete_item(TableName=name, Key=KEY)
    entries = table.entries()
    writers = [("insert", "alice"), ("modify", "bob"), ("modify", "carol"), ("modify", "dora")]
    assert named(entries) == [*writers, ("modify", "emil"), ("remove", "emil")]
    assert {(one["actor"]["source"], one["actor"]["confidence"]) for one in entries} == {("mark", "likely")}
    assert (entries[0]["reason"], entries[0]["request"]["id"]) == ("an order", "req-1")
    assert entries[1]["actor"]["service"] == "crm"
    assert entries[4]["tabletrail"]["mark"] == entries[5]["tabletrail"]["mark"]
    assert len({one["tabletrail"]["mark"] for one in entries}) == len(entries) - 1


def test_who_forgets_copies_puts_back_or_deletes_plainly_is_not_taken_for_another(table: Streamed) -> None:
    marked, plain, name = table.client(keys={table.name: ("pk", "sk")}), table.client(), table.name
    with audited(actor="alice"):
        marked.put_item(TableName=name, Item=ITEM)
    old = plain.get_item(TableName=name, Key=KEY, ConsistentRead=True)["Item"]
    with audited(actor="bob"):
        marked.put_item(TableName=name, Item=ITEM | {"n": {"N": "1"}})
    plain.update_item(
        TableName=name, Key=KEY, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "2"}}
    )
    plain.put_item(TableName=name, Item=old)
    plain.put_item(TableName=name, Item=old | {"pk": {"S": "order#18"}})
    plain.delete_item(TableName=name, Key=KEY)
    entries = table.entries()
    unnamed: list[tuple[str, str | None]] = [("modify", None), ("modify", None), ("insert", None), ("remove", None)]
    assert named(entries) == [("insert", "alice"), ("modify", "bob"), *unnamed]
    assert [one.get("actor", {}).get("last_known") for one in entries[2:]] == ["bob", "alice", None, "alice"]
