"""Does the policy of docs/unmarked-deletes.md refuse what the page says, of requests that writers really send?

It is judged by `iam_evaluator`, which was written from the documentation. Nothing here has spoken to IAM.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from tabletrail.core.policy import compile_policy
from tabletrail_client import audited, install
from tests.clients.iam_evaluator import Asked, checks, is_allowed, may_call, named

DOCS = Path(__file__).parents[2] / "docs"
POLICY = json.loads((DOCS / "examples" / "marked-deletes-only.json").read_text("utf-8"))
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}
BOTH = [ALL, POLICY]
TABLE, KEY = "orders", {"pk": {"S": "order#17"}}

Sent = list[tuple[str, dict[str, Any]]]


class Raw:
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield b"{}"


@pytest.fixture
def client() -> Any:
    """A client that keeps each request and answers it itself, empty."""
    made = boto3.client(
        "dynamodb",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        endpoint_url="http://x",
    )
    made.sent = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        made.sent.append((operation, json.loads(request.body)))
        return AWSResponse(request.url, 200, {}, Raw())

    made.meta.events.register("before-send.dynamodb", answer)
    return made


def writes(sent: Sent) -> Sent:
    return [one for one in sent if not one[0].startswith("Describe")]


def test_a_marked_delete_passes(client: Any) -> None:
    install(client, deletes="two-step")
    with audited(actor="alice"):
        client.delete_item(TableName=TABLE, Key=KEY)
    assert [operation for operation, _ in writes(client.sent)] == ["UpdateItem", "DeleteItem"]
    assert all(may_call(BOTH, *one) for one in writes(client.sent))


def test_a_marked_delete_with_the_caller_s_own_condition_passes(client: Any) -> None:
    install(client, deletes="two-step")
    with audited(actor="alice"):
        client.delete_item(
            TableName=TABLE,
            Key=KEY,
            ConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": "paid"}},
        )
    assert [operation for operation, _ in writes(client.sent)] == ["UpdateItem", "DeleteItem"]
    assert all(may_call(BOTH, *one) for one in writes(client.sent))


def test_a_marked_delete_with_the_outbox_passes(client: Any) -> None:
    install(client, way="outbox", deletes="two-step")
    with audited(actor="alice"):
        client.delete_item(TableName=TABLE, Key=KEY)
    assert [operation for operation, _ in writes(client.sent)] == ["UpdateItem", "TransactWriteItems"]
    assert all(may_call(BOTH, *one) for one in writes(client.sent))


def plain(client: Any) -> None:
    client.delete_item(TableName=TABLE, Key=KEY)


def conditional(client: Any) -> None:
    client.delete_item(TableName=TABLE, Key=KEY, ConditionExpression="attribute_exists(pk)", ReturnValues="ALL_OLD")


def by_conditions_of_old(client: Any) -> None:
    client.delete_item(TableName=TABLE, Key=KEY, Expected={"status": {"Value": {"S": "paid"}}})


def by_arn(client: Any) -> None:
    client.delete_item(TableName=f"arn:aws:dynamodb:eu-central-1:111122223333:table/{TABLE}", Key=KEY)


def in_a_batch(client: Any) -> None:
    client.batch_write_item(RequestItems={TABLE: [{"DeleteRequest": {"Key": KEY}}]})


def in_a_batch_with_a_marked_put(client: Any) -> None:
    put = {"PutRequest": {"Item": {"pk": {"S": "b"}, "_audit": {"M": {}}}}}
    client.batch_write_item(RequestItems={TABLE: [put, {"DeleteRequest": {"Key": KEY}}]})


def in_a_transaction(client: Any) -> None:
    client.transact_write_items(TransactItems=[{"Delete": {"TableName": TABLE, "Key": KEY}}])


def in_a_transaction_with_a_marked_put(client: Any) -> None:
    put = {"Put": {"TableName": TABLE, "Item": {"pk": {"S": "b"}, "_audit": {"M": {}}}}}
    client.transact_write_items(TransactItems=[put, {"Delete": {"TableName": TABLE, "Key": KEY}}])


def by_a_statement(client: Any) -> None:
    client.execute_statement(Statement=f"DELETE FROM \"{TABLE}\" WHERE pk = 'order#17'")


def by_a_statement_that_names_the_mark(client: Any) -> None:
    client.execute_statement(Statement=f"DELETE FROM \"{TABLE}\" WHERE pk = 'a' AND _audit.id = 'b'")


def by_several_statements(client: Any) -> None:
    client.batch_execute_statement(Statements=[{"Statement": f"DELETE FROM {TABLE} WHERE pk = 'a'"}])


def by_statements_in_a_transaction(client: Any) -> None:
    client.execute_transaction(TransactStatements=[{"Statement": f"delete from {TABLE} where pk = 'a'"}])


REFUSED = [
    plain,
    conditional,
    by_conditions_of_old,
    by_arn,
    in_a_batch,
    in_a_batch_with_a_marked_put,
    in_a_transaction,
    in_a_transaction_with_a_marked_put,
    by_a_statement,
    by_a_statement_that_names_the_mark,
    by_several_statements,
    by_statements_in_a_transaction,
]


@pytest.mark.parametrize("delete", REFUSED)
def test_every_other_delete_is_refused(client: Any, delete: Callable[[Any], None]) -> None:
    delete(client)
    [sent] = client.sent
    assert may_call([ALL], *sent)
    assert not may_call(BOTH, *sent)


@pytest.mark.parametrize("way", ["mark", "outbox"])
def test_a_plain_delete_of_the_package_is_refused(client: Any, way: str) -> None:
    install(client, way=way)
    with audited(actor="alice"):
        client.delete_item(TableName=TABLE, Key=KEY)
    [sent] = writes(client.sent)
    assert sent[0] == ("DeleteItem" if way == "mark" else "TransactWriteItems")
    assert not may_call(BOTH, *sent)


def test_what_removes_nothing_is_let_be(client: Any) -> None:
    client.put_item(TableName=TABLE, Item=KEY)
    client.update_item(TableName=TABLE, Key=KEY, UpdateExpression="REMOVE note")
    client.execute_statement(Statement=f"UPDATE {TABLE} SET a = 1 WHERE pk = 'a'")
    client.delete_item(TableName="users", Key=KEY)
    client.batch_write_item(RequestItems={"users": [{"DeleteRequest": {"Key": KEY}}]})
    assert len(client.sent) == 5
    assert all(may_call(BOTH, *one) for one in client.sent)


def test_what_the_page_says_that_it_cannot_refuse_passes(client: Any) -> None:
    for condition in ("attribute_exists(#m)", "attribute_not_exists(#m)", "#m.id <> :x OR attribute_exists(pk)"):
        client.delete_item(
            TableName=TABLE,
            Key=KEY,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#m": "_audit"},
            ExpressionAttributeValues={":x": {"S": "x"}},
        )
    assert all(may_call(BOTH, *one) for one in client.sent)


SETS = [
    ("ForAllValues:StringNotLike", (), True),
    ("ForAllValues:StringNotLike", ("pk",), True),
    ("ForAllValues:StringNotLike", ("pk", "status"), True),
    ("ForAllValues:StringNotLike", ("_audit", "pk"), False),
    ("ForAllValues:StringNotLike", ("_audit.id", "pk"), False),
    ("ForAllValues:StringNotLike", ("_audited", "pk"), True),
    ("ForAnyValue:StringNotLike", ("_audit", "pk"), True),
    ("ForAnyValue:StringNotLike", (), False),
    ("ForAllValues:StringLike", (), True),
    ("ForAllValues:StringLike", ("_audit", "pk"), False),
    ("ForAnyValue:StringLike", ("_audit", "pk"), True),
    ("StringNotLike", (), True),
    ("StringLike", (), False),
    ("StringLikeIfExists", (), True),
]


@pytest.mark.parametrize(("operator", "values", "holds"), SETS)
def test_the_operators_are_those_of_the_documentation(operator: str, values: tuple[str, ...], holds: bool) -> None:
    """The IAM User Guide: ForAllValues is true without a value, ForAnyValue false; a negated operator without a set is
    true without the key."""
    condition = {operator: {"dynamodb:Attributes": ["_audit", "_audit.*"]}}
    statement = {"Effect": "Allow", "Action": "dynamodb:DeleteItem", "Resource": "*", "Condition": condition}
    asked = Asked("dynamodb:DeleteItem", "arn:x", {"dynamodb:Attributes": values} if values else {})
    assert is_allowed([{"Statement": [statement]}], asked) is holds


def test_a_transaction_is_judged_by_each_of_its_items() -> None:
    part = {
        "TableName": "t",
        "Key": KEY,
        "ConditionExpression": "a[1].b = :a AND size(#c) > :n",
        "ReturnValues": "NONE",
    }
    found = checks(
        "TransactWriteItems",
        {"TransactItems": [{"Delete": {**part, "ExpressionAttributeNames": {"#c": "x.y"}}}, {"ConditionCheck": part}]},
    )
    first = next(found)
    assert first.action == "dynamodb:DeleteItem"
    assert first.context["dynamodb:EnclosingOperation"] == ("TransactWriteItems",)
    assert first.context["dynamodb:Attributes"] == ("a", "pk", "x.y")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("attribute_exists(pk)", ["pk"]),
        ("#a.#i = :i", ["_audit"]),
        ("(#s = :s) AND (#a.#i = :i)", ["status", "_audit"]),
        ("NOT contains(tags, :t) or begins_with(#s, :t)", ["tags", "status"]),
        ("", []),
    ],
)
def test_an_expression_names_its_attributes(expression: str, found: list[str]) -> None:
    names = {"#a": "_audit", "#i": "id", "#s": "status"}
    assert list(named(expression, names)) == found


def test_the_page_shows_the_file() -> None:
    page = (DOCS / "unmarked-deletes.md").read_text("utf-8")
    [shown] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert json.loads(shown) == POLICY


def test_the_declaration_of_the_page_is_one() -> None:
    page = (DOCS / "unmarked-deletes.md").read_text("utf-8")
    [declared] = re.findall(r"^    (\{.*\})$", page, re.MULTILINE)
    assert compile_policy(json.loads(declared)).of(TABLE).attribution.deletes == "marked"
