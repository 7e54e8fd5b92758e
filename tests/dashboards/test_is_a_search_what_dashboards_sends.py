"""Is the body of a search, beyond its query, the one that Dashboards sends? And what is refused?

Intervals follow src/plugins/data/common/search/aggs/buckets/lib/time_buckets/calc_auto_interval.test.ts; the rest is
written from .../search/aggs and .../search/search_source of OpenSearch-Dashboards.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tabletrail_dashboards.answers import Row, table_of
from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.intervals import BARS, MOST_BARS, as_parameter, interval_for, milliseconds
from tabletrail_dashboards.objects import SavedObject, load
from tabletrail_dashboards.search_body import search_body
from tabletrail_dashboards.search_source import TimeRange

NDJSON = Path(__file__).parents[2] / "mappings" / "dashboards" / "tabletrail.v1.ndjson"
OBJECTS = load(NDJSON.read_text("utf-8"))
DAY = TimeRange(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
SEARCH = OBJECTS["tabletrail-search-sensitive-changes"]
TABLES = OBJECTS["tabletrail-vis-activity-tables"]


def altered(one: SavedObject, **changes: Any) -> SavedObject:
    """With other aggregations or parameters in its visState."""
    state = {**one.parsed("visState"), **changes}
    return replace(one, attributes={**one.attributes, "visState": json.dumps(state)})


@pytest.mark.parametrize(
    ("hours", "interval"),
    [
        (1 / 3_600_000 * BARS, "1ms"),
        (2 / 3_600_000 * BARS, "2ms"),
        (0.01 * BARS, "30s"),
        (1 * BARS, "1h"),
        (24 / 25 * BARS, "1h"),
        (8.76 * BARS, "12h"),
        (0.876 * BARS, "1h"),
        (0.0876 * BARS, "5m"),
        (365 * 24 * BARS, "1y"),
        (365 * 24, "1w"),
        (61 * 24, "1d"),
        (24, "30m"),
        (7 * 24, "3h"),
    ],
)
def test_bars_last_what_dashboards_chooses(hours: float, interval: str) -> None:
    assert interval_for("auto", round(hours * 3_600_000)) == interval


def test_too_many_bars_are_made_longer() -> None:
    year = 365 * 86_400_000
    assert interval_for("1h", 50 * 3_600_000) == "1h"
    assert interval_for("hour", MOST_BARS * 3_600_000) == "1h"
    assert interval_for("1h", year) == "1d"
    assert interval_for("1s", 2 * 3_600_000) == "1m"
    with pytest.raises(SavedObjectError, match="no interval"):
        milliseconds("1 hour")


@pytest.mark.parametrize(
    ("interval", "name"),
    [("1d", "calendar_interval"), ("1w", "calendar_interval"), ("12h", "fixed_interval"), ("30s", "fixed_interval")],
)
def test_one_unit_is_the_calendars(interval: str, name: str) -> None:
    assert as_parameter(interval) == {name: interval}


def test_a_saved_search_asks_for_the_newest_with_its_sort_and_marks_what_it_found() -> None:
    body = search_body(SEARCH, OBJECTS, DAY)
    assert body["size"] == 500
    assert body["sort"] == [
        {"@timestamp": {"order": "desc", "unmapped_type": "boolean"}},
        {"event.sequence_key": {"order": "desc", "unmapped_type": "boolean"}},
        {"tabletrail.kind": {"order": "asc", "unmapped_type": "boolean"}},
    ]
    assert body["highlight"]["fields"] == {"*": {}}
    bounds = {
        "gte": "2026-11-24T00:00:00.000Z",
        "lte": "2026-11-25T00:00:00.000Z",
        "format": "strict_date_optional_time",
    }
    assert body["query"]["bool"]["filter"][-1] == {"range": {"@timestamp": bounds}}
    assert "aggs" not in body
    assert search_body(SEARCH, OBJECTS, DAY, with_bars=True)["aggs"] == {
        "2": {
            "date_histogram": {
                "field": "@timestamp",
                "fixed_interval": "30m",
                "time_zone": "UTC",
                "min_doc_count": 1,
            }
        }
    }


def test_a_filter_asks_only_if_it_is_enabled_and_a_negated_one_excludes() -> None:
    whole = search_body(SEARCH, OBJECTS, DAY)["query"]["bool"]
    filled = search_body(SEARCH, OBJECTS, DAY, fill={"table.name": "users"})["query"]["bool"]
    assert {"match_phrase": {"table.name": "users"}} in filled["filter"]
    assert len(filled["filter"]) == len(whole["filter"]) + 1
    source = SEARCH.search_source
    source["filter"][0]["meta"] |= {"disabled": False, "negate": True}
    meta = {"searchSourceJSON": json.dumps(source)}
    negated = replace(SEARCH, attributes={**SEARCH.attributes, "kibanaSavedObjectMeta": meta})
    excluded = search_body(negated, OBJECTS, DAY)["query"]["bool"]
    assert excluded["must_not"] == [source["filter"][0]["query"]]
    assert excluded["filter"] == whole["filter"]
    with pytest.raises(SavedObjectError, match=r"no filter of status: there are table\.name, tags"):
        search_body(SEARCH, OBJECTS, DAY, fill={"status": "x"})


def test_metrics_lie_in_the_innermost_bucket_and_counts_need_none() -> None:
    assert search_body(TABLES, OBJECTS, DAY)["aggs"] == {
        "4": {
            "terms": {"field": "table.name", "order": {"_count": "desc"}, "size": 20},
            "aggs": {"2": {"cardinality": {"field": "item.id"}}, "3": {"max": {"field": "@timestamp"}}},
        }
    }


def test_terms_ordered_by_another_metric_hold_it() -> None:
    aggs = TABLES.parsed("visState")["aggs"]
    aggs[3]["params"]["orderBy"] = "3"
    body = search_body(altered(TABLES, aggs=aggs), OBJECTS, DAY)
    assert body["aggs"]["4"]["terms"]["order"] == {"3": "desc"}
    aggs.append({"id": "5", "type": "terms", "params": {**aggs[3]["params"], "field": "event.action", "orderBy": "1"}})
    body = search_body(altered(TABLES, aggs=aggs), OBJECTS, DAY)
    assert body["aggs"]["4"]["aggs"]["3"] == {"max": {"field": "@timestamp"}}
    assert set(body["aggs"]["4"]["aggs"]["5"]["aggs"]) == {"2", "3"}


def test_a_range_is_keyed_and_read_by_its_keys() -> None:
    ranges = {"field": "event.severity", "ranges": [{"from": 0, "to": 50}, {"from": 50}]}
    aggs = [
        {"id": "1", "type": "count", "params": {}},
        {"id": "2", "type": "range", "params": ranges},
        {"id": "3", "type": "avg", "params": {"field": "changed_count"}},
    ]
    one = altered(TABLES, aggs=aggs)
    body = search_body(one, OBJECTS, DAY)
    assert body["aggs"]["2"]["range"] == {**ranges, "keyed": True}
    buckets = {
        "0.0-50.0": {"doc_count": 4, "3": {"value": 1.5}},
        "50.0-*": {"doc_count": 0, "3": {"value": None}},
    }
    answer = {"hits": {"total": {"value": 4}}, "aggregations": {"2": {"buckets": buckets}}}
    assert table_of(one, answer).rows == (Row(("0.0-50.0",), (4, 1.5)),)


def test_what_is_not_known_is_refused_and_never_left_out() -> None:
    state = TABLES.parsed("visState")

    def refused(match: str, one: SavedObject) -> None:
        with pytest.raises(SavedObjectError, match=match):
            search_body(one, OBJECTS, DAY)

    refused("asks nothing itself", OBJECTS["tabletrail-dashboard-activity"])
    refused("all levels", altered(TABLES, params={"showMetricsAtAllLevels": True}))
    for changes, match in (
        ({"type": "significant_terms"}, "significant_terms"),
        ({"params": {**state["aggs"][3]["params"], "otherBucket": True}}, "second request"),
        ({"params": {**state["aggs"][3]["params"], "field": "message"}}, "can be aggregated"),
        ({"params": {**state["aggs"][3]["params"], "field": "no.such"}}, "can be aggregated"),
    ):
        refused(match, altered(TABLES, aggs=[*state["aggs"][:3], {**state["aggs"][3], **changes}]))
    lucene = {"searchSourceJSON": json.dumps({**SEARCH.search_source, "query": {"query": "a", "language": "lucene"}})}
    refused("lucene", replace(SEARCH, attributes={**SEARCH.attributes, "kibanaSavedObjectMeta": lucene}))
    refused("sorts by message", replace(SEARCH, attributes={**SEARCH.attributes, "sort": [["message", "asc"]]}))


def test_the_end_of_a_time_range_is_in_it() -> None:
    assert DAY.milliseconds == 86_400_000
    later = TimeRange(DAY.start, DAY.end + timedelta(milliseconds=1))
    bounds = search_body(SEARCH, OBJECTS, later)["query"]["bool"]["filter"][-1]["range"]["@timestamp"]
    assert bounds["lte"] == "2026-11-25T00:00:00.001Z"
