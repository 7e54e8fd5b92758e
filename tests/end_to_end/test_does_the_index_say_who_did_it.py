"""Writers use their package in each way, on tables of a deployed stack: whom does the index name, and how surely?

The functions are those that `sam deploy` put there, with their own roles. The rules that say which tables' writers use
the outbox are published as a deployment publishes them; those of before are in force again in the end.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tabletrail.aws.clients import dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.rules_store import BucketRules
from tabletrail.aws.runs import TableRunNotes
from tabletrail.aws.tries import Tries
from tabletrail.policy_files import check
from tabletrail.publishing import files_in, publish, taken
from tabletrail.rules_change import NOTE
from tabletrail_client import audited, install
from tabletrail_client.context import Act
from tabletrail_client.outbox import row
from tabletrail_local.alert_queue import AlertQueue
from tabletrail_local.info import StackInfo
from tests.end_to_end.deployed_alerts import DeployedAlerts
from tests.ports.alert_queue import Queue
from tests.ports.opensearch_server import MAPPINGS, Server

pytestmark = pytest.mark.stack

LIMIT_SECONDS = 500
"""More than the lease of a run that a deployment cut off."""
RULES = {"attribution": {"tables": [{"table": "attributed-*", "outbox": True}]}}
CONTEXT = {"ticket": 4711, "via": {"page": "refunds"}}


@dataclass
class Story:
    """An audited table, what its writers did, and what the index says of it."""

    deployed: DeployedAlerts
    table: str
    outputs: dict[str, str]
    entries: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Entries of the outbox itself."""

    def client(self, **options: Any) -> Any:
        client = self.deployed.client("dynamodb")
        if options:
            install(client, **options)
        return client

    def put(self, client: Any, item: str, **texts: str) -> None:
        client.put_item(TableName=self.table, Item={"id": {"S": item}, **{k: {"S": v} for k, v in texts.items()}})

    def remove(self, client: Any, item: str) -> None:
        client.delete_item(TableName=self.table, Key={"id": {"S": item}})

    def of(self, item: str) -> list[tuple[Any, ...]]:
        """Each change of it: the action, and who did it, by what, how surely."""
        found = [entry for entry in self.entries if entry["item"]["id"] == item]
        return [(entry["event"]["action"], *who(entry)) for entry in found]


def who(entry: dict[str, Any]) -> tuple[Any, ...]:
    actor = entry.get("actor", {})
    return tuple(actor.get(name) for name in ("id", "source", "confidence"))


@pytest.fixture(scope="module")
def story(deployed: StackInfo, mailbox: AlertQueue) -> Iterator[Story]:
    stack = DeployedAlerts(deployed, mailbox, Queue(deployed))
    outputs = stack.outputs()
    notes = TableRunNotes(dynamodb_client(deployed.session()), outputs["RunsTableName"], Tries(SystemClock()))
    before = notes.read(NOTE)
    rules = taken(check([*files_in(MAPPINGS / "rules"), ("90-outbox.json", json.dumps(RULES))]))
    publish(rules, BucketRules(s3_client(deployed.session()), outputs["SegmentsBucketName"]), notes, SystemClock())
    story = Story(stack, stack.make_table("attributed"), outputs)
    stack.run("AuditRunArn")  # it joins
    write(story)
    look_until_all_is_there(story)
    yield story
    notes.write(NOTE, before)
    stack.client("dynamodb").delete_table(TableName=story.table)
    stack.events.client.delete_queue(QueueUrl=stack.events.url)


WRITES = 22
ROWS = 9


def write(story: Story) -> None:
    """`WRITES` changes, and `ROWS` rows of the outbox."""
    plain, marking, outbox = story.client(), story.client(way="mark"), story.client(way="outbox")
    story.put(plain, "plain", status="paid")
    story.put(plain, "attribute", status="paid", updatedBy="alice")
    with audited(actor="bob", reason="an order"):
        story.put(marking, "marked", status="paid")
    with audited(actor="carol", service="crm", request_id="req-1", reason="a refund", context=CONTEXT):
        story.put(outbox, "rowed", status="paid")
        update = {"UpdateExpression": "SET #s = :s", "ExpressionAttributeNames": {"#s": "status"}}
        key = {"TableName": story.table, "Key": {"id": {"S": "rowed"}}}
        outbox.update_item(**key, **update, ExpressionAttributeValues={":s": {"S": "refunded"}})
    with audited(actor="dora"):
        items = [{"id": {"S": f"together-{number}"}} for number in range(2)]
        outbox.transact_write_items(TransactItems=[{"Put": {"TableName": story.table, "Item": item}} for item in items])
    remove_in_each_way(story)
    save_back(story)


