"""`rules try` over logs of the real writing path: does it mark what the conversion would have marked?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tabletrail.core.policy import Policy
from tabletrail.policy_files import check
from tabletrail_cli.log import Log
from tabletrail_cli.trial import Asked, Named, Trial, from_log
from tabletrail_client.context import Act
from tabletrail_client.marks import mark
from tests.core.naive_marks import uuid_at
from tests.fakes.shelf import FakeSegmentPages
from tests.faults.world import SETTINGS, World

RULES = [
    {"name": "mail", "description": "An e-mail.", "when": {"path": "email"}, "severity": "high"},
    {"name": "cheap", "description": "A fall.", "when": {"path": "price", "after": {"below": "10"}}, "severity": "low"},
    {"name": "nobody", "description": "Who?", "when": {"actor": {"known": False}}, "severity": "low"},
    {"name": "eve", "description": "Eve.", "when": {"actor": {"id": ["eve*"]}}, "severity": "critical"},
    {"name": "gone", "description": "Gone.", "when": {"action": "remove", "table": "pay*"}, "severity": "medium"},
]
KEY = {"id": {"S": "marked"}}
TEXT = json.dumps({"rules": RULES})
SECRET = json.dumps({"sensitive": [{"table": "*", "path": ["email", "price", "updatedBy", "_audit"]}]})


def policy(*texts: str) -> Policy:
    checked = check([(f"{number}.json", text) for number, text in enumerate(texts)])
    assert checked.policy is not None, checked.problems
    return checked.policy


def item(**values: Any) -> dict[str, Any]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}


def story(world: World) -> World:
    """Changes of which each rule marks some and leaves some."""
    for name in ("orders", "payments"):
        arn = world.add_table(name)
        for turn in range(6):
            old = item(email=f"{turn}@old", price=turn * 5, updatedBy="bob")
            new = item(email=f"{turn % 2}@old", price=turn * 4, updatedBy="eve" if turn == 3 else "bob")
            world.write(arn, "shard-0", 1, old=old, new=new)
            world.write(arn, "shard-0", 1, event="REMOVE", old=old)
        marked = old | {"_audit": mark(Act("eve-by-mark"), name, KEY, mark_id=uuid_at(int(world.clock.now()) * 1000))}
        world.write(arn, "shard-0", 1, keys=KEY, old=old, new=marked)
        world.write(arn, "shard-0", 2, event="EXPLODE")
        for _ in range(2):
            world.run()
    return world


def tried(world: World, rules: Policy, asked: Asked = Asked(), examples: int = 3, **bodies: bytes) -> Trial:  # noqa: B008
    log = cast(Log, type("Log", (), {"segment_scan": FakeSegmentPages(world.rows)})())
    trial = Trial(rules, asked, "updatedBy", examples, lambda _: None)
    store = Store(world, bodies)
    trial.run(from_log(log, asked), store)
    return trial


class Store:
    def __init__(self, world: World, bodies: dict[str, bytes]) -> None:
        self._world, self._bodies = world, bodies

    def get(self, key: str, version_id: str) -> bytes:
        return self._bodies.get("body") or self._world.store.get(key, version_id)

    def put(self, key: str, body: bytes) -> str:
        raise AssertionError("nothing is written")


def marked_by_conversion(world: World) -> dict[str, int]:
    found = {str(rule["name"]): 0 for rule in RULES}
    for entry in world.lines():
        for name in entry.get("rule", {}).get("name", ()):
            found[str(name)] += 1
    return found


@pytest.mark.parametrize("texts", [(TEXT,), (TEXT, SECRET)])
def test_does_a_trial_mark_what_the_conversion_would_have(texts: tuple[str, ...]) -> None:
    ruled = World()
    ruled.publish(*((f"{number}.json", text) for number, text in enumerate(texts)))
    expected = marked_by_conversion(story(ruled))
    assert all(expected.values()), "each rule marks something"
    for world in (story(World()), ruled):
        trial = tried(world, policy(TEXT))
        assert {name: found.entries for name, found in trial.found.items()} == expected
        assert trial.changes == 26
        assert trial.alerts >= expected["mail"]
    assert tried(ruled, policy(TEXT)).alerted_then == tried(ruled, policy(TEXT)).alerts
    assert tried(story(World()), policy(TEXT)).alerted_then == 0


def attributed(*tables: dict[str, Any]) -> str:
    return json.dumps({"attribution": {"tables": list(tables)}})


def test_does_a_trial_name_whom_the_tried_attributes_would_have() -> None:
    said = attributed({"table": "orders", "attribute": "editor", "type": "service"}, {"table": "pay*", "attribute": ""})

    def edited(world: World) -> World:
        for name in ("orders", "payments"):
            arn = world.add_table(name)
            for turn in range(5):
                old, new = (
                    item(editor="x", updatedBy="bob"),
                    item(editor=f"eve{turn}" if turn else "x", updatedBy="eve"),
                )
                foreign = {"_audit": mark(Act("eve"), name, KEY)} if turn == 4 else {}
                world.write(arn, "shard-0", 1, old=old, new=new | foreign)
        world.run()
        return world

    ruled = World()
    ruled.publish(("0.json", TEXT), ("1.json", said))
    expected = marked_by_conversion(edited(ruled))
    assert (expected["eve"], expected["nobody"]) == (3, 7)
    for world, then in ((edited(World()), 4), (ruled, 0)):
        trial = tried(world, policy(TEXT, said))
        assert {name: found.entries for name, found in trial.found.items()} == expected
        assert trial.named == {
            "orders": Named(changes=5, now=3, then=then or 3),
            "payments": Named(changes=5, now=0, then=then),
        }
    assert tried(ruled, policy(TEXT)).named == {}


def test_are_the_examples_the_first_ones_in_time() -> None:
    world = story(World())
    first = tried(world, policy(TEXT)).found["mail"].first()
    every = tried(world, policy(TEXT), examples=1000).found["mail"].first()
    keys = [(entry["@timestamp"], entry["event"]["sequence_key"]) for entry in every]
    assert keys == sorted(keys)
    assert first == every[:3]
    assert tried(world, policy(TEXT), examples=0).found["mail"].first() == []


def test_is_only_what_was_asked_for_judged() -> None:
    world = story(World())
    every = tried(world, policy(TEXT), examples=1000)
    times = sorted({entry["@timestamp"] for entry in world.lines()})
    middle = datetime.fromisoformat(times[len(times) // 2])
    earlier = tried(world, policy(TEXT), Asked(until=middle))
    later = tried(world, policy(TEXT), Asked(since=middle))
    assert 0 < earlier.changes < every.changes
    assert earlier.changes + later.changes == every.changes
    assert tried(world, policy(TEXT), Asked("payments")).found["gone"].entries == every.found["gone"].entries
    assert tried(world, policy(TEXT), Asked("orders")).found["gone"].entries == 0
    assert tried(world, policy(TEXT), Asked(since=datetime(2050, 1, 1, tzinfo=UTC))).segments == 0


def test_is_a_damaged_segment_told_and_left_out() -> None:
    world = story(World(replace(SETTINGS, cycle_records=4)))
    trial = tried(world, policy(TEXT), body=b"another")
    assert trial.changes == 0
    assert len(trial.damaged) == trial.segments > 1
    assert set(trial.damaged.values()) == {"its bytes are not the committed ones"}
