r"""Makes the index template from the entry's schema, so that no field can be in one and not in the other.

    python mappings/generate_template.py           writes mappings/index_template.v1.json
    python mappings/generate_template.py --check   says whether it is up to date (exit 1 if not)

Rules
- A field's mapping is its `x-opensearch` in the schema; an object without one is an object there too.
- TEMPLATE_VERSION grows with each release that changes the result: the installer never puts an older over a newer one.
  The result of each earlier version stays in mappings/earlier/, since indices that it made are used for years.
- Numbers of shards and replicas are the installer's: they follow from the cluster and the volume.

How text is taken apart (docs/search.md has examples, tests/ports tries each on the real server)
- Words are what stands between blanks, without the marks around them. One with marks inside (`order#17`, an ARN, an
  address, a UUID) is kept whole, and each of its parts stands at a place of its own, one after the other. So a part
  is found, and a run of parts, such as `example.com`, is a phrase.
- `orderStatus` is one part; its words `order` and `status` stand at the same place.
- A question's word is not searched as "any of its parts": it means the whole word, or all its parts in a row. For that
  `tabletrail_question` keeps the graph of both, of which OpenSearch makes a phrase in every kind of query.
- In quotes there are only parts: a graph would make two alternatives of each word, and 2^n of a sentence.
- Scripts without blanks between words (Chinese, Japanese, Thai and others) are taken apart: each character is a part.

Called by developers and by tests/core.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCHEMA = HERE / "schema" / "audit_entry.v1.schema.json"
TEMPLATE = HERE / "index_template.v1.json"
TEMPLATE_VERSION = 4

_LETTERS = r"\p{L}\p{M}\p{N}"
_WITHOUT_BLANKS = "".join(
    rf"\p{{Is{script}}}" for script in ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar")
)
# Only in a word of letters and digits with a small letter before a capital; then piece by piece without a hole (\G).
_CAMEL_CASE = (
    rf"(?:^(?=[{_LETTERS}]*\p{{Ll}}\p{{Lu}}[{_LETTERS}]*$)|(?<!^)\G)"
    r"(\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{M}\p{N}]+|\p{Lu}+)"
)


def _parts(with_whole: bool) -> dict[str, Any]:
    """Parts between marks alone: digits stay with letters, or a UUID would fall to pieces of one character."""
    return {
        "type": "word_delimiter_graph",
        "preserve_original": with_whole,
        "split_on_case_change": False,
        "split_on_numerics": False,
        "stem_english_possessive": False,
        "adjust_offsets": False,  # the filters before may have made the word shorter than its place in the text
    }


def _analyzer(*last: str) -> dict[str, Any]:
    filters = ["tabletrail_trim", "tabletrail_not_empty", *last, "lowercase"]
    return {
        "type": "custom",
        "char_filter": ["tabletrail_characters"],
        "tokenizer": "tabletrail_blanks",
        "filter": filters,
    }


ANALYSIS: dict[str, dict[str, Any]] = {
    "char_filter": {
        "tabletrail_characters": {
            "type": "pattern_replace",
            "pattern": f"([{_WITHOUT_BLANKS}])",
            "replacement": "·$1·",  # a mark, so that what follows takes each for a part
        }
    },
    # A longer word is cut into several; one term must stay below Lucene's 32,766 bytes.
    "tokenizer": {"tabletrail_blanks": {"type": "whitespace", "max_token_length": 2000}},
    "filter": {
        "tabletrail_trim": {
            "type": "pattern_replace",
            "pattern": f"^[^{_LETTERS}]+|[^{_LETTERS}]+$",
            "replacement": "",
        },
        "tabletrail_not_empty": {"type": "length", "min": 1},
        "tabletrail_whole_and_parts": _parts(with_whole=True),
        "tabletrail_parts": _parts(with_whole=False),
        "tabletrail_camel_case": {"type": "pattern_capture", "preserve_original": True, "patterns": [_CAMEL_CASE]},
    },
    "analyzer": {
        "tabletrail_words": _analyzer("tabletrail_whole_and_parts", "flatten_graph", "tabletrail_camel_case"),
        "tabletrail_question": _analyzer("tabletrail_whole_and_parts"),
        "tabletrail_phrase": _analyzer("tabletrail_parts"),
    },
}

SETTINGS: dict[str, Any] = {
    # Documents can be created and nothing else, for every user; it can never be switched off (OpenSearch 2.19).
    "index.append_only.enabled": True,
    # An audit log is written once, kept for years and read seldom: size before speed.
    "index.codec": "best_compression",
    # Seconds until an entry can be found; less makes many small files.
    "index.refresh_interval": "5s",
    # One entry may have 100 numbers; OpenSearch's own limit of 10,000 is above any bulk mistake.
    "index.mapping.nested_objects.limit": 1000,
    # Where a question names no field. All fields, the default, would find `17` in line numbers and counts.
    # before, after and context: the whole value of anything in them, whatever its path. A principal's session is a part
    # of its ARN; a program's name is asked by its field, or `linux` would find whoever works there.
    # Each text field here is two clauses for each word of a quoted sentence, and the server takes 1,024 in all.
    "index.query.default_field": [
        "message",
        "reason",
        "item.id.parts",
        "actor.id.parts",
        "actor.last_known.parts",
        "actor.candidates.id.parts",
        "principal.arn.parts",
        "principal.name",
        "principal.source_identity",
        "principal.candidates.name",
        "principal.candidates.session",
        "principal.address",
        "principal.request_id",
        "request.id.parts",
        "service.name",
        "tags",
        "rule.name",
        "changed",
        "changed_path",
        "before",
        "after",
        "context",
    ],
    **{
        f"index.analysis.{kind}.{name}.{parameter}": value
        for kind, parts in ANALYSIS.items()
        for name, parameters in parts.items()
        for parameter, value in parameters.items()
    },
}
# No index sort: OpenSearch 2 refuses it beside a nested field.


def template_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The body for PUT _index_template. Each index keeps in its mapping's `_meta` which version made it."""
    return {
        "index_patterns": ["tabletrail-v1-*"],
        "priority": 500,
        "version": TEMPLATE_VERSION,
        "_meta": {
            "description": "tabletrail's audit entries, generated from mappings/schema/audit_entry.v1.schema.json",
            "managed_by": "tabletrail",
            "schema": 1,
            "version": TEMPLATE_VERSION,
        },
        "template": {
            "aliases": {"tabletrail": {}},
            "settings": SETTINGS,
            "mappings": {
                "dynamic": False,
                "_meta": {"schema": 1, "template": TEMPLATE_VERSION},
                "properties": properties_of(schema),
            },
        },
    }


def properties_of(node: dict[str, Any]) -> dict[str, Any]:
    """The mapping's properties of an object's schema, in the order of their names."""
    return {name: _mapping_of(name, field) for name, field in sorted(node["properties"].items())}


def _mapping_of(name: str, field: dict[str, Any]) -> dict[str, Any]:
    mapping = dict(field.get("x-opensearch", {}))
    inner = field.get("items", field)
    if "properties" in inner:
        mapping["properties"] = properties_of(inner)
    if not mapping:
        raise ValueError(f"the field {name} has no x-opensearch")
    return mapping


def text_of(schema: dict[str, Any]) -> str:
    return json.dumps(template_of(schema), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    text = text_of(json.loads(SCHEMA.read_text("utf-8")))
    if "--check" not in arguments:
        TEMPLATE.write_text(text, "utf-8")
        return 0
    if TEMPLATE.exists() and TEMPLATE.read_text("utf-8") == text:
        return 0
    sys.stderr.write("mappings/index_template.v1.json is out of date: run python mappings/generate_template.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
