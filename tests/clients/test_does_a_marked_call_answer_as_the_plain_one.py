"""Does a call say the same to its caller, and do the same to the item, with the package and without?

Each case is made twice, on twin tables that hold the same items: by a client that marks, and by one that never heard of
it. Answer or error must be equal, and so must the items but for their mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from tabletrail_client import audited, install
from tests.clients.conftest import Twins

pytestmark = pytest.mark.stack

WAYS = [(way, deletes) for way in ("mark", "outbox") for deletes in ("plain", "two-step")]
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
MISSING = {"pk": {"S": "nobody"}, "sk": {"N": "1"}}
ITEM = {
    **KEY,
    "status": {"S": "paid"},
    "amount": {"N": "10.50"},
    "blob": {"B": b"\x00\x01"},
    "tags": {"SS": ["x", "y"]},
}
OTHER = {"pk": {"S": "b"}, "sk": {"N": "2"}, "status": {"S": "open"}}


@dataclass(frozen=True)
class Case:
    """`call` gets a client and the table's name."""

    name: str
    call: Callable[[Any, str], Any]
    before: tuple[dict[str, Any], ...] = field(default=(ITEM, OTHER))
    marked: bool = False
    """The item that was written holds a mark afterwards."""


def put(**more: Any) -> Callable[[Any, str], Any]:
    return lambda client, table: client.put_item(TableName=table, Item={**ITEM, "status": {"S": "sent"}}, **more)


def update(expression: str = "", key: Any = KEY, **more: Any) -> Callable[[Any, str], Any]:
    said = {"UpdateExpression": expression} if expression else {}
    return lambda client, table: client.update_item(TableName=table, Key=key, **said, **more)


def delete(key: Any = KEY, **more: Any) -> Callable[[Any, str], Any]:
    return lambda client, table: client.delete_item(TableName=table, Key=key, **more)


def transact(*parts: dict[str, Any], **more: Any) -> Callable[[Any, str], Any]:
    def call(client: Any, table: str) -> Any:
        items = [{kind: {"TableName": table, **one}} for part in parts for kind, one in part.items()]
        return client.transact_write_items(TransactItems=items, **more)

    return call


V = {":s": {"S": "sent"}}
N = {"#s": "status"}
SET = {"ExpressionAttributeNames": N, "ExpressionAttributeValues": V}
IF_PAID = {
    "ConditionExpression": "#s = :p",
    "ExpressionAttributeNames": N,
    "ExpressionAttributeValues": {":p": {"S": "paid"}},
}
IF_LOST = {**IF_PAID, "ExpressionAttributeValues": {":p": {"S": "lost"}}}
OLD_ON_FAILURE = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

FOUR = "remove amount set #s = :s add n :n delete tags :t"
ALL_CLAUSES = {
    "ExpressionAttributeNames": N,
    "ExpressionAttributeValues": {**V, ":n": {"N": "1"}, ":t": {"SS": ["x"]}},
}
LIKE_OURS = {
    "ExpressionAttributeNames": {"#tabletrail": "status"},
    "ExpressionAttributeValues": {":tabletrail": {"S": "x"}},
}
KEY_LIKE_OURS = {
    "ConditionExpression": "#key = :i AND attribute_exists(#a)",
    "ExpressionAttributeNames": {"#key": "status", "#a": "amount"},
    "ExpressionAttributeValues": {":i": {"S": "paid"}},
}
IF_SENT = {
    "ConditionExpression": "#s = :s",
    "ExpressionAttributeNames": N,
    "ExpressionAttributeValues": {**V, ":t": {"N": "1"}},
    **OLD_ON_FAILURE,
}
OF_OLD = {"Expected": {"status": {"Value": {"S": "lost"}}}}
BATCH = [
    {"PutRequest": {"Item": {**ITEM, "status": {"S": "sent"}}}},
    {"DeleteRequest": {"Key": {"pk": {"S": "b"}, "sk": {"N": "2"}}}},
]
THREE = (
    {"Put": {"Item": {**OTHER, "status": {"S": "x"}}}},
    {"Update": {"Key": KEY, "UpdateExpression": "SET #s = :s", **SET}},
    {"Delete": {"Key": MISSING}},
)
REFUSED = ({"Put": {"Item": OTHER}}, {"ConditionCheck": {"Key": KEY, **IF_LOST}}, {"Delete": {"Key": MISSING}})
REFUSED_WITH_ITEM = ({"Put": {"Item": OTHER}}, {"Delete": {"Key": KEY, **IF_LOST, **OLD_ON_FAILURE}})

