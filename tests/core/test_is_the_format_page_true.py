"""Does what docs/format.md tells a stranger hold, word for word?"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.chain import GENESIS_CHAIN, link_of
from tabletrail.core.entry import convert, coverage_entry, gap_entry, retried_entry
from tabletrail.core.identity import attribution_id, unrecorded_id
from tabletrail.core.paths import member
from tabletrail.core.segment import encode
from tests.golden.add_cases import CONVERSION, SOURCE
from tests.golden.inputs import CASES

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "format.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
LINE, HEADER = (text.strip() for kind, text in BLOCKS if kind == "json")
[PROGRAM] = [text for kind, text in BLOCKS if kind == "python"]


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    """The page's own program."""
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, "docs/format.md", "exec"), names)
    return names


def example() -> bytes:
    entry = convert(CASES["modify"], SOURCE, CONVERSION)
    assert entry.sequence_no
    link = link_of(GENESIS_CHAIN, SOURCE.stream_arn, SOURCE.shard_id, [entry.sequence_no])
    return encode("20261124T060003Z-g1-9f2c", "20261124T060003Z", "g1", (link,), (entry,)).body


def test_the_example_is_what_is_written() -> None:
    assert gzip.decompress(example()).decode() == f"{HEADER}\n{LINE}\n"


def test_the_program_accepts_every_golden_record(program: dict[str, Any]) -> None:
    entries = [convert(one, SOURCE, CONVERSION) for one in CASES.values()]
    entries.append(gap_entry(SOURCE, CONVERSION, "17", "certain", 1_795_500_000))
    entries.append(coverage_entry(SOURCE, CONVERSION, "joined", 1, 1_795_500_000))
    numbers = [entry.sequence_no for entry in entries if entry.sequence_no]
    link = link_of(GENESIS_CHAIN, SOURCE.stream_arn, SOURCE.shard_id, numbers)
    assert program["verify"](encode("s", "r", "g", (link,), entries).body) == len(entries)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b"shipped", b"skipped"),
        (b'"line":1', b'"line":2'),
        (b'"sequence":"400000000000000000017"', b'"sequence":"400000000000000000018"'),
        (b'"count":1', b'"count":2'),
        (b'"chain":"b1', b'"chain":"b2'),
        (b'"entries":1', b'"entries":2'),
    ],
)
def test_the_program_refuses_a_changed_segment(program: dict[str, Any], part: bytes, other: bytes) -> None:
    changed = gzip.decompress(example()).replace(part, other)
    assert changed != gzip.decompress(example())
    with pytest.raises(AssertionError):
        program["verify"](gzip.compress(changed))


def test_the_ids_are_made_as_the_page_says(program: dict[str, Any]) -> None:
    hashed = program["H"]
    arn, shard = SOURCE.stream_arn, SOURCE.shard_id
    change = convert(CASES["modify"], SOURCE, CONVERSION)
    assert change.id == hashed("tabletrail/v1", "change", arn, CASES["modify"]["eventID"], "400000000000000000017")
    broken = convert(CASES["lone_surrogate"], SOURCE, CONVERSION)
    assert broken.id == hashed("tabletrail/v1", "unreadable", arn, shard, "400000000000000000017")
    nowhere = convert(CASES["nothing"], SOURCE, CONVERSION)
    record_hash = program["hashlib"].sha256(json.loads(nowhere.images)["record"].encode()).hexdigest()
    assert nowhere.id == hashed("tabletrail/v1", "unreadable", arn, shard, record_hash)
    assert gap_entry(SOURCE, CONVERSION, None, "certain", 1).id == hashed(
        "tabletrail/v1", "gap", arn, shard, "", "certain"
    )
    assert coverage_entry(SOURCE, CONVERSION, "joined", 12, 1).id == hashed(
        "tabletrail/v1", "coverage", SOURCE.table_arn, arn, "joined", "12"
    )
    retried = json.loads(retried_entry(LINE[len('{"entry":') : LINE.index(',"images":{"form"')].encode()))
    assert retried["event"]["id"] == hashed("tabletrail/v1", "retry", retried["tabletrail"]["supersedes"])
    assert attribution_id(arn, change.id) == hashed("tabletrail/v1", "attribution", arn, change.id)
    assert unrecorded_id(arn, "call-1", 3) == hashed("tabletrail/v1", "unrecorded", arn, "call-1", "3")


def test_each_field_of_who_did_it_is_told() -> None:
    told = PAGE.partition("## Fields that tell who did it\n")[2].partition("\n## ")[0]
    schema = json.loads((ROOT / "mappings/schema/audit_entry.v1.schema.json").read_text("utf-8"))["properties"]
    named = {"request.id", "reason", "context"}
    for group in ("actor", "principal"):
        named |= {f"{group}.{name}" for name in schema[group]["properties"]}
    own = ("about", "action", "contradiction", "mark", "outbox", "ttl_attribute")
    named |= {f"tabletrail.{name}" for name in own if name in schema["tabletrail"]["properties"]}
    assert len(named) == 3 + len(schema["actor"]["properties"]) + len(schema["principal"]["properties"]) + len(own)
    assert {name for name in named if f"`{name}`" not in told} == set()
    calls = schema["principal"]["properties"]["candidates"]["items"]["properties"]
    assert [name for name in calls if f"`{name}`" not in told] == []
    words = {word for word in re.findall(r"`([a-z_]+\.[a-z_]+)`", told) if word.split(".")[0] in ("actor", "principal")}
    assert words <= named, "the page tells of a field that no entry has"


@pytest.mark.parametrize(
    "steps",
    [
        ("status",),
        ("lines", 2, "qty"),
        ("a.b",),
        ("address", "zip.code"),
        ("address", "", "x"),
        ("a=b",),
        ('say "no"',),
        ("first name",),
    ],
)
def test_the_paths_are_those_of_the_table(steps: tuple[str | int, ...]) -> None:
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else member(path, step)
    assert f"| `{path}` |" in PAGE
