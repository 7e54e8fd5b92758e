"""Parents before children, whatever the listing shows and in whatever order runs, captures and walks take turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabletrail.core.checkpoint import ShardRow, ShardStatus
from tests.fakes.checkpoints import FakeCheckpoints
from tests.fakes.faulty import Fault, Way
from tests.faults.lineages import assert_parents_first, family, minutes, shards_in_order, step
from tests.faults.world import SETTINGS, World

ITEM = {"id": {"S": "one item"}}


def late_entries(world: World) -> list[str]:
    return [entry["message"] for entry in world.lines() if entry["event"]["action"] == "shard_late"]


@pytest.mark.parametrize("listings", [0, 1])
def test_is_a_parent_that_the_first_listing_missed_read_before_its_child(listings: int) -> None:
    world = World()
    arn = family(world)
    world.stream.hide(arn, "parent", listings)
    minutes(world, 1 + listings)
    world.assert_complete()
    assert_parents_first(world, arn)
    minutes(world, 20)
    world.assert_complete()
    assert late_entries(world) == []
    assert "gap" not in world.kinds()


def test_is_a_child_of_a_forgotten_parent_read_in_the_second_run() -> None:
    world = World()
    arn = family(world)
    world.stream.forget_shard(arn, "parent")
    del world.written[arn, "parent"]
    world.run()
    assert world.captured() == {}
    world.run()
    world.assert_complete()
    describes = world.faults.count("stream.describe")
    minutes(world, 10)
    assert world.faults.count("stream.describe") == describes, "nothing is in doubt any more"
    assert "gap" not in world.kinds()


def test_is_a_parent_that_shows_up_after_its_child_was_begun_read_and_told_of() -> None:
    world = World()
    arn = family(world)
    world.stream.hide(arn, "parent", 2)
    minutes(world, 2)
    assert shards_in_order(world) == ["child"]
    world.write(arn, "child", 1)
    minutes(world, 16)
    world.assert_complete()
    assert shards_in_order(world) == ["child", "parent"]
    (message,) = late_entries(world)
    assert "parent" in message
    minutes(world, 40)
    assert len(late_entries(world)) == 1
    world.assert_complete()


def test_does_a_late_parent_that_ends_while_its_child_is_read_stop_no_commit() -> None:
    world = World()
    arn = family(world)
    world.stream.hide(arn, "parent", 2)
    minutes(world, 2)
    world.clock.advance(world.settings.walk_seconds)
    world.write(arn, "child", 2)
    (result,) = world.run()
    assert not result.failures, "both shards move in one transaction, and one is the other's child"
    assert len(late_entries(world)) == 1
    world.assert_complete()


def test_does_a_row_that_another_run_made_count_more_than_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    arn = family(world)
    world.stream.hide(arn, "parent", 2)
    world.run()
    add = FakeCheckpoints.add_shards

    def add_late(self: FakeCheckpoints, rows: Sequence[ShardRow]) -> None:
        """A commit of the parent's own parent, by a run that was thought dead, comes first."""
        if any(row.shard_id == "parent" for row in rows):
            add(self, [ShardRow(arn, "parent", parent_processed=True, group_id="g0000")])
        add(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(FakeCheckpoints, "add_shards", add_late)
        world.run()
    minutes(world, 20)
    world.assert_complete()
    assert_parents_first(world, arn)
    assert late_entries(world) == []


def test_does_a_late_parent_wait_for_its_own_parent() -> None:
    world = World()
    arn = world.add_table("orders", shards=0)
    world.stream.add_shard(arn, "first")
    world.write(arn, "first", 2)
    world.stream.split(arn, "first", "second")
    world.write(arn, "second", 2)
    world.stream.split(arn, "second", "third")
    world.write(arn, "third", 2)
    world.stream.hide(arn, "second", 3)
    minutes(world, 40)
    world.assert_complete()
    order = shards_in_order(world)
    assert order.index("first") < order.index("second")
    assert len(late_entries(world)) == 1


@pytest.mark.parametrize("hours", [30, 60])
def test_is_a_finished_shard_whose_row_expired_never_read_twice(hours: int) -> None:
    world = World()
    arn = family(world)
    minutes(world, 5)
    world.stream.split(arn, "child", "grandchild")
    world.write(arn, "grandchild", 2)
    minutes(world, 5)
    world.clock.advance(hours * 3600)
    world.checkpoints().expire_rows()
    assert ("parent" in world.statuses(arn)) == (hours < 48)
    minutes(world, 40)
    assert world.captured() == world.written, "the stream still has the records, and lists the shard"


def test_is_a_late_shard_whose_stand_in_expired_older_than_the_stream() -> None:
    world = World()
    arn = family(world)
    world.stream.hide(arn, "parent", 2)
    minutes(world, 2)
    (stand_in,) = [row for key, row in world.rows.shards.items() if key.shard_id == "parent"]
    ended = world.stream.streams[arn].shards["parent"].closed_at
    assert stand_in.expires_at - ended >= 48 * 3600


def test_are_all_generations_that_ended_read_in_one_run() -> None:
    world = World(replace(SETTINGS, cycle_records=3))
    world.stream.page_records = 2
    arn = world.add_table("orders")
    world.run()
    world.write(arn, "shard-0", 3, keys=ITEM)
    last = ["shard-0"]
    for generation in range(5):
        parent = last[generation % len(last)]
        children = [f"{generation}-{side}" for side in ("left", "right")[: 1 + generation % 2]]
        world.stream.split(arn, parent, *children)
        for child in children:
            world.write(arn, child, 3, keys=ITEM)
        last = [one for one in last if one != parent] + children
    results = world.run()
    world.assert_complete()
    assert_parents_first(world, arn)
    assert sum(result.records for result in results) == 3 * 8


def test_do_changes_of_one_second_stand_in_order_over_rolls_and_splits() -> None:
    world = World()
    arn = world.add_table("orders")
    numbers = []
    shard = "shard-0"
    for generation in range(6):
        world.write(arn, shard, 3, keys=ITEM)
        numbers += world.written[arn, shard]
        world.stream.split(arn, shard, f"with-{generation}", f"without-{generation}")
        shard = f"with-{generation}"
    world.run()
    world.assert_complete()
    documents = [one for one in world.index.documents().values() if one["tabletrail"]["kind"] == "change"]
    documents.sort(key=lambda one: (one["@timestamp"], one["event"]["sequence_key"], one["event"]["id"]))
    assert len({one["@timestamp"] for one in documents}) == 1
    assert [one["stream"]["sequence"] for one in documents] == numbers


@pytest.mark.parametrize("is_made_by", ["the walk", "the parent's commit"])
def test_are_a_childs_empty_pages_of_an_outage_walked_over_within_minutes(is_made_by: str) -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    minutes(world, 5)
    world.stream.split(arn, "shard-0", "child")
    world.stream.add_empty_pages(arn, "child", 1500)
    world.clock.advance(6 * 3600)
    world.write(arn, "child", 2)
    if is_made_by == "the parent's commit":
        world.stream.hide(arn, "child", 1)
    minutes(world, 6)
    world.assert_complete()


def test_does_a_child_cost_little_where_nothing_was_missed() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    minutes(world, 100)
    world.stream.split(arn, "shard-0", "child")
    reads = world.faults.count("stream.read")
    minutes(world, 10)
    assert world.faults.count("stream.read") - reads <= 4 * 10 + 20


def test_are_children_asked_for_again_without_reading_the_shards_end_again() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    minutes(world, 3)
    world.write(arn, "shard-0", 2)
    world.stream.split(arn, "shard-0", "child")
    world.write(arn, "child", 2)
    world.faults.add(Fault(Way.BEFORE, method="stream.children", times=3))
    minutes(world, 3)
    assert world.statuses(arn)["shard-0"] is ShardStatus.CLOSED
    world.stream.forget_shard(arn, "shard-0")
    minutes(world, 3)
    world.assert_complete()
    assert "gap" not in world.kinds()


def test_does_a_shard_with_many_children_stop_no_commit() -> None:
    world = World()
    arn = world.add_table("orders", shards=20)
    world.run()
    for shard in range(20):
        world.write(arn, f"shard-{shard}")
        children = [f"child-{shard}-{number}" for number in range(8 if shard else 90)]
        world.stream.split(arn, f"shard-{shard}", *children)
        for child in children:
            world.write(arn, child)
    minutes(world, 20)
    world.assert_complete()
    assert_parents_first(world, arn)


steps = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "split", "roll", "hide", "run", "run", "wait", "children late"]),
        st.integers(0, 7),
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=20, derandomize=True)
@given(steps, st.integers(0, 3))
def test_is_every_record_read_once_and_in_order_whatever_the_listing_leaves_out(
    steps: list[tuple[str, int]], hidden_at_first: int
) -> None:
    world = World(replace(SETTINGS, group_shards=3))
    arn = family(world)
    world.stream.hide(arn, "parent", min(hidden_at_first, 1))
    for number, (what, pick) in enumerate(steps):
        step(world, arn, what, pick, number)
    world.stream.streams[arn].hidden.clear()
    minutes(world, 20)
    world.drain()
    world.assert_complete()
    assert "gap" not in world.kinds()
    if not late_entries(world):
        assert_parents_first(world, arn)
