"""Does the workload know exactly what it changed?

Its count is what the log is compared with, so an error here would let an error there pass.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tabletrail_local.demo_compare import compare
from tabletrail_local.demo_tables import DemoTables, current_streams, ensure_tables
from tabletrail_local.info import StackInfo
from tabletrail_local.workload import Pace, run_workload
from tabletrail_local.workload_truth import Item, Place, Truth, typed_item
from tabletrail_local.workload_writer import Writer, update_request
from tests.end_to_end.load_truth import normal

KEYS = {"orders": ("order",), "payments": ("order", "payment")}
ORDER: Item = {"order": "1", "total": Decimal("8.50"), "lines": [{"qty": 1}], "kinds": {"b", "a"}}
ACTIONS = {"INSERT": "insert", "MODIFY": "modify", "REMOVE": "remove"}


def test_only_writes_that_alter_the_item_count() -> None:
    truth = Truth(KEYS)
    truth.wrote("orders", ORDER)
    truth.wrote("orders", {**ORDER, "total": Decimal("8.5"), "kinds": {"a", "b"}})
    truth.wrote("orders", {**ORDER, "lines": [{"qty": 2}]})
    truth.wrote("orders", {**ORDER, "lines": [{"qty": "2"}]})
    truth.removed("orders", {"order": "1"})
    truth.removed("orders", {"order": "1"})
    truth.removed("orders", {"order": "never there"})
    assert [change.action for change in truth.changes] == ["insert", "modify", "modify", "remove"]
    assert truth.unchanged == 3
    assert truth.counts() == {("orders", "insert"): 1, ("orders", "modify"): 2, ("orders", "remove"): 1}
    images = [(change.old, change.new) for change in truth.changes]
    assert images[0][0] is None
    assert images[3][1] is None
    assert [old for old, _ in images[1:]] == [new for _, new in images[:-1]], "each begins where the last one ended"


def test_tables_and_keys_of_two_parts_are_told_apart() -> None:
    truth = Truth(KEYS)
    for table, item in (("orders", {"order": "1"}), ("payments", {"order": "1", "payment": "1"})):
        truth.wrote(table, item)
    truth.wrote("payments", {"order": "1/1", "payment": "1"})
    truth.wrote("payments", {"order": "1", "payment": "1/1"})
    assert list(truth.by_item()) == [
        ("orders", "1"),
        ("payments", "1/1"),
        ("payments", "1\\/1/1"),
        ("payments", "1/1\\/1"),
    ]


class Refusing:
    """A client that refuses every call with one code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": self._code}}, name)

        return refuse


@pytest.mark.parametrize("code", ["ConditionalCheckFailedException", "TransactionCanceledException"])
def test_a_refused_call_changes_nothing(code: str) -> None:
    truth = Truth(KEYS)
    writer = Writer(Refusing(code), truth)
    assert not writer.put("orders", ORDER, only_new=True)
    assert writer.update("orders", {"order": "1"}, {"total": 2}, expect=("total", 1)) is None
    assert not writer.transact([{}], [("orders", ORDER)])
    assert (truth.changes, truth.unchanged, truth.refused) == ([], 0, 3)


def test_any_other_error_ends_the_workload() -> None:
    writer = Writer(Refusing("InternalServerError"), Truth(KEYS))
    with pytest.raises(ClientError):
        writer.put("orders", ORDER)


class Unprocessed:
    """A client that leaves part of each batch undone, as DynamoDB does under load."""

    def __init__(self) -> None:
        self.calls = 0

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803
        self.calls += 1
        return {"UnprocessedItems": {table: requests[1:] for table, requests in RequestItems.items() if requests[1:]}}


def test_a_batch_is_repeated_until_nothing_is_left_and_counted_once() -> None:
    truth, client = Truth(KEYS), Unprocessed()
    Writer(client, truth).batch("orders", [{"order": "1"}, {"order": "2"}], [{"order": "3"}])
    assert client.calls == 3
    assert [change.item_id for change in truth.changes] == ["1", "2"]
    assert truth.unchanged == 1, "3 was not there"


def test_an_update_names_nested_paths_and_reserved_words_by_placeholders() -> None:
    request = update_request({"lines[0].qty": 2, "status": "paid"}, drop="note", expect=("status", "placed"))
    assert request == {
        "UpdateExpression": "SET #lines[0].#qty = :v0, #status = :v1 REMOVE #note",
        "ConditionExpression": "#status = :expected",
        "ExpressionAttributeNames": {"#lines": "lines", "#qty": "qty", "#status": "status", "#note": "note"},
        "ExpressionAttributeValues": {":v0": {"N": "2"}, ":v1": {"S": "paid"}, ":expected": {"S": "placed"}},
    }


