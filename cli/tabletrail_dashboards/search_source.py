"""Query texts, filters and the time range of Dashboards as one `bool` clause.

Pure. As in OpenSearch-Dashboards, src/plugins/data/common/opensearch_query/opensearch_query/build_opensearch_query.ts.
Rules
- A query is in Dashboards Query Language; Lucene's is refused: none of ours is in it.
- A disabled filter asks nothing. `fill` enables one by its field's name and gives it another value, as a person does
  who clicks on it.

Called by `search_body` and `aggregations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tabletrail_dashboards.dql_query import Clause, query_of
from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.fields import DataView

Fill = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Both ends belong to it, as in Dashboards. Moments with a time zone."""

    start: datetime
    end: datetime

    @property
    def milliseconds(self) -> int:
        return round((self.end - self.start).total_seconds() * 1000)


def bool_of(
    queries: Iterable[Mapping[str, Any]],
    filters: Sequence[Mapping[str, Any]],
    view: DataView,
    time_range: TimeRange | None,
    zone: str,
    fill: Fill | None = None,
) -> Clause:
    """One clause that all of them must match. DqlError, SavedObjectError."""
    clauses = [query_clause(query, view, zone) for query in queries]
    active = filled(filters, fill or {})
    clauses += [dict(one["query"]) for one in active if not one["meta"].get("negate")]
    clauses += [_between(view.time_field, time_range)] if time_range else []
    excluded = [dict(one["query"]) for one in active if one["meta"].get("negate")]
    return {"bool": {"must": [], "filter": clauses, "should": [], "must_not": excluded}}


def query_clause(query: Mapping[str, Any], view: DataView, zone: str) -> Clause:
    if query.get("language") != "kuery":
        raise SavedObjectError(f"a query in the language {query.get('language')!r}: only kuery (DQL) is known here")
    return query_of(str(query["query"]), view, zone)


def filled(filters: Sequence[Mapping[str, Any]], fill: Fill) -> list[Mapping[str, Any]]:
    """The enabled filters, with those of `fill`. SavedObjectError if it names a field that no filter is of."""
    keys = [str(one["meta"].get("key")) for one in filters]
    unknown = sorted(set(fill) - set(keys))
    if unknown:
        raise SavedObjectError(f"no filter of {', '.join(unknown)}: there are {', '.join(keys) or 'none'}")
    return [
        _with_value(one, fill[key]) if key in fill else one
        for key, one in zip(keys, filters, strict=True)
        if key in fill or not one["meta"].get("disabled")
    ]


def _with_value(one: Mapping[str, Any], value: str) -> Mapping[str, Any]:
    meta = one["meta"]
    if meta.get("type") != "phrase":
        raise SavedObjectError(f"the filter of {meta.get('key')} is no `is` filter: it has no value to replace")
    return {
        **one,
        "meta": {**meta, "disabled": False, "params": {"query": value}},
        "query": {"match_phrase": {meta["key"]: value}},
    }


def _between(field: str, time_range: TimeRange) -> Clause:
    bounds = {"gte": as_text(time_range.start), "lte": as_text(time_range.end)}
    return {"range": {field: {**bounds, "format": "strict_date_optional_time"}}}


def as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
