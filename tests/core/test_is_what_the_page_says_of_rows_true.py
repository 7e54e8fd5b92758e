"""Do the plain calls of docs/attribution.md put rows into the outbox as the log reads and the package makes them?"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tabletrail.core.outbox import item_digest, row_in
from tabletrail_client.context import Act
from tabletrail_client.outbox import row
from tests.core.outboxed import Teller
from tests.core.strategies import record
from tests.core.test_is_what_the_pages_say_of_marks_true import ATTRIBUTION, KEY, OLD, Recorder, program_of

ALICE = {"id": "alice", "type": "user", "source": "outbox"}


class Transacting(Recorder):
    """A client that keeps the rows that it is asked to put, and of the item each image that a record would show."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = [self.item]

    def update_item(self, **asked: Any) -> None:
        super().update_item(**asked)
        self.images.append(self.item)

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803 -- as boto3 has it
        [change, put] = TransactItems
        [(kind, asked)] = change.items()
        assert put["Put"]["TableName"] == "tabletrail_outbox"
        self.rows.append(put["Put"]["Item"])
        if kind == "Update":
            self.update_item(**asked)
            return
        if "ExpressionAttributeNames" in asked:
            self.delete_item(**asked)
        else:
            assert asked["ConditionExpression"] == "attribute_exists(pk)"
            self.item = {}
        self.images.append({})

    def entries(self) -> list[dict[str, Any]]:
        """What the log tells of it, read in one go."""
        pairs = list(zip(self.images, self.images[1:], strict=False))
        now = int(time.time())
        made = [
            record(old, new or None, SequenceNumber=str(17 + number), ApproximateCreationDateTime=now)
            for number, (old, new) in enumerate(pairs)
        ]
        return Teller(self.rows).documents(*made)


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    return program_of("python marked", "python outboxed")


def called(program: dict[str, Any], name: str) -> Transacting:
    client = Transacting()
    program[name](client, "orders", KEY)
    return client


def assert_like_the_package(found: dict[str, Any], act: Act, action: str, mark_id: str) -> None:
    """The same but for the moment and the white space of a context."""
    made = row(act, action, "orders", KEY, mark_id)
    times = [int(one.pop("expires_at")["N"]) for one in (found, made)]
    assert abs(times[0] - times[1]) < 60
    contexts = [json.loads(one.pop("context", {"S": "{}"})["S"]) for one in (found, made)]
    assert contexts[0] == contexts[1]
    assert found == made


def test_an_update_with_its_row_is_certain(program: dict[str, Any]) -> None:
    client = called(program, "update_with_row")
    [entry] = client.entries()
    assert entry["actor"] == ALICE | {"confidence": "certain"}
    assert (entry["reason"], entry["request"]["id"], entry["context"]) == ("refund", "req-1", {"ticket": "T-17"})
    act = Act("alice", reason="refund", request_id="req-1", context={"ticket": "T-17"})
    assert_like_the_package(client.rows[0], act, "update", client.item["_audit"]["M"]["id"]["S"])


def test_both_records_of_a_marked_delete_with_its_row_are_certain(program: dict[str, Any]) -> None:
    client = called(program, "delete_with_row")
    marked, removed = client.entries()
    assert marked["actor"] == removed["actor"] == ALICE | {"confidence": "certain"}
    assert (removed["event"]["action"], removed["reason"]) == ("remove", "asked to be forgotten")
    assert marked["tabletrail"]["mark"] == removed["tabletrail"]["mark"] == client.rows[0]["id"]["S"]
    act = Act("alice", reason="asked to be forgotten")
    assert_like_the_package(client.rows[0], act, "delete", client.images[1]["_audit"]["M"]["id"]["S"])


def test_a_plain_delete_with_its_row_is_likely(program: dict[str, Any]) -> None:
    client = called(program, "plain_delete_with_row")
    [entry] = client.entries()
    assert entry["actor"] == ALICE | {"confidence": "likely"}
    assert "mark" not in entry["tabletrail"]
    assert_like_the_package(client.rows[0], Act("alice"), "delete", client.rows[0]["id"]["S"])


@pytest.mark.parametrize(
    "key", [{"pk": {"S": "ä"}, "sk": {"N": "15"}}, {"b": {"B": "AAE="}, "a": {"S": ""}}, {"pk": {"S": "pkS"}}]
)
def test_the_item_of_a_row_is_the_same_for_any_key(program: dict[str, Any], key: dict[str, Any]) -> None:
    made = program["row"]("t", key, "put", program["uuid7"](), actor="alice")
    assert made["item"]["S"] == item_digest("t", key) == row(Act("alice"), "put", "t", key)["item"]["S"]
    assert row_in(made) is not None


def test_the_page_names_all_that_a_row_has(program: dict[str, Any]) -> None:
    table = ATTRIBUTION.partition("### Rows of the outbox")[2].partition("```")[0]
    told = {name for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)}
    everything = Act("a", "user", "s", "q", "r", {"c": 1})
    assert told == set(row(everything, "put", "t", KEY))


@pytest.mark.parametrize("name", ["item", "id", "action", "table", "actor", "key"])
def test_a_row_without_what_the_page_demands_is_none(program: dict[str, Any], name: str) -> None:
    made = program["row"]("orders", KEY, "put", program["uuid7"](), actor="alice")
    assert row_in(made) is not None
    del made[name]
    assert row_in(made) is None


def test_the_item_before_is_the_one_of_the_marks() -> None:
    assert Transacting().images == [OLD]
