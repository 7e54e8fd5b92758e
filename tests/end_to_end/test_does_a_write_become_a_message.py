"""Somebody is granted a role by a plain write: does what is deployed tell it, in words and as an event, in a queue?

The functions are those that `sam deploy` put there, with the rules of this release; nothing here calls their code.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tabletrail_local.alert_queue import AlertQueue
from tabletrail_local.console import say
from tabletrail_local.info import READER_ROLE, StackInfo
from tabletrail_local.opensearch import OpenSearchServer
from tabletrail_local.paths import stack_paths
from tests.end_to_end.conftest import DASHBOARDS
from tests.end_to_end.deployed_alerts import DeployedAlerts
from tests.ports.alert_queue import Queue
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack

SCHEMA = json.loads((Path(__file__).parents[2] / "mappings/schema/alert_event.v1.schema.json").read_text("utf-8"))
MANY = 2_000


@pytest.fixture(scope="module")
def alerts(deployed: StackInfo, mailbox: AlertQueue) -> Iterator[DeployedAlerts]:
    events = Queue(deployed)
    events.behind_bus("default", events.name, {"source": ["tabletrail"], "detail-type": ["Audit alert"]})
    yield DeployedAlerts(deployed, mailbox, events)
    events.leave_bus("default", events.name)
    events.client.delete_queue(QueueUrl=events.url)


@pytest.fixture(scope="module")
def staff(alerts: DeployedAlerts) -> str:
    """An audited table in which carol is a viewer."""
    table = alerts.make_table("staff")
    alerts.write(table, [{"id": "carol", "role": "viewer", "updatedBy": "dave"}])
    return table


def grant(alerts: DeployedAlerts, table: str, role: str, who: str) -> None:
    alerts.write(table, [{"id": "carol", "role": role, "updatedBy": who}])


def granted(alerts: DeployedAlerts, table: str, role: str) -> list[dict[str, Any]]:
    """The events that say so."""
    return [
        detail
        for detail in alerts.of(table)
        if any((change["path"], change.get("after")) == ("role", role) for change in detail["changes"])
    ]


def test_who_what_where_before_and_after(alerts: DeployedAlerts, staff: str) -> None:
    grant(alerts, staff, "admin", "mallory")
    alerts.until(lambda: granted(alerts, staff, "admin"))
    [event] = granted(alerts, staff, "admin")
    Draft202012Validator(SCHEMA).validate(event)
    assert event["actor"] == {"id": "mallory", "type": "user", "source": "attribute", "confidence": "possible"}
    assert {"path": "role", "before": "viewer", "after": "admin"} in event["changes"]
    assert (event["item"]["id"], event["service"], event["action"]) == ("carol", "people", "modify")
    assert event["rules"], "the rules that matched are named"
    [message] = [one for one in alerts.told_of(staff) if event["id"] in one.text]
    assert message.first_line.startswith("mallory changed role from viewer to admin")
    for told in (
        "who       mallory",
        f"table {staff}, item carol",
        "role: viewer -> admin",
        *event["rules"],
        event["link"],
    ):
        assert told in message.text, message.text
    say(f"\n{message.subject}\n\n{message.text}\n\n{json.dumps(event, indent=2)}")


def test_the_link_names_a_document_that_a_reader_finds(alerts: DeployedAlerts, staff: str) -> None:
    [event] = granted(alerts, staff, "admin")
    place, _, id_ = event["link"].removeprefix(f"{DASHBOARDS}/app/discover#/doc/").partition("?id=")
    view, index = place.split("/")
    assert (view, id_) == ("tabletrail", event["id"])
    # What Discover's page of a single document asks.
    found: list[dict[str, Any]] = []

    def look() -> bool:
        reply = Server(alerts.stack).ask(
            READER_ROLE, "POST", f"/{index}/_search", {"query": {"ids": {"values": [id_]}}}
        )
        assert reply.ok, reply.reason
        found[:] = reply.data["hits"]["hits"]
        return bool(found)

    alerts.until(look)
    assert found[0]["_source"]["item"]["id"] == "carol"


def test_it_arrives_while_opensearch_is_stopped(alerts: DeployedAlerts, staff: str) -> None:
    pid = OpenSearchServer(stack_paths()).running_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        grant(alerts, staff, "owner", "trudy")
        alerts.until(lambda: granted(alerts, staff, "owner"))
    finally:
        os.kill(pid, signal.SIGCONT)
    [event] = granted(alerts, staff, "owner")
    assert event["actor"]["id"] == "trudy"
    assert [one for one in alerts.told_of(staff) if event["id"] in one.text]


def test_thousands_are_grouped_and_each_is_one_event(alerts: DeployedAlerts) -> None:
    tables = [alerts.make_table("burst") for _ in range(2)]
    before = len(alerts.messages)
    for role, who in (("viewer", "dave"), ("editor", "mallory")):
        for table in tables:
            items = ({"id": f"person-{number}", "role": role, "updatedBy": who} for number in range(MANY // 2))
            alerts.write(table, items)

    def all_granted() -> list[dict[str, Any]]:
        return [event for table in tables for event in granted(alerts, table, "editor")]

    alerts.until(lambda: len(all_granted()) >= MANY)
    alerts.until(lambda: True)  # what might come twice would come now
    events = [event for table in tables for event in alerts.of(table)]
    ids = [event["id"] for event in events]
    assert len(ids) == len(set(ids)), "an event came twice in a quiet run"
    assert {(event["table"]["name"], event["item"]["id"]) for event in all_granted()} == {
        (table, f"person-{number}") for table in tables for number in range(MANY // 2)
    }
    messages = [one for one in alerts.messages[before:] if {*tables} & {*json.loads(one.attributes["tables"])}]
    assert sum(int(one.attributes["count"]) for one in messages) == len(ids), "people were told of each once"
    assert len(messages) < 20
    largest = max(messages, key=lambda one: int(one.attributes["count"]))
    assert "app/data-explorer/discover#/?" in largest.text
    say(f"\n{len(messages)} messages for {len(ids)} events\n{largest.subject}\n\n{largest.text}")
