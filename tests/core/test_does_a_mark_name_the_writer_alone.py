"""Does a mark name who made this change, and never anybody else: forgotten, copied, put back, restored, forged?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tabletrail.core.document import Conversion, Source
from tabletrail.core.entry import convert
from tabletrail.core.marks import binding
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import Tokens
from tests.core import naive_marks
from tests.core.naive_marks import uuid_at
from tests.core.strategies import CONVERSION, SOURCE, keys, record, scalars, values
from tests.validation import assert_valid_entry

Item = dict[str, Any]

NOW = 1_795_500_000
KEYS: Item = {"pk": {"S": "order#17"}}
PAID, SHIPPED = {"status": {"S": "paid"}}, {"status": {"S": "shipped"}}
ALICE = {"id": "alice", "type": "user", "source": "mark", "confidence": "likely"}


def mark(ms: int = NOW * 1000, table: str = "orders", key: Item = KEYS, **texts: str) -> Item:
    """`_audit` as a writer of another language makes it; `bound` and `mark_id` take the place of what is right."""
    mark_id = texts.pop("mark_id", uuid_at(ms))
    bound = texts.pop("bound", naive_marks.bound(mark_id, table, key))
    fields = {"id": mark_id, "for": bound, "actor": "alice", **texts}
    return {"_audit": {"M": {name: {"S": text} for name, text in fields.items()}}}


def document_of(made: Item, conversion: Conversion = CONVERSION, source: Source = SOURCE) -> Item:
    document = assert_valid_entry(convert(made, source, conversion).document)
    assert document["tabletrail"]["kind"] == "change"
    return document


def actor_of(old: Item | None, new: Item | None, **fields: Any) -> Any:
    return document_of(record(old, new, **fields)).get("actor")


OLDER, NEWER = mark(NOW * 1000 - 2000, actor="bob"), mark()


@pytest.mark.parametrize(
    ("old", "new"),
    [(None, SHIPPED | NEWER), (PAID, SHIPPED | NEWER), (PAID | OLDER, SHIPPED | NEWER), (PAID | OLDER, PAID | NEWER)],
)
def test_a_mark_of_this_write_names_its_writer(old: Item | None, new: Item) -> None:
    document = document_of(record(old, new))
    assert document["actor"] == ALICE
    assert document["tabletrail"]["mark"] == uuid_at(NOW * 1000)


def test_an_entry_holds_what_the_mark_says() -> None:
    said = mark(type="service", service="billing", request_id="req-1", reason="refund of a lost parcel")
    document = document_of(record(PAID | OLDER, SHIPPED | said))
    assert document["actor"] == ALICE | {"type": "service", "service": "billing"}
    assert (document["request"], document["reason"]) == ({"id": "req-1"}, "refund of a lost parcel")
    assert document["service"] == {"name": "shop"}
    assert document["message"] == "alice changed status from paid to shipped on orders order#17"
    assert "_audit.actor" in document["changed"]


def test_a_change_of_nothing_but_the_mark_is_told() -> None:
    assert document_of(record(PAID, PAID | NEWER))["message"] == "alice marked orders order#17"
    removed = document_of(record(PAID | NEWER, PAID))["message"]
    assert removed.startswith("_audit.actor removed, _audit.for removed, _audit.id removed on ")
    foreign = document_of(record(PAID, PAID | mark(table="x")))["message"]
    assert foreign.startswith("_audit.actor set to alice, ")


FAILING: dict[str, tuple[Item | None, Item | None, str]] = {
    "forgotten": (PAID | NEWER, SHIPPED | NEWER, "alice"),
    "put back": (SHIPPED | NEWER, PAID | OLDER, "bob"),
    "copied from another item": (PAID, SHIPPED | mark(key={"pk": {"S": "order#18"}}), ""),
    "copied from another table": (PAID, SHIPPED | mark(table="orders-old"), ""),
    "imported an hour later": (None, PAID | mark(NOW * 1000 - 3_600_000), "alice"),
    "restored over another": (PAID | OLDER, PAID | mark(NOW * 1000 - 3_600_000), "alice"),
    "301 seconds before": (PAID, SHIPPED | mark(NOW * 1000 - 300_001), "alice"),
    "301 seconds after": (PAID, SHIPPED | mark(NOW * 1000 + 300_001), "alice"),
    "the same id, another name": (PAID | NEWER, SHIPPED | mark(actor="mallory"), "mallory"),
    "not bound": (PAID, SHIPPED | mark(bound="0" * 32), ""),
    "no version 7": (PAID, SHIPPED | mark(mark_id="019f2c30-7e00-4000-8000-000000000000"), ""),
    "in capitals": (PAID, SHIPPED | mark(mark_id=uuid_at(NOW * 1000).upper()), ""),
    "no image before": (None, SHIPPED | NEWER, "alice"),
    "removed": (PAID | NEWER, None, "alice"),
    "removed long after it was marked": (PAID | mark(NOW * 1000 - 301_000, intent="delete"), None, "alice"),
    "removed with another's mark": (PAID | mark(table="x", intent="delete"), None, ""),
    "put back after a marked delete": (None, PAID | mark(intent="delete"), "alice"),
    "marked for a delete beside a change": (PAID, SHIPPED | mark(intent="delete"), "alice"),
    "of an unknown intent": (PAID, SHIPPED | mark(intent="rename"), ""),
    "of an unknown type": (PAID, SHIPPED | mark(type="robot"), ""),
    "of nobody": (PAID, SHIPPED | mark(actor=""), ""),
    "too long a name": (PAID, SHIPPED | mark(actor="a" * 257), ""),
    "too long a reason": (PAID, SHIPPED | mark(reason="a" * 1001), ""),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_mark_that_fails_names_nobody(case: str) -> None:
    old, new, last = FAILING[case]
    made = record(old, new)
    if case == "no image before":
        made["eventName"] = "MODIFY"
    document = document_of(made)
    assert document.get("actor", {}) == ({"last_known": last} if last else {})
    assert not {"mark"} & document["tabletrail"].keys()
    assert not {"reason", "request"} & document.keys()


def test_300_seconds_are_near_enough() -> None:
    for ms in (-300_000, 300_000):
        assert actor_of(PAID, SHIPPED | mark(NOW * 1000 + ms)) == ALICE


def test_an_attribute_that_came_with_anothers_mark_names_nobody() -> None:
    """A copy that is put back brings its `updatedBy` along: possible would be the wrong name."""
    back = PAID | OLDER | {"updatedBy": {"S": "bob"}}
    assert actor_of(SHIPPED | NEWER | {"updatedBy": {"S": "alice"}}, back) == {"last_known": "bob"}
    foreign = SHIPPED | mark(table="x") | {"updatedBy": {"S": "carol"}}
    assert actor_of(PAID, foreign) == {"last_known": "carol"}


def test_an_attribute_that_changed_beside_a_forgotten_mark_names_as_ever() -> None:
    new = SHIPPED | NEWER | {"updatedBy": {"S": "carol"}}
    assert actor_of(PAID | NEWER, new) == {
        "id": "carol",
        "type": "user",
        "source": "attribute",
        "confidence": "possible",
    }


def test_a_mark_goes_before_an_attribute_and_dynamodbs_word_before_both() -> None:
    new = SHIPPED | NEWER | {"updatedBy": {"S": "carol"}}
    assert actor_of(PAID, new) == ALICE
    ttl = {"userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}}
    document = document_of(record(PAID | mark(intent="delete"), None) | ttl)
    assert (document["actor"]["source"], document["actor"]["last_known"]) == ("ttl", "alice")
    assert "mark" not in document["tabletrail"]


def test_what_dynamodb_says_goes_before_a_sound_mark() -> None:
    made = record(PAID, SHIPPED | NEWER) | {"userIdentity": {"Type": "Service", "PrincipalId": "x.amazonaws.com"}}
    document = document_of(made)
    assert (document["actor"]["id"], document["actor"]["confidence"]) == ("x.amazonaws.com", "certain")
    assert document["actor"]["last_known"] == "alice"
    assert "mark" not in document["tabletrail"]


def test_the_two_records_of_a_marked_delete_name_each_other() -> None:
    said = mark(intent="delete", request_id="req-9", reason="asked to be forgotten")
    first = document_of(record(PAID | OLDER, PAID | said))
    second = document_of(record(PAID | said, None))
    assert first["actor"] == second["actor"] == ALICE
    assert first["tabletrail"]["mark"] == second["tabletrail"]["mark"] == uuid_at(NOW * 1000)
    assert first["request"] == second["request"] == {"id": "req-9"}
    assert first["message"] == "alice marked orders order#17 for its removal"
    assert second["message"] == "alice removed orders order#17"
    assert second["reason"] == "asked to be forgotten"


def test_a_rule_knows_whom_the_mark_names() -> None:
    def rule(name: str, condition: Item) -> Item:
        return {"name": name, "severity": "low", "when": {"actor": condition}}

    rules = [
        rule("known", {"known": True}),
        rule("unknown", {"known": False}),
        rule("likely", {"confidence": "likely"}),
    ]
    conversion = Conversion("month", "updatedBy", compile_policy({"rules": rules}))
    assert document_of(record(PAID, SHIPPED | NEWER), conversion)["rule"] == {"name": ["known", "likely"]}
    assert document_of(record(SHIPPED | NEWER, PAID | OLDER), conversion)["rule"] == {"name": ["unknown"]}


@pytest.mark.parametrize("path", ["_audit", "_audit.*", "**.actor"])
def test_a_sensitive_mark_shows_as_tokens(path: str) -> None:
    tokens = Tokens(bytes(range(32)))
    policy = compile_policy({"sensitive": [{"table": "*", "path": [path]}]})
    conversion = Conversion("month", "updatedBy", policy, tokens)
    said = mark(actor="geheim-a", service="geheim-s", request_id="geheim-r", reason="geheim-g")
    document = document_of(record(PAID, SHIPPED | said), conversion)
    assert document["actor"]["id"] == tokens("S", "geheim-a")
    assert document["message"].startswith(tokens("S", "geheim-a"))
    assert "geheim-a" not in json.dumps(document)
    if path != "**.actor":
        assert "geheim" not in json.dumps(document)
        assert document["request"] == {"id": tokens("S", "geheim-r")}
        assert document["tabletrail"]["mark"] == tokens("S", uuid_at(NOW * 1000))
    last = document_of(record(PAID | said, SHIPPED | said), conversion)
    assert last["actor"] == {"last_known": tokens("S", "geheim-a")}


ids = st.builds(uuid_at, st.integers(NOW * 1000 - 400_000, NOW * 1000 + 400_000), st.integers(0, 2**74 - 1))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
garbage = st.one_of(
    values,
    st.dictionaries(st.sampled_from(["id", "for", "actor", "type", "intent", "x"]), values).map(lambda m: {"M": m}),
)


@st.composite
def marks(draw: st.DrawFn, key: Item) -> Item:
    """Mostly sound ones, of this item and near its time; each way to fail now and then."""
    mark_id = draw(ids)
    table = draw(st.sampled_from(["orders"] * 6 + ["other"]))
    right = naive_marks.bound(mark_id, table, key)
    fields = {
        "id": mark_id,
        "for": draw(st.sampled_from([right] * 8 + [right[::-1], right[:31], ""])),
        "actor": draw(st.sampled_from(["alice", "bob", "carol"])),
        "type": draw(st.sampled_from(["", "user", "service", "system", "user", "robot"])),
        "service": draw(words),
        "request_id": draw(words),
        "reason": draw(words),
        "intent": draw(st.sampled_from(["", "", "delete", "delete", "other"])),
    }
    typed: Item = {name: {"S": text} for name, text in fields.items() if text or draw(st.booleans())}
    if draw(st.integers(0, 9)) == 0:
        typed[draw(st.sampled_from([*fields, "extra"]))] = draw(scalars)
    return {"M": typed}


@st.composite
def marked_records(draw: st.DrawFn) -> Item:
    key = draw(keys)
    images: list[Item | None] = []
    pool = [draw(marks(key)), draw(marks(key)), draw(garbage)]
    for _ in range(2):
        image = key | draw(st.sampled_from([PAID, PAID, SHIPPED]))
        image |= draw(st.sampled_from([{"_audit": one} for one in pool[:2] * 3 + pool[2:]] + [{}]))
        images.append(image | draw(st.sampled_from([{}, {"updatedBy": {"S": "dora"}}, {"updatedBy": {"S": "emil"}}])))
    action = draw(st.sampled_from(["INSERT", "MODIFY", "MODIFY", "MODIFY", "REMOVE", "REMOVE"]))
    old = None if action == "INSERT" or draw(st.integers(0, 19)) == 0 else images[0]
    new = None if action == "REMOVE" or draw(st.integers(0, 19)) == 0 else images[1]
    return record(old, new, Keys=key) | {"eventName": action}


@given(marked_records())
def test_it_is_as_the_rules_say_in_words(made: Item) -> None:
    document = document_of(made)
    assert document.get("actor", {}) == naive_marks.actor(made, "orders")
    named = naive_marks.namer(made, "orders")
    assert document["tabletrail"].get("mark", "") == (named["id"] if named else "")
    assert document.get("reason", "") == (named["reason"] if named else "")
    assert document.get("request", {"id": ""})["id"] == (named["request_id"] if named else "")


@given(marked_records(), garbage, st.booleans())
@example(record(PAID, SHIPPED), {"M": {"id": {"S": "x" * 100_000}}}, True)
@example(record(PAID, SHIPPED), {"L": []}, True)
def test_garbage_breaks_nothing(made: Item, value: Item, is_old: bool) -> None:
    image = made["dynamodb"].get("OldImage" if is_old else "NewImage")
    if image is not None:
        image["_audit"] = value
    document = document_of(made)
    assert document.get("actor", {}).get("source") in (None, "mark", "attribute")


@pytest.mark.parametrize(
    "value", [None, 1, "x", [], {}, {"M": None}, {"M": []}, {"M": {"id": None}}, {"M": {"id": {"S": 7}}}, {"S": {}}]
)
def test_what_dynamodb_would_never_send_costs_no_entry_that_was_one_before(value: Any) -> None:
    """It did not change, so nobody looks into it."""
    document = document_of(record(PAID | {"_audit": value}, SHIPPED | {"_audit": value}))
    assert "actor" not in document


@pytest.mark.parametrize("key", [{"pk": {"N": "1E+999999"}}, {"pk": {"N": "NaN"}}, {"pk": {"N": "one"}}])
def test_a_key_that_is_no_number_has_no_mark_and_no_trouble(key: Item) -> None:
    assert "actor" not in document_of(record(PAID, SHIPPED | NEWER, Keys=key))
    assert binding(uuid_at(0), "orders", key) == ""


def test_another_table_is_another_binding() -> None:
    made = record(PAID, SHIPPED | NEWER)
    other = replace(SOURCE, table_name="orders-restored")
    assert "actor" not in document_of(made, source=other)
