"""Would OpenSearch's alerting plugin take each monitor, and do its parts fit together?

The schema is written from the plugin's documentation; what it cannot say (paths that lead somewhere, fields that exist)
is asked here. What a monitor finds is asked of the real server in tests/ports.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tabletrail.install.watching import CHANNEL

MAPPINGS = Path(__file__).parents[2] / "mappings"
SCHEMA = json.loads((MAPPINGS / "schema" / "monitor.schema.json").read_text())
FILES = sorted((MAPPINGS / "monitors").glob("*.json"))
MONITORS: dict[str, dict[str, Any]] = {path.name: json.loads(path.read_text()) for path in FILES}
CHECK = Draft202012Validator(SCHEMA)


def fields_in(node: Any) -> Iterator[str]:
    """Every field of a document that a query or aggregation names."""
    if isinstance(node, list):
        for part in node:
            yield from fields_in(part)
    elif isinstance(node, dict):
        for name, part in node.items():
            if name == "field":
                yield part
            elif name in ("term", "terms", "range") and isinstance(part, dict) and "field" not in part:
                yield from part
            else:
                yield from fields_in(part)


def mapped(template: str) -> set[str]:
    def walk(properties: dict[str, Any], prefix: str) -> Iterator[str]:
        for name, mapping in properties.items():
            yield prefix + name
            yield from walk(mapping.get("properties", {}), f"{prefix}{name}.")

    return set(walk(json.loads((MAPPINGS / template).read_text())["template"]["mappings"]["properties"], ""))


def triggers_of(monitor: dict[str, Any]) -> list[dict[str, Any]]:
    return [body for trigger in monitor["triggers"] for body in trigger.values()]


def search_of(monitor: dict[str, Any]) -> dict[str, Any]:
    return dict(monitor["inputs"][0]["search"])


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert len(MONITORS) >= 4


@pytest.mark.parametrize("name", MONITORS)
def test_each_monitor_is_as_the_plugin_takes_it(name: str) -> None:
    assert [f"{error.json_path}: {error.message}" for error in CHECK.iter_errors(MONITORS[name])] == []


@pytest.mark.parametrize("name", MONITORS)
def test_each_field_that_a_monitor_names_is_in_the_template(name: str) -> None:
    search = search_of(MONITORS[name])
    (index,) = search["indices"]
    fields = mapped({"tabletrail": "index_template.v1.json"}.get(index, "health_template.v1.json"))
    assert set(fields_in(search["query"])) - fields == set()


@pytest.mark.parametrize("name", MONITORS)
def test_each_path_of_a_trigger_leads_to_an_aggregation(name: str) -> None:
    aggregations = search_of(MONITORS[name])["query"].get("aggregations", {})
    for trigger in triggers_of(MONITORS[name]):
        condition = trigger["condition"]
        source = condition["script"]["source"]
        if "buckets_path" not in condition:
            assert set(re.findall(r"aggregations\.(\w+)", source)) <= set(aggregations)
            continue
        parent = aggregations[condition["parent_bucket_path"]]
        for path in condition["buckets_path"].values():
            head = path.partition(">")[0]
            assert head == "_count" or head in parent["aggregations"], path
        assert set(re.findall(r"params\.(\w+)", source)) == set(condition["buckets_path"])


@pytest.mark.parametrize("name", MONITORS)
def test_a_message_holds_no_value_of_an_item(name: str) -> None:
    """Names of tables, actors, principals, counts and times: nothing of a document gets into a template otherwise."""
    allowed = {
        "ctx.periodEnd", "bucket_keys", "#ctx.newAlerts", "/ctx.newAlerts", "#ctx.results", "/ctx.results",
        "#aggregations.tables.buckets", "/aggregations.tables.buckets", "key", "doc_count",
    }  # fmt: skip
    grouped = set(fields_in(search_of(MONITORS[name])["query"].get("aggregations", {})))
    assert grouped <= {"actor.id", "principal.name", "table.name", "@timestamp", "lag_seconds", "waiting_seconds"}
    for trigger in triggers_of(MONITORS[name]):
        for action in trigger["actions"]:
            for part in ("subject_template", "message_template"):
                assert set(re.findall(r"\{\{\{?(.+?)\}\}", action[part]["source"])) <= allowed


def test_names_and_ids_are_unique_and_actions_lead_to_our_channel() -> None:
    triggers = [trigger for monitor in MONITORS.values() for trigger in triggers_of(monitor)]
    actions = [action for trigger in triggers for action in trigger["actions"]]
    for things in ([one["name"] for one in MONITORS.values()], [one["id"] for one in triggers + actions]):
        assert len(set(things)) == len(things)
    assert {action["destination_id"] for action in actions} == {CHANNEL}


Spoil = Callable[[dict[str, Any]], Any]


def set_at(*path: str | int, value: Any) -> Spoil:
    def spoil(monitor: dict[str, Any]) -> None:
        node: Any = monitor
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = value

    return spoil


BUCKET = ("triggers", 0, "bucket_level_trigger")
SPOILT: dict[str, Spoil] = {
    "document-level": set_at("monitor_type", value="doc_level_monitor"),
    "another kind of trigger": set_at("monitor_type", value="query_level_monitor"),
    "a slip in a field": set_at("schedules", value={}),
    "no such unit": set_at("schedule", "period", "unit", value="SECONDS"),
    "two inputs": lambda monitor: monitor["inputs"].append(monitor["inputs"][0]),
    "no grouping": set_at("inputs", 0, "search", "query", "aggregations", "by_actor", value={"terms": {"field": "x"}}),
    "documents asked for": set_at("inputs", 0, "search", "query", "size", value=10),
    "a severity that is a number": set_at(*BUCKET, "severity", value=1),
    "no path": lambda monitor: monitor["triggers"][0]["bucket_level_trigger"]["condition"].pop("buckets_path"),
    "another language": set_at(*BUCKET, "condition", "script", "lang", value="expression"),
    "a template that is none": set_at(*BUCKET, "actions", 0, "message_template", "lang", value="painless"),
    "throttled without a time": set_at(*BUCKET, "actions", 0, "throttle_enabled", value=True),
    "an unknown field of an action": set_at(*BUCKET, "actions", 0, "destination", value="x"),
    "another channel": set_at(*BUCKET, "actions", 0, "destination_id", value="ops"),
    "an alert that no action knows": set_at(
        *BUCKET, "actions", 0, "action_execution_policy", "action_execution_scope", "per_alert", "actionable_alerts",
        value=["OLD"],
    ),
    "an id that is no name": set_at(*BUCKET, "id", value="a>b"),
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_wrong_monitor_is_refused(spoil: Spoil) -> None:
    monitor = copy.deepcopy(MONITORS["many-deletes.v1.json"])
    assert CHECK.is_valid(monitor)
    spoil(monitor)
    assert not CHECK.is_valid(monitor)
