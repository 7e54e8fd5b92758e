"""PlanRun over fakes: tables that join and leave, missing and replaced streams, wrong view types, shards by lineage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tabletrail.core.checkpoint import ShardStatus, StreamState
from tests.fakes.faulty import Fault, Way, throttle
from tests.fakes.tables import make_table
from tests.faults.world import SETTINGS, World


def coverage(world: World) -> list[str]:
    """What the coverage entries say, in the log's order."""
    return [entry["event"]["action"] for entry in world.lines() if entry["tabletrail"]["kind"] == "coverage"]


def problems(world: World) -> list[str]:
    return list(world.notes.read("last_run")["problems"])


def test_does_a_tagged_table_join_once() -> None:
    world = World()
    world.add_table("orders")
    for _ in range(7):
        world.run()
    assert coverage(world) == ["joined"]


def test_is_a_missing_stream_switched_on_where_that_is_allowed() -> None:
    world = World()
    world.tables.add(make_table("bare"))
    world.run()
    assert world.tables.enabled == ["bare"]
    (arn,) = world.rows.streams
    world.write(arn, next(iter(world.stream.streams[arn].shards)), 2)
    for _ in range(6):
        world.run()
    world.assert_complete()


def test_is_a_missing_stream_only_reported_where_that_is_wanted() -> None:
    world = World(replace(SETTINGS, missing_streams="report"))
    world.tables.add(make_table("bare"))
    world.add_table("orders")
    world.run()
    assert world.tables.enabled == []
    assert coverage(world) == ["joined"]
    assert problems(world) == ["bare: has no stream; switch it on, or deploy with MissingStreams=enable"]


def test_is_a_wrong_view_type_reported_and_left_alone() -> None:
    world = World()
    view = world.tables.add(make_table("narrow", stream="2027-01-14T07:00:00.000", view_type="KEYS_ONLY"))
    assert view.stream_arn
    world.stream.add_stream(view.stream_arn, "KEYS_ONLY")
    world.run()
    assert coverage(world) == []
    assert "KEYS_ONLY" in problems(world)[0]
    assert "tabletrail onboard narrow" in problems(world)[0]


def test_is_a_table_named_in_the_settings_audited_without_the_tag() -> None:
    world = World(replace(SETTINGS, table_names="untagged, missing"))
    arn = world.add_table("untagged")
    world.tables.set_tag(world.rows_table(arn), False)
    world.write(arn, "shard-0")
    world.run()
    world.assert_complete()


def test_is_leaving_an_entry_and_is_the_rest_of_the_stream_still_read() -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.write(arn, "shard-0", 2)
    world.tables.set_tag(world.rows_table(arn), False)
    world.run()
    world.assert_complete()
    assert coverage(world) == ["joined", "left"]
    for _ in range(20):
        world.run()
    assert world.rows.streams[arn].state is StreamState.DONE
    assert coverage(world) == ["joined", "left", "stream_ended"]
    assert [row.group_id for row in world.rows.shards.values()] == [None]
    reads = world.faults.count("stream.read")
    world.run()
    assert world.faults.count("stream.read") == reads


def test_does_a_lagging_tag_index_make_no_table_leave() -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.tables.listed.discard(world.rows_table(arn))
    world.run()
    assert coverage(world) == ["joined"]


def test_does_a_table_that_comes_back_join_again() -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.tables.set_tag(world.rows_table(arn), False)
    for _ in range(60):
        world.run()
    world.tables.set_tag(world.rows_table(arn), True)
    world.run()
    world.write(arn, "shard-0", 2)
    for _ in range(7):
        world.run()
    assert coverage(world) == ["joined", "left", "stream_ended", "joined"]
    assert world.captured() == world.written


def test_is_a_replaced_stream_read_to_its_end_and_the_time_between_a_possible_gap() -> None:
    world = World()
    old = world.add_table("orders")
    world.run()
    world.write(old, "shard-0", 2)
    world.stream.disable(old)
    new = world.replace_stream("orders")
    world.write(new, "shard-0", 3)
    for _ in range(25):
        world.run()
    world.assert_complete()
    assert coverage(world) == ["joined", "joined", "stream_replaced", "stream_ended"]
    assert world.kinds()["gap"] == 1
    assert world.rows.streams[old].state is StreamState.DONE
    assert world.statuses(old)["shard-0"] is ShardStatus.CLOSED_AND_PROCESSED


def test_is_a_deleted_table_an_entry() -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.tables.remove(world.rows_table(arn))
    world.run()
    assert coverage(world) == ["joined", "table_deleted"]


def test_does_one_stream_in_trouble_leave_the_others_alone() -> None:
    world = World()
    first, second = world.add_table("orders"), world.add_table("payments")
    world.faults.add(Fault(Way.BEFORE, method="stream.describe"))
    world.run()
    assert len(problems(world)) == 1
    world.write(first, "shard-0")
    world.write(second, "shard-0")
    world.run()
    world.assert_complete()


def test_does_a_second_start_end_at_once() -> None:
    world = World()
    world.add_table("orders")
    first = world.planner("first").run("first")
    second = world.planner("second").run("second")
    assert first["acquired"]
    assert second == {"acquired": False, "run_id": "second", "deadline": second["deadline"], "groups": [], "report": {}}


