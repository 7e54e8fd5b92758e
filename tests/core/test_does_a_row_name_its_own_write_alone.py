"""Does a row of the outbox name who made the change that it was written with, and no other?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tabletrail.core.document import Conversion
from tabletrail.core.evidence import Reading, ask_of
from tabletrail.core.policy import compile_policy
from tests.core.outboxed import NOW, PAID, SHIPPED, SURE, Item, Teller, at, change, marked, out, told

TTL = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
ID, LATER = at(-0.2), at(-0.1)
NAMED = {"id": "alice", "type": "user", "source": "outbox"}
CERTAIN, LIKELY = NAMED | {"confidence": "certain"}, NAMED | {"confidence": "likely"}
BY_MARK = {"id": "alice", "type": "user", "source": "mark", "confidence": "likely"}
ALICE, BOB = {"id": "alice", "type": "user"}, {"id": "bob", "type": "user"}
BOTH = {"source": "outbox", "confidence": "possible", "candidates": [ALICE, BOB]}
WRITE = change(PAID, SHIPPED | marked(ID, "alice"))
BACK = change(PAID, SHIPPED | marked(ID, "alice"), number=19)
"""The same change again: what was saved in between lost the mark."""


@pytest.mark.parametrize(("old", "action"), [(None, "put"), (PAID, "put"), (PAID, "update"), (None, "update")])
def test_a_write_with_its_row_is_certain(old: Item | None, action: str) -> None:
    made = change(old, SHIPPED | marked(ID, "alice"))
    [document] = Teller([out(ID, "alice", action, context={"ticket": 17})]).documents(made)
    assert document["actor"] == CERTAIN
    assert document["tabletrail"]["mark"] == ID
    assert document["reason"] == "alice at work"
    assert document["request"] == {"id": "request of alice"}
    assert document["context"] == {"ticket": "17"}
    assert document["message"].startswith("alice ")


def test_without_its_row_it_is_as_by_the_mark() -> None:
    assert told(WRITE) == [BY_MARK]


OTHER_KEY: Item = {"pk": {"S": "order#18"}}
FORGED: dict[str, Item] = {
    "of another item": out(ID, "alice", key=OTHER_KEY),
    "of another table": out(ID, "alice", table="archive"),
    "of another id": out(LATER, "alice"),
    "of a delete": out(ID, "alice", "delete"),
    "moved to this item": out(ID, "alice", key=OTHER_KEY) | {"item": out(ID, "alice")["item"]},
    "moved from another table": out(ID, "alice", table="archive") | {"item": out(ID, "alice")["item"]},
    "of an unknown action": out(ID, "alice") | {"action": {"S": "erase"}},
    "of nobody": out(ID, "alice") | {"actor": {"S": ""}},
    "of an unknown type": out(ID, "alice") | {"type": {"S": "robot"}},
    "with a number for a name": out(ID, "alice") | {"actor": {"N": "7"}},
    "with half a surrogate": out(ID, "alice") | {"reason": {"S": "\ud800"}},
}


@pytest.mark.parametrize("case", FORGED)
def test_a_row_that_is_not_its_own_makes_nothing_certain(case: str) -> None:
    assert told(WRITE, items=[FORGED[case]]) == [BY_MARK]


def test_a_copy_in_the_same_read_is_another_write() -> None:
    assert told(WRITE, BACK, items=[out(ID, "alice")]) == [CERTAIN, {"last_known": "alice"}]


def test_a_copy_in_a_later_read_is_another_write() -> None:
    teller = Teller([out(ID, "alice")])
    assert [one["actor"] for one in teller.documents(WRITE)] == [CERTAIN]
    by_bob = BACK | {
        "dynamodb": BACK["dynamodb"] | {"NewImage": SHIPPED | marked(ID, "alice") | {"updatedBy": {"S": "bob"}}}
    }
    for _ in range(2):
        [document] = teller.documents(by_bob)
        assert document["actor"] == {"last_known": "alice"}
        assert "mark" not in document["tabletrail"]
        assert not {"reason", "request", "context"} & document.keys()


def test_who_reads_the_same_record_again_is_told_the_same() -> None:
    teller = Teller([out(ID, "alice")])
    first = teller.documents(WRITE, BACK)
    assert teller.documents(WRITE) == first[:1]
    assert teller.documents(WRITE, BACK) == first


def test_a_claim_of_the_same_id_for_another_item_takes_nothing() -> None:
    """Whoever writes elsewhere can make a mark with any id that is bound to an item of his own."""
    theirs = change(None, OTHER_KEY | marked(ID, "mallory", key=OTHER_KEY), number=16, Keys=OTHER_KEY)
    teller = Teller([out(ID, "alice"), out(ID, "mallory", key=OTHER_KEY)])
    assert [one["actor"]["id"] for one in teller.documents(theirs, WRITE)] == ["mallory", "alice"]
    assert teller.documents(WRITE)[0]["actor"] == CERTAIN


def test_a_row_that_names_another_than_the_mark_leaves_both() -> None:
    [document] = Teller([out(ID, "bob")]).documents(WRITE)
    assert document["actor"] == BOTH
    assert document["tabletrail"]["mark"] == ID
    assert not {"reason", "request", "context"} & document.keys()
    assert document["message"].startswith("status changed ")


@pytest.mark.parametrize("more", [{"type": {"S": "service"}}, {"service": {"S": "crm"}}])
def test_a_row_of_another_kind_of_actor_leaves_both(more: Item) -> None:
    [actor] = told(WRITE, items=[out(ID, "alice") | more])
    assert (actor["confidence"], len(actor["candidates"])) == ("possible", 2)


@pytest.mark.parametrize("reading", [replace(SURE, sure_from_ms=None), replace(SURE, sure_from_ms=NOW * 1000)])
def test_where_an_earlier_record_may_have_been_missed_it_is_likely(reading: Reading) -> None:
    teller = Teller([out(ID, "alice")])
    assert [one["actor"] for one in teller.documents(WRITE, reading=reading)] == [LIKELY]
    assert [one["actor"] for one in teller.documents(BACK, reading=reading)] == [{"last_known": "alice"}]


# Deletes

MARKING = change(PAID, PAID | marked(ID, "alice", "delete"))
REMOVAL = change(PAID | marked(ID, "alice", "delete"), None, number=18)
PLAIN = change(PAID, None, number=18)


def test_both_records_of_a_marked_delete_are_certain_by_one_row() -> None:
    first, second = Teller([out(ID, "alice", "delete")]).documents(MARKING, REMOVAL)
    assert first["actor"] == second["actor"] == CERTAIN
    assert first["tabletrail"]["mark"] == second["tabletrail"]["mark"] == ID
    assert first["message"] == "alice marked orders order#17 for its removal"
    assert second["message"] == "alice removed orders order#17"


def test_a_mark_whose_row_comes_later_cannot_be_put_back_as_its_own() -> None:
    teller = Teller()
    assert teller.documents(MARKING)[0]["actor"] == BY_MARK
    teller.items.append(out(ID, "alice", "delete"))
    again = change(SHIPPED, SHIPPED | marked(ID, "alice", "delete"), number=19)
    assert teller.documents(again)[0]["actor"] == {"last_known": "alice"}
    assert teller.documents(MARKING)[0]["actor"] == CERTAIN


def test_a_removal_of_what_was_put_back_after_a_marked_delete_is_not_its_removal() -> None:
    teller = Teller([out(ID, "alice", "delete")])
    teller.documents(MARKING, REMOVAL)
    again = change(PAID | marked(ID, "alice", "delete"), None, number=20)
    assert teller.documents(again)[0]["actor"] == {"last_known": "alice"}


def test_a_marked_delete_without_a_row_is_likely_or_certain_by_the_policy() -> None:
    assert told(MARKING, REMOVAL) == [BY_MARK, BY_MARK]
    marked_only = compile_policy({"attribution": {"tables": [{"table": "orders", "deletes": "marked"}]}})
    conversion = Conversion("month", "updatedBy", marked_only)
    reading = replace(SURE, are_deletes_marked=True)
    assert told(MARKING, REMOVAL, conversion=conversion, reading=reading) == [
        BY_MARK,
        BY_MARK | {"confidence": "certain"},
    ]


def test_a_marked_delete_whose_row_is_another_deletes_leaves_both() -> None:
    """Whoever came between the two steps removed it: the second step failed, and wrote no row."""
    assert told(REMOVAL, items=[out(LATER, "bob", "delete")]) == [BOTH]
    assert told(REMOVAL, items=[out(LATER, "alice", "delete")]) == [BY_MARK]


def test_a_plain_delete_with_one_row_is_likely() -> None:
    [document] = Teller([out(LATER, "alice", "delete", context={"ticket": 17})]).documents(PLAIN)
    assert document["actor"] == LIKELY
    assert document["reason"] == "alice at work"
    assert document["context"] == {"ticket": "17"}
    assert "mark" not in document["tabletrail"]


def test_of_two_rows_each_may_be_the_plain_deletes() -> None:
    """An item that is not there can be deleted without a record; its row stands."""
    [document] = Teller([out(ID, "alice", "delete"), out(LATER, "bob", "delete")]).documents(PLAIN)
    assert document["actor"] == BOTH
    assert document["message"] == "orders order#17 was removed"
    assert not {"reason", "request", "context"} & document.keys()


def test_many_rows_are_ten_candidates_in_their_order() -> None:
    rows = [out(at(-1, number), f"actor-{number:02}", "delete") for number in range(14)]
    [actor] = told(PLAIN, items=rows[::-1])
    assert [one["id"] for one in actor["candidates"]] == [f"actor-{number:02}" for number in range(10)]


@pytest.mark.parametrize(("seconds", "is_named"), [(-60.001, False), (-60, True), (5.999, True), (6, False)])
def test_a_row_of_another_time_is_no_candidate(seconds: float, is_named: bool) -> None:
    assert told(PLAIN, items=[out(at(seconds), "alice", "delete")]) == [LIKELY if is_named else {}]


def test_a_row_of_an_update_or_of_another_item_is_no_candidate() -> None:
    items = [out(LATER, "alice"), out(LATER, "alice", "put"), out(LATER, "alice", "delete", key=OTHER_KEY)]
    assert told(PLAIN, items=items) == [{}]


def test_each_removal_has_a_row_of_its_own() -> None:
    items = [out(at(0), "alice", "delete"), out(at(8), "bob", "delete")]
    first, second = change(PAID, None, 18), change(SHIPPED, None, 20, seconds=8)
    teller = Teller(items)
    assert [one["actor"]["id"] for one in teller.documents(first, second)] == ["alice", "bob"]
    assert [one["actor"]["id"] for one in teller.documents(second)] == ["bob"]
    assert [one["actor"]["id"] for one in Teller(items).documents(first)] == ["alice"]
    third = change(SHIPPED, None, 22, seconds=9)
    assert "actor" not in teller.documents(third)[0]


def test_the_row_of_a_marked_delete_is_no_candidate_for_a_plain_one() -> None:
    teller = Teller([out(ID, "alice", "delete")])
    plain = change(PAID | marked(ID, "alice", "delete"), None, 18, seconds=301)
    assert ask_of(plain, SURE) is not None
    assert told(plain, items=[out(ID, "alice", "delete")]) == [{"last_known": "alice"}]
    teller.documents(MARKING, REMOVAL)
    assert "actor" not in teller.documents(change(SHIPPED, None, 21, seconds=2))[0]


def test_a_guess_by_time_takes_no_row_from_the_delete_that_it_is_of() -> None:
    """The item is removed by who says nothing, comes back, and is removed by a marked delete: all in a second."""
    back = change(None, SHIPPED, 19)
    announced = change(SHIPPED, SHIPPED | marked(ID, "alice", "delete"), 20)
    removed = change(SHIPPED | marked(ID, "alice", "delete"), None, 21)
    teller = Teller([out(ID, "alice", "delete")])
    actors = [one.get("actor") for one in teller.documents(PLAIN, back, announced, removed)]
    assert actors == [LIKELY, None, CERTAIN, CERTAIN]
    assert [one["actor"] for one in Teller(teller.items).documents(announced, removed)] == [CERTAIN, CERTAIN]


def test_a_claim_of_a_run_that_died_takes_no_row_from_an_earlier_removal() -> None:
    items = [out(at(0), "alice", "delete"), out(at(4), "bob", "delete")]
    first, second = change(PAID, None, 18), change(SHIPPED, None, 20, seconds=64)
    teller = Teller(items)
    read_far = teller.documents(first, second)
    assert [one["actor"].get("id") for one in read_far] == [None, "bob"]
    assert teller.documents(first) == read_far[:1], "the next run reads less far"
    assert teller.documents(second) == read_far[1:]


OVERTAKEN = change(PAID | marked(LATER, "bob"), SHIPPED | marked(ID, "alice"), 16)
TOO_EARLY = change(PAID, SHIPPED | marked(ID, "alice"), 16, seconds=-301)
BESIDE = change(PAID, SHIPPED | marked(ID, "alice", "delete"), 16)


@pytest.mark.parametrize("first", [OVERTAKEN, TOO_EARLY, BESIDE])
@pytest.mark.parametrize("has_row", [True, False])
def test_a_copy_is_nobodys_though_its_write_could_not_be_told(first: Item, has_row: bool) -> None:
    """Another write overtook it, its clock was wrong, or it was none of its kind: its mark is taken all the same."""
    copy = first["dynamodb"]["NewImage"]
    lost, back = change(copy, PAID, 17), change(PAID, copy, 19)
    teller = Teller([out(ID, "alice")] if has_row else [])
    actors = [one.get("actor") for one in teller.documents(first, lost, back)]
    assert actors == [{"last_known": "alice"}, None, {"last_known": "alice"}]


# What asks nothing


def test_what_no_row_can_tell_of_asks_nothing() -> None:
    silent = [
        change(PAID, SHIPPED),
        change(PAID | marked(ID, "alice"), SHIPPED | marked(ID, "alice")),
        change(PAID, SHIPPED | marked(ID, "alice", table="archive")),
        change(PAID, None) | {"userIdentity": TTL},
        change(None, None) | {"eventName": "MODIFY"},
        {},
        {"eventName": "REMOVE", "dynamodb": {"OldImage": 7}},
        change(PAID, None, Keys={"pk": {"BOOL": True}, "n": {"N": "NaN"}}),
    ]
    for made in silent:
        assert ask_of(made, SURE) is None, made


def test_expiry_is_dynamodbs_whatever_rows_say() -> None:
    made = change(PAID, None) | {"userIdentity": TTL}
    [actor] = told(made, items=[out(LATER, "alice", "delete")])
    assert (actor["id"], actor["source"]) == ("dynamodb.amazonaws.com", "ttl")


# What cannot be read


def test_what_was_made_without_the_outbox_says_so_and_lets_no_copy_become_certain() -> None:
    teller = Teller([out(ID, "alice")], is_unread=True)
    documents = teller.documents(WRITE, BACK, change(SHIPPED, None, 21), change(PAID, SHIPPED, 23))
    assert [one.get("actor", {}) for one in documents] == [BY_MARK, {"last_known": "alice"}, {}, {}]
    assert [one["tabletrail"].get("outbox") for one in documents] == ["unread", "unread", "unread", None]
    teller.is_unread = False
    assert teller.documents(BACK)[0]["actor"] == {"last_known": "alice"}
    assert teller.documents(WRITE)[0]["actor"] == CERTAIN
