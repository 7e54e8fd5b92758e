"""What does each way leave in the table and in the outbox, and what when somebody writes in between?"""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tabletrail_client import AuditedError, audited, install
from tabletrail_client.marks import binding, digest
from tabletrail_client.outbox import TABLE
from tests.clients.conftest import Twins

pytestmark = pytest.mark.stack

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
ITEM = {**KEY, "status": {"S": "paid"}}
IF_NEW = "attribute_not_exists(pk)"
FULL: dict[str, Any] = {"actor": "alice", "type": "user", "service": "shop", "request_id": "req-1", "reason": "refund"}


def mark_of(twins: Twins, key: str = "a/1") -> dict[str, str]:
    return {name: value["S"] for name, value in twins.items(twins.marked)[key]["_audit"]["M"].items()}


def write(client: Any, table: str, status: str = "sent") -> Any:
    return client.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": status}},
    )


def test_is_nothing_marked_outside_of_a_block(twins: Twins) -> None:
    client = twins.client()
    made = install(client)
    client.put_item(TableName=twins.marked, Item=ITEM)
    assert twins.items(twins.marked) == {"a/1": ITEM}
    with audited(actor="alice"):
        write(client, twins.marked)
    assert mark_of(twins)["actor"] == "alice"
    made.uninstall()
    with audited(actor="bob"):
        write(client, twins.marked, "later")
    assert mark_of(twins)["actor"] == "alice"
    install(client)  # may be installed again


def test_does_a_default_actor_stand_in(twins: Twins) -> None:
    client = twins.client()
    install(client, actor=lambda: "job-7", service="nightly")
    write(client, twins.marked)
    assert {name: mark_of(twins)[name] for name in ("actor", "service")} == {"actor": "job-7", "service": "nightly"}


def test_is_each_mark_new_and_bound_and_replaces_one_that_was_read(twins: Twins) -> None:
    client = twins.client()
    install(client)
    with audited(**FULL):
        client.put_item(TableName=twins.marked, Item=ITEM)
    first = mark_of(twins)
    assert {name: first[name] for name in FULL} == FULL
    assert first["for"] == binding(first["id"], twins.marked, KEY)
    read = twins.items(twins.marked)["a/1"]
    with audited(actor="bob"):
        client.put_item(TableName=twins.marked, Item=read)
    second = mark_of(twins)
    assert second["id"] > first["id"]
    assert set(second) == {"id", "for", "actor"}


def test_does_the_outbox_hold_a_row_for_each_write_and_none_for_what_was_refused(twins: Twins) -> None:
    client = twins.client()
    install(client, way="outbox")
    with audited(**FULL, context={"ticket": "T-1"}):
        write(client, twins.marked)
        with pytest.raises(client.exceptions.ConditionalCheckFailedException):
            client.put_item(TableName=twins.marked, Item=ITEM, ConditionExpression="attribute_not_exists(pk)")
    [row] = twins.rows()
    mark = mark_of(twins)
    assert row["id"]["S"] == mark["id"]
    assert row["item"]["S"] == digest("tabletrail/v1/outbox", twins.marked, "pk", "S", "a", "sk", "N", "1")
    assert row["key"]["M"] == KEY
    assert {name: row[name]["S"] for name in (*FULL, "action", "context")} == {
        **FULL,
        "action": "update",
        "context": '{"ticket":"T-1"}',
    }
    assert 6.9 < (int(row["expires_at"]["N"]) - time.time()) / 86_400 < 7.1


def test_does_a_transaction_have_a_row_for_each_of_its_writes(twins: Twins) -> None:
    client = twins.client()
    client.put_item(TableName=twins.marked, Item={**KEY, "sk": {"N": "3"}})
    install(client, way="outbox")
    with audited(actor="alice"):
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": twins.marked, "Item": {**ITEM, "sk": {"N": "2"}}}},
                {"Delete": {"TableName": twins.marked, "Key": {**KEY, "sk": {"N": "3"}}}},
                {
                    "ConditionCheck": {
                        "TableName": twins.marked,
                        "Key": KEY,
                        "ConditionExpression": IF_NEW,
                    }
                },
            ]
        )
    rows = {row["action"]["S"]: row for row in twins.rows()}
    assert set(rows) == {"put", "delete"}
    assert rows["put"]["id"]["S"] == mark_of(twins, "a/2")["id"]
    assert "a/3" not in twins.items(twins.marked)


def test_is_a_transaction_under_the_callers_token_the_same_when_it_is_sent_again(twins: Twins) -> None:
    client = twins.client()
    install(client, way="outbox")
    asked: dict[str, Any] = {
        "TransactItems": [{"Put": {"TableName": twins.marked, "Item": ITEM}}],
        "ClientRequestToken": f"the-callers-own-{uuid.uuid4().hex[:12]}",
    }
    with audited(actor="alice"):
        client.transact_write_items(**asked)
        first = mark_of(twins)
        client.transact_write_items(**asked)
    assert mark_of(twins) == first
    assert len(twins.rows()) == 1


@pytest.mark.parametrize("way", ["mark", "outbox"])
def test_is_a_delete_in_two_steps_marked_before(twins: Twins, way: str) -> None:
    client = twins.client()
    client.put_item(TableName=twins.marked, Item=ITEM)
    install(client, way=way, deletes="two-step")
    seen: list[dict[str, Any]] = []
    real = client.meta.events.register_last
    real("after-call.dynamodb.UpdateItem", lambda **_: seen.append(twins.items(twins.marked)), unique_id="spy")
    with audited(actor="alice"):
        client.delete_item(TableName=twins.marked, Key=KEY)
    [between] = seen
    mark = {name: value["S"] for name, value in between["a/1"]["_audit"]["M"].items()}
    assert (mark["intent"], mark["actor"]) == ("delete", "alice")
    assert twins.items(twins.marked) == {}
    rows = twins.rows()
    assert [row["id"]["S"] for row in rows] == ([mark["id"]] if way == "outbox" else [])