def test_a_set_is_sent_in_the_same_order_whatever_python_makes_of_it() -> None:
    """Python gives the members of a set in an order that differs from one process to the next."""
    letters = ["kitchen", "garden", "office", "kids", "attic", "cellar"]
    expected = {"SS": sorted(letters)}
    assert update_request({"interests": set(letters)})["ExpressionAttributeValues"] == {":v0": expected}
    client = Recording()
    Writer(client, Truth(KEYS)).put("orders", {"order": "1", "interests": set(letters)})
    Writer(client, Truth(KEYS)).batch("orders", [{"order": "1", "interests": set(letters)}])
    assert client.items == [{"order": {"S": "1"}, "interests": expected}] * 2


class Recording:
    """A client that keeps the items that it is given."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def put_item(self, TableName: str, Item: Any) -> Any:  # noqa: N803
        self.items.append(Item)
        return {"Put": TableName}

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803
        self.items += [request["PutRequest"]["Item"] for request in RequestItems["orders"]]
        return {}


def entry(table: str, item: str, action: str) -> dict[str, Any]:
    return {"table": {"name": table}, "item": {"id": item}, "event": {"action": action}}


def test_a_comparison_sees_what_is_missing_doubled_or_out_of_order() -> None:
    truth = Truth(KEYS)
    truth.wrote("orders", ORDER)
    truth.wrote("orders", {"order": "1"})
    truth.wrote("orders", {"order": "2"})
    whole = [entry("orders", "1", "insert"), entry("orders", "1", "modify"), entry("orders", "2", "insert")]
    assert compare(truth, whole).is_equal
    assert not compare(truth, whole[:-1]).is_equal
    assert not compare(truth, [*whole, whole[1]]).is_equal
    assert not compare(truth, [whole[1], whole[0], whole[2]]).is_equal
    assert not compare(truth, [*whole[:2], entry("orders", "3", "insert")]).is_equal, "the counts alone are equal"
    assert not compare(truth, [*whole, entry("payments", "1/1", "insert")]).is_equal


@pytest.fixture
def tables(stack: StackInfo) -> Iterator[DemoTables]:
    tables = DemoTables(f"truth-{uuid.uuid4().hex[:8]}-")
    client = stack.session().client("dynamodb")
    ensure_tables(client, tables)
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    client.update_table(TableName=tables.payments, StreamSpecification=view)
    yield tables
    for name in tables.keys():  # noqa: SIM118 -- a method
        client.delete_table(TableName=name)


Seen = dict[Place, list[tuple[str, str | None, str | None]]]
"""For each item (action, old, new), the oldest first; images as comparable texts."""


@pytest.mark.stack
@pytest.mark.parametrize("seed", [17, 18])
def test_is_the_truth_what_the_streams_say(stack: StackInfo, tables: DemoTables, seed: int) -> None:
    truth = run_workload(stack.session().client("dynamodb"), tables, "r", Pace(1, 400, seed))
    expected: Seen = {
        place: [(change.action, normal(change.old), normal(change.new)) for change in changes]
        for place, changes in truth.by_item().items()
    }
    assert seen_by_streams(stack, tables) == expected
    assert set(truth.counts()) == {(table, action) for table in tables.keys() for action in ACTIONS.values()}  # noqa: SIM118
    assert truth.unchanged > 10
    assert truth.refused > 10


@pytest.mark.stack
def test_does_a_seed_give_the_same_changes_again(stack: StackInfo, tables: DemoTables) -> None:
    client = stack.session().client("dynamodb")
    first, second, other = (
        [(change.action, str(change.new).replace(run, "r")) for change in truth.changes]
        for run, seed in (("aaa", 1), ("bbb", 1), ("ccc", 2))
        for truth in [run_workload(client, tables, run, Pace(1, 60, seed))]
    )
    assert first == second
    assert first != other


def seen_by_streams(stack: StackInfo, tables: DemoTables) -> Seen:
    client = stack.session().client("dynamodbstreams")
    truth = Truth(tables.keys())
    seen: Seen = {}
    for table, arn in current_streams(stack.session().client("dynamodb"), tables).items():
        for record in records(client, arn):
            data = record["dynamodb"]
            key = {name: value["S"] for name, value in data["Keys"].items()}
            images = normal(data.get("OldImage")), normal(data.get("NewImage"))
            seen.setdefault((table, truth.item_id(table, key)), []).append((ACTIONS[record["eventName"]], *images))
    return seen


def records(client: Any, arn: str) -> Iterator[dict[str, Any]]:
    for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = client.get_shard_iterator(**place)["ShardIterator"]
        while page := client.get_records(ShardIterator=iterator):
            if not page["Records"]:
                break
            yield from page["Records"]
            iterator = page["NextShardIterator"]


def test_typed_items_are_as_dynamodb_gives_them_back() -> None:
    item = {"n": Decimal("100"), "f": Decimal("0.10"), "s": {"b", "a"}, "b": True, "m": {"l": [1, "1"]}}
    assert typed_item(item) == {
        "n": {"N": "100"},
        "f": {"N": "0.1"},
        "s": {"SS": ["a", "b"]},
        "b": {"BOOL": True},
        "m": {"M": {"l": {"L": [{"N": "1"}, {"S": "1"}]}}},
    }
