"""Is a row read as writers write it, whatever lies in it, and shown no further than a mark may be?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.document import Conversion
from tabletrail.core.evidence import ask_of
from tabletrail.core.outbox import RowKey, Span, Way, claim_key, id_span, is_row_sized, item_digest, row_in
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import Tokens
from tabletrail_client.marks import new_id
from tabletrail_client.outbox import row
from tests.core.naive_marks import uuid_at
from tests.core.outboxed import PAID, SHIPPED, SURE, Item, Teller, act, at, change, marked, out
from tests.core.strategies import SOURCE, keys, names, texts, values

ID = at(-0.2)
WRITE = change(PAID, SHIPPED | marked(ID, "alice"))
PLAIN = change(PAID, None)
TABLES = st.from_regex(r"[a-zA-Z0-9_.-]{3,40}", fullmatch=True)

short = names.filter(lambda name: len(name) < 50)
contexts = st.recursive(
    st.one_of(st.text(max_size=9), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(short, inner, max_size=3)),
    max_leaves=12,
)


@given(TABLES, keys)
def test_the_digest_of_an_item_is_the_writers_own(table: str, key: Item) -> None:
    written = row(act("alice"), "put", table, key)
    assert written["item"] == {"S": item_digest(table, key)}
    found = row_in(written)
    assert found is not None
    assert (found.id, found.author) == (written["id"]["S"], ("alice", "user", ""))


@pytest.mark.parametrize("key", [{}, None, 7, {"pk": {"N": "one"}}, {"pk": {"L": []}}, {"pk": {"S": "\ud800"}}])
def test_what_is_no_key_has_no_rows(key: Any) -> None:
    assert item_digest("orders", key) == ""
    assert row_in(out(ID, "alice") | {"item": {"S": ""}, "key": {"M": key}}) is None


@given(st.dictionaries(st.sampled_from([*out(ID, "alice", context={"a": 1})]), values, min_size=1, max_size=4))
def test_whatever_lies_in_an_item_breaks_nothing(odd: Item) -> None:
    item = out(ID, "alice") | odd
    found = row_in(item)
    assert found is None or found.item == item_digest("orders", {"pk": {"S": "order#17"}})
    Teller([item]).documents(WRITE, PLAIN)


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, {"S": None}, {"S": 7}, {"M": {}}, {"S": "x", "N": "1"}])
@pytest.mark.parametrize("name", ["item", "id", "action", "table", "key", "actor", "type", "reason", "context"])
def test_a_field_of_a_wrong_form_makes_it_no_row(name: str, value: Any) -> None:
    assert row_in(out(ID, "alice") | {name: value}) is None


@pytest.mark.parametrize(
    ("name", "most"), [("actor", 256), ("service", 256), ("request_id", 256), ("reason", 1000), ("context", 8192)]
)
def test_a_text_may_be_as_long_as_writers_may_make_it(name: str, most: int) -> None:
    assert row_in(out(ID, "alice") | {name: {"S": "a" * most}}) is not None
    assert row_in(out(ID, "alice") | {name: {"S": "a" * (most + 1)}}) is None


def test_the_largest_row_is_no_larger_than_a_row_may_be() -> None:
    lengths = {"actor": 256, "service": 256, "request_id": 256, "reason": 1000, "context": 8192}
    largest = out(ID, "alice", table="t" * 255, key={"pk": {"S": '"' * 2048}, "sk": {"S": '"' * 1024}})
    largest |= {name: {"S": '"' * most} for name, most in lengths.items()}
    assert row_in(largest) is not None
    assert is_row_sized(largest)
    assert not is_row_sized(largest | {"much": {"S": "x" * 8192}})


def test_spans_of_time_hold_every_id_of_their_milliseconds() -> None:
    first, last = id_span(1_800_000_000_000, 1_800_000_000_999)
    assert first <= uuid_at(1_800_000_000_000) < uuid_at(1_800_000_000_999, (1 << 74) - 1) <= last
    assert uuid_at(1_799_999_999_999, (1 << 74) - 1) < first
    assert last < uuid_at(1_800_000_001_000)
    assert id_span(-7, 0)[0] < new_id()


# The context


@given(st.dictionaries(short, contexts, max_size=4))
def test_a_context_is_shown_as_paths_and_texts(context: Item) -> None:
    [document] = Teller([out(ID, "alice", context=context)]).documents(WRITE)
    shown = document.get("context", {})
    assert len(shown) == len(set(_paths(context, "")))


def _paths(value: Any, path: str) -> list[str]:
    """One for each leaf."""
    if isinstance(value, dict) and value:
        return [inner for name, one in value.items() for inner in _paths(one, f"{path}/{name!r}")]
    if isinstance(value, list) and value:
        return [inner for number, one in enumerate(value) for inner in _paths(one, f"{path}/{number}")]
    return [path] if path else []


def test_each_leaf_of_a_context_is_its_text() -> None:
    context = {"ticket": 17, "lines": [{"sku": "a.b"}, {}], "zip.code": "1", "is_paid": True, "by": None, "rate": 0.10}
    [document] = Teller([out(ID, "alice", context=context)]).documents(WRITE)
    assert document["context"] == {
        "ticket": "17",
        "lines[0].sku": "a.b",
        "lines[1]": "{}",
        '["zip.code"]': "1",
        "is_paid": "true",
        "by": "null",
        "rate": "0.1",
    }


@pytest.mark.parametrize(
    "text",
    ["[1]", "7", '"x"', "{", "nonsense", '{"a": "\\ud800"}', "[" * 8192, '{"a":' * 1300 + "1" + "}" * 1300, "{}"],
)
def test_a_context_that_cannot_be_shown_is_left_out(text: str) -> None:
    [document] = Teller([out(ID, "alice") | {"context": {"S": text}}]).documents(WRITE)
    assert document["actor"]["confidence"] == "certain"
    assert len(document.get("context", {})) <= 1


def test_numbers_of_a_context_keep_their_digits() -> None:
    text = '{"n": 12345678901234567890123456789012345678.10, "big": 1E400, "odd": NaN}'
    [document] = Teller([out(ID, "alice") | {"context": {"S": text}}]).documents(WRITE)
    assert document["context"] == {"n": "12345678901234567890123456789012345678.10", "big": "1E400", "odd": "NaN"}


def test_of_a_large_context_a_hundred_leaves_are_shown_and_long_ones_cut() -> None:
    many = {f"name-{number:04}": number for number in range(300)}
    [document] = Teller([out(ID, "alice", context=many)]).documents(WRITE)
    assert list(document["context"]) == [f"name-{number:04}" for number in range(100)]
    [document] = Teller([out(ID, "alice", context={"note": "x" * 5000, "y" * 600: 1})]).documents(WRITE)
    assert document["context"]["note"].endswith("(4000 more characters)")
    assert all(len(path.encode()) <= 512 for path in document["context"])


# What is sensitive


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_who_hides_marks_hides_rows(who: str) -> None:
    policy = compile_policy({"sensitive": [{"table": "orders", "path": "_audit"}]})
    conversion = Conversion("month", "updatedBy", policy, Tokens(b"k" * 32))
    teller = Teller([out(ID, who, context={"customer": "alice"}), out(at(-0.1), who, "delete")])
    for document in teller.documents(WRITE, PLAIN, conversion=conversion):
        text = json.dumps(document)
        assert "alice" not in text
        assert "bob" not in text
        assert document["actor"]["source"] == "outbox"


def test_a_part_of_the_context_may_be_declared() -> None:
    declared = {"table": "orders", "path": "_audit.context.customer", "names": True}
    conversion = Conversion("month", "updatedBy", compile_policy({"sensitive": [declared]}), Tokens(b"k" * 32))
    context = {"customer": {"name": "Planted"}, "ticket": 17}
    [document] = Teller([out(ID, "alice", context=context)]).documents(WRITE, conversion=conversion)
    assert "Planted" not in json.dumps(document)
    assert "customer" not in json.dumps(document["context"])
    assert document["context"]["ticket"] == "17"
    assert len(document["context"]) == 2


# Names of claims


def test_claims_of_two_items_and_of_each_way_differ() -> None:
    ask = ask_of(change(PAID | marked(ID, "alice", "delete"), None, 18), SURE)
    assert ask is not None
    assert ask.claimant == f"{SOURCE.stream_arn}#18"
    here, there = RowKey("ab" * 32, ID), RowKey("cd" * 32, ID)
    assert len({claim_key(key, way) for key in (here, there) for way in Way}) == 6


@given(texts)
def test_a_span_is_its_own_whatever_else_is_written(text: str) -> None:
    ask = ask_of(change(PAID | {"note": {"S": text}}, None), SURE)
    assert ask is not None
    assert ask.span == Span(ask.item, *id_span(ask.seconds * 1000 - 60_000, ask.seconds * 1000 + 5_999))
