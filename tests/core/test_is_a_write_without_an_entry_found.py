"""Is a write that CloudTrail saw and the log does not have found, and none that it has?"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabletrail.core import unrecorded as unrecorded_module
from tabletrail.core.cloudtrail import Call
from tabletrail.core.sightings import WINDOW_SECONDS, Action, Change
from tabletrail.core.unrecorded import Unrecorded, unrecorded
from tests.core.trail import NOON, call, delete, event, put, read, update
from tests.core.witnessed_world import World

A = {"id": "a"}
LATER = NOON + 3600


def change(action: Action = "modify", key: str = "a", at: int = 0) -> Change:
    return Change(f"{key}-{action}-{at}", "orders", (("id", "S", key),), action, NOON + at)


def asked(changes: list[Change], record: dict[str, Any], read_until: int = LATER) -> Unrecorded:
    return unrecorded(changes, [call(record)], read_until)


def test_a_write_with_its_entry_is_explained() -> None:
    assert asked([change()], put(A)) == Unrecorded((), explained=1)


@pytest.mark.parametrize(
    "changes", [[], [change(key="b")], [change("remove")], [change("expire")], [change(at=WINDOW_SECONDS + 1)]]
)
def test_a_write_without_its_entry_is_missing_and_says_what_else_it_may_be(changes: list[Change]) -> None:
    [missing] = asked(changes, put(A)).missing
    assert (missing.write.key, missing.call.principal.name) == ((("id", "a"),), "alice")
    assert "changed nothing" in missing.reason


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (delete(A), "may not have existed"),
        (event("BatchWriteItem", {"requestItems": [{"operation": "Put", "key": A}]}), "unprocessed"),
        (event("TransactWriteItems", {"requestItems": [{"operation": "Put", "key": A}]}), "client token"),
        (
            event("BatchExecuteStatement", {"statements": [{"statement": "DELETE FROM orders WHERE id = 'a'"}]}),
            "failed",
        ),
        (event("ExecuteStatement", {"statement": "DELETE FROM orders WHERE id = 'a'"}), "changed nothing"),
    ],
)
def test_each_kind_of_call_has_its_reason(record: dict[str, Any], words: str) -> None:
    [missing] = asked([], record).missing
    assert words in missing.reason


def test_a_failed_call_is_not_missing() -> None:
    failed = read(put(A, errorCode="ConditionalCheckFailedException"))
    assert unrecorded([], failed.calls, LATER) == Unrecorded(())


@pytest.mark.parametrize(("read_until", "undecided"), [(NOON + 5, 1), (NOON + 6, 0)])
def test_what_the_log_has_not_read_yet_is_undecided(read_until: int, undecided: int) -> None:
    found = asked([], put(A), read_until)
    assert (found.undecided, len(found.missing)) == (undecided, 1 - undecided)


def test_the_same_event_twice_is_missing_once() -> None:
    one = call(put(A))
    assert len(unrecorded([], [one, one], LATER).missing) == 1


def test_more_writes_than_entries_are_counted_and_not_named() -> None:
    calls = [call(put(A, eventID="1")), call(put(A, eventID="2")), call(update(A, eventID="3"))]
    assert unrecorded([change(), change("expire")], calls, LATER) == Unrecorded((), explained=3, outnumbered=2)


def test_a_write_whose_item_does_not_show_says_little() -> None:
    hidden = event("ExecuteStatement", {"statement": "INSERT INTO orders VALUE {'id' : ***(Redacted)}"})
    assert asked([change("insert")], hidden).unseen == 1
    assert len(asked([change("modify")], hidden).missing) == 1
    assert asked([], event("BatchWriteItem", {"omitted": True})) == Unrecorded((), unseen=1)


def test_what_is_listed_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unrecorded_module, "MISSING", 2)
    found = unrecorded([], [call(put(A, eventID=str(number))) for number in range(5)], LATER)
    assert (len(found.missing), found.more) == (2, 3)


def kept(world: World, seed: int) -> tuple[list[Change], set[str]]:
    """The world's changes without every tenth, and the calls of those that are gone."""
    gone = set(random.Random(seed).sample([one.entry_id for one in world.changes], len(world.changes) // 10))
    return [one for one in world.changes if one.entry_id not in gone], {world.truth[one][1] for one in gone}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_each_lost_entry_is_missing_or_counted_and_order_is_no_matter(seed: int) -> None:
    world = World(seed, seconds=40)
    changes, lost = kept(world, seed)
    found = unrecorded(changes, world.calls(), LATER)
    missing = {one.call.id for one in found.missing}
    hidden = {one.id for one in world.calls() if not all(write.key for write in one.writes)}
    unnamed = lost - missing - hidden
    assert len(unnamed) <= found.outnumbered
    shuffled = random.Random(seed).sample(changes, len(changes))
    assert unrecorded(shuffled, world.calls(seed), LATER) == found


def test_no_entry_is_invented_that_the_log_has() -> None:
    """A world without writes that change nothing, on items of their own: only what was taken away is missing."""
    calls: list[Call] = []
    changes: list[Change] = []
    for number in range(200):
        calls.append(replace(call(put({"id": f"i{number}"})), id=f"c{number}", seconds=NOON + number % 7))
        changes.append(change("insert", f"i{number}", number % 7 + 1))
    found = unrecorded(changes[20:], calls, LATER)
    assert {one.call.id for one in found.missing} == {f"c{number}" for number in range(20)}
    assert (found.explained, found.outnumbered) == (180, 0)
