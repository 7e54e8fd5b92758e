"""Does a claim against IAM leave as an alert, and is what CloudTrail says of a change seen by whom the change is seen?

The entries are those that AttributeChanges commits, the rights those of the roles that are installed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tabletrail.core.alert import AlertForm, alert_of
from tabletrail.core.alert_digest import digest_of, text_of
from tabletrail.core.team_roles import Team, role_of
from tests.core.alerted_entries import ROOT, SCHEMA
from tests.faults.alerting import assert_alerted, due
from tests.faults.attributing import ALICE, BATCH, BOB, TrailWorld, begun

ENTRY_SCHEMA = json.loads((ROOT / "mappings/schema/audit_entry.v1.schema.json").read_text("utf-8"))
NAMED = ({"updatedBy": {"S": "carol"}}, {"updatedBy": {"S": "alice"}})
"""The change's writer says that it is alice."""


class Owned(TrailWorld):
    """A world in which salaries are the service payroll's."""

    def add_table(self, name: str, shards: int = 1) -> str:
        stream_arn = super().add_table(name, shards)
        if name == "salaries":
            table = self.tables.tables[stream_arn.partition("/stream/")[0]]
            self.tables.add(replace(table, service="payroll"))
        return stream_arn


def told_of(*tables: str) -> TrailWorld:
    """Each table has each kind of entry: a claim that IAM contradicts, one that it does not, several callers, a change
    without a call and a call without a change."""
    world, arns = begun(*tables, world=Owned())
    for number, arn in enumerate(arns):
        world.call(arn, f"forged-{number}", BOB, images=NAMED)
        world.clock.advance(60)
        world.call(arn, f"own-{number}", ALICE, images=NAMED)
        world.clock.advance(60)
        world.call(arn, f"raced-{number}", ALICE, images=NAMED)
        world.tell(arn, f"raced-{number}", BATCH)
        world.clock.advance(60)
        world.changed(arn, f"unseen-{number}")
        world.clock.advance(60)
        world.tell(arn, f"ghost-{number}", BOB)
        world.clock.advance(60)
    world.minutes(2)
    world.deliver()
    world.settle()
    world.attribute()
    return world


def test_the_claim_of_another_leaves_once_by_each_way_and_nothing_else_does() -> None:
    world = told_of("orders")
    assert world.actions() == {"attributed": 3, "unattributed": 1, "unrecorded": 1}
    [forged] = world.of_item("forged-0")
    world.drain()
    assert due(world) == [forged["event"]["id"]]
    assert_alerted(world, once=True)
    for entry in world.found():
        Draft202012Validator(ENTRY_SCHEMA).validate(entry)


@pytest.mark.parametrize("values", [True, False])
def test_it_says_whom_the_change_names_and_whom_iam_saw(values: bool) -> None:
    world = told_of("orders")
    [forged] = world.of_item("forged-0")
    form = AlertForm(values=values, dashboards="https://x")
    detail = alert_of(forged, form).detail
    Draft202012Validator(SCHEMA).validate(detail)
    [change] = [one for one in world.lines() if one["event"]["id"] == detail["about"]]
    assert (change["tabletrail"]["kind"], change["actor"]["id"]) == ("change", "alice")
    assert (detail["principal"]["name"], detail["principal"]["confidence"]) == ("bob", "likely")
    assert detail.get("claimed") == ("alice" if values else None)
    assert "actor" not in detail
    text = text_of(digest_of([alert_of(forged, form)], form))
    assert ("alice" in text) == values
    assert "\nIAM says  arn:aws:iam::" in text


def sees(team: Team, entry: dict[str, Any]) -> bool:
    """As OpenSearch reads the role's limit: whole names, any of them."""
    [part] = role_of(team)["index_permissions"]
    query = json.loads(part["dls"])
    one_of = query["bool"]["should"] if "bool" in query else [query]
    found = {"service.name": entry.get("service", {}).get("name"), "table.name": entry["table"]["name"]}
    return any(found[field] in names for one in one_of for field, names in one["terms"].items())


@pytest.mark.parametrize(
    ("team", "own"),
    [
        (Team("a", tables=("orders",)), {"orders"}),
        (Team("b", tables=("salaries",)), {"salaries"}),
        (Team("c", services=("payroll",)), {"salaries"}),
        (Team("d", services=("nobody",)), set()),
    ],
)
def test_who_may_see_a_change_sees_what_is_said_of_it_and_nobody_else_does(team: Team, own: set[str]) -> None:
    world = told_of("orders", "salaries")
    changes = {one["event"]["id"]: one for one in world.lines() if one["tabletrail"]["kind"] == "change"}
    assert {one["table"]["name"] for one in world.found()} == {"orders", "salaries"}
    for entry in world.found():
        about = entry["tabletrail"].get("about")
        assert sees(team, entry) == (entry["table"]["name"] in own)
        assert about is None or sees(team, entry) == sees(team, changes[about])
