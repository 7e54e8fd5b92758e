"""A world whose writers use the outbox: a story of marks, rows, copies and deletes, before and after a split.

The truth of its log is what one calm run after the other makes of it: `calm_entries`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.core import outbox_story as steps
from tests.core.outbox_story import KEYS, Made, Story
from tests.faults.world import SETTINGS, World

Entries = dict[str, dict[str, Any]]

ATTRIBUTION = {"attribution": {"tables": [{"table": "orders", "outbox": True}]}}
POLICY = ("10-attribution.json", json.dumps(ATTRIBUTION))
ONE, TWO = KEYS
PLAIN = {"n": {"N": "0"}}


def outboxed_world() -> tuple[World, str]:
    """A world with small pages, whose table `orders` has joined under the policy; the stream's ARN."""
    world = World(replace(SETTINGS, cycle_records=5))
    world.stream.page_records = 3
    world.publish(POLICY)
    orders = world.add_table("orders")
    return world, orders


def first_half(story: Story) -> None:
    """Each kind of answer: certain, a copy, a marked delete in two steps, likely, candidates, nothing."""
    steps.write(story, ONE, "alice", {})
    copy = story.copies[-1]
    steps.write(story, TWO, "bob", {})
    steps.replace_plainly(story, ONE, "carol", {})
    steps.save_a_copy(story, ONE, "carol", copy)
    steps.delete_marked(story, TWO, "bob", {})
    steps.save_a_copy(story, TWO, "carol", story.copies[-1])
    steps.delete_with_row(story, ONE, "alice", {})
    steps.write_marked_only(story, ONE, "bob", {})
    steps.delete_plainly(story, ONE, "carol", {})
    steps.delete_nothing(story, ONE, "bob", {})
    steps.write(story, ONE, "carol", {})


def second_half(story: Story) -> None:
    """Copies of what was written before the split, and removals that two rows may tell of.

    A minute later: no row is made near a removal that may have been read already.
    """
    steps.wait(story, ONE, "", {})
    steps.replace_plainly(story, ONE, "alice", {})
    steps.save_a_copy(story, ONE, "alice", story.copies[-2])
    steps.delete_with_row(story, ONE, "bob", {})
    steps.write(story, ONE, "alice", {})
    steps.delete_plainly(story, TWO, "carol", {})
    steps.write(story, TWO, "carol", {})
    steps.delete_marked(story, TWO, "bob", {})


def write(world: World, arn: str, shard_id: str, story: Story, made: Sequence[Made]) -> None:
    """The story's rows and, in that shard, these of its records."""
    for row in story.rows:
        world.outbox.put(row)
    for one in made:
        data = one.record["dynamodb"]
        images = {"old": data.get("OldImage"), "new": data.get("NewImage"), "keys": data["Keys"]}
        created = data["ApproximateCreationDateTime"]
        world.write(arn, shard_id, 1, event=one.record["eventName"], created=created, **images)


def entries(world: World) -> Entries:
    """All changes of the log by their ids, without where they lie."""
    changes = [entry for entry in world.lines() if entry["tabletrail"]["kind"] == "change"]
    return {entry["event"]["id"]: {name: one for name, one in entry.items() if name != "log"} for entry in changes}


def actors(found: Entries) -> list[Any]:
    """By position in the stream."""
    ordered = sorted(found.values(), key=lambda entry: entry["event"]["sequence_key"])
    return [entry.get("actor", {}) for entry in ordered]


def unread(found: Entries) -> int:
    return sum(entry["tabletrail"].get("outbox") == "unread" for entry in found.values())


def prove_the_story(found: list[Any]) -> None:
    """It has each kind of answer, or a sweep over it would prove little."""
    assert {one.get("confidence") for one in found} == {"certain", "likely", "possible", None}
    assert {"last_known": "alice"} in found
    assert any(len(one.get("candidates", [])) == 2 for one in found)
