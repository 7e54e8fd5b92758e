"""Is an item's story told with each finding at the change that it is about, and with both steps of a marked delete?"""

from __future__ import annotations

from itertools import permutations
from typing import Any

from tabletrail_cli.item_story import FIRST_STEP, ONLY_STEP, SECOND_STEP, is_second_step, story, told_together

Entry = dict[str, Any]
NO_MARKS: frozenset[str] = frozenset()


def entry(name: str, at: str = "2021-05-01T12:00:00Z", key: str = "1", action: str = "modify", **own: Any) -> Entry:
    actor = own.pop("actor", {})
    event = {"id": name, "sequence_key": key, "action": action}
    return {"@timestamp": at, "event": event, "actor": actor, "tabletrail": {"kind": "change", **own}}


def finding(name: str, about: str, **more: str) -> Entry:
    return entry(name, kind="attribution", about=about, **more)


def names(told: Any) -> list[tuple[str, list[str]]]:
    return [(one.entry["event"]["id"], [each["event"]["id"] for each in one.findings]) for one in told]


def test_in_whatever_order_they_come_does_each_stand_below_its_own() -> None:
    entries = [entry("a"), finding("of a", "a"), entry("b"), finding("of b", "b"), finding("also of b", "b")]
    for some in permutations(entries):
        told = dict(names(story(some, NO_MARKS)))
        assert {name: sorted(found) for name, found in told.items()} == {"a": ["of a"], "b": ["also of b", "of b"]}


def test_is_a_change_told_before_what_is_said_of_it_and_in_the_order_of_changes() -> None:
    entries = [finding("of a", "a"), entry("a"), entry("b", key="2"), finding("of b", "b", key="2")]
    assert names(story(entries, NO_MARKS)) == [("a", ["of a"]), ("b", ["of b"])]


def test_is_a_finding_of_a_parked_change_told_at_its_full_form() -> None:
    assert names(told_together([finding("of a", "a"), entry("retried", supersedes="a")])) == [("retried", ["of a"])]


def test_is_a_finding_without_its_change_told_by_itself() -> None:
    assert names(story([finding("of a", "a"), entry("b")], NO_MARKS)) == [("b", []), ("of a", [])]
    assert names(story([entry("unrecorded", kind="attribution"), entry("b")], NO_MARKS)) == [
        ("b", []),
        ("unrecorded", []),
    ]


def remarks(*entries: Entry, marks: frozenset[str] = frozenset({"m"})) -> list[str]:
    return [told.remark for told in story(entries, marks)]


def test_are_both_records_of_a_marked_delete_told_as_such() -> None:
    update, delete = entry("u", mark="m"), entry("d", key="3", action="remove", mark="m")
    other = entry("o", key="2", mark="n")
    assert remarks(update, other, delete) == [FIRST_STEP, "", SECOND_STEP]
    assert remarks(other, delete) == ["", ONLY_STEP]
    assert remarks(update, marks=NO_MARKS) == [""], "it is not known that a removal followed"


def test_is_a_plain_delete_that_a_row_tells_of_no_marked_one() -> None:
    by_row = {"id": "alice", "source": "outbox", "confidence": "likely"}
    assert not is_second_step(entry("d", action="remove", actor=by_row))
    assert is_second_step(entry("d", action="remove", mark="m", actor=by_row)), "its mark and its row, after a gap"
    assert not is_second_step(entry("d", action="modify", mark="m", actor=by_row))
