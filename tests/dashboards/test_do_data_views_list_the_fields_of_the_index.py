"""Do the data views list the very fields that Dashboards would read from the real index, with the same properties?

`as_dashboards_reads` follows OpenSearch-Dashboards,
src/plugins/data/server/index_patterns/fetcher/lib/field_capabilities/field_caps_response.ts, and
src/plugins/data/common/osd_field_types/osd_field_types_factory.ts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tabletrail_dashboards.objects import load
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack

NDJSON = Path(__file__).parents[2] / "mappings" / "dashboards" / "tabletrail.v1.ndjson"
VIEWS = [one for one in load(NDJSON.read_text("utf-8")).values() if one.type == "index-pattern"]
OF_TYPE = {"keyword": "string", "text": "string", "date": "date", "long": "number", "double": "number"}
META = ("_id", "_index", "_score", "_source")


def as_dashboards_reads(caps: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """From the `fields` of a _field_caps reply."""
    found = {}
    for name, by_type in caps.items():
        (kind,) = by_type
        is_aggregatable = by_type[kind]["aggregatable"]
        found[name] = {
            "count": 0,
            "name": name,
            "type": OF_TYPE.get(kind, kind if kind in ("boolean", "object", "nested") else "unknown"),
            "esTypes": [kind],
            "scripted": False,
            "searchable": by_type[kind]["searchable"],
            "aggregatable": is_aggregatable,
            "readFromDocValues": is_aggregatable and kind != "text" and not kind.startswith("_"),
        }
    for name, field in found.items():
        parents = [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
        known = [found[parent] for parent in parents if parent in found]
        nested = next((parent for parent in known if parent["type"] == "nested"), None)
        sub_type = {"nested": {"path": nested["name"]}} if nested else {}
        if parents and parents[0] in found and found[parents[0]]["type"] not in ("object", "nested"):
            sub_type["multi"] = {"parent": parents[0]}
        if sub_type:
            field["subType"] = sub_type
    return {name: field for name, field in found.items() if field["type"] not in ("object", "nested")}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_a_data_view_is_what_dashboards_would_read(server: Server, view: Any) -> None:
    reply = server.ask("admin", "GET", f"/{view.title}-v1-2061*/_field_caps?fields=*")
    assert reply.ok, reply.reason
    fields = reply.data["fields"]
    # OpenSearch gives a flat_object's inner field the object's name and a point. Nobody can ask for it by that name.
    caps = {name: by_type for name, by_type in fields.items() if not name.startswith("_") and not name.endswith(".")}
    listed = {field["name"]: field for field in json.loads(view.attributes["fields"]) if field["name"] not in META}
    assert listed == as_dashboards_reads(caps)


def test_the_fields_of_the_index_itself_are_searchable_as_listed(server: Server) -> None:
    caps = server.ask("admin", "GET", "/tabletrail-v1-2061*/_field_caps?fields=_id,_index").data["fields"]
    listed = {field["name"]: field for field in json.loads(VIEWS[0].attributes["fields"])}
    for name in ("_id", "_index"):
        assert listed[name]["searchable"] == caps[name][name]["searchable"]
        assert listed[name]["aggregatable"] == caps[name][name]["aggregatable"]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_a_reader_may_do_what_opening_a_data_view_takes(server: Server, view: Any) -> None:
    resolved = server.ask("reader", "GET", f"/_resolve/index/{view.title}")
    assert resolved.ok, resolved.reason
    assert [alias["name"] for alias in resolved.data["aliases"]] == [view.title]
    caps = server.ask("reader", "GET", f"/{view.title}/_field_caps?fields=@timestamp")
    assert caps.ok, caps.reason
    assert caps.data["fields"]["@timestamp"]["date"]["aggregatable"]
