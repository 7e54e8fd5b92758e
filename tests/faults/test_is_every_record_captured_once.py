"""Capture over honest fakes: each record one entry, whatever the stream's shape."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tabletrail.capture import CaptureTask
from tabletrail.core.checkpoint import ShardStatus, is_after
from tabletrail.deadline import Deadline
from tabletrail.errors import SettingsError
from tests.fakes.faulty import Fault, Way
from tests.faults.world import SETTINGS, World


def test_is_a_change_an_entry_after_one_run() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 3)
    world.run()
    world.assert_complete()
    assert world.kinds() == {"coverage": 1, "change": 3}


def test_does_a_second_run_add_nothing() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 3)
    world.run()
    commits = len(world.rows.commits)
    world.run()
    assert len(world.rows.commits) == commits
    world.assert_complete()


def test_are_many_pages_of_several_shards_taken_in_bounded_segments() -> None:
    world = World(replace(SETTINGS, cycle_records=50))
    world.stream.page_records = 20
    arn = world.add_table("orders", shards=3)
    for shard in range(3):
        world.write(arn, f"shard-{shard}", 130)
    world.run()
    world.assert_complete()
    sizes = [row.entries for row in world._committed()]
    assert max(sizes) <= 50 + 3 * 20


def test_are_children_read_in_the_run_in_which_their_parent_ends() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 5)
    world.run()
    world.write(arn, "shard-0", 2)
    world.stream.split(arn, "shard-0", "left", "right")
    world.write(arn, "left", 4)
    world.write(arn, "right", 3)
    world.run()
    world.assert_complete()
    assert world.statuses(arn)["shard-0"] is ShardStatus.CLOSED_AND_PROCESSED


def test_is_a_child_held_back_while_its_parent_has_records_left() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 5)
    world.stream.split(arn, "shard-0", "child")
    world.write(arn, "child", 5)
    plan = world.planner("walk").run("walk")
    child = world.rows.shards[next(key for key in world.rows.shards if key.shard_id == "child")]
    assert not child.is_readable
    world.capture_until_done(plan["groups"][0])
    world.drain()
    world.assert_complete()
    order = [entry["stream"]["shard"] for entry in world.lines() if entry["tabletrail"]["kind"] == "change"]
    assert order == ["shard-0"] * 5 + ["child"] * 5


def test_are_children_that_are_listed_late_found_by_a_walk() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    world.run()
    world.stream.split(arn, "shard-0", "late")
    world.write(arn, "late", 2)
    world.stream.hidden_children = 1
    for _ in range(7):
        world.run()
    world.assert_complete()


def test_does_a_lost_swap_drop_only_that_shards_lines() -> None:
    world = World()
    arn = world.add_table("orders", shards=2)
    world.run()
    world.write(arn, "shard-0", 3)
    world.write(arn, "shard-1", 3)
    group = world.planner("one").run("one")["groups"][0]
    slow = world.capture()
    reads = slow._read(list(world.rows.shards.values()), Deadline.after(world.clock, 50))
    rival = world.capture()
    only = [row for row in world.rows.shards.values() if row.shard_id == "shard-0"]
    task = CaptureTask(group["run_id"], group["group_id"], group["deadline"])
    streams = {arn: world.rows.streams[arn]}
    rival._commit_all(task, rival.parts.make(rival._read(only, Deadline.after(world.clock, 50)), streams))
    slow._commit_all(task, slow.parts.make(reads, streams))
    assert (rival.result.records, slow.result.records) == (3, 3)
    world.assert_complete()


def test_is_a_record_that_cannot_be_converted_an_entry_of_its_own() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    world.write(arn, "shard-0", event="EXPLODE")
    world.write(arn, "shard-0")
    world.run()
    world.assert_complete()
    assert world.kinds() == {"coverage": 1, "change": 2, "unreadable": 1}


def test_is_a_trimmed_range_a_gap_and_reading_goes_on() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 2)
    world.run()
    world.stream.write(arn, "shard-0", 3)
    world.clock.advance(25 * 3600)
    world.stream.trim(arn, "shard-0", 5)
    world.write(arn, "shard-0", 2)
    results = [result for _ in range(3) for result in world.run()]
    assert sum(result.gaps for result in results) == 1
    world.assert_complete()
    assert world.kinds()["gap"] == 1


def test_is_a_quiet_shard_that_was_watched_no_gap_when_its_last_record_is_trimmed() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 1)
    world.run()
    for _ in range(26 * 6):
        world.run()
        world.clock.advance(600 - 60)
    world.clock.advance(1200)
    world.stream.trim(arn, "shard-0", 1)
    world.write(arn, "shard-0", 1)
    world.run()
    world.run()
    world.assert_complete()
    assert "gap" not in world.kinds()


def test_is_a_vanished_shard_a_gap_once() -> None:
    world = World()
    arn = world.add_table("orders", shards=2)
    world.write(arn, "shard-0")
    world.write(arn, "shard-1")
    world.run()
    world.stream.forget_shard(arn, "shard-1")
    for _ in range(3):
        world.run()
    world.assert_complete()
    assert world.kinds()["gap"] == 1


def test_does_one_failing_shard_leave_the_others_alone() -> None:
    world = World()
    arn = world.add_table("orders", shards=3)
    for shard in range(3):
        world.write(arn, f"shard-{shard}", 2)
    world.faults.add(Fault(Way.BEFORE, method="stream.read", nth=0))
    (result,) = world.run()
    assert result.failures == ["TransientError"]
    assert result.records == 4
    world.run()
    world.assert_complete()


@pytest.mark.parametrize("trouble", ["turned away", "no reply", "bad secret"])
def test_does_trouble_in_the_index_never_hold_up_capture(trouble: str) -> None:
    world = World(replace(SETTINGS, cycle_records=5))
    world.stream.page_records = 5
    arn = world.add_table("orders")
    world.run()
    if trouble == "turned away":
        world.index.turn_away(503, times=1000)
    else:
        error = (lambda: SettingsError("no JSON")) if trouble == "bad secret" else None
        world.faults.add(Fault(Way.BEFORE, method="index.create", error=error, times=1000))
    before = world.faults.count("index.create")
    world.write(arn, "shard-0", 50)
    world.run()
    assert world.captured() == world.written
    assert world.faults.count("index.create") == before + 1, "after the first trouble nothing more is offered"
    world.index.turned_away.clear()
    world.faults._faults.clear()
    world.drain()
    world.assert_complete()


def test_is_a_refused_document_parked_under_its_own_id() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 4)
    poison = world.written[arn, "shard-0"][2]
    world.index.refuses = lambda document: (
        document.get("stream", {}).get("sequence") == poison and document["tabletrail"]["kind"] != "parked"
    )
    world.run()
    world.assert_complete()
    kinds = [document["tabletrail"]["kind"] for document in world.index.documents().values()]
    assert sorted(kinds) == ["change", "change", "change", "coverage", "parked"]


def test_does_an_index_that_refuses_everything_park_nothing() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 4)
    world.index.refuses = lambda document: "before" in document or document["tabletrail"]["kind"] == "change"
    world.run()
    assert not [d for d in world.index.documents().values() if d["tabletrail"]["kind"] == "parked"]
    world.index.refuses = lambda _: False
    world.drain()
    world.assert_complete()


def test_are_sequence_numbers_compared_as_numbers() -> None:
    assert is_after("100", "99")
    assert not is_after("99", "100")
    assert not is_after("100", "100")
    assert is_after("1" + "0" * 39, "9" * 39)
