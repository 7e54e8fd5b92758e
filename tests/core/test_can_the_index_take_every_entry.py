"""Can a legal item make an entry that the index would refuse, or one that costs without bound?"""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tabletrail.core.document import with_log
from tabletrail.core.entry import Entry, convert, reduced_entry
from tests.core.strategies import CONVERSION, SOURCE, record, records
from tests.validation import assert_valid_entry

LUCENE_LONGEST_TERM = 32_766
MAPPINGS = Path(__file__).parent.parent.parent / "mappings"
FLAT = ("before", "after")
ITEM_BYTES = 400_000


def terms_of(document: dict[str, Any]) -> list[str]:
    """Every text that becomes one term: keywords, and flat_object's path, value, and both with their prefix."""
    terms: list[str] = []

    def look(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                terms.append(f"{name}.{key}={inner}")
                look(f"{name}.{key}", inner)
        elif isinstance(value, list):
            for inner in value:
                look(name, inner)
        elif isinstance(value, str) and name != "message":
            terms.append(value)

    for name, value in document.items():
        look(name, value)
    return terms


def longest_term(entry: Entry) -> int:
    document = assert_valid_entry(entry.document)
    return max(len(term.encode()) for term in terms_of(document))


@given(records())
def test_no_term_is_longer_than_lucene_takes(made: dict[str, Any]) -> None:
    assert longest_term(convert(made, SOURCE, CONVERSION)) < LUCENE_LONGEST_TERM


def huge_items() -> dict[str, dict[str, Any]]:
    """Items near 400 KB, each in its own awkward way."""
    name = "😀" * 16_000
    return {
        "one text": {"text": {"S": "x" * ITEM_BYTES}},
        "emoji": {"text": {"S": "😀" * (ITEM_BYTES // 4)}},
        "control characters": {"text": {"S": "\x00" * ITEM_BYTES}},
        "binary": {"data": {"B": base64.b64encode(bytes(ITEM_BYTES)).decode()}},
        "many attributes": {f"attribute{one:05d}": {"S": "x" * 20} for one in range(10_000)},
        "a list of nulls": {"list": {"L": [{"NULL": True}] * 200_000}},
        "a list of numbers": {"list": {"L": [{"N": str(one)} for one in range(60_000)]}},
        "a long set": {"set": {"SS": [f"{one:06d}" for one in range(50_000)]}},
        "long names": {name + str(one): {"M": {name: {"N": "1"}}} for one in range(3)},
        "a long name over a long list": {"n" * 60_000: {"L": [{"BOOL": True}] * 100_000}},
        "long names, nested": nested(ITEM_BYTES // 32),
    }


def nested(name_length: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "leaf"}
    for level in range(31):
        value = {"M": {chr(97 + level % 26) * name_length: value}}
    return {"top": value}


@pytest.mark.parametrize("case", huge_items())
def test_a_huge_item_makes_an_entry_of_bounded_size_in_bounded_time(case: str) -> None:
    item = huge_items()[case]
    changed = json.loads(json.dumps(item)) | {"status": {"S": "shipped"}}
    for old, new in ((None, item), (item, changed), (item, {"pk": {"S": "x"}}), (item, None)):
        started = time.process_time()
        entry = convert(record(old, new), SOURCE, CONVERSION)
        assert time.process_time() - started < 5
        assert entry.kind == "change"
        assert longest_term(entry) < LUCENE_LONGEST_TERM
        assert len(entry.document) < 4_000_000
        assert json.loads(entry.images) == {"form": "plain", "new": new, "old": old}


def test_a_huge_change_says_that_it_lists_only_a_part() -> None:
    document = assert_valid_entry(convert(record({}, huge_items()["many attributes"]), SOURCE, CONVERSION).document)
    assert document["changed_count"] == 10_000
    assert len(document["changed"]) == len(document["after"]) == 1000
    assert document["tabletrail"]["truncated"] is True


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(levels):
        value = {"L": [value]}
    return {"a": value}


def test_nesting_far_beyond_dynamodbs_is_no_danger() -> None:
    document = assert_valid_entry(convert(record({}, deep(160)), SOURCE, CONVERSION).document)
    assert document["after"] == {"a" + "[0]" * 160: "leaf"}


def test_what_is_too_deep_for_json_is_kept_as_unreadable() -> None:
    levels = sys.getrecursionlimit()
    entry = convert(record({}, deep(levels)), SOURCE, CONVERSION)
    assert entry.kind == "unreadable"
    assert_valid_entry(entry.document)
    whole = json.loads(entry.images)["record"]
    shallow = json.dumps(record({}, deep(0)), sort_keys=True, separators=(",", ":"))
    assert whole == shallow.replace('{"S":"leaf"}', '{"L":[' * levels + '{"S":"leaf"}' + "]}" * levels)


@given(records())
def test_the_reduced_entry_has_no_field_that_an_item_could_make_large(made: dict[str, Any]) -> None:
    entry = convert(made, SOURCE, CONVERSION)
    reduced = reduced_entry(with_log(entry.document, entry.index, "s", 1), "error" * 1000)
    assert len(reduced) < 6000


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("12345678901234567890123456789012345678", True),
        ("-12345678901234567890123456789012345678", True),
        ("0.1", True),
        ("1E+125", True),
        ("-9.9999999999999999999999999999999999999E+125", True),
        ("1E-130", True),
        ("1E+400", False),
        ("NaN", False),
        ("0x10", False),
        ("", False),
    ],
)
def test_numbers_are_the_digits_that_dynamodb_sent(text: str, listed: bool) -> None:
    entry = convert(record({"n": {"N": "0"}}, {"n": {"N": text}}), SOURCE, CONVERSION)
    document = assert_valid_entry(entry.document)
    assert document["after"]["n"] == text
    assert document["numbers"] == [
        {"path": "n", "before": "0", "after": text} if listed else {"path": "n", "before": "0"}
    ]


@given(records())
def test_no_entry_holds_a_float(made: dict[str, Any]) -> None:
    def refuse(text: str) -> float:
        raise AssertionError(f"a float: {text}")

    json.loads(convert(made, SOURCE, CONVERSION).document, parse_float=refuse, parse_constant=refuse)