def remove_in_each_way(story: Story) -> None:
    ways = {
        "two-steps": story.client(way="mark", deletes="two-step"),
        "two-steps-with-row": story.client(way="outbox", deletes="two-step"),
        "with-row": story.client(way="outbox", deletes="plain"),
        "without": story.client(),
    }
    for item, client in ways.items():
        story.put(story.client(), item, updatedBy="zoe")
        with audited(actor="emil", reason="asked to be forgotten"):
            story.remove(client, item)
    # Beside the row of the removal lies one of a write that changed nothing.
    story.put(story.client(), "disputed")
    no_op = row(Act("mallory"), "delete", story.table, {"id": {"S": "disputed"}})
    story.client().transact_write_items(TransactItems=[{"Put": {"TableName": "tabletrail_outbox", "Item": no_op}}])
    with audited(actor="emil"):
        story.remove(ways["with-row"], "disputed")


def save_back(story: Story) -> None:
    """A copy with the mark of a write whose row was claimed comes back as a new item: no second record has that row."""
    plain = story.client()
    with audited(actor="frida"):
        story.put(story.client(way="outbox"), "copied")
    copy = plain.get_item(TableName=story.table, Key={"id": {"S": "copied"}}, ConsistentRead=True)["Item"]
    story.remove(plain, "copied")
    plain.put_item(TableName=story.table, Item=copy)


def look_until_all_is_there(story: Story) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while len(story.entries) < WRITES or len(story.rows) < ROWS:
        assert time.monotonic() < end, f"{len(story.entries)} entries and {len(story.rows)} of the outbox came"
        story.deployed.run("AuditRunArn")
        story.deployed.run("IndexBacklogArn")
        story.entries[:] = changes_of(story, {"term": {"table.name": story.table}})
        written = {"term": {"after.table": story.table}}
        story.rows[:] = changes_of(story, {"term": {"table.name": "tabletrail_outbox"}}, written)


def changes_of(story: Story, *filters: dict[str, Any]) -> list[dict[str, Any]]:
    server = Server(story.deployed.stack)
    assert server.ask("admin", "POST", "/tabletrail/_refresh").ok
    body = {
        "query": {"bool": {"filter": [{"term": {"tabletrail.kind": "change"}}, *filters]}},
        "size": 1000,
        "sort": ["@timestamp", "event.sequence_key"],
    }
    reply = server.ask("reader", "POST", "/tabletrail/_search", body)
    return [hit["_source"] for hit in reply.data["hits"]["hits"]]


NOBODY = (None, None, None)


def test_each_write_is_there_once(story: Story) -> None:
    assert len(story.entries) == WRITES
    assert len({entry["event"]["id"] for entry in story.entries}) == WRITES


@pytest.mark.parametrize(
    ("item", "changes"),
    [
        ("plain", [("insert", *NOBODY)]),
        ("attribute", [("insert", "alice", "attribute", "possible")]),
        ("marked", [("insert", "bob", "mark", "likely")]),
        ("rowed", [("insert", "carol", "outbox", "certain"), ("modify", "carol", "outbox", "certain")]),
        ("together-0", [("insert", "dora", "outbox", "certain")]),
        ("together-1", [("insert", "dora", "outbox", "certain")]),
    ],
)
def test_whoever_wrote_is_named_as_surely_as_he_can_be(story: Story, item: str, changes: list[tuple[Any, ...]]) -> None:
    assert story.of(item) == changes


