"""In any story of two items in two tables, is whoever an entry names as likely the one who wrote?

The story tells what docs/attribution.md calls knowable: where the newest mark was lost, because an item was replaced
without one, removed, or set back to an older copy, five minutes pass before another copy comes back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tabletrail.core.entry import convert
from tabletrail.core.marks import id_in
from tabletrail_client.context import Act
from tabletrail_client.marks import mark
from tests.core.naive_marks import uuid_at
from tests.core.strategies import CONVERSION, SOURCE, record

Item = dict[str, Any]
Place = tuple[str, str]
"""(table, partition key)"""

PLACES: list[Place] = [("orders", "1"), ("orders", "2"), ("archive", "1")]
LONG_MS = 301_000
TTL = {"userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}}


@dataclass
class Story:
    """Items as they are, copies that somebody has read, and the records with who really made them."""

    now_ms: int = 1_795_500_000_000
    items: dict[Place, Item] = field(default_factory=dict)
    copies: list[Item] = field(default_factory=list)
    told: list[tuple[str, Place, Item]] = field(default_factory=list)

    def marked(self, place: Place, who: str, intent: str = "") -> Item:
        self.now_ms += 1
        act = Act(who, reason=f"{who} at work")
        return {"_audit": mark(act, place[0], {"pk": {"S": place[1]}}, intent, uuid_at(self.now_ms, self.now_ms))}

    def becomes(self, place: Place, who: str, new: Item | None, more: Item | None = None) -> None:
        """A write, or none: what changes nothing makes no record."""
        self.now_ms += 250
        key = {"pk": {"S": place[1]}}
        old, new = self.items.get(place), None if new is None else new | key
        if old == new:
            return
        seconds = self.now_ms // 1000
        made = record(old, new, Keys=key, ApproximateCreationDateTime=seconds) | (more or {})
        self.told.append((who, place, made))
        if new is None:
            del self.items[place]
            self.now_ms += LONG_MS
            return
        self.items[place] = new
        self.copies.append(new)
        if id_in(new) < id_in(old):
            self.now_ms += LONG_MS


def write(story: Story, place: Place, who: str, copy: Item) -> None:
    """Marked, and a retry of the very same request."""
    new = story.items.get(place, {}) | {"n": {"N": str(len(story.told))}} | story.marked(place, who)
    story.becomes(place, who, new)
    story.becomes(place, who, new)


def forget(story: Story, place: Place, who: str, copy: Item) -> None:
    story.becomes(place, who, story.items.get(place, {}) | {"n": {"N": str(len(story.told))}})


def replace_plainly(story: Story, place: Place, who: str, copy: Item) -> None:
    story.becomes(place, who, {"n": {"N": str(len(story.told))}, "updatedBy": {"S": who}})


def save_a_copy(story: Story, place: Place, who: str, copy: Item) -> None:
    """Of any item of any table, at any time later; over whatever is there."""
    current = story.items.get(place)
    if current is not None and "_audit" not in current:
        story.now_ms += LONG_MS
    story.becomes(place, who, copy)


def restore(story: Story, place: Place, who: str, copy: Item) -> None:
    story.now_ms += LONG_MS
    story.becomes(place, who, copy)


def delete_marked(story: Story, place: Place, who: str, copy: Item) -> None:
    if place in story.items:
        story.becomes(place, who, story.items[place] | story.marked(place, who, "delete"))
        story.becomes(place, who, None)


def delete_after_another_wrote(story: Story, place: Place, who: str, copy: Item) -> None:
    """Who forgets the mark leaves it there: the conditional delete still succeeds."""
    if place in story.items:
        story.becomes(place, who, story.items[place] | story.marked(place, who, "delete"))
        forget(story, place, "somebody", copy)
        story.becomes(place, who, None)


def delete_plainly(story: Story, place: Place, who: str, copy: Item) -> None:
    current = story.items.get(place)
    if current is not None:
        # A mark for a delete that was never carried out would name its maker for five minutes.
        is_marked = "intent" in current.get("_audit", {}).get("M", {})
        story.now_ms += LONG_MS if is_marked else 0
        story.becomes(place, who, None)


def expire(story: Story, place: Place, who: str, copy: Item) -> None:
    if place in story.items:
        story.becomes(place, "dynamodb.amazonaws.com", None, TTL)


def forge(story: Story, place: Place, who: str, copy: Item) -> None:
    """A mark that was seen, under another's name."""
    seen = copy.get("_audit", {}).get("M")
    if seen:
        forged = {"_audit": {"M": seen | {"actor": {"S": "victim"}}}}
        story.becomes(place, who, story.items.get(place, {}) | {"n": {"N": "0"}} | forged)


STEPS = (
    write, write, write, forget, replace_plainly, save_a_copy, save_a_copy, restore, delete_marked,
    delete_after_another_wrote, delete_plainly, expire, forge,
)  # fmt: skip


def entries(story: Story) -> list[tuple[str, Item]]:
    found = []
    for who, (table, _), made in story.told:
        entry = convert(made, replace(SOURCE, table_name=table), CONVERSION)
        found.append((who, json.loads(entry.document)))
    return found


@settings(max_examples=300)
@given(st.data())
def test_no_likely_name_is_wrong(data: st.DataObject) -> None:
    story = Story()
    for _ in range(data.draw(st.integers(1, 25))):
        step = data.draw(st.sampled_from(STEPS))
        place = data.draw(st.sampled_from(PLACES))
        copy = data.draw(st.sampled_from(story.copies)) if story.copies else {}
        step(story, place, data.draw(st.sampled_from(["alice", "bob", "carol"])), copy)
    for who, document in entries(story):
        actor = document.get("actor", {})
        if actor.get("confidence") in ("certain", "likely"):
            assert actor["id"] == who, document["message"]
            event(f"named by {actor['source']}")
        if actor.get("source") == "mark":
            assert document["reason"] == f"{who} at work"


def test_each_marked_write_is_named_and_both_records_of_a_marked_delete() -> None:
    story = Story()
    for who in ("alice", "bob", "alice"):
        write(story, PLACES[0], who, {})
        forget(story, PLACES[0], "somebody", {})
    delete_marked(story, PLACES[0], "carol", {})
    named = [document.get("actor", {}).get("id") for _, document in entries(story)]
    assert named == ["alice", None, "bob", None, "alice", None, "carol", "carol"]
