"""The search that Dashboards sends for a saved search or a visualization.

    objects = load(Path("mappings/dashboards/tabletrail.v1.ndjson").read_text())
    body = search_body(objects["tabletrail-vis-activity-timeline"], objects, TimeRange(start, end))

Pure. Rules
- A visualization that is made of a saved search asks that search's questions too, over its data view.
- What only shapes the picture (colours, axes, the legend) is not looked at.
- Discover adds bars above its list; a saved search on a dashboard has none. Both ask for the same entries.

Called by `tabletrail dashboards render`, by benchmarks and by tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabletrail_dashboards.aggregations import Context, aggregations_of
from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.fields import DataView, data_view_of
from tabletrail_dashboards.objects import DATA_VIEW, Objects, SavedObject, referred
from tabletrail_dashboards.search_source import Fill, TimeRange, bool_of

ROWS = 500
"""How many entries Discover fetches: its setting discover:sampleSize."""
_HIGHLIGHT = {
    "pre_tags": ["@opensearch-dashboards-highlighted-field@"],
    "post_tags": ["@/opensearch-dashboards-highlighted-field@"],
    "fields": {"*": {}},
    "fragment_size": 2_147_483_647,
}


def search_body(
    one: SavedObject,
    objects: Objects,
    time_range: TimeRange,
    *,
    zone: str = "UTC",
    fill: Fill | None = None,
    query: str | None = None,
    rows: int = ROWS,
    with_bars: bool = False,
) -> dict[str, Any]:
    """The body for `_search` on `data_view_for(one, objects).index`.

    `zone` is the browser's time zone. Of a saved search: `fill` (field -> value) enables its `is` filters, `query`
    replaces its text, as a person does who types another one, `rows` is how many entries are wanted, `with_bars` adds
    the counts over time that Discover shows. SavedObjectError, DqlError.
    """
    if one.type not in ("search", "visualization"):
        raise SavedObjectError(f"{one.id} is a {one.type}: it asks nothing itself")
    view = data_view_for(one, objects)
    sources = _sources(one, objects)
    queries = [source["query"] for source in sources]
    if query is not None:
        queries[0] = {"query": query, "language": "kuery"}
    filters = [each for source in sources for each in source.get("filter", ())]
    body: dict[str, Any] = {
        "query": bool_of(queries, filters, view, time_range, zone, fill),
        "_source": {"excludes": []},
        "stored_fields": ["*"],
        "script_fields": {},
        "docvalue_fields": [{"field": name, "format": "date_time"} for name in _dates(view)],
        "track_total_hits": True,
    }
    context = Context(view, time_range, zone)
    if one.type == "visualization":
        return {**body, "size": 0, "aggs": aggregations_of(one.parsed("visState"), context)}
    bars = {"aggs": aggregations_of(_bars(view), context)} if with_bars else {}
    return {**body, "size": rows, "version": True, "sort": _sort(one, view), "highlight": _HIGHLIGHT, **bars}


def data_view_for(one: SavedObject, objects: Objects) -> DataView:
    """The data view that a saved search or a visualization asks."""
    return data_view_of(data_view_object(one, objects))


def data_view_object(one: SavedObject, objects: Objects) -> SavedObject:
    name = _sources(one, objects)[-1].get("indexRefName")
    holder = _searched(one, objects) or one
    found = referred(holder, str(name), objects)
    if found.type != DATA_VIEW:
        raise SavedObjectError(f"{one.id} asks {found.id}, which is no data view")
    return found


def _sources(one: SavedObject, objects: Objects) -> list[dict[str, Any]]:
    """Its own search source, and behind it that of the saved search of which it is made."""
    searched = _searched(one, objects)
    return [one.search_source, *([searched.search_source] if searched else [])]


def _searched(one: SavedObject, objects: Objects) -> SavedObject | None:
    name = one.attributes.get("savedSearchRefName")
    return referred(one, str(name), objects) if name else None


def _dates(view: DataView) -> list[str]:
    return [field.name for field in view.fields.values() if field.type == "date"]


def _sort(one: SavedObject, view: DataView) -> Sequence[Mapping[str, Any]]:
    for name, _ in one.attributes["sort"]:
        field = view.fields.get(name)
        if field is None or not field.is_aggregatable:
            raise SavedObjectError(f"{one.id} sorts by {name}, which is no sortable field of {view.id}")
    return [{name: {"order": order, "unmapped_type": "boolean"}} for name, order in one.attributes["sort"]]


def _bars(view: DataView) -> dict[str, Any]:
    params = {"field": view.time_field, "interval": "auto", "min_doc_count": 1}
    return {"params": {}, "aggs": [{"id": "2", "type": "date_histogram", "params": params}]}
