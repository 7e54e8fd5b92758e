"""Does each monitor's query find, on the real server, what it should, and does each trigger fire then and only then?

The server here has no alerting plugin, so this does what the plugin does, with the server's own parts: it renders the
query as a template with the period's end, adds a bucket-level trigger to the grouping as a selector of buckets, and
runs a query-level trigger's script over the reply.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports.monitor_stories import NOON, STORIES, Run, Story
from tests.ports.opensearch_server import MAPPINGS, Server, bulk, unused_name

FILES = {path.name: path for path in sorted((MAPPINGS / "monitors").glob("*.json"))}


def monitor_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def triggers_of(monitor: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {body["id"]: body for trigger in monitor["triggers"] for body in trigger.values()}


def test_each_trigger_of_each_monitor_is_told_when_to_fire_and_when_not() -> None:
    assert set(STORIES) == set(FILES)
    for name, path in FILES.items():
        for trigger in triggers_of(monitor_of(path)):
            assert {bool(run.fires[trigger]) for run in STORIES[name].runs} == {True, False}, trigger
        assert all(set(run.fires) == set(triggers_of(monitor_of(path))) for run in STORIES[name].runs)


@pytest.fixture(scope="module", params=sorted(set(STORIES) & set(FILES)))
def planted(request: pytest.FixtureRequest, server: Server) -> Iterator[tuple[dict[str, Any], Story, str]]:
    """A monitor, its story, and the index that holds the story's entries."""
    monitor, story = monitor_of(FILES[request.param]), STORIES[request.param]
    prefix = "tabletrail-health-v1-" if "health" in monitor["inputs"][0]["search"]["indices"][0] else "tabletrail-v1-"
    index = prefix + unused_name().rpartition("-")[2]
    assert server.ask("admin", "PUT", f"/{index}").ok
    try:
        actions = [(index, str(number), document) for number, document in enumerate(story.documents)]
        reply = server.ask("admin", "POST", "/_bulk?refresh=true", bulk(*actions))
        assert not reply.data["errors"]
        yield monitor, story, index
    finally:
        server.ask("admin", "DELETE", f"/{index}")


@pytest.mark.stack
def test_a_monitor_finds_what_it_should_and_nothing_else(
    server: Server, planted: tuple[dict[str, Any], Story, str]
) -> None:
    monitor, story, index = planted
    for run in story.runs:
        for trigger in triggers_of(monitor).values():
            expected = run.fires[trigger["id"]]
            assert fired(server, index, monitor, trigger, run) == expected, (trigger["id"], run.before_noon)


@pytest.mark.stack
def test_a_message_says_what_was_found(server: Server) -> None:
    for path in FILES.values():
        for trigger in triggers_of(monitor_of(path)).values():
            (action,) = trigger["actions"]
            aggregations = {"tables": {"buckets": [{"key": "orders", "doc_count": 2}]}}
            context = {
                "periodEnd": "2026-11-24T12:00:00Z",
                "newAlerts": [{"bucket_keys": "mallory"}],
                "results": [{"aggregations": aggregations}],
            }
            body = {"source": json.dumps({"text": action["message_template"]["source"]}), "params": {"ctx": context}}
            text = server.ask("admin", "POST", "/_render/template", body).data["template_output"]["text"]
            assert "2026-11-24T12:00:00Z" in text
            assert "{{" not in text
            assert "bucket_level_trigger" not in str(trigger) or "mallory" in text
            assert ("orders (2)" in text) == (trigger["id"] == "tabletrail-gaps")


def fired(
    server: Server, index: str, monitor: dict[str, Any], trigger: dict[str, Any], run: Run
) -> frozenset[str] | bool:
    query = copy.deepcopy(monitor["inputs"][0]["search"]["query"])
    condition = trigger["condition"]
    is_bucket = monitor["monitor_type"] == "bucket_level_monitor"
    if is_bucket:
        parent = query["aggregations"][condition["parent_bucket_path"]]
        selector = {name: condition[name] for name in ("buckets_path", "script", "gap_policy")}
        parent.setdefault("aggregations", {})[trigger["id"]] = {"bucket_selector": selector}
    end = int((NOON.timestamp() - run.before_noon) * 1000)
    body = {"source": json.dumps(query), "params": {"period_end": end, "period_start": end - 60_000}}
    rendered = server.ask("admin", "POST", "/_render/template", body).data["template_output"]
    reply = server.ask("admin", "POST", f"/{index}/_search", rendered)
    assert reply.ok, reply.reason
    if is_bucket:
        buckets = reply.data["aggregations"][condition["parent_bucket_path"]]["buckets"]
        return frozenset(value for bucket in buckets for value in bucket["key"].values())
    return runs_true(server, condition["script"]["source"], {"results": [reply.data]})


def runs_true(server: Server, source: str, context: dict[str, Any]) -> bool:
    """A query-level trigger's script by the server's own painless. The plugin hands it `ctx`."""
    *statements, last = source.split("; ")
    last = last if last.startswith("return ") else f"return {last}"
    whole = "; ".join(["def ctx = params.ctx", *statements, last])
    reply = server.ask(
        "admin", "POST", "/_scripts/painless/_execute", {"script": {"source": whole, "params": {"ctx": context}}}
    )
    assert reply.ok, reply.reason
    assert reply.data["result"] in ("true", "false"), "a trigger's script must return a boolean"
    return bool(reply.data["result"] == "true")
