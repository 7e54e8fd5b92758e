"""Does CloudTrail's witness name who made a change, and say so only when it can be nobody else?"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabletrail.core import sightings as sightings_module
from tabletrail.core.cloudtrail import Call
from tabletrail.core.sightings import LOOKED_AT, WINDOW_SECONDS, Action, Change
from tabletrail.core.witness import CANDIDATES, Verdict, match
from tests.core.trail import NOON, call, delete, event, put, read, role, stamp, update, user
from tests.core.witnessed_world import World

A = {"id": "a"}
ALICE, BOB = user("alice"), user("bob")


def change(action: Action = "modify", key: str = "a", at: int = 0, kind: str = "S", **more: Any) -> Change:
    name = f"{key}-{action}-{at}"
    return Change(name, "orders", (("id", kind, key),), action, NOON + at, **more)


def made(record: dict[str, Any], by: dict[str, Any] = ALICE, at: int = 0, name: str = "") -> Call:
    """The call of `record`, made by someone at a second; its id is its content's unless it has a name."""
    name = name or f"{by['arn']}{at}{record['eventName']}"
    return call(record | {"userIdentity": by, "eventTime": stamp(NOON + at), "eventID": name})


def only(changes: list[Change], calls: list[Call]) -> Verdict:
    [verdict] = match(changes, calls)
    return verdict


def names(verdict: Verdict) -> list[str]:
    return [one.call.principal.name for one in verdict.candidates]


def test_one_call_of_the_item_is_likely_its_caller() -> None:
    one = made(put(A))
    verdict = only([change(actor="carol")], [one, made(put({"id": "b"}), BOB)])
    assert verdict.confidence == "likely"
    assert verdict.principal == one.principal
    assert verdict.call == one
    assert verdict.claimed == "carol"


@pytest.mark.parametrize(
    ("record", "actions"),
    [
        (put(A), {"insert", "modify"}),
        (update(A), {"insert", "modify"}),
        (delete(A), {"remove"}),
        (event("ExecuteStatement", {"statement": "UPDATE orders SET x = 1 WHERE id = 'a'"}), {"modify"}),
        (event("ExecuteStatement", {"statement": "DELETE FROM orders WHERE id = 'a'"}), {"remove"}),
        (event("BatchWriteItem", {"requestItems": {"orders": [{"PutRequest": {"Key": A}}]}}), {"insert", "modify"}),
        (event("TransactWriteItems", {"requestItems": [{"operation": "Delete", "key": A}]}), {"remove"}),
    ],
)
def test_only_the_kind_that_a_call_can_make_is_its_own(record: dict[str, Any], actions: set[str]) -> None:
    kinds: tuple[Action, ...] = ("insert", "modify", "remove", "expire")
    assert {kind for kind in kinds if only([change(kind)], [made(record)]).confidence == "likely"} == actions


def test_a_failed_call_is_nobody() -> None:
    failed = put(A, errorCode="ConditionalCheckFailedException")
    assert only([change()], list(read(failed).calls)).confidence == ""


@pytest.mark.parametrize(("off", "confidence"), [(0, "likely"), (5, "likely"), (-5, "likely"), (6, ""), (-6, "")])
def test_a_call_is_a_candidate_within_the_window(off: int, confidence: str) -> None:
    assert WINDOW_SECONDS == 5
    assert only([change()], [made(put(A), at=off)]).confidence == confidence


def test_another_table_or_key_is_nobody() -> None:
    assert only([change()], [made(put({"id": "b"})), made(put(A, "stock"))]).confidence == ""


def test_two_who_may_both_have_been_it_are_both_named() -> None:
    verdict = only([change()], [made(update(A), BOB, at=1), made(put(A), ALICE)])
    assert (verdict.confidence, verdict.principal, names(verdict)) == ("possible", None, ["alice", "bob"])
    assert verdict.call is None


def test_several_calls_of_one_caller_are_likely_hers_and_the_request_is_open() -> None:
    verdict = only([change()], [made(put(A)), made(update(A), at=1)])
    assert verdict.confidence == "likely"
    assert verdict.principal is not None
    assert verdict.principal.name == "alice"
    assert verdict.call is None


def test_two_sessions_of_one_role_are_two() -> None:
    calls = [made(put(A), role("service", "one")), made(put(A), role("service", "two"))]
    assert only([change()], calls).confidence == "possible"


def test_an_unreadable_caller_is_never_likely_and_is_a_rival() -> None:
    assert only([change()], [made(put(A), {"arn": ""})]).confidence == "possible"
    assert only([change()], [made(put(A)), made(put(A), {"arn": ""}, name="x")]).confidence == "possible"


def test_the_same_event_twice_is_one_call() -> None:
    one = made(put(A))
    assert only([change()], [one, one]).candidates == only([change()], [one]).candidates
    two_changes = [change(at=0), change(at=1)]
    assert [one.confidence for one in match(two_changes, [one, one])] == ["possible", "possible"]


def test_a_write_makes_one_record_so_the_change_that_must_have_it_has_it() -> None:
    """Bob's call is near both changes, but it alone is near the later one."""
    first, second = match([change(at=0), change(at=4)], [made(put(A), ALICE, at=-3), made(put(A), BOB, at=4)])
    assert (first.confidence, names(first)) == ("likely", ["alice"])
    assert (second.confidence, names(second)) == ("likely", ["bob"])


def test_fewer_calls_than_changes_name_nobody_surely() -> None:
    verdicts = match([change(at=0), change(at=1), change(at=2)], [made(put(A), at=0), made(update(A), at=2)])
    assert {one.confidence for one in verdicts} == {"possible"}


HIDDEN = event("ExecuteStatement", {"statement": "INSERT INTO orders VALUE {'id' : ***(Redacted)}"})


