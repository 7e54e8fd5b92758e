"""How the tests ask the real server: as the reader's role, over the alias, what Dashboards would send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tabletrail_dashboards.objects import SavedObject, load
from tabletrail_dashboards.search_body import data_view_for
from tabletrail_dashboards.search_source import TimeRange
from tests.dashboards.planted_index import story
from tests.dashboards.planted_story import END, START
from tests.dashboards.planted_truth import Judge
from tests.ports.opensearch_server import Server

SOURCES = Path(__file__).parents[2] / "mappings" / "dashboards" / "sources"
OBJECTS = load((SOURCES.parent / "tabletrail.v1.ndjson").read_text("utf-8"))
WHOLE = TimeRange(datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(END, UTC))
ALL = 10_000
"""More rows than the story has entries."""


def asked(server: Server, one: SavedObject, body: Mapping[str, Any]) -> dict[str, Any]:
    reply = server.ask("reader", "POST", f"/{data_view_for(one, OBJECTS).index}/_search", body)
    assert reply.ok, reply.reason
    answer: dict[str, Any] = reply.data
    assert answer["_shards"]["failed"] == 0
    assert answer["_shards"]["successful"] == answer["_shards"]["total"]
    return answer


def ids(answer: Mapping[str, Any]) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def expected(judge: Judge, within: TimeRange = WHOLE) -> list[str]:
    """Newest first; what is of one second in the order of the stream, last first."""
    found = [one for one in story() if judge(one.deed) and within.start <= one.deed.at <= within.end]
    return [one.id for one in sorted(found, key=lambda one: one.order, reverse=True)]