@pytest.mark.parametrize("way", ["mark", "outbox"])
def test_does_a_delete_begin_anew_when_somebody_writes_in_between(twins: Twins, way: str) -> None:
    client = twins.client()
    client.put_item(TableName=twins.marked, Item=ITEM)
    install(client, way=way, deletes="two-step")
    times = iter(range(1))

    def interfere(**_: Any) -> None:
        if next(times, None) is not None:
            twins.plain_client.put_item(TableName=twins.marked, Item={**ITEM, "status": {"S": "newer"}})

    client.meta.events.register_last("after-call.dynamodb.UpdateItem", interfere, unique_id="other")
    with audited(actor="alice"):
        old = client.delete_item(TableName=twins.marked, Key=KEY, ReturnValues="ALL_OLD")["Attributes"]
    assert old == {**ITEM, "status": {"S": "newer"}}
    assert twins.items(twins.marked) == {}


def test_does_a_delete_give_up_rather_than_remove_what_it_did_not_mark(twins: Twins) -> None:
    client = twins.client()
    client.put_item(TableName=twins.marked, Item=ITEM)
    install(client, deletes="two-step")

    def interfere(**_: Any) -> None:
        twins.plain_client.put_item(TableName=twins.marked, Item=ITEM)

    client.meta.events.register_last("after-call.dynamodb.UpdateItem", interfere, unique_id="other")
    with audited(actor="alice"), pytest.raises(client.exceptions.TransactionConflictException, match="another writer"):
        client.delete_item(TableName=twins.marked, Key=KEY)
    assert twins.items(twins.marked) == {"a/1": ITEM}


def test_is_a_row_never_left_for_a_delete_that_removed_nothing(twins: Twins) -> None:
    """Such a row could be taken for the maker of somebody else's delete."""
    client = twins.client()
    install(client, way="outbox")
    with audited(actor="alice"):
        client.delete_item(TableName=twins.marked, Key=KEY)
    assert twins.rows() == []
    with audited(actor="alice"), pytest.raises(ClientError):
        client.delete_item(TableName=twins.marked, Key=KEY, ConditionExpression="attribute_exists(pk)")
    assert twins.rows() == []


def test_is_what_cannot_be_marked_refused_where_that_was_asked_for(twins: Twins) -> None:
    client = twins.client()
    client.put_item(TableName=twins.marked, Item=ITEM)
    install(client, way="outbox", strict=True)
    before = twins.items(twins.marked)
    many = [{"Put": {"TableName": twins.marked, "Item": {**ITEM, "sk": {"N": str(n)}}}} for n in range(51)]
    delete = {"DeleteRequest": {"Key": KEY}}
    calls: list[tuple[Any, dict[str, Any], str]] = [
        (client.put_item, {"TableName": twins.marked, "Item": ITEM, "ReturnValues": "ALL_OLD"}, "returned values"),
        (client.delete_item, {"TableName": twins.marked, "Key": KEY, "ReturnValues": "ALL_OLD"}, "two-step"),
        (client.batch_write_item, {"RequestItems": {twins.marked: [delete]}}, "delete in a batch"),
        (client.transact_write_items, {"TransactItems": many}, "no room"),
        (client.execute_statement, {"Statement": f"DELETE FROM \"{twins.marked}\" WHERE pk='a' AND sk=1"}, "PartiQL"),
    ]
    with audited(actor="alice"):
        for call, asked, words in calls:
            with pytest.raises(AuditedError, match=words):
                call(**asked)
        client.execute_statement(Statement=f"SELECT * FROM \"{twins.marked}\" WHERE pk='a'")
    assert twins.items(twins.marked) == before


def test_are_wrong_installations_refused(twins: Twins) -> None:
    resource = twins.resource()
    install(resource)
    with pytest.raises(AuditedError, match="installed already"):
        install(resource.Table(twins.marked))
    with pytest.raises(AuditedError, match="client or resource of DynamoDB"):
        install(twins.session.client("s3"))
    with pytest.raises(AuditedError, match="way must be one of mark, outbox"):
        install(twins.client(), way="both")
    client = twins.client()
    install(client)
    with audited(), pytest.raises(AuditedError, match="no actor"):
        write(client, twins.marked)
    with audited(actor="a"), pytest.raises(AuditedError, match="DescribeTable"):
        client.put_item(TableName="no-such-table", Item=ITEM)


def test_need_nobody_describe_a_table_whose_key_was_said(twins: Twins) -> None:
    client = twins.client()
    asked: list[str] = []
    client.meta.events.register("before-call.dynamodb.DescribeTable", lambda **_: asked.append("it"), unique_id="spy")
    install(client, keys={twins.marked: ("pk", "sk")})
    with audited(actor="alice"):
        client.put_item(TableName=twins.marked, Item=ITEM)
    assert not asked
    assert mark_of(twins)["actor"] == "alice"


def test_is_an_outbox_that_is_missing_said_and_nothing_written(twins: Twins) -> None:
    client = twins.client()
    install(client, way="outbox", outbox=f"{TABLE}-not-there")
    with audited(actor="alice"), pytest.raises(ClientError, match="ResourceNotFound"):
        write(client, twins.marked)
    assert twins.items(twins.marked) == {}
