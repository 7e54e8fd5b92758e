"""Is the index template the one that the schema makes, and does every field have a mapping of a sound type?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

MAPPINGS = Path(__file__).parent.parent.parent / "mappings"
TEMPLATE = json.loads((MAPPINGS / "index_template.v1.json").read_text("utf-8"))
SCHEMA = json.loads((MAPPINGS / "schema" / "audit_entry.v1.schema.json").read_text("utf-8"))
LONGEST_TERM = 32_766
FROZEN = {
    1: "aed8294a2bc7b85909dc766270e4b6865353c9d36e8c1b5dea66f0fb6aa35d9e",
    2: "c581a42644a23f94e1d100188f9d0bdd4149288d71bf8a25d2fb9ded1e8141f3",
    3: "a5cf5e22e238be496163ca1e1e8a64e300d90de2e1c061b99ed356ad93990b0f",
}
"""SHA-256 of each version that a release brought: indices that it made exist as long as they are kept."""


def fields_of(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in properties.items():
        yield prefix + name, field
        yield from fields_of(field.get("properties", {}), f"{prefix}{name}.")


FIELDS = dict(fields_of(TEMPLATE["template"]["mappings"]["properties"]))


def test_it_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, MAPPINGS / "generate_template.py", "--check"], check=False)
    assert done.returncode == 0, "run python mappings/generate_template.py"


def test_an_index_made_from_it_is_write_once_and_takes_no_new_fields() -> None:
    inner = TEMPLATE["template"]
    assert inner["settings"]["index.append_only.enabled"] is True
    assert inner["mappings"]["dynamic"] is False
    assert list(inner["aliases"]) == ["tabletrail"]
    assert TEMPLATE["index_patterns"] == ["tabletrail-v1-*"]
    assert TEMPLATE["_meta"]["version"] == TEMPLATE["version"]


def test_no_keyword_can_make_a_document_be_refused() -> None:
    keywords = {name: field for name, field in FIELDS.items() if field.get("type") == "keyword"}
    assert keywords
    # Lucene counts bytes, ignore_above counts characters of up to 4 bytes.
    assert {name for name, field in keywords.items() if field["ignore_above"] * 4 > LONGEST_TERM} == set()


def test_the_types_are_the_ones_that_queries_rely_on() -> None:
    types = {name: field.get("type", "object") for name, field in FIELDS.items()}
    assert types["@timestamp"] == types["principal.at"] == types["principal.candidates.at"] == "date"
    assert types["message"] == "text"
    assert types["before"] == types["after"] == types["context"] == types["item.key"] == "flat_object"
    assert types["numbers"] == "nested"
    assert types["numbers.before"] == types["numbers.after"] == "double"
    assert types["numbers.path"] == types["changed"] == types["changed_path"] == types["item.id"] == "keyword"
    assert types["event.severity"] == types["log.line"] == "long"
    # Few and read together: one document each would cost more than a question that joins two of them is worth.
    assert types["principal.candidates"] == types["actor.candidates"] == "object"


def test_every_field_of_the_schema_says_what_it_is() -> None:
    def described(node: dict[str, Any], name: str) -> Iterator[str]:
        for inner_name, field in node.get("properties", {}).items():
            if not field.get("description"):
                yield f"{name}{inner_name}"
            if "properties" in field and field.get("additionalProperties") is not False:
                yield f"{name}{inner_name} takes any field"
            yield from described(field.get("items", field), f"{name}{inner_name}.")

    assert list(described(SCHEMA, "")) == []


def test_each_earlier_version_is_kept_as_it_was() -> None:
    kept = {version: MAPPINGS / "earlier" / f"index_template.v1.{version}.json" for version in FROZEN}
    assert set((MAPPINGS / "earlier").iterdir()) == set(kept.values())
    assert {version: sha256(path.read_bytes()).hexdigest() for version, path in kept.items()} == FROZEN
    assert list(FROZEN) == list(range(1, TEMPLATE["version"]))


def test_an_index_says_which_version_made_it() -> None:
    assert TEMPLATE["template"]["mappings"]["_meta"] == {"schema": 1, "template": TEMPLATE["version"]}


def test_identifiers_have_parts_and_a_word_of_text_is_never_longer_than_lucene_takes() -> None:
    settings = TEMPLATE["template"]["settings"]
    assert settings["index.analysis.tokenizer.tabletrail_blanks.max_token_length"] * 4 < LONGEST_TERM
    texts = {name: field for name, field in FIELDS.items() if field.get("type") == "text"}
    parts = {name: field["fields"]["parts"] for name, field in FIELDS.items() if "parts" in field.get("fields", {})}
    actors = {"actor.id", "actor.last_known", "actor.candidates.id"}
    principals = {"principal.arn", "principal.name", "principal.session", "principal.source_identity"}
    callers = {"principal.user_agent", "principal.candidates.arn"}
    assert set(parts) == {"item.id", "request.id", *actors, *principals, *callers}
    for field in (*texts.values(), *parts.values()):
        assert field["analyzer"] == "tabletrail_words"
        assert field["search_analyzer"] == "tabletrail_question"
        assert field["search_quote_analyzer"] == "tabletrail_phrase"
    analyzers = {name for name in settings if name.startswith("index.analysis.analyzer.") and name.endswith(".type")}
    assert {name.split(".")[3] for name in analyzers} == {
        "tabletrail_words",
        "tabletrail_question",
        "tabletrail_phrase",
    }