def test_does_a_group_that_outgrew_its_size_give_shards_away_and_lose_nothing() -> None:
    world = World(replace(SETTINGS, group_shards=3))
    arn = world.add_table("orders", shards=3)
    world.run()
    for shard in range(3):
        world.write(arn, f"shard-{shard}", 2)
        world.stream.split(arn, f"shard-{shard}", f"left-{shard}", f"right-{shard}")
        world.write(arn, f"left-{shard}", 2)
        world.write(arn, f"right-{shard}", 2)
    for _ in range(world.settings.walk_seconds // 60 + 1):
        world.run()
        for shard in range(3):
            world.write(arn, f"left-{shard}", 1)
    world.run()
    world.assert_complete()
    groups = [row.group_id for row in world.rows.shards.values() if row.group_id]
    assert max(groups.count(group) for group in groups) <= 3


def test_are_finished_rows_kept_while_they_are_listed_and_never_made_again() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 2)
    world.run()
    world.stream.split(arn, "shard-0", "child")
    world.write(arn, "child")
    world.run()
    for _ in range(50):
        world.clock.advance(3600 - 60)
        world.run()
        world.write(arn, "child")
    world.checkpoints().expire_rows()
    assert "shard-0" in world.statuses(arn), "it is still listed, so its row lives on"
    for _ in range(3):  # a shard that was idle for an hour is read in every third run
        world.run()
    world.assert_complete()


def test_is_a_stream_that_onboarding_replaced_a_possible_gap() -> None:
    world = World()
    arn = world.add_table("orders")
    world.notes.write(f"onboard#{world.rows_table(arn)}", {"old_stream_arn": "old", "new_stream_arn": arn})
    world.run()
    world.run()
    assert world.kinds() == {"coverage": 1, "gap": 1}
    assert coverage(world) == ["joined"]


def test_is_a_stream_that_could_not_be_read_never_done_before_it_was_read() -> None:
    world = World()
    arn = world.add_table("orders")
    for _ in range(30):
        world.run()
    world.write(arn, "shard-0", 5)
    world.faults.add(throttle("stream.read", times=10_000))
    world.tables.set_tag(world.rows_table(arn), False)
    for _ in range(40):
        world.run()
    assert world.rows.streams[arn].state is StreamState.ENDING
    world.faults._faults.clear()
    for _ in range(40):
        world.run()
    world.assert_complete()
    assert world.rows.streams[arn].state is StreamState.DONE
    assert "gap" not in world.kinds()


def test_is_what_was_never_read_of_a_stream_that_ended_a_possible_gap() -> None:
    world = World()
    arn = world.add_table("orders")
    for _ in range(30):
        world.run()
    world.stream.write(arn, "shard-0", 5)
    world.faults.add(throttle("stream.read", times=100_000))
    world.tables.set_tag(world.rows_table(arn), False)
    world.run()
    for _ in range(26):
        world.clock.advance(3600)
        world.run()
    assert world.rows.streams[arn].state is StreamState.DONE
    assert 1 <= world.kinds()["gap"] <= 2, "the shard's, the stream's, or both"


@pytest.mark.parametrize("method", ["store.put", "checkpoints.commit", "segments.mark_indexed"])
def test_is_the_gap_of_a_replaced_stream_written_whatever_fails(method: str) -> None:
    for nth in range(4):
        world = World()
        old = world.add_table("orders")
        world.run()
        world.stream.disable(old)
        new = world.replace_stream("orders")
        world.write(new, "shard-0", 3)
        world.faults.add(Fault(Way.BEFORE, method=method, nth=world.faults.count(method) + nth))
        for _ in range(60):
            world.run()
        world.drain()
        world.assert_complete()
        assert world.kinds()["gap"] == 1, f"{method} {nth}"


def test_does_one_table_in_trouble_keep_no_other_from_joining() -> None:
    world = World()
    world.add_table("aaa")
    world.add_table("bbb")
    world.faults.add(Fault(Way.BEFORE, method="tables.view", nth=0))
    world.run()
    assert coverage(world) == ["joined"]
    assert len(problems(world)) == 1


def test_do_two_gaps_at_one_position_both_stand_in_the_log() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 2)
    world.run()
    world.stream.write(arn, "shard-0", 2)
    world.clock.advance(30 * 3600)
    world.stream.trim(arn, "shard-0", 4)
    world.run()
    world.stream.forget_shard(arn, "shard-0")
    for _ in range(4):
        world.run()
    world.assert_complete()
    assert world.kinds()["gap"] == 2


def test_is_the_group_that_waits_longest_read_first() -> None:
    world = World(replace(SETTINGS, group_shards=1))
    world.add_table("orders", shards=3)
    world.run()
    for key, row in list(world.rows.shards.items()):
        if row.group_id == "g0002":
            world.rows.shards[key] = replace(row, iterator_obtained_at=row.iterator_obtained_at - 300)
    groups = [group["group_id"] for group in world.planner("next").run("next")["groups"]]
    assert groups == ["g0002", "g0000", "g0001"]