@pytest.mark.parametrize(
    ("item", "removal"),
    [
        ("two-steps", [("modify", "emil", "mark", "likely"), ("remove", "emil", "mark", "likely")]),
        ("two-steps-with-row", [("modify", "emil", "outbox", "certain"), ("remove", "emil", "outbox", "certain")]),
        ("with-row", [("remove", "emil", "outbox", "likely")]),
        ("without", [("remove", *NOBODY)]),
        ("disputed", [("remove", None, "outbox", "possible")]),
    ],
)
def test_whoever_removed_is_named_as_surely_as_he_can_be(
    story: Story, item: str, removal: list[tuple[Any, ...]]
) -> None:
    assert story.of(item)[1:] == removal


def test_where_two_may_have_removed_it_both_are_named(story: Story) -> None:
    disputed = [entry for entry in story.entries if entry["item"]["id"] == "disputed"][-1]
    assert {candidate["id"] for candidate in disputed["actor"]["candidates"]} == {"emil", "mallory"}


def test_a_copy_that_comes_back_is_nobodys(story: Story) -> None:
    assert story.of("copied") == [("insert", "frida", "outbox", "certain"), ("remove", *NOBODY), ("insert", *NOBODY)]
    assert [entry for entry in story.entries if entry["item"]["id"] == "copied"][-1]["actor"] == {"last_known": "frida"}


def test_what_the_row_says_stands_in_the_entry(story: Story) -> None:
    for entry in (entry for entry in story.entries if entry["item"]["id"] == "rowed"):
        assert (entry["actor"]["service"], entry["reason"], entry["request"]["id"]) == ("crm", "a refund", "req-1")
        assert entry["context"] == {"ticket": "4711", "via.page": "refunds"}


def test_the_two_entries_of_a_marked_delete_are_linked(story: Story) -> None:
    for item in ("two-steps", "two-steps-with-row"):
        _, marked, removed = (entry for entry in story.entries if entry["item"]["id"] == item)
        assert marked["tabletrail"]["mark"] == removed["tabletrail"]["mark"]


def test_the_outbox_is_audited_itself(story: Story) -> None:
    assert len(story.rows) == ROWS
    assert {entry["after"]["actor"] for entry in story.rows} == {"carol", "dora", "emil", "frida", "mallory"}
    assert {(entry["event"]["action"], *who(entry)) for entry in story.rows} == {("insert", *NOBODY)}
    assert {entry["service"]["name"] for entry in story.rows} == {"tabletrail"}


def test_a_claim_stands_for_each_row_and_each_mark_that_names_somebody(story: Story) -> None:
    items = story.client().scan(TableName=story.outputs["ClaimsTableName"], ConsistentRead=True)["Items"]
    claimed = {item["claimed_by"]["S"] for item in items}
    certain = [entry for entry in story.entries if who(entry)[2] == "certain"]
    assert {f"{entry['stream']['arn']}#{entry['stream']['sequence']}" for entry in certain} <= claimed


@pytest.fixture
def writer(story: Story) -> Iterator[Any]:
    """A client of a user who has nothing but the policy for writers."""
    iam, name = story.deployed.client("iam"), f"writer-{uuid.uuid4().hex[:8]}"
    policy = story.outputs["OutboxWriterPolicyArn"]
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=story.deployed.stack.region)
    yield session.client("dynamodb", endpoint_url=story.client().meta.endpoint_url)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.detach_user_policy(UserName=name, PolicyArn=policy)
    iam.delete_user(UserName=name)


def test_a_writer_may_add_rows_by_transactions_and_nothing_else(story: Story, writer: Any) -> None:
    made = row(Act("greta"), "update", "elsewhere", {"id": {"S": "one"}})
    key = {name: made[name] for name in ("item", "id")}
    table = {"TableName": "tabletrail_outbox"}
    writer.transact_write_items(TransactItems=[{"Put": {**table, "Item": made}}])
    refused: list[Callable[[], Any]] = [
        lambda: writer.put_item(**table, Item=made),
        lambda: writer.batch_write_item(RequestItems={"tabletrail_outbox": [{"PutRequest": {"Item": made}}]}),
        lambda: writer.transact_write_items(TransactItems=[{"Delete": {**table, "Key": key}}]),
        lambda: writer.delete_item(**table, Key=key),
        lambda: writer.get_item(**table, Key=key),
        lambda: writer.put_item(TableName=story.outputs["ClaimsTableName"], Item={"id": {"S": "x"}}),
        lambda: writer.put_item(TableName=story.table, Item={"id": {"S": "x"}}),
    ]
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
