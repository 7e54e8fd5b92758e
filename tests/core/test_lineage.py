"""Which shards get rows, and when may they be read?"""

from __future__ import annotations

from dataclasses import replace

from tabletrail.core.checkpoint import ShardRow, ShardStatus
from tabletrail.core.lineage import LineagePlan, Listed, is_stand_in, plan_lineage, stand_in


def row(shard_id: str, parent: str | None = None, *, done: bool = False, ready: bool = True) -> ShardRow:
    status = ShardStatus.CLOSED_AND_PROCESSED if done else ShardStatus.OPEN
    return ShardRow("stream", shard_id, parent, status=status, parent_processed=ready, version=int(done))


def lineage(listed: list[Listed], *rows: ShardRow) -> LineagePlan:
    return plan_lineage(listed, {one.shard_id: one for one in rows})


def plan(listed: list[Listed], *rows: ShardRow) -> tuple[dict[str, bool], list[str]]:
    result = lineage(listed, *rows)
    return {shard.shard_id: ready for shard, ready in result.new}, [one.shard_id for one in result.unblocked]


def test_does_a_shard_whose_parent_is_not_listed_wait_for_another_walk() -> None:
    first = lineage([Listed("a", None), Listed("b", "trimmed")])
    assert first.new == ((Listed("a", None), True), (Listed("b", "trimmed"), False))
    assert first.forgotten == ()
    second = lineage([Listed("a", None), Listed("b", "trimmed")], row("a"), row("b", "trimmed", ready=False))
    assert second == LineagePlan((), (), ("trimmed",), ())


def test_is_a_shard_read_when_a_row_stands_in_for_its_parent() -> None:
    blocked = row("b", "gone", ready=False)
    assert plan([Listed("b", "gone")], blocked, stand_in("stream", "gone", 99)) == ({}, ["b"])


def test_is_a_parent_that_the_next_walk_lists_read_before_its_child() -> None:
    result = lineage([Listed("a", None), Listed("b", "a")], row("b", "a", ready=False))
    assert result == LineagePlan(((Listed("a", None), True),), (), (), ())


def test_is_a_parent_that_is_listed_after_a_row_stood_in_for_it_late_and_read() -> None:
    listed = [Listed("a", None), Listed("b", "a"), Listed("c", "b")]
    result = lineage(listed, row("c", "b"), stand_in("stream", "b", 99))
    assert result.late == ((Listed("b", "a"), False),)
    assert result.new == ((Listed("a", None), True),), "it was never read either"


def test_may_a_late_shard_be_read_when_its_own_parent_is_finished() -> None:
    listed = [Listed("a", None), Listed("b", "a"), Listed("c", "b")]
    result = lineage(listed, row("a", done=True), row("c", "b"), stand_in("stream", "b", 99))
    assert result == LineagePlan((), (), (), ((Listed("b", "a"), True),))


def test_does_a_child_wait_for_a_parent_that_is_late() -> None:
    listed = [Listed("b", None), Listed("c", "b"), Listed("d", "b")]
    result = lineage(listed, row("c", "b"), stand_in("stream", "b", 99))
    assert result.late == ((Listed("b", None), True),)
    assert result.new == ((Listed("d", "b"), False),)


def test_does_a_parents_commit_not_make_a_late_child_a_finished_one() -> None:
    merged = replace(stand_in("stream", "b", 99), parent_processed=True, parent_shard_id="a", group_id="g0000")
    listed = [Listed("a", None), Listed("b", "a"), Listed("c", "b")]
    assert lineage(listed, row("a", done=True), merged, row("c", "b")).late == ((Listed("b", "a"), True),)


def test_is_a_finished_row_no_stand_in() -> None:
    assert is_stand_in(stand_in("stream", "a", 99))
    assert not is_stand_in(row("a", done=True))
    assert not is_stand_in(row("a"))


def test_does_a_child_wait_for_a_parent_that_is_new_too() -> None:
    assert plan([Listed("a", None), Listed("b", "a"), Listed("c", "b")]) == ({"a": True, "b": False, "c": False}, [])


def test_does_a_child_wait_for_a_parent_with_records_left() -> None:
    assert plan([Listed("a", None), Listed("b", "a")], row("a")) == ({"b": False}, [])


def test_may_a_child_be_read_when_its_parent_is_processed() -> None:
    assert plan([Listed("a", None), Listed("b", "a")], row("a", done=True)) == ({"b": True}, [])


def test_does_a_parent_that_is_missing_from_the_listing_count_by_its_row() -> None:
    assert plan([Listed("b", "a")], row("a")) == ({"b": False}, [])


def test_is_a_child_unblocked_whose_parent_was_processed_meanwhile() -> None:
    assert plan([Listed("a", None), Listed("b", "a")], row("a", done=True), row("b", "a", ready=False)) == ({}, ["b"])


def test_is_a_finished_shard_whose_row_expired_never_made_again() -> None:
    listed = [Listed("a", None), Listed("b", "a"), Listed("c", "b")]
    assert plan(listed, row("c", "b")) == ({}, [])


def test_may_a_sibling_that_is_listed_late_be_read_when_the_parents_row_expired() -> None:
    assert plan([Listed("a", None), Listed("b", "a"), Listed("late", "a")], row("b", "a")) == ({"late": True}, [])


def test_does_a_blocked_childs_row_not_count_as_a_sign_that_its_parent_is_done() -> None:
    assert plan([Listed("a", None), Listed("b", "a")], row("b", "a", ready=False)) == ({"a": True}, [])
