"""Makes the saved objects for OpenSearch Dashboards from their readable sources and from the index templates.

    python mappings/generate_dashboards.py           writes mappings/dashboards/tabletrail.v1.ndjson
    python mappings/generate_dashboards.py --check   says whether it is up to date (exit 1 if not)

Rules
- Ids are fixed: `tabletrail`, `tabletrail-health`, `tabletrail-search-<slug>`, `tabletrail-vis-<slug>`,
  `tabletrail-dashboard-<slug>`. Who imports the file again replaces what it brought before, and nothing else.
- `migrationVersion` is the last that changed each type's form. Dashboards refuses an object with a later one than it
  knows and migrates one with an earlier (src/core/server/saved_objects/migrations/core/document_migrator.ts). It is the
  same in 2.19 and in 3.x, whose lists of migrations end with it (.../server/saved_objects/*_migrations.ts). There is no
  coreMigrationVersion: that is Kibana's, of a time after the fork.
- The data views list their fields, made from the index templates: without them Dashboards reads the mapping and tries
  to save what it read, which a user who may only read cannot.
- Lines are sorted by type and id, keys by name: the same sources give the same file.

Called by developers and by tests/core.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dashboard_charts import params_of
from dashboard_fields import META_FIELDS, fields_of

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "dashboards" / "sources"
OUTPUT = HERE / "dashboards" / "tabletrail.v1.ndjson"
VERSION = json.loads((HERE / "versions.json").read_text("utf-8"))["dashboards"]
"""Grows with each release that changes the file: the installer never puts an older over a newer one."""

MIGRATIONS = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"}
ORDER = list(MIGRATIONS)
INDEX_REF = "kibanaSavedObjectMeta.searchSourceJSON.index"
SORT = [["@timestamp", "desc"], ["event.sequence_key", "desc"], ["tabletrail.kind", "asc"]]
"""Of one place in a stream: what CloudTrail says of a change (attribution), then the change."""
PANEL_VERSION = "7.3.0"
"""From which on a panel has its present form; with none, or an earlier one, Dashboards converts it."""

Object = dict[str, Any]


def objects() -> list[Object]:
    views = [data_view_of(one) for one in _read("data-views.json")]
    searches = [search_of(json.loads(path.read_text("utf-8"))) for path in sorted(SOURCES.glob("searches/*.json"))]
    charts = [
        visualization_of(one) for path in sorted(SOURCES.glob("visualizations-*.json")) for one in _read(path.name)
    ]
    dashboards = [dashboard_of(one) for one in _read("dashboards.json")]
    return sorted([*views, *searches, *charts, *dashboards], key=lambda one: (ORDER.index(one["type"]), one["id"]))


def data_view_of(source: Object) -> Object:
    template = json.loads((HERE / source["template"]).read_text("utf-8"))
    fields = [*META_FIELDS, *fields_of(template["template"]["mappings"]["properties"])]
    attributes = {
        "title": source["index"],
        "timeFieldName": "@timestamp",
        "fields": _text(sorted(fields, key=lambda field: field["name"])),
        "fieldFormatMap": _text(source["formats"]),
    }
    return _object("index-pattern", source["id"], attributes, [])


def search_of(source: Object) -> Object:
    filters = [_phrase_filter(key, value) for key, value in source["to_fill_in"].items()]
    if "script_filter" in source:
        filters.append(_script_filter(source["script_filter"]))
    references = [{"name": INDEX_REF, "type": "index-pattern", "id": "tabletrail"}]
    for number, one in enumerate(filters):
        name = f"kibanaSavedObjectMeta.searchSourceJSON.filter[{number}].meta.index"
        one["meta"]["indexRefName"] = name
        references.append({"name": name, "type": "index-pattern", "id": "tabletrail"})
    search_source = {**_asking(source["query"], filters), "highlightAll": True, "version": True}
    attributes = {
        "title": source["title"],
        "description": _described(source),
        "hits": 0,
        "columns": source["columns"],
        "sort": SORT,
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text({**search_source, "indexRefName": INDEX_REF})},
    }
    return _object("search", f"tabletrail-search-{source['slug']}", attributes, references)


def _phrase_filter(key: str, value: str) -> Object:
    meta = {"alias": None, "disabled": True, "negate": False, "type": "phrase", "key": key, "params": {"query": value}}
    return {"$state": {"store": "appState"}, "meta": meta, "query": {"match_phrase": {key: value}}}


def _script_filter(source: Object) -> Object:
    script = {"lang": "painless", "source": source["source"], "params": source["params"]}
    query = {"script": {"script": script}}
    meta = {"alias": source["label"], "disabled": False, "negate": False, "type": "custom", "key": "query"}
    return {"$state": {"store": "appState"}, "meta": {**meta, "value": _text(query)}, "query": query}


def visualization_of(source: Object) -> Object:
    aggs = [_agg(number, one) for number, one in enumerate(source["aggs"], 1)]
    metrics = [(one["id"], one["params"].get("customLabel", "Count")) for one in aggs if one["schema"] == "metric"]
    state = {
        "title": source["title"],
        "type": source["chart"],
        "aggs": aggs,
        "params": params_of(source["chart"], metrics),
    }
    if "search" in source:
        search_source = _asking("", [])
        linked = {"savedSearchRefName": "search_0"}
        references = [{"name": "search_0", "type": "search", "id": f"tabletrail-search-{source['search']}"}]
    else:
        search_source = {**_asking(source["query"], []), "indexRefName": INDEX_REF}
        linked = {}
        references = [{"name": INDEX_REF, "type": "index-pattern", "id": source.get("view", "tabletrail")}]
    attributes = {
        "title": source["title"],
        "description": _described(source),
        "visState": _text(state),
        "uiStateJSON": "{}",
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(search_source)},
        **linked,
    }
    return _object("visualization", f"tabletrail-vis-{source['slug']}", attributes, references)


def _agg(number: int, source: Object) -> Object:
    schema = next(name for name in ("metric", "segment", "group", "bucket") if name in source)
    label = {"customLabel": source["label"]} if "label" in source else {}
    field = {"field": source["field"]} if "field" in source else {}
    params = {**field, **label, **_agg_params(source[schema], source)}
    return {"id": str(number), "enabled": True, "type": source[schema], "schema": schema, "params": params}


def _agg_params(kind: str, source: Object) -> Object:
    if kind == "terms":
        missing = {"missingBucket": True, "missingBucketLabel": source["missing"]} if "missing" in source else {}
        # The first aggregation is the metric that orders.
        return {"orderBy": "1", "order": "desc", "size": source["size"], "otherBucket": False, **missing}
    if kind == "date_histogram":
        return {
            "interval": source.get("interval", "auto"),
            "useNormalizedOpenSearchInterval": True,
            "drop_partials": False,
            "min_doc_count": 1,
            "extended_bounds": {},
        }
    if kind == "filters":
        return {
            "filters": [
                {"label": one["label"], "input": {"query": one["query"], "language": "kuery"}}
                for one in source["filters"]
            ]
        }
    if kind == "top_hits":
        return {"aggregate": "concat", "size": 1, "sortField": "@timestamp", "sortOrder": "desc"}
    return {}


def dashboard_of(source: Object) -> Object:
    panels, references = [], []
    for number, panel in enumerate(source["panels"]):
        kind = "search" if "search" in panel else "visualization"
        prefix = "tabletrail-search-" if kind == "search" else "tabletrail-vis-"
        name = f"panel_{number}"
        x, y, width, height = panel["at"]
        panels.append(
            {
                "version": PANEL_VERSION,
                "gridData": {"x": x, "y": y, "w": width, "h": height, "i": str(number)},
                "panelIndex": str(number),
                "embeddableConfig": {},
                "panelRefName": name,
                **({"title": panel["title"]} if "title" in panel else {}),
            }
        )
        references.append({"name": name, "type": kind, "id": prefix + panel[kind]})
    attributes = {
        "title": source["title"],
        "description": _described(source),
        "hits": 0,
        "panelsJSON": _text(panels),
        "optionsJSON": _text({"hidePanelTitles": False, "useMargins": True}),
        "version": 1,
        "timeRestore": True,
        "timeFrom": source["from"],
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 0},
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(_asking("", []))},
    }
    return _object("dashboard", f"tabletrail-dashboard-{source['slug']}", attributes, references)


def _described(source: Object) -> str:
    """With whose it is: Dashboards has no other place for that."""
    return f"{source['description']} [tabletrail {VERSION}]"


def _asking(query: str, filters: list[Object]) -> Object:
    return {"query": {"query": query, "language": "kuery"}, "filter": filters}


def _object(kind: str, object_id: str, attributes: Object, references: list[Object]) -> Object:
    return {
        "id": object_id,
        "type": kind,
        "attributes": attributes,
        "references": references,
        "migrationVersion": {kind: MIGRATIONS[kind]},
    }


def _read(name: str) -> Any:
    return json.loads((SOURCES / name).read_text("utf-8"))


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def main(arguments: list[str]) -> int:
    text = "".join(_text(one) + "\n" for one in objects())
    if "--check" not in arguments:
        OUTPUT.write_text(text, "utf-8")
        return 0
    if OUTPUT.exists() and OUTPUT.read_text("utf-8") == text:
        return 0
    sys.stderr.write(
        "mappings/dashboards/tabletrail.v1.ndjson is out of date: run python mappings/generate_dashboards.py\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
