"""Does every question on docs/search.md find the entries that the page says, and are the entries as it shows them?"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tabletrail.core.cloudtrail import Call
from tabletrail.core.cloudtrail_writes import Write
from tabletrail.core.outbox import Evidence, OutboxRow
from tabletrail.core.principal import Principal
from tabletrail_cli.item_story import Told
from tabletrail_cli.last_changes import LastChange
from tabletrail_cli.main import build_parser
from tabletrail_cli.queries import query_of
from tabletrail_cli.search import question_of
from tabletrail_cli.who_text import evidence, headline
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import Server
from tests.ports.searched_entries import ORDER_ID, ROLE, Entries, Searched, number, searched, text

PAGE = (Path(__file__).parents[2] / "docs" / "search.md").read_text("utf-8")
ROW = re.compile(
    r"^\| `(?P<bar>.+?)` \| (?:`(?P<command>.+?)` )?\| (?P<finds>nothing|[A-J](?:, [A-J])*) \|$", re.MULTILINE
)
SHOWN = re.compile(r"^\| (?P<name>[A-J]) \| `(?P<sentence>.+?)`(?: \(.*\))? \|$", re.MULTILINE)
BLOCK = re.compile(r"Finds (?P<finds>[A-J](?:, [A-J])*)[^`]*?```json\n(?P<body>.+?)```", re.DOTALL)


def names_in(finds: str) -> set[str]:
    return set() if finds == "nothing" else set(finds.split(", "))


ROWS = [(row["bar"], (row["command"] or "").replace("\\|", "|"), names_in(row["finds"])) for row in ROW.finditer(PAGE)]


def entries() -> Entries:
    made = Entries()
    paid = {"orderStatus": text("paid")}
    made.add("A", "order#17", paid, {"orderStatus": text("shipped"), "updatedBy": text("alice")})
    by_bob = {"orderStatus": text("cancelled"), "updatedBy": text("bob@example.com")}
    made.add("B", "order#18", {**paid, "price": number("90")}, {**by_bob, "price": number("150.5")})
    made.add("C", "order#170", None, {"qty": number("17"), "note": text("call first")})
    old, new = {"contactEmail": text("old@example.net")}, {"contactEmail": text("alice@example.com")}
    made.add("D", ORDER_ID, old, {**new, "updatedBy": text("billing-job")}, table="customers", service="crm")
    made.add("E", "order#17", lines("1", "50"), lines("7", "60"))
    made.add("F", "order#18", by_bob, None)
    old, new = {"a.b": text("x")}, {"a.b": text("k=v")}
    made.add("G", "eu-central-1/limits", old, new, table="settings", service="web")
    add_who(made)
    return made


def add_who(made: Entries) -> None:
    """Three of which more is known than the item says."""
    row = OutboxRow("", "", "update", "carol", "user", "desk", "req-7f3a", "goodwill", '{"ticket": "INC-4711"}')
    known, several = Evidence(row, "certain"), Evidence(candidates=(("dave", "user", ""), ("erin", "user", "")))
    asked, granted = {"state": text("asked")}, {"state": text("granted")}
    made.add("H", "refund#9", asked, granted, table="refunds", service="desk", evidence=known)
    made.add("I", "refund#10", granted, None, table="refunds", service="desk", evidence=several)
    principal = Principal(
        ROLE,
        "AssumedRole",
        "billing-writer",
        ROLE,
        session="job-42",
        role="arn:aws:iam::123456789012:role/billing-writer",
    )
    write = Write("refunds", "update", (("id", "refund#9"),))
    call = Call("e1f0", "UpdateItem", 1_800_000_000, (write,), principal, "203.0.113.7", "Boto3/1.34", "QK3V9")
    made.say("J", "H", call, contradiction=True)


def lines(*quantities: str) -> dict[str, dict[str, list[dict[str, dict[str, dict[str, str]]]]]]:
    return {"lines": {"L": [{"M": {"qty": number(one)}} for one in quantities]}}


def test_the_entries_are_as_the_page_shows_them() -> None:
    shown = {row["name"]: row["sentence"] for row in SHOWN.finditer(PAGE)}
    assert shown == {name: document["message"] for name, document in entries().documents.items()}


def test_the_answer_to_who_is_as_the_page_shows_it() -> None:
    documents = entries().documents
    told = LastChange(Told(documents["H"], [documents["J"]]))
    lines = [headline(told, "refunds refund#9", "state", UTC), *evidence(told, UTC)]
    shown = re.search(r"```text\n(.+?)```", PAGE, re.DOTALL)
    assert shown
    assert shown[1].splitlines() == ["".join(text for text, _ in line) for line in lines]


def test_no_row_is_overlooked() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) == len(ROWS) > 60
    assert len(BLOCK.findall(PAGE)) == PAGE.count("```json") == 3


@pytest.fixture(scope="module")
def found(stack: StackInfo) -> Iterator[Searched]:
    server = Server(stack)
    server.install()
    with searched(server, entries()) as place:
        yield place


@pytest.mark.stack
@pytest.mark.parametrize(("bar", "command", "names"), ROWS, ids=[bar for bar, *_ in ROWS])
def test_a_row_finds_what_it_says(found: Searched, bar: str, command: str, names: set[str]) -> None:
    assert found.bar(bar) == names
    if command:
        words = build_parser(with_local=False).parse_args(["search", *shlex.split(command)])
        assert found.names(query_of(question_of(words, datetime.now(UTC)))) == names


@pytest.mark.stack
@pytest.mark.parametrize("block", list(BLOCK.finditer(PAGE)), ids=lambda block: str(block["finds"]))
def test_a_body_finds_what_it_says(found: Searched, block: re.Match[str]) -> None:
    body = json.loads(block["body"])
    reply = found.server.ask("reader", "POST", f"/{found.index}/_search", body)
    assert reply.ok, reply.reason
    names = [hit["_id"] for hit in reply.data["hits"]["hits"]]
    assert set(names) == names_in(block["finds"])
    if "sort" in body:
        assert names == sorted(names)


@pytest.mark.stack
def test_the_surprises_are_true(found: Searched) -> None:
    assert "B" in found.bar("after.price > 100")
    assert found.bar("before.price > 100") == {"B"}, "90 comes behind 100"
    assert found.bar("first") == set()
    assert found.bar("after.note: call*") == {"C"}
    assert found.bar("after.note: *first") == set(), "OpenSearch has mended it: the page may be kinder"
    assert found.names({"wildcard": {"after.note": {"value": "*first"}}}) == {"C"}
    assert found.lucene("order#17*") > found.lucene("item.id:order#17*") == {"A", "C", "E"}
