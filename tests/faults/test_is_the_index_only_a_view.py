"""Is the index only a view: whatever becomes of it, does a rebuild make it again from the log, while capture goes on?

A log of two periods with a document that the index refused, then a loss or a replacement. The result is always the
same: the index is the log, entry by entry, and no search ever saw an entry twice, or missed one that it had seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tabletrail.core.rebuilds import Rebuilt
from tabletrail.errors import ReindexError, TransientError
from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.rebuilding import LAST, Rebuilding, a_log, capture, each_entry_is_validated_once, kinds, settle

__all__ = ["each_entry_is_validated_once"]

pytestmark = pytest.mark.usefixtures("each_entry_is_validated_once")

WAYS = {
    "fails before": Fault(Way.BEFORE),
    "reply lost": Fault(Way.AFTER),
    "dies before": Fault(Way.BEFORE, error=Crash),
    "dies after": Fault(Way.AFTER, error=Crash),
}


def loses_one(rebuilding: Rebuilding) -> None:
    rebuilding.lose(rebuilding.name)


def loses_all(rebuilding: Rebuilding) -> None:
    rebuilding.lose()


def loses_all_and_a_run_makes_new_ones(rebuilding: Rebuilding) -> None:
    rebuilding.lose()
    capture(rebuilding)


def has_another_template(rebuilding: Rebuilding) -> None:
    rebuilding.version = 2


def is_altered(rebuilding: Rebuilding) -> None:
    """Entries of the present index are missing or altered."""
    documents = rebuilding.world.index.indices[rebuilding.name]
    first, second, *_ = documents
    del documents[first]
    documents[second] = {**documents[second], "message": "forged"}


CASES: list[Callable[[Rebuilding], None]] = [
    loses_one,
    loses_all,
    loses_all_and_a_run_makes_new_ones,
    has_another_template,
    is_altered,
]


@pytest.mark.parametrize("happens", CASES)
@pytest.mark.parametrize("times", [1, 2])
def test_is_the_index_the_log_after_a_rebuild(happens: Callable[[Rebuilding], None], times: int) -> None:
    rebuilding = a_log()
    happens(rebuilding)
    for _ in range(times):
        results = rebuilding.run()
    assert {result.name for result in results} >= {rebuilding.name, LAST}
    assert all(result.in_use and not result.damaged for result in results)
    assert len(rebuilding.world.index.documents()) == len(rebuilding.world.lines())
    assert sum(result.entries for result in results) == len(rebuilding.world.lines())
    settle(rebuilding)
    rebuilding.world.assert_complete()
    assert rebuilding.world.index.hidden == set()


def test_does_one_period_leave_the_others_alone() -> None:
    rebuilding = a_log()
    others = {name: index for name, index in rebuilding.world.index.indices.items() if name != rebuilding.name}
    (result,) = rebuilding.run(rebuilding.name)
    assert (result.replaced, result.target) == (rebuilding.name, f"{rebuilding.name}-r000002")
    assert others.items() <= rebuilding.world.index.indices.items()
    assert rebuilding.world.index.aliases == {rebuilding.name: result.target}
    (again,) = rebuilding.run(rebuilding.name)
    assert (again.replaced, again.target) == (result.target, f"{rebuilding.name}-r000003")
    capture(rebuilding)
    settle(rebuilding)
    rebuilding.world.assert_complete()


def test_is_an_entry_that_was_parked_tried_in_full_and_one_that_is_refused_now_parked() -> None:
    rebuilding = a_log()
    refuses = rebuilding.world.index.refuses
    rebuilding.world.index.refuses = lambda _: False
    rebuilding.run()
    assert "parked" not in kinds(rebuilding)
    rebuilding.world.index.refuses = refuses
    results = rebuilding.run()
    assert sum(result.parked for result in results) == kinds(rebuilding)["parked"] == 1
    rebuilding.world.assert_complete()


def test_is_a_wrong_mapping_that_refuses_everything_never_put_in_place() -> None:
    rebuilding = a_log()
    before = dict(rebuilding.world.index.documents())
    rebuilding.world.index.refuses = lambda _: True
    with pytest.raises(ReindexError, match="mapping"):
        rebuilding.run()
    assert rebuilding.world.index.documents() == before
    rebuilding.world.index.refuses = lambda _: False
    rebuilding.run()
    rebuilding.world.assert_complete()


@pytest.mark.parametrize("is_down", [False, True], ids=["the index well", "segments waiting"])
@pytest.mark.parametrize("happens", [loses_one, has_another_template])
def test_does_capture_between_any_two_steps_lose_or_double_anything(
    happens: Callable[[Rebuilding], None], is_down: bool
) -> None:
    steps = number_of_calls(happens)
    for number in range(steps):
        rebuilding = a_log()
        seen: set[str] = set()
        happens(rebuilding)

        def happen(step: int, rebuilding: Rebuilding = rebuilding, number: int = number, seen: set[str] = seen) -> None:
            index = rebuilding.world.index
            found = set(index.documents())  # which asserts that none is there twice
            if happens is has_another_template:
                assert seen <= found, f"step {step}: a search misses what it found before the rebuild began"
                seen.update(found if step == 0 else ())
            if step == number:
                index.turn_away(503, times=50 if is_down else 0)
                capture(rebuilding)
                index.turned_away.clear()

        rebuilding.happen = happen
        (result,) = rebuilding.run(rebuilding.name)
        assert result.in_use, f"capture before step {number}: what it added was taken for a lack"
        if not is_down:
            missing = {line["event"]["id"] for line in rebuilding.world.lines()} - set(
                rebuilding.world.index.documents()
            )
            assert not missing, f"capture before step {number}: not there when the rebuild ended"
        settle(rebuilding)
        try:
            rebuilding.world.assert_complete()
        except AssertionError as error:
            pytest.fail(f"capture before step {number}, {rebuilding.plan.calls[number]}: {error}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("happens", [loses_one, has_another_template])
def test_does_a_fault_in_any_call_lose_or_double_anything(happens: Callable[[Rebuilding], None], way: str) -> None:
    calls = number_of_calls(happens)
    assert calls > 30
    for number in range(calls):
        rebuilding = a_log()
        happens(rebuilding)
        rebuilding.plan.add(replace(WAYS[way], number=number))
        survive(rebuilding)
        assert rebuilding.plan.struck
        for document in rebuilding.world.index.documents().values():
            assert document["table"], "nothing is there twice"
        capture(rebuilding)
        rebuilding.forget_lease()
        rebuilding.run(rebuilding.name)
        settle(rebuilding)
        try:
            rebuilding.world.assert_complete()
            assert rebuilding.world.index.hidden == set(), "an index was left behind"
            assert len(rebuilding.numbers()) <= 1
        except AssertionError as error:
            pytest.fail(f"call {number}, {rebuilding.plan.calls[number]}, {way}: {error}")


def number_of_calls(happens: Callable[[Rebuilding], None]) -> int:
    rebuilding = a_log()
    happens(rebuilding)
    rebuilding.run(rebuilding.name)
    return len(rebuilding.plan.calls)


def survive(rebuilding: Rebuilding) -> list[Rebuilt] | None:
    try:
        return rebuilding.run(rebuilding.name)
    except (Crash, TransientError):
        return None


def test_does_the_same_command_go_on_where_it_was() -> None:
    rebuilding = a_log()
    rebuilding.plan.add(Fault(Way.BEFORE, method="store.get", nth=3, error=Crash))
    survive(rebuilding)
    rebuilding.forget_lease()
    (result,) = rebuilding.run(rebuilding.name)
    whole = len([line for line in rebuilding.world.lines() if line["log"]["index"] == rebuilding.name])
    first_pass = rebuilding.plan.calls.count("store.get")
    assert result.target.endswith("-r000002")
    fresh = a_log()
    fresh.run(fresh.name)
    assert first_pass < fresh.plan.calls.count("store.get") + 4, "the second call read all from the beginning"
    assert len(rebuilding.world.index.indices[result.target]) == whole


def test_is_an_index_that_was_lost_half_filled_filled_from_the_beginning() -> None:
    rebuilding = a_log()
    rebuilding.plan.add(Fault(Way.BEFORE, method="store.get", nth=3, error=Crash))
    survive(rebuilding)
    rebuilding.forget_lease()
    rebuilding.lose(f"{rebuilding.name}-r000002")
    (result,) = rebuilding.run(rebuilding.name)
    assert (result.in_use, result.lacking) == (True, {})
    rebuilding.world.assert_complete()


def test_does_a_template_that_changed_meanwhile_begin_anew() -> None:
    rebuilding = a_log()
    rebuilding.plan.add(Fault(Way.BEFORE, method="store.get", nth=3, error=Crash))
    survive(rebuilding)
    rebuilding.forget_lease()
    rebuilding.version = 2
    (result,) = rebuilding.run(rebuilding.name)
    assert result.target.endswith("-r000003")
    assert rebuilding.numbers() == [3]
