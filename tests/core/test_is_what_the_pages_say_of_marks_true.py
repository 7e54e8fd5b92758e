"""Do docs/format.md and docs/attribution.md tell what a mark is as the log reads it?"""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.entry import convert
from tabletrail.core.marks import binding
from tabletrail.core.outbox import row_in
from tabletrail_client.context import Act
from tabletrail_client.outbox import row as row_of
from tests.core import naive_marks
from tests.core.strategies import CONVERSION, SOURCE, record
from tests.golden.inputs import MARK_OF_ALICE
from tests.validation import assert_valid_entry

DOCS = Path(__file__).parents[2] / "docs"
FORMAT, ATTRIBUTION = ((DOCS / name).read_text("utf-8") for name in ("format.md", "attribution.md"))
KEY = {"pk": {"S": "order#17"}}
OLD = KEY | {"status": {"S": "paid"}}


def block(page: str, kind: str) -> str:
    [text] = re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)
    return str(text)


class Recorder:
    """A client that keeps what it is asked, and the item as an update of these pages leaves it."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = dict(OLD)
        self.condition = ""

    def update_item(self, **asked: Any) -> None:
        names, values = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"]
        for name, value in re.findall(r"(#\w+) = (:\w+)", asked["UpdateExpression"]):
            self.item = self.item | {names[name]: values[value]}

    def delete_item(self, **asked: Any) -> None:
        assert asked["ConditionExpression"] == "#mark.id = :id"
        assert asked["ExpressionAttributeNames"] == {"#mark": "_audit"}
        assert asked["ExpressionAttributeValues"][":id"] == self.item["_audit"]["M"]["id"]
        self.item = {}


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    return program_of("python marked")


def program_of(*kinds: str) -> dict[str, Any]:
    """What these blocks of docs/attribution.md define together."""
    names: dict[str, Any] = {}
    for kind in kinds:
        exec(compile(block(ATTRIBUTION, kind), "docs/attribution.md", "exec"), names)
    return names


def entry_of(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    made = record(old, new, ApproximateCreationDateTime=int(time.time()))
    return assert_valid_entry(convert(made, SOURCE, CONVERSION).document)


def test_the_mark_that_the_format_shows_is_a_golden_one() -> None:
    assert json.loads(block(FORMAT, "json mark")) == MARK_OF_ALICE


def test_the_bytes_that_the_format_shows_are_those_that_are_hashed() -> None:
    fields = MARK_OF_ALICE["_audit"]["M"]
    lines = [line.split() for line in block(FORMAT, "text mark").splitlines()]
    parts = [bytes.fromhex(data) for _, data in lines]
    assert [int(length, 16) for length, _ in lines] == [len(part) for part in parts]
    texts = ["tabletrail/v1/mark", fields["id"]["S"], "orders", "pk", "S", "order#17"]
    assert [part.decode() for part in parts] == texts
    hashed = hashlib.sha256(bytes.fromhex(block(FORMAT, "text mark"))).hexdigest()
    assert hashed[:32] == fields["for"]["S"] == binding(fields["id"]["S"], "orders", KEY)


def test_the_calls_that_the_page_shows_are_named(program: dict[str, Any]) -> None:
    client = Recorder()
    program["update"](client, "orders", KEY)
    updated = client.item
    entry = entry_of(OLD, updated)
    assert entry["actor"] == {"id": "alice", "type": "user", "source": "mark", "confidence": "likely"}
    assert (entry["reason"], entry["request"]["id"]) == ("refund", "req-1")
    program["delete"](client, "orders", KEY)
    assert client.item == {}


def test_the_marked_delete_that_the_page_shows_is_a_pair(program: dict[str, Any]) -> None:
    said = program["mark"]("orders", KEY, actor="alice", intent="delete")
    first, second = entry_of(OLD, OLD | {"_audit": said}), entry_of(OLD | {"_audit": said}, None)
    assert first["actor"]["id"] == second["actor"]["id"] == "alice"
    assert first["tabletrail"]["mark"] == second["tabletrail"]["mark"] == said["M"]["id"]["S"]


def test_the_ids_that_the_page_makes_are_uuids_of_version_7(program: dict[str, Any]) -> None:
    for _ in range(1000):
        made = program["uuid7"]()
        assert naive_marks.is_uuid_7(made)
        assert abs(int(made.replace("-", "")[:12], 16) / 1000 - time.time()) < 60


def test_the_row_of_the_format_page_is_one_and_is_the_writers_own() -> None:
    row = json.loads(block(FORMAT, "json row"))
    found = row_in(row)
    assert found is not None
    assert (found.author, found.context) == (("alice", "user", "crm"), '{"ticket":17}')
    assert found.id == json.loads(block(FORMAT, "json mark"))["_audit"]["M"]["id"]["S"]
    data = b""
    for part in ("tabletrail/v1/outbox", "orders", "pk", "S", "order#17"):
        data += len(part.encode()).to_bytes(8, "big") + part.encode()
    assert row["item"]["S"] == hashlib.sha256(data).hexdigest()
    act = Act("alice", "user", "crm", "req-1", "refund", {"ticket": 17})
    written = row_of(act, "update", "orders", KEY, found.id)
    assert row | {"expires_at": None} == written | {"expires_at": None}
