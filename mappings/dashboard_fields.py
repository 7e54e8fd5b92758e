"""A mapping's fields as Dashboards lists them in a data view.

As Dashboards itself makes them of what _field_caps answers (src/plugins/data/server/index_patterns/fetcher/lib); that
both agree is tried on the real server (tests/ports/test_do_dashboards_find_the_planted_story.py).

Called by `generate_dashboards`.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

TYPES = {
    "keyword": ("string", True),
    "text": ("string", False),
    "date": ("date", True),
    "long": ("number", True),
    "double": ("number", True),
    "boolean": ("boolean", True),
    "flat_object": ("unknown", False),
}
"""Of OpenSearch's types: Dashboards' own, and whether _field_caps calls it aggregatable."""


def fields_of(properties: dict[str, Any], prefix: str = "", nested: str = "") -> list[Object]:
    """What _field_caps tells of a mapping, in Dashboards' form: multi-fields and nested ones say so."""
    found: list[Object] = []
    for name, mapping in properties.items():
        path = prefix + name
        if "properties" in mapping:
            inner = path if mapping.get("type") == "nested" else nested
            found += fields_of(mapping["properties"], f"{path}.", inner)
            continue
        sub_type = {"nested": {"path": nested}} if nested else {}
        found.append(_field(path, mapping["type"], sub_type))
        for sub, other in mapping.get("fields", {}).items():
            found.append(_field(f"{path}.{sub}", other["type"], {**sub_type, "multi": {"parent": path}}))
    return found


def _field(name: str, kind: str, sub_type: Object) -> Object:
    dashboards_type, is_aggregatable = TYPES[kind]
    return {
        "count": 0,
        "name": name,
        "type": dashboards_type,
        "esTypes": [kind],
        "scripted": False,
        "searchable": True,
        "aggregatable": is_aggregatable,
        "readFromDocValues": is_aggregatable,
        **({"subType": sub_type} if sub_type else {}),
    }


def _meta_field(name: str, kind: str, is_asked: bool) -> Object:
    types = {} if name == "_score" else {"esTypes": [name]}
    return {
        "count": 0,
        "name": name,
        "type": kind,
        **types,
        "scripted": False,
        "searchable": is_asked,
        "aggregatable": is_asked,
        "readFromDocValues": False,
    }


META_FIELDS = [
    _meta_field("_id", "string", True),
    _meta_field("_index", "string", True),
    _meta_field("_score", "number", False),
    _meta_field("_source", "_source", False),
]
