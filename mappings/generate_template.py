"""Makes the index template from the entry's schema, so that no field can be in one and not in the other.

    python mappings/generate_template.py           writes mappings/index_template.v1.json
    python mappings/generate_template.py --check   says whether it is up to date (exit 1 if not)

Rules
- A field's mapping is its `x-opensearch` in the schema; an object without one is an object there too.
- TEMPLATE_VERSION grows with each release that changes the result: the installer never puts an older over a newer one.
- Numbers of shards and replicas are the installer's: they follow from the cluster and the volume.

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
TEMPLATE_VERSION = 1

SETTINGS = {
    # Documents can be created and nothing else, for every user; it can never be switched off (OpenSearch 2.19).
    "index.append_only.enabled": True,
    # An audit log is written once, kept for years and read seldom: size before speed.
    "index.codec": "best_compression",
    # Seconds until an entry can be found; less makes many small files.
    "index.refresh_interval": "5s",
    # One entry may have 100 numbers; OpenSearch's own limit of 10,000 is above any bulk mistake.
    "index.mapping.nested_objects.limit": 1000,
}
# No index sort: OpenSearch 2 refuses it beside a nested field.


def template_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The body for PUT _index_template."""
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
            "mappings": {"dynamic": False, "_meta": {"schema": 1}, "properties": properties_of(schema)},
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
