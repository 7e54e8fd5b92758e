"""Every entry that any test produces is held against the schema here.

Called by tests of all directories: `from tests.validation import assert_valid_entry`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tabletrail.core.canonical import canonical
from tabletrail.core.document import hash_of_document

SCHEMA_PATH = Path(__file__).parent.parent / "mappings" / "schema" / "audit_entry.v1.schema.json"


@cache
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA_PATH.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def assert_valid_entry(entry: bytes | Mapping[str, Any]) -> dict[str, Any]:
    """Fails unless the entry fits the schema, holds no float and its event.hash is right; bytes must be canonical."""
    document = json.loads(entry) if isinstance(entry, bytes) else dict(entry)
    problems = [f"{error.json_path}: {error.message}" for error in validator().iter_errors(document)]
    assert not problems, "; ".join(problems)
    assert document["event"]["hash"] == hash_of_document(document), "event.hash does not match the entry"
    if isinstance(entry, bytes):
        assert entry == canonical(document), "the entry's bytes are not canonical"
    return document
