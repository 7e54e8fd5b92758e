"""Does every record, legal or broken, become one valid entry that carries it whole?"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.entry import Conversion, convert
from tests.core.strategies import CONVERSION, SOURCE, images, record, records
from tests.validation import assert_valid_entry

OLD = {"pk": {"S": "order#17"}, "status": {"S": "paid"}}
NEW = {"pk": {"S": "order#17"}, "status": {"S": "shipped"}}
DROP = object()
NOT_JSON = json.loads('{"\\ud800": NaN}')


@given(records())
def test_a_legal_record_becomes_a_valid_change(made: dict[str, Any]) -> None:
    entry = convert(made, SOURCE, CONVERSION)
    document = assert_valid_entry(entry.document)
    assert (entry.kind, entry.sequence_no) == ("change", made["dynamodb"]["SequenceNumber"])
    assert (document["event"]["id"], document["tabletrail"]["kind"]) == (entry.id, "change")
    data = made["dynamodb"]
    images = {"form": "plain", "new": data.get("NewImage"), "old": data.get("OldImage")}
    assert json.loads(entry.images) == images


@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters())),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(st.characters()), inner, max_size=3)),
))  # fmt: skip
def test_anything_at_all_becomes_a_valid_entry(thing: Any) -> None:
    entry = convert(thing, SOURCE, CONVERSION, fallback_time=1_795_500_000)
    assert entry.kind == "unreadable"
    document = assert_valid_entry(entry.document)
    assert document["@timestamp"] == "2026-11-24T06:00:00Z"
    assert entry.index == "tabletrail-v1-2026.11"
    assert same_json(json.loads(json.loads(entry.images)["record"]), thing)


def same_json(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


BROKEN: list[tuple[tuple[str, ...], Any]] = [
    (("eventID",), DROP),
    (("eventID",), ""),
    (("eventID",), 17),
    (("eventName",), DROP),
    (("eventName",), "UPSERT"),
    (("eventName",), ["MODIFY"]),
    (("dynamodb",), DROP),
    (("dynamodb",), []),
    (("dynamodb", "SequenceNumber"), DROP),
    (("dynamodb", "SequenceNumber"), "12x"),
    (("dynamodb", "SequenceNumber"), "1" * 41),
    (("dynamodb", "SequenceNumber"), "٣"),
    (("dynamodb", "SequenceNumber"), 12),
    (("dynamodb", "ApproximateCreationDateTime"), DROP),
    (("dynamodb", "ApproximateCreationDateTime"), "2026"),
    (("dynamodb", "ApproximateCreationDateTime"), True),
    (("dynamodb", "ApproximateCreationDateTime"), -1),
    (("dynamodb", "ApproximateCreationDateTime"), 1e300),
    (("dynamodb", "ApproximateCreationDateTime"), float("nan")),
    (("dynamodb", "Keys"), DROP),
    (("dynamodb", "Keys"), {}),
    (("dynamodb", "Keys"), {"pk": {"L": []}}),
    (("dynamodb", "NewImage"), []),
    (("dynamodb", "NewImage"), {"status": "shipped"}),
    (("dynamodb", "NewImage"), {"status": {"S": "\ud800"}}),
    (("dynamodb", "NewImage"), {"\udfff": {"S": "x"}}),
    (("dynamodb", "NewImage"), NOT_JSON),
    (("dynamodb", "OldImage"), {"status": {"Q": "paid"}}),
    (("userIdentity",), "someone"),
]


@pytest.mark.parametrize(("place", "value"), BROKEN)
def test_a_broken_record_is_kept_whole(place: tuple[str, ...], value: Any) -> None:
    broken = copy.deepcopy(record(OLD, NEW))
    target = broken
    for step in place[:-1]:
        target = target[step]
    if value is DROP:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    entry = convert(broken, SOURCE, CONVERSION, fallback_time=1_000_000_000)
    document = assert_valid_entry(entry.document)
    assert entry.kind == "unreadable"
    assert same_json(json.loads(json.loads(entry.images)["record"]), broken)
    assert entry.images.isascii()
    assert "paid" not in document["message"] + document["tabletrail"]["unreadable"]["reason"]


def test_a_broken_record_keeps_its_place_time_and_key_where_they_are_good() -> None:
    broken = record(OLD, NEW)
    broken["eventName"] = "?"
    entry = convert(broken, SOURCE, CONVERSION, fallback_time=1)
    document = assert_valid_entry(entry.document)
    assert entry.sequence_no == "400000000000000000017"
    assert document["stream"]["sequence"] == entry.sequence_no
    assert document["item"] == {"id": "order#17", "key": {"pk": "order#17"}}
    assert document["@timestamp"] == "2026-11-24T06:00:00Z"


def test_two_broken_records_without_numbers_have_two_ids() -> None:
    ids = {convert({"eventID": str(one)}, SOURCE, CONVERSION).id for one in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("old", "new", "name", "is_incomplete"),
    [
        (None, NEW, "INSERT", False),
        (OLD, None, "REMOVE", False),
        (OLD, NEW, "MODIFY", False),
        (None, None, "INSERT", True),
        (OLD, None, "MODIFY", True),
        (None, NEW, "MODIFY", True),
        (None, None, "MODIFY", True),
        (None, NEW, "REMOVE", True),
        (None, None, "REMOVE", True),
    ],
)
def test_a_missing_image_never_looks_like_a_change(
    old: dict[str, Any] | None, new: dict[str, Any] | None, name: str, is_incomplete: bool
) -> None:
    made = record(old, new)
    made["eventName"] = name
    document = assert_valid_entry(convert(made, SOURCE, CONVERSION).document)
    assert document["tabletrail"].get("incomplete", False) is is_incomplete
    assert (document["changed_count"] == 0) is is_incomplete
    assert ("before" in document or "after" in document) is not is_incomplete


@given(images)
def test_no_attribute_name_confuses_the_splices(image: dict[str, Any]) -> None:
    traps = {name: {"S": name} for name in ("event", "id", "hash", "log", "message", "images", '"event":{', '"id":"')}
    entry = convert(record({}, image | traps), SOURCE, CONVERSION)
    assert entry.kind == "change"
    assert_valid_entry(entry.document)


@pytest.mark.parametrize(
    ("period", "index"),
    [("month", "tabletrail-v1-2026.11"), ("week", "tabletrail-v1-2026.w48"), ("day", "tabletrail-v1-2026.11.24")],
)
def test_the_index_follows_from_the_records_time(period: str, index: str) -> None:
    assert convert(record(OLD, NEW), SOURCE, Conversion(period, "")).index == index
