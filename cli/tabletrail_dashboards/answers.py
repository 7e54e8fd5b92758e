"""OpenSearch's answer to a visualization as the table that Dashboards draws it from.

Pure. Rules
- One row for each innermost bucket: its keys from the outside in, then its metrics in the order of the `visState`.
- Keys are what a person reads: a label of `filters`, the visualization's word for documents without a value; of a
  date_histogram the bar's beginning as a moment.
- An innermost bucket that OpenSearch left out, or that is empty, is no row, as in Dashboards; without buckets there is
  always one row.

Called by the renderer and by tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tabletrail_dashboards.aggregations import BUCKETS, MISSING
from tabletrail_dashboards.objects import SavedObject

Agg = Mapping[str, Any]
Key = str | datetime
Value = float | int | str | datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    keys: tuple[Key, ...]
    values: tuple[Value, ...]
    """One for each metric; None where no document had a value."""


@dataclass(frozen=True, slots=True)
class Table:
    """`key_names` and `value_names` are the labels of the columns."""

    key_names: tuple[str, ...]
    value_names: tuple[str, ...]
    rows: tuple[Row, ...]


def table_of(visualization: SavedObject, answer: Mapping[str, Any]) -> Table:
    """`answer` is the whole reply of `_search` to `search_body(visualization, ...)`."""
    aggs = [agg for agg in visualization.parsed("visState")["aggs"] if agg.get("enabled", True)]
    buckets = [agg for agg in aggs if agg["type"] in BUCKETS]
    metrics = [agg for agg in aggs if agg["type"] not in BUCKETS]
    whole = {**answer.get("aggregations", {}), "doc_count": answer["hits"]["total"]["value"]}
    return Table(
        tuple(_name(agg) for agg in buckets),
        tuple(_name(agg) for agg in metrics),
        tuple(_rows(whole, buckets, metrics, ())),
    )


def _name(agg: Agg) -> str:
    params = agg["params"]
    return str(params.get("customLabel") or params.get("field") or agg["type"])


def _rows(
    node: Mapping[str, Any], buckets: Sequence[Agg], metrics: Sequence[Agg], keys: tuple[Key, ...]
) -> Iterator[Row]:
    if not buckets:
        if not keys or node["doc_count"]:
            yield Row(keys, tuple(_value(metric, node) for metric in metrics))
        return
    for key, inner in _buckets(buckets[0], node):
        yield from _rows(inner, buckets[1:], metrics, (*keys, key))


def _buckets(agg: Agg, node: Mapping[str, Any]) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    found = node[str(agg["id"])]["buckets"]
    if isinstance(found, dict):
        order = [one.get("label") or one["input"]["query"] or "*" for one in agg["params"].get("filters", ())]
        for key in order or found:
            yield key, found[key]
        return
    for bucket in found:
        yield _key(agg, bucket), bucket


def _key(agg: Agg, bucket: Mapping[str, Any]) -> Key:
    if agg["type"] == "date_histogram":
        return datetime.fromtimestamp(bucket["key"] / 1000, UTC)
    if bucket["key"] == MISSING:
        return str(agg["params"].get("missingBucketLabel", "Missing"))
    return str(bucket.get("key_as_string", bucket["key"]))


def _value(metric: Agg, node: Mapping[str, Any]) -> Value:
    if metric["type"] == "count":
        return int(node["doc_count"])
    found = node[str(metric["id"])]
    if metric["type"] == "top_hits":
        hits = found["hits"]["hits"]
        return _inside(hits[0]["_source"], metric["params"]["field"]) if hits else None
    if "value_as_string" in found and metric["params"]["field"] == "@timestamp":
        return datetime.fromtimestamp(found["value"] / 1000, UTC) if found["value"] is not None else None
    value: Value = found["value"]
    return value


def _inside(source: Mapping[str, Any], path: str) -> Value:
    value: Any = source
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    found: Value = value
    return found
