"""Does the log say of each change whom CloudTrail saw, and never more surely than the trail allows?

The whole way: records of a stream and CloudTrail's files in, entries of kind attribution out.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from tabletrail.attribution_past import PAST_NOTE
from tabletrail.core.alert import ALERTED_FROM
from tabletrail.core.attribution_windows import MOST_SECONDS
from tests.core.trail import log, role, table_arn, user
from tests.fakes.tables import ACCOUNT
from tests.faults.attributing import ALICE, BATCH, BOB, TrailWorld, quiet

SSO = role("AWSReservedSSO_Support_0123456789abcdef", "carol@example.com", account=ACCOUNT)
SERVICE = {"type": "AWSService", "invokedBy": "dynamodb.application-autoscaling.amazonaws.com"}


@pytest.fixture
def world() -> TrailWorld:
    return quiet()


@pytest.fixture
def orders(world: TrailWorld) -> str:
    return next(arn for arn in world.rows.streams if ":table/orders/" in arn)


@pytest.fixture
def stock(world: TrailWorld) -> str:
    return next(arn for arn in world.rows.streams if ":table/stock/" in arn)


def told(world: TrailWorld, item: str) -> dict[str, Any]:
    """The one entry about the one change of this item, an hour later."""
    if world.events:
        world.deliver()
    world.settle()
    world.attribute()
    world.assert_attributed()
    [entry] = world.of_item(item)
    return entry


@pytest.mark.parametrize(
    ("who", "type_", "name", "words"),
    [
        (ALICE, "IAMUser", "alice", "user alice"),
        (BATCH, "AssumedRole", "batch", "role batch as night"),
        (SSO, "AssumedRole", "carol@example.com", "carol@example.com of IAM Identity Center"),
        (SERVICE, "AWSService", SERVICE["invokedBy"], f"the service {SERVICE['invokedBy']}"),
    ],
    ids=["user", "role", "sso", "service"],
)
@pytest.mark.parametrize("kind", ["INSERT", "MODIFY", "REMOVE"])
def test_is_the_one_caller_named(
    world: TrailWorld, orders: str, who: dict[str, Any], type_: str, name: str, words: str, kind: str
) -> None:
    event = world.call(orders, "order-1", who, kind)
    entry = told(world, "order-1")
    principal = entry["principal"]
    assert entry["event"]["action"] == "attributed"
    assert (principal["confidence"], principal["type"], principal["name"]) == ("likely", type_, name)
    assert (principal["call"], principal["request_id"]) == (event["eventID"], event["requestID"])
    did = {"INSERT": "created", "MODIFY": "changed", "REMOVE": "removed"}[kind]
    assert entry["message"] == f"{words} probably {did} orders order-1, by {event['eventName']} from 192.0.2.10"
    assert entry["event"]["severity"] == 0


def test_are_batch_transaction_and_statement_calls_matched(world: TrailWorld, orders: str, stock: str) -> None:
    for number, arn in enumerate((orders, stock)):
        world.changed(arn, f"in-batch-{number}")
        world.changed(arn, f"in-transaction-{number}")
    world.changed(orders, "by-statement")
    tables = [{"accountId": ACCOUNT, "ARN": table_arn(name, ACCOUNT)} for name in ("orders", "stock")]
    batch = {"requestItems": {name: [{"putRequest": {"key": {"id": f"in-batch-{n}"}}}] for n, name in _TABLES}}
    world.tell(orders, "", ALICE, "BatchWriteItem", parameters=batch)
    actions = [
        {"operation": "Update", "TableName": name, "Key": {"id": f"in-transaction-{number}"}}
        for number, name in _TABLES
    ]
    world.tell(orders, "", BATCH, "TransactWriteItems", parameters={"requestItems": actions})
    statement = {"statement": "UPDATE orders SET n=***(Redacted) WHERE id='by-statement'"}
    world.tell(orders, "", BOB, "ExecuteStatement", parameters=statement)
    for event in world.events:
        event["resources"] = tables
    world.deliver()
    world.settle()
    world.attribute()
    world.assert_attributed()
    names = {entry["item"]["id"]: entry["principal"]["name"] for entry in world.found()}
    assert names == {
        "in-batch-0": "alice",
        "in-batch-1": "alice",
        "in-transaction-0": "batch",
        "in-transaction-1": "batch",
        "by-statement": "bob",
    }


_TABLES = list(enumerate(("orders", "stock")))


def test_do_calls_that_failed_or_went_elsewhere_make_nobody_a_candidate(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.tell(orders, "order-1", BOB, errorCode="ConditionalCheckFailedException")
    world.tell(orders, "order-1", BOB, "GetItem", readOnly=True)
    world.tell(orders, "order-1", BOB)["awsRegion"] = "us-east-1"
    world.tell(orders, "order-1", BOB, "DeleteItem")  # an order that did not exist any more, but this one was changed
    world.deliver()
    world.settle()
    world.attribute()
    world.assert_attributed()
    assert world.actions() == {"attributed": 1, "unrecorded": 1}
    [changed] = [entry for entry in world.of_item("order-1") if entry["event"]["action"] == "attributed"]
    assert changed["principal"]["name"] == "alice"


def test_are_all_named_who_may_have_done_it_in_the_same_seconds(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.tell(orders, "order-1", BOB, off=2)
    entry = told(world, "order-1")
    principal = entry["principal"]
    assert principal["confidence"] == "possible"
    assert {one["name"] for one in principal["candidates"]} == {"alice", "bob"}
    assert not {"arn", "id", "name", "call"} & principal.keys(), "nobody is named above the candidates"
    assert entry["message"] == "user alice or user bob may have changed orders order-1: 2 calls fit"


def test_is_a_request_not_named_where_one_principal_made_several(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.tell(orders, "order-1", ALICE, off=1)
    principal = told(world, "order-1")["principal"]
    assert (principal["confidence"], principal["name"]) == ("likely", "alice")
    assert len(principal["candidates"]) == 2
    assert not {"call", "request_id", "address"} & principal.keys()


def test_does_the_order_of_files_and_records_matter(world: TrailWorld, orders: str) -> None:
    """Out of order, each event twice, over several files: the same entries."""
    for number in range(6):
        world.call(orders, f"order-{number % 3}", (ALICE, BOB, BATCH)[number % 3])
        world.clock.advance(20)
    events, chance = list(world.events), random.Random(7)
    world.events.clear()
    for _ in range(2):
        chance.shuffle(events)
        for start in range(0, len(events), 2):
            world.deliver(*events[start : start + 2])
    world.settle()
    result = world.attribute()
    world.assert_attributed()
    assert result.attributed == 6
    names = [entry["principal"]["name"] for number in range(3) for entry in world.of_item(f"order-{number}")]
    assert names == ["alice", "alice", "bob", "bob", "batch", "batch"]


def test_is_a_call_without_an_entry_told_and_only_as_possible(world: TrailWorld, orders: str) -> None:
    event = world.tell(orders, "order-9", BOB)
    world.deliver()
    world.settle()
    result = world.attribute()
    [entry] = world.found()
    assert entry["event"]["action"] == "unrecorded"
    assert (entry["event"]["severity"], entry["principal"]["confidence"]) == (47, "possible")
    assert (entry["principal"]["call"], entry["item"]["id"]) == (event["eventID"], "order-9")
    assert "about" not in entry["tabletrail"]
    assert "it may have changed nothing" in entry["message"]
    assert result.unrecorded == 1


def test_does_a_change_without_a_call_name_nobody(world: TrailWorld, orders: str) -> None:
    world.changed(orders, "order-1")
    world.tell(orders, "order-2", BOB)
    entry = told(world, "order-1")
    assert entry["event"]["action"] == "unattributed"
    assert "principal" not in entry
    assert entry["message"] == "CloudTrail shows no call that can have changed orders order-1"


def test_is_an_expiry_nobodys_call(world: TrailWorld, orders: str) -> None:
    record = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    world.changed(orders, "order-1", "REMOVE")
    state = world.stream.streams[orders].shards["shard-0"].slots[-1]
    assert state is not None
    state["userIdentity"] = record
    world.tell(orders, "order-1", BOB, "DeleteItem")
    world.deliver()
    world.settle()
    world.attribute()
    world.assert_attributed()
    assert [entry["event"]["action"] for entry in world.found()] == ["unrecorded"]


def claim(world: TrailWorld, orders: str, who: dict[str, Any], name: str) -> dict[str, Any]:
    images: tuple[dict[str, Any], dict[str, Any]] = ({"updatedBy": {"S": "somebody"}}, {"updatedBy": {"S": name}})
    world.call(orders, "order-1", who, images=images)
    return told(world, "order-1")


def test_is_a_contradiction_an_alert(world: TrailWorld, orders: str) -> None:
    entry = claim(world, orders, ALICE, "bob")
    assert entry["principal"]["claimed"] == "bob"
    assert entry["tabletrail"]["contradiction"] is True
    assert entry["event"]["severity"] >= ALERTED_FROM
    assert entry["message"].endswith("; the item names bob, whom this principal may not claim to be")
    world.drain()
    assert entry["event"]["id"] in world.bus.sent


@pytest.mark.parametrize(("who", "name"), [(ALICE, "alice"), (SSO, "carol"), (BATCH, "bob")])
def test_is_a_claim_that_one_may_make_none(world: TrailWorld, orders: str, who: dict[str, Any], name: str) -> None:
    entry = claim(world, orders, who, name)
    assert entry["principal"]["claimed"] == name
    assert "contradiction" not in entry["tabletrail"]
    assert entry["event"]["severity"] == 0
    assert entry["message"].endswith(f"; the change names {name}")


def test_are_two_candidates_never_accused(world: TrailWorld, orders: str) -> None:
    world.tell(orders, "order-1", user("dave", ACCOUNT))
    entry = claim(world, orders, ALICE, "bob")
    assert entry["principal"]["confidence"] == "possible"
    assert "contradiction" not in entry["tabletrail"]


def test_are_many_tables_and_items_told_apart(world: TrailWorld, orders: str, stock: str) -> None:
    """The same item's name in two tables; and what one call hides may be anything of its table."""
    world.call(orders, "one", ALICE)
    world.call(stock, "one", BOB)
    world.changed(stock, "other")
    world.tell(stock, "", BATCH, "ExecuteStatement", parameters={"statement": "DELETE FROM stock WHERE id=?"})
    world.deliver()
    world.settle()
    world.attribute()
    world.assert_attributed()
    names = {(entry["table"]["name"], entry["item"]["id"]): entry for entry in world.found() if "item" in entry}
    assert names["orders", "one"]["principal"]["name"] == "alice"
    assert names["stock", "one"]["principal"]["name"] == "bob"
    assert names["stock", "other"]["event"]["action"] == "unattributed", "a statement that deletes changes nothing"


