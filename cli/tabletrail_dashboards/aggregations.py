"""The aggregations of a visualization's `visState`, as Dashboards sends them.

Pure. As in OpenSearch-Dashboards, src/plugins/data/common/search/aggs. Rules
- Buckets nest in the order of the list, metrics lie in the innermost; `count` needs no aggregation of its own.
- An aggregation is named by its id, so that an answer can be read with the `visState` beside it.
- What ours do not use is refused, never left out: an `other` bucket, metrics at all levels, other types.

Called by `search_body`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.fields import DataView
from tabletrail_dashboards.intervals import as_parameter, interval_for
from tabletrail_dashboards.search_source import TimeRange, bool_of

Aggregation = dict[str, Any]

MISSING = "__missing__"
"""The key of the bucket of documents without a value."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an aggregation depends on besides its own parameters."""

    view: DataView
    time_range: TimeRange
    zone: str


def aggregations_of(vis_state: Mapping[str, Any], context: Context) -> dict[str, Aggregation]:
    """By id, nested. SavedObjectError names what is not known."""
    if vis_state["params"].get("showMetricsAtAllLevels") or vis_state["params"].get("showPartialRows"):
        raise SavedObjectError("metrics at all levels are not known here")
    enabled = [agg for agg in vis_state["aggs"] if agg.get("enabled", True)]
    for agg in enabled:
        if agg["type"] not in (*BUCKETS, *METRICS, "count"):
            raise SavedObjectError(f"an aggregation of type {agg['type']!r} is not known here")
    buckets = [agg for agg in enabled if agg["type"] in BUCKETS]
    metrics = {str(agg["id"]): _metric(agg, context) for agg in enabled if agg["type"] in METRICS}
    inner = metrics
    for agg in reversed(buckets):
        body = _bucket(agg, enabled, context)
        nested = {**_order_metric(agg, enabled, context), **inner}
        inner = {str(agg["id"]): {**body, **({"aggs": nested} if nested else {})}}
    return inner


def _bucket(agg: Mapping[str, Any], all_aggs: Sequence[Mapping[str, Any]], context: Context) -> Aggregation:
    kind: str = agg["type"]
    return {kind: BUCKETS[kind](agg["params"], all_aggs, context)}


def _metric(agg: Mapping[str, Any], context: Context) -> Aggregation:
    kind: str = agg["type"]
    return {kind: METRICS[kind](agg["params"], context)}


def _terms(params: Mapping[str, Any], all_aggs: Sequence[Mapping[str, Any]], context: Context) -> Aggregation:
    if params.get("otherBucket"):
        raise SavedObjectError("a bucket of all other terms takes a second request, which is not known here")
    ordered_by = _ordered_by(params, all_aggs)
    key = "_count" if ordered_by is not None and ordered_by["type"] == "count" else str(params["orderBy"])
    body = {"field": _field(params, context), "order": {key: params["order"]}, "size": params["size"]}
    if params.get("missingBucket") and context.view.fields[params["field"]].type == "string":
        body["missing"] = MISSING
    return body


def _ordered_by(params: Mapping[str, Any], all_aggs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((agg for agg in all_aggs if str(agg["id"]) == str(params.get("orderBy"))), None)


def _order_metric(
    agg: Mapping[str, Any], all_aggs: Sequence[Mapping[str, Any]], context: Context
) -> dict[str, Aggregation]:
    """The metric that orders these terms, which must lie right in them."""
    ordered_by = _ordered_by(agg["params"], all_aggs) if agg["type"] == "terms" else None
    if ordered_by is None or ordered_by["type"] == "count":
        return {}
    return {str(ordered_by["id"]): _metric(ordered_by, context)}


def _date_histogram(params: Mapping[str, Any], _: Sequence[Mapping[str, Any]], context: Context) -> Aggregation:
    interval = interval_for(str(params.get("interval", "auto")), context.time_range.milliseconds)
    return {
        "field": _field(params, context),
        **as_parameter(interval),
        "time_zone": context.zone,
        "min_doc_count": params.get("min_doc_count", 1),
    }


def _filters(params: Mapping[str, Any], _: Sequence[Mapping[str, Any]], context: Context) -> Aggregation:
    found = {}
    for one in params["filters"]:
        query = one["input"]
        label = one.get("label") or str(query["query"]) or "*"
        found[label] = bool_of([query], [], context.view, None, context.zone)
    return {"filters": found}


def _range(params: Mapping[str, Any], _: Sequence[Mapping[str, Any]], context: Context) -> Aggregation:
    return {"field": _field(params, context), "ranges": [dict(one) for one in params["ranges"]], "keyed": True}


def _of_field(params: Mapping[str, Any], context: Context) -> Aggregation:
    return {"field": _field(params, context)}


def _top_hits(params: Mapping[str, Any], context: Context) -> Aggregation:
    field = _field(params, context)
    is_date = context.view.fields[field].type == "date"
    return {
        "docvalue_fields": [{"field": field, **({"format": "date_time"} if is_date else {})}],
        "_source": field,
        "size": params.get("size", 1),
        "sort": [{params["sortField"]: {"order": params["sortOrder"]}}],
    }


def _field(params: Mapping[str, Any], context: Context) -> str:
    name = str(params["field"])
    field = context.view.fields.get(name)
    if field is None or not field.is_aggregatable:
        raise SavedObjectError(f"{name} is no field of {context.view.id} that can be aggregated")
    return name


BUCKETS: dict[str, Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]], Context], Aggregation]] = {
    "terms": _terms,
    "date_histogram": _date_histogram,
    "filters": _filters,
    "range": _range,
}
METRICS: dict[str, Callable[[Mapping[str, Any], Context], Aggregation]] = {
    "avg": _of_field,
    "cardinality": _of_field,
    "max": _of_field,
    "min": _of_field,
    "sum": _of_field,
    "top_hits": _top_hits,
}
