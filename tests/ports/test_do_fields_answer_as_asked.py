"""Do exact values, prefixes, patterns, facets, numbers and odd places answer as the schema promises, on the server?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.core.paths import cut_text
from tabletrail_cli.queries import Question
from tabletrail_cli.queries import query_of as of_command_line
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import MAPPINGS, Server
from tests.ports.searched_entries import Document, Entries, Searched, number, put, searched, text

pytestmark = pytest.mark.stack

LEVELS = 32
LONGEST_TERM = 32_766


def deep(value: str) -> Document:
    inner = text(value)
    for level in reversed(range(1, LEVELS)):
        inner = {"M": {f"l{level:02d}": inner}}
    return inner


DEEP = ".".join(f"l{level:02d}" for level in range(LEVELS))


def lines(*quantities: str) -> Document:
    return {"L": [{"M": {"qty": number(one), "sku": text(f"sku-{one}")}} for one in quantities]}


def entries() -> Entries:
    made = Entries()
    made.add("dear", "order#1", {"price": number("90")}, {"price": number("150.5")})
    made.add("cheap", "order#2", {"price": number("150")}, {"price": number("90")})
    made.add(
        "many", "order#3", {"price": number("50"), "qty": number("3")}, {"price": number("60"), "qty": number("300")}
    )
    made.add("lines", "order#4", {"lines": lines("1", "2")}, {"lines": lines("7", "50")})
    made.add(
        "nested address", "c#1", {"a": {"M": {"b": text("x")}}}, {"a": {"M": {"b": text("k=v")}}}, table="customers"
    )
    made.add("dotted address", "c#2", {"a.b": text("x")}, {"a.b": text("k=v")}, table="customers")
    made.add("deep", "c#3", {"l00": deep("bottom")}, {"l00": deep("ground")}, table="customers")
    made.add("long", "c#4", {"long": text("y")}, {"long": text("z" * 2000)}, table="customers", service="crm")
    made.add("huge", "c#5", {"huge": text("y")}, {"huge": text("é" * 100_000)}, table="customers", service="crm")
    made.add("long key", "k" * 1500, None, {"a": text("x")}, table="keys", service="crm")
    made.add("other long key", "k" * 1499 + "j", None, {"a": text("x")}, table="keys", service="crm")
    made.add("odd", "c#6", {"odd": text("a*b")}, {"odd": text('c:\\x "q" (1) ~?')}, table="customers")
    made.add(
        "exact", "c#7", {"n": number("1")}, {"n": number("12345678901234567890123456789012345678")}, table="customers"
    )
    rules: dict[str, Any] = {"tags": ["money", "night"], "rule": {"name": ["price-fell"]}, "event": {"severity": 73}}
    made.documents["cheap"] |= {**rules, "event": made.documents["cheap"]["event"] | rules["event"]}
    return made


@pytest.fixture(scope="module")
def found(stack: StackInfo) -> Iterator[Searched]:
    server = Server(stack)
    server.install()
    with searched(server, entries()) as place:
        yield place


IN_THE_BAR: list[tuple[str, set[str]]] = [
    # What changed: exactly, by its beginning, by a pattern, and without places of lists.
    ("changed: price", {"dear", "cheap", "many"}),
    ('changed: "lines[1].qty"', {"lines"}),
    ("changed: lines*", {"lines"}),
    ("changed: *.qty", {"lines"}),
    ("changed: *qty", {"lines", "many"}),
    ('changed_path: "lines[].qty"', {"lines"}),
    ('changed: "a.b"', {"nested address"}),
    (r'changed: "[\"a.b\"]"', {"dotted address"}),
    (f'changed: "{DEEP}"', {"deep"}),
    ("changed: l00.l01*l31", {"deep"}),
    # Values by their path: whole, by pattern, any at all; wherever the path leads.
    ('after.a.b: "k=v"', {"nested address"}),
    (f"after.{DEEP}: ground", {"deep"}),
    (f"before.{DEEP}: bott*", {"deep"}),
    ('after: "k=v"', {"nested address", "dotted address"}),
    ("after: ground", {"deep"}),
    ("before.odd: *", {"odd"}),
    ('before.odd: "a*b"', {"odd"}),
    (r'after.odd: "c:\\x \"q\" (1) ~?"', {"odd"}),
    ("after.long: zzz*", {"long"}),
    (f'after.long: "{cut_text("z" * 2000)}"', {"long"}),
    ("after.huge: é*", {"huge"}),
    ("after.n: 12345678901234567890123456789012345678", {"exact"}),
    ('after.n: "12345678901234567890123456789012345677"', set()),
    ("after.nothing: *", set()),
    # Numbers: both bounds hold of one place; outside their group numbers are nowhere.
    ("numbers: { path: price and after > 100 }", {"dear"}),
    ("numbers: { path: price and before > 100 }", {"cheap"}),
    ("numbers: { path: price and before >= 50 and after <= 100 }", {"cheap", "many"}),
    ("numbers: { path: price and after > 100 } or numbers: { path: qty and after > 100 }", {"dear", "many"}),
    ("numbers: { path: price and after >= 300 }", set()),
    ("numbers: { path: *.qty and after > 7 and after < 50 }", set()),
    ("numbers: { path: *.qty and after >= 7 and after < 50 }", {"lines"}),
    ("numbers: { after > 1000000 }", {"exact"}),
    # Outside it, and the trap in it: values in before and after are compared as text, where 60 and 90 are behind 100.
    ("numbers.after > 100", set()),
    ("after.price > 100", {"dear", "cheap", "many"}),
    # Keys: two that differ behind their thousandth character are two.
    ("item.id: kkk*", {"long key", "other long key"}),
    ("item.id: order#*", {"dear", "cheap", "many", "lines"}),
    ("item.id: *#3", {"many", "deep"}),
    # Facets as filters.
    ("table.name: customers and service.name: crm", {"long", "huge"}),
    ("tags: (money and night)", {"cheap"}),
    ("rule.name: price-fell", {"cheap"}),
    ("event.severity >= 73", {"cheap"}),
    ("event.action: insert", {"long key", "other long key"}),
    ("not event.action: modify", {"long key", "other long key"}),
]


@pytest.mark.parametrize(("dql", "names"), IN_THE_BAR, ids=[dql[:60] for dql, _ in IN_THE_BAR])
def test_the_query_bar_finds_what_it_says(found: Searched, dql: str, names: set[str]) -> None:
    assert found.bar(dql) == names


@pytest.mark.parametrize(
    ("question", "names"),
    [
        (Question(changed=["lines[].qty"]), {"lines"}),
        (Question(changed=["a"]), {"nested address", "long key", "other long key"}),
        (Question(after=[f"{DEEP}=ground"]), {"deep"}),
        (Question(after=['["a.b"]=k=v']), {"dotted address"}),
        (Question(after=["long=" + "z" * 2000]), {"long"}),
        (Question(fields=[("item", ["order#*"])]), {"dear", "cheap", "many", "lines"}),
        (Question(numbers=["lines[].qty after > 7 after < 50"]), set()),
        (Question(numbers=["lines[].qty after >= 7 after < 50"]), {"lines"}),
    ],
    ids=lambda value: "" if isinstance(value, Question) else " ".join(sorted(value)) or "none",
)
def test_the_command_line_finds_the_same(found: Searched, question: Question, names: set[str]) -> None:
    assert found.names(of_command_line(question)) == names


def values_of(document: Document, of: str) -> list[str]:
    value: Any = document
    for name in of.split("."):
        value = value.get(name, {})
    return [str(one) for one in (value if isinstance(value, list) else [value] if value != {} else [])]


@pytest.mark.parametrize(
    "of",
    ["table.name", "service.name", "event.action", "actor.id", "tags", "event.severity", "changed_path", "rule.name"],
)
def test_a_facet_counts_every_entry(found: Searched, of: str) -> None:
    truth = Counter(one for document in found.documents.values() for one in set(values_of(document, of)))
    assert found.counts(of) == truth
    assert bool(truth) == (of != "actor.id")


def test_two_long_keys_are_two_and_both_whole(found: Searched) -> None:
    keys = {name: found.documents[name]["item"]["id"] for name in ("long key", "other long key")}
    assert len(set(keys.values())) == 2
    for name, key in keys.items():
        assert found.bar(f'item.id: "{key}"') == {name}


def test_no_value_is_too_long_for_the_index(found: Searched) -> None:
    """Where a field takes text whole, one word of it may be longer than the longest term."""
    document = found.documents["dear"]
    word = "ß" * LONGEST_TERM
    longest: dict[str, dict[str, Any]] = {
        "reason": {"reason": f"because {word} and so on"},
        "message": {"message": f"{word} end"},
        "key": {"item": {"id": "ü" * 8191}},
        "camelCase": {"message": "aB" * LONGEST_TERM},
        "marks": {"message": "a#" * LONGEST_TERM},
        "no blanks": {"message": "東京" * 5_000},
    }
    for name, more in longest.items():
        put(found.server, found.index, {f"too long {name}": json.loads(json.dumps({**document, **more}))})
    assert found.bar("reason: because") == {"too long reason"}
    assert found.bar('message: "end"') == {"too long message"}
    assert found.bar('message: "東京"') == {"too long no blanks"}
    assert found.marks('message: "end"')[0].endswith("<end>")


def test_the_fields_of_a_question_without_fields_exist_and_the_command_line_asks_them_too() -> None:
    from tabletrail_cli.queries import TEXT_FIELDS

    template = json.loads((MAPPINGS / "index_template.v1.json").read_text())["template"]
    asked = template["settings"]["index.query.default_field"]
    assert set(asked) <= set(TEXT_FIELDS)
    for name in asked:
        place = template["mappings"]
        for part in name.split("."):
            place = (place.get("properties", {}) | place.get("fields", {}))[part]
