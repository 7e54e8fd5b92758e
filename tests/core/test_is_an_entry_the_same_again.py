"""Does the same record give the same bytes, and each position an id of its own?"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.document import with_log
from tabletrail.core.entry import Conversion, convert, coverage_entry, gap_entry, reduced_entry, retried_entry
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import Tokens
from tests.core.strategies import CONVERSION, SOURCE, record, records
from tests.validation import assert_valid_entry

OTHER_SHARD = dataclasses.replace(SOURCE, shard_id="shardId-2")
AT = 1_795_500_000


@given(records(), st.randoms(use_true_random=False))
def test_reading_again_gives_the_same_bytes(made: dict[str, Any], shuffler: random.Random) -> None:
    first = convert(made, SOURCE, CONVERSION)
    assert convert(json.loads(json.dumps(made)), SOURCE, CONVERSION) == first
    assert convert(_reordered(made, shuffler), SOURCE, CONVERSION) == first


def _reordered(value: Any, shuffler: random.Random) -> Any:
    if isinstance(value, list):
        return [_reordered(one, shuffler) for one in value]
    if not isinstance(value, dict):
        return value
    names = list(value)
    shuffler.shuffle(names)
    return {name: _reordered(value[name], shuffler) for name in names}


def test_converting_does_not_change_the_record() -> None:
    made = record({"a": {"L": [{"N": "1"}]}}, {"a": {"L": []}})
    before = json.dumps(made)
    convert(made, SOURCE, CONVERSION)
    assert json.dumps(made) == before


def test_one_conversion_does_not_leak_into_the_next() -> None:
    convert(record({}, {"a": {"S": "x"}}), SOURCE, CONVERSION)
    coverage_entry(SOURCE, CONVERSION, "joined", 1, AT, "words")
    gap_entry(SOURCE, CONVERSION, "7", "certain", AT)
    document = assert_valid_entry(convert(record({}, {}), SOURCE, CONVERSION).document)
    assert document["tabletrail"] == {"kind": "change", "rules_version": "none", "schema": 1}


def test_every_position_and_kind_has_an_id_of_its_own() -> None:
    made = record({}, {"a": {"S": "x"}})
    later = record({}, {"a": {"S": "x"}}, SequenceNumber="400000000000000000018")
    broken, broken_later = made | {"eventName": "?"}, later | {"eventName": "?"}
    entries = [convert(one, SOURCE, CONVERSION) for one in (made, later, broken, broken_later)]
    entries += [gap_entry(SOURCE, CONVERSION, "400000000000000000017", how, AT) for how in ("certain", "possible")]
    entries += [
        gap_entry(SOURCE, CONVERSION, None, "certain", AT),
        gap_entry(OTHER_SHARD, CONVERSION, None, "certain", AT),
    ]
    entries += [coverage_entry(SOURCE, CONVERSION, what, no, AT) for what in ("joined", "left") for no in (1, 2)]
    assert len({entry.id for entry in entries}) == len(entries)


def test_the_observers_clock_is_in_no_id() -> None:
    assert gap_entry(SOURCE, CONVERSION, "7", "certain", 1).id == gap_entry(SOURCE, CONVERSION, "7", "certain", AT).id
    one, other = (coverage_entry(SOURCE, CONVERSION, "joined", 3, at) for at in (1, AT))
    assert one.id == other.id
    assert one.index != other.index


def test_notices_are_valid_entries() -> None:
    no_shard = dataclasses.replace(SOURCE, shard_id="", service="")
    for entry in (
        gap_entry(SOURCE, CONVERSION, None, "possible", AT),
        gap_entry(SOURCE, CONVERSION, "17", "certain", AT, reason="vanished"),
        gap_entry(no_shard, CONVERSION, None, "possible", AT, reason="stream_replaced"),
        coverage_entry(no_shard, CONVERSION, "joined", 1, AT),
        coverage_entry(no_shard, CONVERSION, "something_new", 2, AT, "and why"),
    ):
        document = assert_valid_entry(entry.document)
        assert (document["event"]["id"], document["tabletrail"]["kind"]) == (entry.id, entry.kind)
        assert entry.images == b'{"form":"none"}'
        assert entry.sequence_no is None


def test_the_sentences_of_notices() -> None:
    gap = json.loads(gap_entry(SOURCE, CONVERSION, "17", "certain", AT).document)
    assert gap["message"] == (
        f"changes of orders are missing: shard {SOURCE.shard_id} was trimmed after 17 before it was read"
    )
    joined = json.loads(coverage_entry(SOURCE, CONVERSION, "joined", 1, AT).document)
    assert joined["message"] == "orders is audited from now on"


@given(records())
def test_a_reduced_entry_stands_for_the_full_one(made: dict[str, Any]) -> None:
    entry = convert(made, SOURCE, CONVERSION)
    full = with_log(entry.document, entry.index, "segment-1", 7)
    reduced = assert_valid_entry(reduced_entry(full, "mapper_parsing_exception"))
    assert reduced["event"]["id"] == entry.id
    assert reduced["tabletrail"]["kind"] == "parked"
    assert reduced["tabletrail"]["parked"]["hash"] == json.loads(full)["event"]["hash"]
    assert reduced["log"] == {"index": entry.index, "line": 7, "segment": "segment-1"}
    assert len(json.dumps(reduced["item"])) < 4000
    assert not {"before", "after", "changed", "numbers", "actor"} & set(reduced)
    assert reduced_entry(json.loads(entry.document), "mapper_parsing_exception", reduced["log"]) == reduced_entry(
        full, "mapper_parsing_exception"
    )


@given(records())
def test_a_retried_entry_is_full_and_says_what_it_supersedes(made: dict[str, Any]) -> None:
    entry = convert(made, SOURCE, CONVERSION)
    full = with_log(entry.document, entry.index, "segment-1", 7)
    retried = assert_valid_entry(retried_entry(full))
    assert retried["tabletrail"]["supersedes"] == entry.id != retried["event"]["id"]
    assert retried["event"]["id"] == json.loads(retried_entry(full))["event"]["id"]
    for name in ("before", "after", "changed", "item", "message", "log"):
        assert retried.get(name) == json.loads(full).get(name)


def test_other_rules_or_period_change_the_entry_but_not_its_id() -> None:
    made = record({}, {"a": {"S": "x"}})
    other_rules = compile_policy({"rules": []})
    one, other = convert(made, SOURCE, CONVERSION), convert(made, SOURCE, Conversion("day", "", other_rules))
    assert one.id == other.id
    assert one.document != other.document


EVERYTHING = {
    "rules": [
        {"name": f"rule-{number}", "severity": "high", "tags": [f"t{number}"], "when": {"path": path}}
        for number, path in enumerate(("**.status", "*", "note", "lines[].qty"))
    ]
    + [{"name": "hours", "severity": "low", "when": {"time": {"zone": "Asia/Tokyo", "within": [{"from": "09:00"}]}}}],
    "sensitive": [{"table": "*", "path": ["note", "emails.*"], "names": True}],
}
ITEM = {
    "status": {"S": "paid"},
    "note": {"S": "x"},
    "emails": {"M": {f"user{number}@example.org": {"BOOL": True} for number in range(20)}},
    "labels": {"SS": ["b", "a", "c"]},
}


def document_under_a_policy() -> str:
    """What another process must make too."""
    conversion = Conversion("month", "updatedBy", compile_policy(EVERYTHING), Tokens(bytes(range(32))))
    return convert(record({}, ITEM), SOURCE, conversion).document.decode()


@pytest.mark.parametrize(("seed", "zone"), [("0", "UTC"), ("1", "Asia/Tokyo"), ("2", "America/New_York")])
def test_another_process_under_the_same_policy_makes_the_same_bytes(seed: str, zone: str) -> None:
    code = f"from tests.core.{Path(__file__).stem} import document_under_a_policy as made; print(made())"
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": f"{root}/functions:{root}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == document_under_a_policy() + "\n"
    assert '"rule":{"name":["hours","rule-0","rule-1","rule-2"]}' in done.stdout
