"""Which shards get rows, and when may they be read?"""

from __future__ import annotations

from tabletrail.core.checkpoint import ShardRow, ShardStatus
from tabletrail.core.lineage import Listed, plan_lineage


def row(shard_id: str, parent: str | None = None, *, done: bool = False, ready: bool = True) -> ShardRow:
    status = ShardStatus.CLOSED_AND_PROCESSED if done else ShardStatus.OPEN
    return ShardRow("stream", shard_id, parent, status=status, parent_processed=ready)


def plan(listed: list[Listed], *rows: ShardRow) -> tuple[dict[str, bool], list[str]]:
    result = plan_lineage(listed, {one.shard_id: one for one in rows})
    return {shard.shard_id: ready for shard, ready in result.new}, [one.shard_id for one in result.unblocked]


def test_may_a_shard_without_a_listed_parent_be_read() -> None:
    assert plan([Listed("a", None), Listed("b", "trimmed")]) == ({"a": True, "b": True}, [])


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
