"""Is each entry of the planted story one that the schema of entries allows, those that were altered by hand too?"""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from tests.dashboards.planted_index import story
from tests.ports.opensearch_server import MAPPINGS

SCHEMA = json.loads((MAPPINGS / "schema" / "audit_entry.v1.schema.json").read_text("utf-8"))


def test_each_entry_is_an_entry() -> None:
    validator = Draft202012Validator(SCHEMA)
    for one in story():
        wrong = next(validator.iter_errors(json.loads(one.document)), None)
        assert wrong is None, (one.deed.kind, one.deed.action, wrong.message)


def test_each_kind_of_answer_is_in_it() -> None:
    changes = [one.deed for one in story() if one.deed.kind == "change"]
    known = {(deed.source, deed.confidence) for deed in changes}
    certain = {("ttl", "certain"), ("outbox", "certain")}
    assert known == certain | {
        ("outbox", "likely"),
        ("outbox", "possible"),
        ("mark", "likely"),
        ("attribute", "possible"),
        ("", ""),
    }
    said = [one.deed for one in story() if one.deed.kind == "attribution"]
    assert {deed.action for deed in said} == {"attributed", "unattributed", "unrecorded"}
    assert {deed.contradiction for deed in said} == {True, False}
    assert {bool(deed.principals) for deed in said} == {True, False}