def test_a_write_whose_item_does_not_show_is_possible_and_a_rival() -> None:
    assert only([change("insert")], [made(HIDDEN)]).confidence == "possible"
    assert names(only([change("insert")], [made(HIDDEN, BOB), made(put(A))])) == ["alice", "bob"]
    assert only([change("insert")], [made(HIDDEN, BOB), made(put(A))]).confidence == "possible"
    assert only([change("insert")], [made(HIDDEN), made(put(A))]).confidence == "likely"
    assert only([change("modify")], [made(HIDDEN, BOB), made(put(A))]).confidence == "likely"


@pytest.mark.parametrize("by", [ALICE, BOB, user("carol")])
def test_a_hidden_write_may_be_the_one_that_seems_to_need_another(by: dict[str, Any]) -> None:
    """The later change may be the hidden write, and then Bob's call may be the first."""
    calls = [made(put(A), ALICE, at=-3), made(put(A), BOB, at=4), made(HIDDEN, by, at=6)]
    first, second = match([change("insert", at=0), change("insert", at=4)], calls)
    assert (first.confidence, set(names(first))) == ("possible", {"alice", "bob"})
    assert second.confidence == ("likely" if by is BOB else "possible")


def test_a_hidden_write_near_another_change_leaves_ruled_out_what_is() -> None:
    calls = [made(put(A), ALICE, at=-3), made(put(A), BOB, at=4), made(HIDDEN, user("carol"), at=13)]
    first, second, _ = match([change("insert", at=0), change("insert", at=4), change("insert", at=9)], calls)
    assert (names(first), names(second)) == (["alice"], ["bob"])


def test_part_of_a_key_rules_out_what_contradicts_it() -> None:
    partly = event("ExecuteStatement", {"statement": "UPDATE orders SET x = ***(Redacted) WHERE pk = 'p' AND sk = ?"})
    for pk, confidence in (("p", "possible"), ("q", "")):
        one = Change("e", "orders", (("pk", "S", pk), ("sk", "S", "s")), "modify", NOON)
        assert only([one], [made(partly)]).confidence == confidence


@pytest.mark.parametrize(
    ("kind", "text", "shown", "confidence"),
    [
        ("N", "1", "1.0", "likely"),
        ("N", "100", "1E+2", "likely"),
        ("N", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678", "likely"),
        ("N", "12345678901234567890123456789012345678", "12345678901234567890123456789012345679", ""),
        ("S", "1", "1", "likely"),
        ("S", "1", "1.0", ""),
        ("B", "AQ==", "AQ==", "possible"),
        ("B", "AQ==", "java.nio.HeapByteBuffer", "possible"),
    ],
)
def test_numbers_are_compared_by_value_texts_by_letter_binary_not_at_all(
    kind: str, text: str, shown: str, confidence: str
) -> None:
    assert only([change(key=text, kind=kind)], [made(put({"id": shown}))]).confidence == confidence


def test_who_is_named_is_bounded_and_the_rest_counted() -> None:
    verdict = only([change()], [made(put(A), user(f"u{number:02}")) for number in range(CANDIDATES + 3)])
    assert (len(verdict.candidates), verdict.more) == (CANDIDATES, 3)


def test_a_crowd_is_never_likely_even_if_all_that_was_looked_at_is_one() -> None:
    calls = [made(put(A), name=f"{number:04}") for number in range(LOOKED_AT)]
    assert only([change()], calls).confidence == "likely"
    assert only([change()], [*calls, made(put(A), BOB, name="z", at=5)]).confidence == "possible"


def test_too_much_at_once_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings_module, "CALLS", 1)
    with pytest.raises(ValueError, match="shorter slice"):
        match([], [made(put(A)), made(put(A), BOB)])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_no_order_or_repetition_changes_an_answer(seed: int, order: int) -> None:
    world = World(seed, seconds=40)
    changes = [*world.changes, *world.changes[:20]]
    random.Random(order).shuffle(changes)
    assert match(changes, world.calls(order)) == match(world.changes, world.calls())


def told(world: World) -> Counter[str]:
    """How many verdicts have which confidence, and how many of them are wrong in what."""
    found: Counter[str] = Counter()
    for verdict in match(world.changes, world.calls()):
        who, which = world.truth[verdict.entry_id]
        found[verdict.confidence or "nobody"] += 1
        found["certain"] += verdict.confidence not in ("likely", "possible", "")
        found["wrong"] += verdict.principal is not None and verdict.principal.id != who
        found["wrong request"] += verdict.call is not None and verdict.call.id != which
        named = {one.call.id for one in verdict.candidates}
        found["truth not named"] += which not in named and not verdict.more
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_whole_trail_never_names_the_wrong_one(seed: int) -> None:
    """Every caller is in the trail and near in time: then `likely` is a proof, and `possible` names the caller too."""
    found = told(World(seed))
    assert found["likely"] > found["possible"] > 100, found
    wrong = {name: found[name] for name in ("certain", "nobody", "wrong", "wrong request", "truth not named")}
    assert not any(wrong.values()), f"{wrong} of {found}"


@pytest.mark.parametrize(("lost", "stray"), [(0.02, 0.0), (0.0, 0.02), (0.01, 0.01)])
def test_a_spoilt_trail_names_a_wrong_one_less_than_once_in_a_hundred(lost: float, stray: float) -> None:
    found: Counter[str] = Counter()
    for seed in range(10, 13):
        found += told(World(seed, lost=lost, stray=stray))
    share = found["wrong"] / found["likely"]
    assert found["certain"] == 0
    assert share < 0.01, f"wrong at likely: {found['wrong']} of {found['likely']} = {share:.2%}; {found}"
