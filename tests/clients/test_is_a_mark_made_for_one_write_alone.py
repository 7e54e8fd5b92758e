"""Is a mark what the format says: an id of its own, bound to one item of one table, and nothing else?"""

from __future__ import annotations

import gc
import hashlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail_client import AuditedError, install
from tabletrail_client.context import Act
from tabletrail_client.expressions import mentions, with_assignment
from tabletrail_client.marks import binding, mark, new_id, plain_number

KEYS = st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5), min_size=1, max_size=2)


def spelled_out(mark_id: str, table: str, key: dict[str, tuple[str, str]]) -> str:
    """The binding, from the words of the format."""
    data = b""
    for part in ["tabletrail/v1/mark", mark_id, table, *(one for name in sorted(key) for one in (name, *key[name]))]:
        data += len(part.encode()).to_bytes(8, "big") + part.encode()
    return hashlib.sha256(data).hexdigest()[:32]


def test_is_an_id_a_uuid_of_version_7_and_greater_than_all_before() -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: [new_id() for _ in range(500)], range(8)))
    for of_one_thread in ids:
        assert of_one_thread == sorted(of_one_thread)
    flat = [one for some in ids for one in some]
    assert len(set(flat)) == len(flat)
    for one in flat:
        parsed = uuid.UUID(one)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, one)


def test_does_an_id_tell_when_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from tabletrail_client import marks

    monkeypatch.setattr(marks, "_last", 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1_900_000_000_123_456_789)
    first, second = new_id(), new_id()
    assert int(first.replace("-", "")[:12], 16) == 1_900_000_000_123
    assert first < second
    # A clock that is put back makes no smaller ids.
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    assert second < new_id()


@given(KEYS, st.text(min_size=1, max_size=5))
def test_is_the_binding_as_the_format_says(key: dict[str, str], table: str) -> None:
    typed = {name: {"S": text} for name, text in key.items()}
    right = spelled_out("an-id", table, {name: ("S", text) for name, text in key.items()})
    assert binding("an-id", table, typed) == right


@given(KEYS, KEYS, st.text(max_size=3), st.text(max_size=3))
def test_does_no_other_item_or_table_have_the_same_binding(
    one: dict[str, str], other: dict[str, str], table: str, another: str
) -> None:
    first = binding("id", table, {name: {"S": text} for name, text in one.items()})
    second = binding("id", another, {name: {"S": text} for name, text in other.items()})
    assert (first == second) == ((one, table) == (other, another))


def test_are_types_told_apart_and_numbers_as_dynamodb_writes_them() -> None:
    def bound(value: dict[str, Any]) -> str:
        return binding("id", "t", {"pk": value})

    assert bound({"S": "1"}) != bound({"N": "1"})
    assert bound({"N": "1"}) == bound({"N": "1.0"}) == bound({"N": "0.1E1"}) != bound({"N": "10"})
    assert bound({"B": b"\x00\x01"}) == bound({"B": "AAE="})
    wrongs: list[Any] = [{"BOOL": True}, {"S": "a", "N": "1"}, {}, {"M": {}}, None]
    for wrong in wrongs:
        with pytest.raises(AuditedError, match="neither text nor number nor binary"):
            bound(wrong)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(lambda one: abs(one.adjusted()) < 120))
def test_is_a_number_plain_and_the_same_number(number: Decimal) -> None:
    text = plain_number(str(number))
    assert "E" not in text.upper()
    assert not (text.startswith("0") and text[1:2].isdigit())
    assert not ("." in text and text.endswith(("0", ".")))
    if len(number.as_tuple().digits) <= 38:
        assert Decimal(text) == number


def test_does_a_mark_hold_what_was_said_and_no_empty_text() -> None:
    act = Act("alice", "user", "shop", "req-1", "refund", {"only": "for the outbox"})
    made = mark(act, "orders", {"pk": {"S": "a"}}, "delete")["M"]
    assert {name: value["S"] for name, value in made.items() if name not in ("id", "for")} == {
        "actor": "alice",
        "type": "user",
        "service": "shop",
        "request_id": "req-1",
        "reason": "refund",
        "intent": "delete",
    }
    assert made["for"]["S"] == binding(made["id"]["S"], "orders", {"pk": {"S": "a"}})
    assert set(mark(Act("alice"), "orders", {"pk": {"S": "a"}})["M"]) == {"id", "for", "actor"}


@pytest.mark.parametrize(
    ("expression", "right"),
    [
        ("", "SET #m = :m"),
        ("SET a = :a", "SET #m = :m, a = :a"),
        ("set a = :a", "set #m = :m, a = :a"),
        ("REMOVE b", "SET #m = :m REMOVE b"),
        ("ADD c :c\nSET\ta = :a", "ADD c :c\nSET #m = :m,\ta = :a"),
        ("REMOVE x.set", "SET #m = :m REMOVE x.set"),
        ("REMOVE #set, settings", "SET #m = :m REMOVE #set, settings"),
        ("SET a = if_not_exists(#set, :set)", "SET #m = :m, a = if_not_exists(#set, :set)"),
    ],
)
def test_does_an_assignment_find_its_place(expression: str, right: str) -> None:
    assert with_assignment(expression, "#m", ":m") == right


def test_is_a_caller_who_writes_the_mark_himself_seen() -> None:
    assert mentions("SET #x.#y = :z", {"#x": "_audit", "#y": "actor"}, "_audit")
    assert mentions("REMOVE _audit", {}, "_audit")
    assert not mentions("SET a.#x = :z", {"#x": "_audit"}, "_audit")
    assert not mentions("SET my_audit = :z", {}, "_audit")


def test_is_a_client_that_is_gone_forgotten() -> None:
    """Another one may come to lie at the same place in memory: it is not installed."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    for _ in range(30):
        install(session.client("dynamodb"))
        gc.collect()
