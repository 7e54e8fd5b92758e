"""Do the writers' package and the log, which share no code, mean the same by a mark?"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core import marks as log
from tabletrail.core.entry import convert
from tabletrail_client import marks as writer
from tabletrail_client.context import ACTOR_TYPES, LONGEST, Act
from tests.core import naive_marks
from tests.core.strategies import CONVERSION, SOURCE, record

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
decimals = st.decimals(min_value="-9E+125", max_value="9E+125", allow_nan=False, allow_infinity=False).map(
    lambda number: number.normalize()
)
numbers = decimals.filter(lambda number: len(number.as_tuple().digits) <= 38 and abs(number.adjusted()) <= 125)
parts = st.one_of(
    texts.map(lambda text: {"S": text}),
    numbers.map(lambda number: {"N": str(number)}),
    st.binary(min_size=1, max_size=8).map(lambda data: {"B": data}),
)
keys = st.dictionaries(texts, parts, min_size=1, max_size=2)
acts = st.builds(
    Act, actor=texts, type=st.sampled_from(["", *ACTOR_TYPES]), service=texts, request_id=texts, reason=texts
)


def in_the_stream(key: dict[str, Any]) -> dict[str, Any]:
    """As a record has it: binary in base64, numbers as DynamoDB writes them."""
    return {
        name: {
            kind: base64.b64encode(content).decode()
            if kind == "B"
            else naive_marks.number(content)
            if kind == "N"
            else content
        }
        for name, value in key.items()
        for kind, content in value.items()
    }


@given(keys, texts)
def test_is_the_binding_the_same(key: dict[str, Any], table: str) -> None:
    mark_id = writer.new_id()
    mine = writer.binding(mark_id, table, key)
    assert log.binding(mark_id, table, in_the_stream(key)) == mine
    assert naive_marks.bound(mark_id, table, in_the_stream(key)) == mine
    # DynamoDB's own text is what counts, but another way to write the same number is no other item.
    assert log.binding(mark_id, table, in_the_stream(key) | {n: v for n, v in key.items() if "N" in v}) == mine


@given(acts, keys, st.sampled_from(["", "delete"]))
def test_is_each_field_read_as_it_was_said(act: Act, key: dict[str, Any], intent: str) -> None:
    found = log.mark_in(writer.mark(act, "orders", key, intent))
    assert found is not None
    said = (act.actor, act.type or "user", act.service, act.request_id, act.reason, intent)
    assert (found.actor, found.type, found.service, found.request_id, found.reason, found.intent) == said
    assert found.bound == writer.binding(found.id, "orders", key)


def test_are_the_limits_the_same() -> None:
    assert (writer.ATTRIBUTE, writer.DELETE) == (log.ATTRIBUTE, log.DELETE)
    assert set(ACTOR_TYPES) == log.TYPES
    longest = {log.LONGEST_NAME if name != "reason" else log.LONGEST_REASON: most for name, most in LONGEST.items()}
    assert all(mine == theirs for mine, theirs in longest.items())
    assert len(longest) == 2
    name = "x" * LONGEST["actor"]
    act = Act(actor=name, type="user", service=name, request_id=name, reason="x" * LONGEST["reason"])
    assert log.mark_in(writer.mark(act, "orders", {"pk": {"S": "a"}})) is not None


@pytest.mark.parametrize("name", ["mark_of_a_change", "mark_of_an_insert", "mark_of_a_number_and_a_binary"])
def test_does_a_writer_make_the_golden_marks(name: str) -> None:
    case = json.loads((Path(__file__).parents[1] / "golden" / "cases" / f"{name}.json").read_text("ascii"))
    data = case["record"]["dynamodb"]
    fields = {field: value["S"] for field, value in data["NewImage"]["_audit"]["M"].items()}
    said = {"id", "for", "actor", "type", "service", "request_id", "reason"}
    act = Act(**{field: text for field, text in fields.items() if field in said - {"id", "for"}})
    assert writer.mark(act, "orders", data["Keys"], mark_id=fields["id"]) == data["NewImage"]["_audit"]
    assert case["document"]["actor"]["source"] == "mark"


@given(acts, keys)
def test_does_an_entry_name_whom_the_package_marked(act: Act, key: dict[str, Any]) -> None:
    seen = in_the_stream(key)
    made = writer.mark(act, "orders", key, mark_id=naive_marks.uuid_at(1_795_500_000_123))
    entry = convert(record(None, seen | {"_audit": made}, Keys=seen), SOURCE, CONVERSION)
    actor = json.loads(entry.document)["actor"]
    assert (actor["id"], actor["source"], actor["confidence"]) == (act.actor, "mark", "likely")
