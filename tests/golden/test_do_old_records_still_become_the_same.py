"""Does each golden record still become the very entry that it became when its case was made?"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.entry import Source, convert
from tests.golden.add_cases import DIRECTORY, MANIFEST, conversion_of, evidence_of
from tests.golden.inputs import CASES
from tests.validation import assert_valid_entry

FILES = sorted(DIRECTORY.glob("*.json"))


def load(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text("ascii"))
    return case


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_record_becomes_its_entry(path: Path) -> None:
    case = load(path)
    conversion = conversion_of(case["conversion"])
    assert conversion.rules_version == case["conversion"]["rules_version"]
    entry = convert(case["record"], Source(**case["source"]), conversion, case["fallback_time"], evidence_of(case))
    document = assert_valid_entry(entry.document)
    assert document == case["document"]
    assert (entry.id, entry.index) == (case["id"], case["index"])
    assert document["event"]["hash"] == case["event_hash"]
    assert sha256(entry.document).hexdigest() == case["document_sha256"]
    assert sha256(entry.images).hexdigest() == case["images_sha256"]


def test_no_case_was_edited_or_taken_away() -> None:
    lines = MANIFEST.read_text("ascii").splitlines()
    promised = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert len(promised) == len(lines), "a case is in the manifest twice"
    found = {f"cases/{path.name}": sha256(path.read_bytes()).hexdigest() for path in FILES}
    assert found == promised, "golden cases are only ever added: run tests/golden/add_cases.py for a new one"


@pytest.mark.parametrize("name", CASES)
def test_every_input_has_its_case(name: str) -> None:
    path = DIRECTORY / f"{name}.json"
    assert path.exists(), "run tests/golden/add_cases.py"
    assert load(path)["record"] == CASES[name]