def test_is_a_file_that_is_delivered_in_time_read_once_for_all_tables(
    world: TrailWorld, orders: str, stock: str
) -> None:
    world.call(orders, "one", ALICE)
    world.call(stock, "two", BOB)
    file = world.trail.deliver(log(*world.events))
    world.settle()
    world.faults.calls.clear()
    result = world.attribute()
    assert result.windows == 2
    assert world.trail.read == [file.name]
    assert world.faults.count("store.get") == result.objects == 1


def test_is_a_shorter_window_left_to_the_next_call_if_this_one_is_killed(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.deliver()
    world.settle()
    steps: list[int] = []
    files = world.trail.files

    def noted(since: int, until: int) -> Any:
        steps.append(world.notes.read(PAST_NOTE)["step"])
        return files(since, until)

    world.trail.files = noted  # type: ignore[method-assign]
    world.attribute()
    assert steps == [MOST_SECONDS // 2]
    assert world.notes.read(PAST_NOTE)["step"] == MOST_SECONDS


@pytest.mark.parametrize("limit", [("tabletrail.trail.MOST_CALLS", 5), ("tabletrail.core.sightings.CALLS", 5)])
def test_are_more_calls_than_are_held_judged_in_shorter_windows(
    world: TrailWorld, orders: str, limit: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*limit)
    for number in range(12):
        world.call(orders, f"order-{number}", ALICE)
        world.clock.advance(60)
    world.deliver()
    world.settle()
    result = world.attribute()
    world.assert_attributed()
    assert result.attributed == 12
    assert not result.failures
