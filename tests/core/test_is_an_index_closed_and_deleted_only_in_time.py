"""When is a period's index closed, opened again, merged and deleted? Never with entries waiting, never under a hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabletrail.core.holds import ALL, PERIOD, TABLE, Hold, Holds
from tabletrail.core.lifecycle import (
    CLOSE_AFTER_SECONDS,
    CLOSED,
    DAY,
    DELETION,
    KEPT,
    MERGE_SECONDS,
    OPEN,
    REST_SECONDS,
    SETTLE_SECONDS,
    Managed,
    Move,
    PeriodIndex,
    Situation,
    due_at,
    is_done,
    is_shut,
    may_delete,
    stage_of,
    step_of,
    steps,
)
from tabletrail.core.periods import PREFIX, index_of, span_of

NAME = PREFIX + "2026.09"
SPAN = span_of(NAME)
assert SPAN is not None
START, END = SPAN
DUE = END + CLOSE_AFTER_SECONDS
YEAR = 365 * DAY


def index(name: str = NAME, **values: object) -> PeriodIndex:
    return replace(PeriodIndex(name, name, START - 30 * DAY), **values)  # type: ignore[arg-type]


def hold(kind: str = ALL, target: str = "", number: int = 1) -> Hold:
    return Hold(f"h{number}", kind, target, "a lawsuit", "arn:aws:iam::123456789012:user/ann", 1)


def move_of(one: PeriodIndex, **values: object) -> Move | None:
    step = step_of(one, Situation(**{"now": DUE, "has_ism": False, "holds": Holds(), **values}))  # type: ignore[arg-type]
    return step.move if step else None


@given(st.integers(min_value=2_000_000, max_value=4_000_000_000), st.sampled_from(["day", "week", "month"]))
def test_does_a_name_tell_its_period(moment: int, period: str) -> None:
    name = index_of(moment, period)
    span = span_of(name)
    assert span is not None
    start, end = span
    assert start <= moment < end
    assert index_of(start, period) == index_of(end - 1, period) == name
    assert name not in (index_of(end, period), index_of(start - 1, period))


@pytest.mark.parametrize(
    "text", ["2026.13", "2026.w54", "2026.02.30", "2026", "2099.abc", "2026.11-r000002", "0000.01"]
)
def test_is_another_name_no_period(text: str) -> None:
    assert span_of(PREFIX + text) is None
    assert move_of(index(PREFIX + text), now=10**10) is None


@pytest.mark.parametrize("has_ism", [False, True])
def test_is_it_closed_seven_days_after_its_end_and_not_before(has_ism: bool) -> None:
    one = index(managed=Managed(OPEN, "open") if has_ism else None)
    assert move_of(one, now=DUE - 1, has_ism=has_ism) is None
    assert move_of(one, now=DUE, has_ism=has_ism) is Move.CLOSE


def test_is_the_day_the_one_that_people_were_told() -> None:
    before, after = (int(datetime(2026, 10, 8, tzinfo=UTC).timestamp()) + seconds for seconds in (-1, 0))
    assert (move_of(index(), now=before), move_of(index(), now=after)) == (None, Move.CLOSE)


def test_is_nothing_closed_while_something_waits_for_it() -> None:
    waiting = frozenset({NAME})
    assert move_of(index(), waiting=waiting) is None
    assert move_of(index(), knows_waiting=False) is None, "what waits beyond the oldest may be of this period"
    assert move_of(index(), waiting=frozenset({PREFIX + "2026.10"})) is Move.CLOSE


def test_is_an_index_left_open_that_was_made_for_late_entries() -> None:
    late = index(made_at=DUE + YEAR)
    assert move_of(late, now=DUE + YEAR + SETTLE_SECONDS - 1) is None
    assert move_of(late, now=DUE + YEAR + SETTLE_SECONDS) is Move.CLOSE


def test_is_a_closed_index_opened_for_what_comes_late_and_closed_after() -> None:
    closed, waiting = index(is_blocked=True, is_merged=True), frozenset({NAME})
    assert move_of(closed, waiting=waiting) is Move.OPEN
    opened = {NAME: DUE}
    assert move_of(index(), now=DUE + 60, opened_at=opened) is None
    assert move_of(index(), now=DUE + REST_SECONDS, opened_at=opened) is Move.CLOSE
    by_ism = index(is_blocked=True, managed=Managed(CLOSED, "closed"))
    step = step_of(by_ism, Situation(DUE, True, waiting))
    assert step is not None
    assert (step.move, step.policy) == (Move.OPEN, OPEN)
    assert move_of(replace(by_ism, managed=Managed(OPEN, "open")), has_ism=True, waiting=waiting) is None, (
        "ISM is at it"
    )


def test_is_a_block_left_that_a_person_set_before_the_time() -> None:
    assert move_of(index(is_blocked=True), now=DUE - 1, waiting=frozenset({NAME})) is None
    assert move_of(index(is_blocked=True), now=DUE - 1, has_ism=True) is None


def test_is_it_merged_once_and_one_at_a_time() -> None:
    one, other = index(is_blocked=True), index(PREFIX + "2026.08", is_blocked=True)
    now = DUE + DAY
    first = steps([one, other], Situation(now, False))
    assert [(step.move, step.name) for step in first] == [(Move.MERGE, PREFIX + "2026.08")]
    under_way = {PREFIX + "2026.08": now}
    assert steps([one, other], Situation(now + MERGE_SECONDS - 1, False, merging_since=under_way)) == []
    again = steps([one, other], Situation(now + MERGE_SECONDS, False, merging_since=under_way))
    assert len(again) == 1
    assert again[0].move is Move.MERGE
    assert steps([replace(one, is_merged=True)], Situation(now, False)) == []


def test_does_one_index_in_trouble_hold_up_no_other() -> None:
    one, other = index(PREFIX + "2026.07"), index(PREFIX + "2026.08")
    tried = {one.name: DUE}
    assert [step.name for step in steps([one, other], Situation(DUE, False, moved_at=tried))] == [other.name]


def test_is_an_index_under_rebuild_or_under_a_strange_policy_left_alone() -> None:
    assert move_of(index(), rebuilding=NAME) is None
    assert move_of(index(managed=Managed("my-policy", "hot")), has_ism=True, now=DUE + 10 * YEAR) is None


def test_is_work_of_ism_that_failed_begun_anew_a_day_later() -> None:
    failed = index(managed=Managed(CLOSED, "closing", "no room"))
    assert move_of(failed, has_ism=True, moved_at={NAME: DUE - DAY + 1}) is None
    assert move_of(failed, has_ism=True, moved_at={NAME: DUE - DAY}) is Move.CLOSE


def closed_by_ism(policy: str = CLOSED) -> PeriodIndex:
    return index(is_blocked=True, managed=Managed(policy, "closed"))


def test_is_it_deleted_only_with_a_retention_that_has_passed() -> None:
    now = END + YEAR
    assert move_of(closed_by_ism(), now=now, has_ism=True) is None
    assert move_of(closed_by_ism(), now=now - 1, has_ism=True, retention_seconds=YEAR) is None
    assert move_of(closed_by_ism(), now=now, has_ism=True, retention_seconds=YEAR) is Move.DELETE
    assert move_of(closed_by_ism(KEPT), now=now, has_ism=True, retention_seconds=YEAR) is Move.DELETE
    merged = index(is_blocked=True, is_merged=True)
    assert move_of(merged, now=now, has_ism=False, retention_seconds=YEAR) is None, "without ISM nothing is deleted"


@pytest.mark.parametrize(
    "why",
    [
        {"holds": Holds(1, (hold(),))},
        {"holds": Holds(1, (hold(PERIOD, NAME),))},
        {"holds": Holds(1, (hold(TABLE, "orders"),))},
        {"holds": None},
        {"waiting": frozenset({NAME})},
        {"knows_waiting": False},
        {"retention_seconds": 0},
        {"retention_seconds": 2 * YEAR},
        {"rebuilding": NAME},
    ],
)
def test_is_it_taken_off_deletion_when_a_condition_ends(why: dict[str, object]) -> None:
    facts = {"now": END + YEAR, "has_ism": True, "retention_seconds": YEAR, **why}
    assert move_of(closed_by_ism(), **facts) is not Move.DELETE
    assert move_of(closed_by_ism(DELETION), **facts) is Move.WITHDRAW
    assert move_of(closed_by_ism(DELETION), now=END + YEAR, has_ism=True, retention_seconds=YEAR) is None


def test_are_all_withdrawals_done_at_once() -> None:
    held = [
        replace(closed_by_ism(DELETION), name=f"{PREFIX}2020.{n:02d}", index=f"{PREFIX}2020.{n:02d}")
        for n in range(1, 10)
    ]
    situation = Situation(END, True, holds=Holds(1, (hold(),)), retention_seconds=YEAR)
    found = steps([*held, index(PREFIX + "2020.10")], situation)
    assert [step.move for step in found] == [Move.WITHDRAW] * 9 + [Move.CLOSE]


def test_does_a_hold_of_one_period_leave_others() -> None:
    holds = Holds(1, (hold(PERIOD, PREFIX + "2026.08"),))
    facts = {"now": END + YEAR, "has_ism": True, "retention_seconds": YEAR, "holds": holds}
    assert move_of(closed_by_ism(), **facts) is Move.DELETE


HELD = {
    "no": Holds(),
    "unknown": None,
    "all": Holds(1, (hold(),)),
    "table": Holds(1, (hold(TABLE, "orders"),)),
    "period": Holds(1, (hold(PERIOD, NAME),)),
    "other": Holds(1, (hold(PERIOD, PREFIX + "2020.01"),)),
}


@given(
    one=st.builds(
        index,
        is_blocked=st.booleans(),
        is_merged=st.booleans(),
        made_at=st.integers(START - YEAR, END + 2 * YEAR),
        managed=st.none()
        | st.builds(
            Managed,
            st.sampled_from([OPEN, CLOSED, KEPT, DELETION, "other"]),
            st.sampled_from(["", "closing", "closed"]),
            st.sampled_from(["", "broken"]),
        ),
    ),
    now=st.integers(START - YEAR, END + 5 * YEAR),
    has_ism=st.booleans(),
    waits=st.booleans(),
    knows=st.booleans(),
    held=st.sampled_from(sorted(HELD)),
    retention=st.sampled_from([0, DAY, YEAR]),
)
@settings(max_examples=600)
def test_does_no_step_break_a_promise(
    one: PeriodIndex, now: int, has_ism: bool, waits: bool, knows: bool, held: str, retention: int
) -> None:
    holds = HELD[held]
    waiting = frozenset({NAME}) if waits else frozenset()
    situation = Situation(now, has_ism, waiting, knows, holds, retention)
    step = step_of(one, situation)
    is_held = held not in ("no", "other")
    is_in_deletion = one.managed is not None and one.managed.policy == DELETION
    assert stage_of(one, False) in ("open", "closing", "closed", "merged", "deleting")
    if is_in_deletion and (is_held or waits or not knows or not has_ism or not retention):
        assert step is not None
        assert step.move is Move.WITHDRAW
    if step is None:
        return
    if step.move is Move.DELETE:
        assert has_ism
        assert retention
        assert not is_held
        assert not waits
        assert knows
        assert now >= END + retention
        assert one.is_blocked
        assert is_done(one)
        assert may_delete(one, situation)
    if step.move is Move.CLOSE:
        due = due_at(one)
        assert not waits
        assert due is not None
        assert now >= due
        assert now >= DUE
        assert knows or is_shut(one)
    if step.move is Move.OPEN and is_shut(one):
        assert waits
        assert now >= DUE
    if step.policy:
        assert has_ism or step.move is Move.WITHDRAW
    assert one.managed is None or one.managed.policy != "other"