CASES = [
    Case("put", put(), marked=True),
    Case("put a new item", put(), before=(), marked=True),
    Case("put, old values", put(ReturnValues="ALL_OLD"), marked=True),
    Case("put if", put(**IF_PAID), marked=True),
    Case("put if not", put(**IF_LOST)),
    Case("put if not, with the item", put(**IF_LOST, **OLD_ON_FAILURE)),
    Case("put with conditions of old", put(**OF_OLD)),
    Case("put without its key", lambda c, t: c.put_item(TableName=t, Item={"pk": {"S": "a"}})),
    Case("update", update("SET #s = :s", **SET), marked=True),
    Case("update a new item", update("SET #s = :s", MISSING, **SET), marked=True),
    Case("update without assignment", update(), marked=True),
    Case("update, remove only", update("REMOVE amount"), marked=True),
    Case("update, all clauses", update(FOUR, **ALL_CLAUSES), marked=True),
    Case("update, new values", update("SET #s = :s REMOVE amount", **SET, ReturnValues="UPDATED_NEW"), marked=True),
    Case("update, old values", update("SET #s = :s", **SET, ReturnValues="UPDATED_OLD"), marked=True),
    Case(
        "update, old values of nothing",
        update("SET fresh = :s", ExpressionAttributeValues=V, ReturnValues="UPDATED_OLD"),
        marked=True,
    ),
    Case("update, all old", update("SET #s = :s", **SET, ReturnValues="ALL_OLD"), marked=True),
    Case("update with placeholders like ours", update("SET #tabletrail = :tabletrail", **LIKE_OURS), marked=True),
    Case("update of old", update(AttributeUpdates={"status": {"Action": "PUT", "Value": {"S": "sent"}}}), marked=True),
    Case("update that cannot be", update("ADD #s :s", **SET)),
    Case("update if not", update("SET amount = :t", **IF_SENT)),
    Case("delete", delete()),
    Case("delete what is not there", delete(MISSING)),
    Case("delete, all old", delete(ReturnValues="ALL_OLD")),
    Case("delete what is not there, all old", delete(MISSING, ReturnValues="ALL_OLD")),
    Case("delete if", delete(**IF_PAID)),
    Case("delete if not", delete(**IF_LOST)),
    Case("delete if not, with the item", delete(**IF_LOST, **OLD_ON_FAILURE)),
    Case("delete if it is not there", delete(MISSING, ConditionExpression="attribute_not_exists(pk)")),
    Case("delete with placeholders like ours", delete(**KEY_LIKE_OURS)),
    Case("delete with conditions of old", delete(**OF_OLD)),
    Case("batch", lambda c, t: c.batch_write_item(RequestItems={t: BATCH}), marked=True),
    Case("transaction", transact(*THREE), marked=True),
    Case("transaction that is refused", transact(*REFUSED)),
    Case("transaction that is refused, with the item", transact(*REFUSED_WITH_ITEM)),
    Case("statement", lambda c, t: c.execute_statement(Statement=f"DELETE FROM \"{t}\" WHERE pk='a' AND sk=1")),
    Case("no such table", lambda c, _: c.delete_item(TableName="no-such-table", Key=KEY)),
]


def outcome(call: Callable[[Any, str], Any], client: Any, table: str) -> Any:
    """What the caller sees: the answer, or the error with all that it says."""
    try:
        answer = dict(call(client, table))
    except ClientError as error:
        answer = {"class": type(error).__name__, **error.response}
    answer.pop("ResponseMetadata", None)
    answer.pop("Message", None)
    return answer


def without_marks(items: dict[str, Any]) -> dict[str, Any]:
    return {key: {name: value for name, value in item.items() if name != "_audit"} for key, item in items.items()}


@pytest.mark.parametrize(("way", "deletes"), WAYS, ids=lambda value: value)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_the_answer_the_same(twins: Twins, case: Case, way: str, deletes: str) -> None:
    marking, plain = twins.client(), twins.plain_client
    for item in case.before:
        for table in (twins.marked, twins.plain):
            plain.put_item(TableName=table, Item=item)
    install(marking, way=way, deletes=deletes)
    right = outcome(case.call, plain, twins.plain)
    with audited(actor="alice", reason="a test"):
        found = outcome(case.call, marking, twins.marked)
    assert _renamed(found, twins) == right
    items = twins.items(twins.marked)
    assert without_marks(items) == twins.items(twins.plain)
    assert any("_audit" in item for item in items.values()) == case.marked


def _renamed(answer: Any, twins: Twins) -> Any:
    if isinstance(answer, dict):
        return {_renamed(name, twins): _renamed(value, twins) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_renamed(one, twins) for one in answer]
    return answer.replace(twins.marked, twins.plain) if isinstance(answer, str) else answer


@pytest.mark.parametrize(("way", "deletes"), WAYS, ids=lambda value: value)
def test_does_a_resource_with_pythons_types_see_the_same(twins: Twins, way: str, deletes: str) -> None:
    answers = []
    for name in (twins.marked, twins.plain):
        resource = twins.resource()
        table = resource.Table(name)
        if name == twins.marked:
            install(table, way=way, deletes=deletes)
        with audited(actor="alice"):
            table.put_item(Item={"pk": "a", "sk": 1, "price": 3, "seen": {"x", "y"}})
            answers.append([
                table.update_item(Key={"pk": "a", "sk": 1}, UpdateExpression="SET price = :p",
                                  ExpressionAttributeValues={":p": 4}, ReturnValues="UPDATED_NEW").get("Attributes"),
                table.delete_item(Key={"pk": "a", "sk": 1}, ConditionExpression=Attr("price").eq(4),
                                  ReturnValues="ALL_OLD").get("Attributes"),
                _put_two(table),
                table.delete_item(Key={"pk": "b", "sk": 2}).get("Attributes"),
            ])  # fmt: skip
    marked_old = answers[0][1]
    assert marked_old.pop("_audit")["actor"] == "alice"
    assert answers[0] == answers[1]
    assert without_marks(twins.items(twins.marked)) == twins.items(twins.plain)


def _put_two(table: Any) -> str:
    with table.batch_writer() as batch:
        batch.put_item(Item={"pk": "b", "sk": 2, "price": 3})
        batch.put_item(Item={"pk": "c", "sk": 3})
    return "two are put"
