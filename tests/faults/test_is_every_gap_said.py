"""What the stream forgot unread is in the log as a gap: indexed, counted, once; and reading goes on.

`World.stream` keeps what a test tells it to; `forget` is what 24 hours of retention do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tabletrail.core.checkpoint import StreamState
from tabletrail.errors import ShardGoneError, ThrottledError, TrimmedError
from tests.fakes.faulty import Fault, Way, throttle
from tests.faults.losses import HOUR, assert_said_once, audited, forget, gaps, generations, minutes
from tests.faults.world import SETTINGS, World


def test_is_an_open_shard_that_was_not_read_in_time_a_gap() -> None:
    world = World()
    arn, last = audited(world)
    world.write(arn, "shard-0", 3)
    world.clock.advance(30 * HOUR)
    forget(world, arn)
    world.write(arn, "shard-0", 2)
    assert_said_once(world, ("trimmed", "shard-0", last))
    world.assert_complete()


def test_is_a_closed_shard_that_was_not_read_in_time_a_gap_and_are_its_children_read() -> None:
    world = World()
    arn, last = audited(world)
    world.write(arn, "shard-0", 3)
    world.clock.advance(10 * HOUR)
    world.write(arn, "shard-0", 2)
    world.stream.split(arn, "shard-0", "left", "right")
    world.write(arn, "left", 2)
    world.clock.advance(20 * HOUR)
    forget(world, arn)
    world.write(arn, "right", 2)
    assert_said_once(world, ("unwatched", "", ""), ("trimmed", "shard-0", last))
    world.assert_complete()


def test_are_whole_generations_that_nobody_saw_a_gap_of_their_stream() -> None:
    world = World()
    arn, last = audited(world)
    newest = generations(world, arn, 12)
    forget(world, arn)
    assert "roll-1" not in world.stream.streams[arn].shards, "born and dead, and no row ever told of it"
    world.write(arn, newest, 3)
    assert_said_once(world, ("unwatched", "", ""), ("vanished", "shard-0", last))
    world.assert_complete()


def test_are_generations_that_are_all_gone_with_their_stream_a_gap() -> None:
    world = World()
    arn, last = audited(world)
    generations(world, arn, 3)
    world.stream.disable(arn)
    world.clock.advance(30 * HOUR)
    forget(world, arn)
    assert not world.stream.streams[arn].shards
    assert_said_once(world, ("unwatched", "", ""), ("vanished", "shard-0", last))


@pytest.mark.parametrize("hours", [3, 4])
def test_is_an_outage_shorter_than_the_retention_no_gap(hours: int) -> None:
    world = World()
    arn, _ = audited(world)
    newest = generations(world, arn, 5, hours)
    forget(world, arn)
    world.write(arn, newest, 3)
    assert_said_once(world)
    world.assert_complete()


def test_is_a_shard_that_no_capture_reached_in_time_a_gap_though_walks_went_on() -> None:
    world = World()
    arn, _ = audited(world)
    world.stream.split(arn, "shard-0", "child")
    minutes(world, 2)
    world.write(arn, "child", 3)
    world.faults.add(throttle("stream.read", times=100_000))
    world.faults.add(throttle("stream.iterator_after", times=100_000))
    for _ in range(60):
        world.clock.advance(HOUR // 2)
        world.run()
    forget(world, arn)
    world.faults._faults.clear()
    world.write(arn, "child", 2)
    assert_said_once(world, ("trimmed", "child", ""))
    world.assert_complete()


def test_is_a_blocked_child_that_was_reached_too_late_a_gap() -> None:
    world = World(replace(SETTINGS, missing_streams="report"))
    arn, last = audited(world)
    world.stream.split(arn, "shard-0", "child")
    world.write(arn, "child", 2)
    world.faults.add(throttle("stream.read", times=100_000))
    world.faults.add(throttle("stream.iterator_after", times=100_000))
    for _ in range(50):
        world.clock.advance(HOUR // 2)
        world.run()
    forget(world, arn)
    world.write(arn, "child", 2)
    world.faults._faults.clear()
    assert_said_once(world, ("vanished", "shard-0", last), ("trimmed", "child", ""))
    world.assert_complete()


def test_is_a_child_of_an_outage_that_is_read_still_later_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    arn, _ = audited(world)
    world.stream.split(arn, "shard-0", "child")
    world.write(arn, "child", 2)
    world.clock.advance(20 * HOUR)
    world.stream.hide(arn, "child", 1)  # its row is made by its parent's commit
    open_iterator = world.stream.iterator_after

    def refuse_child(stream_arn: str, shard_id: str, sequence_no: str | None) -> str:
        if shard_id == "child":
            raise ThrottledError("slow down")
        return open_iterator(stream_arn, shard_id, sequence_no)

    with monkeypatch.context() as patch:
        patch.setattr(world.stream, "iterator_after", refuse_child)
        for _ in range(12):
            world.run()
            world.clock.advance(HOUR // 2)
    forget(world, arn)
    world.write(arn, "child", 2)
    assert_said_once(world, ("trimmed", "child", ""))
    world.assert_complete()


def test_is_a_shard_that_vanished_unasked_a_gap() -> None:
    world = World()
    arn, last = audited(world, shards=2)
    world.stream.forget_shard(arn, "shard-0")
    assert_said_once(world, ("vanished", "shard-0", last))
    world.write(arn, "shard-1", 2)
    world.run()
    world.assert_complete()


@pytest.mark.parametrize("call", ["stream.read", "stream.iterator_after"])
def test_is_a_shard_that_vanished_under_the_reader_a_gap_behind_what_was_read(call: str) -> None:
    world = World()
    world.stream.page_records = 2
    arn, last = audited(world, shards=1)
    if call == "stream.read":
        last = world.stream.write(arn, "shard-0", 2)[-1]
        world.written[arn, "shard-0"] += [str(int(last) - 1), last]
        nth = world.faults.count(call) + 1
    else:
        world.clock.advance(20 * 60)
        nth = world.faults.count(call)
    world.faults.add(Fault(Way.BEFORE, method=call, nth=nth, error=lambda: ShardGoneError("gone")))
    world.run()
    world.stream.forget_shard(arn, "shard-0")
    assert_said_once(world, ("vanished", "shard-0", last))
    world.assert_complete()


def test_is_a_vanished_shard_one_gap_though_its_children_could_not_be_asked_for() -> None:
    world = World()
    arn, last = audited(world, shards=2)
    world.stream.add_shard(arn, "child", "shard-0")
    world.write(arn, "child", 2)
    world.stream.forget_shard(arn, "shard-0")
    world.faults.add(throttle("stream.children", times=3))
    assert_said_once(world, ("vanished", "shard-0", last))
    world.assert_complete()


def test_is_one_loss_one_gap_however_often_the_service_says_so() -> None:
    world = World()
    arn, last = audited(world)
    world.clock.advance(30 * HOUR)
    forget(world, arn)
    trimmed = Fault(Way.BEFORE, method="stream.read", error=lambda: TrimmedError("trimmed"), times=7)
    world.faults.add(trimmed)
    world.write(arn, "shard-0", 2)
    minutes(world, 10)
    assert world.faults.count("stream.read") < 200
    assert_said_once(world, ("trimmed", "shard-0", last))
    world.assert_complete()


@pytest.mark.parametrize("has_position", [True, False])
def test_is_one_loss_one_gap_though_nothing_can_be_read_behind_it_for_hours(has_position: bool) -> None:
    world = World()
    arn = world.add_table("orders")
    if has_position:
        world.write(arn, "shard-0", 2)
    minutes(world, 20)
    world.stream.write(arn, "shard-0", 2)
    world.clock.advance(30 * HOUR)
    world.stream.forget_old(arn)
    world.faults.add(throttle("stream.read", times=10_000))
    for _ in range(60):
        world.clock.advance(20 * 60)
        world.run()
    world.faults._faults.clear()
    world.write(arn, "shard-0", 2)
    last = world.written[arn, "shard-0"][1] if has_position else ""
    assert_said_once(world, ("trimmed", "shard-0", last))
    world.assert_complete()


def test_are_two_losses_two_gaps() -> None:
    world = World()
    arn, last = audited(world)
    for _ in range(2):
        world.stream.write(arn, "shard-0", 2)
        world.clock.advance(30 * HOUR)
        world.stream.forget_old(arn)
        minutes(world, 30)
    world.write(arn, "shard-0", 2)
    assert_said_once(world, ("trimmed", "shard-0", last), ("trimmed", "shard-0", last))
    world.assert_complete()


def test_is_a_position_of_unknown_age_that_was_trimmed_a_gap() -> None:
    world = World()
    arn, last = audited(world)
    (key,) = world.rows.shards
    world.rows.shards[key] = replace(world.rows.shards[key], iterator=None, iterator_obtained_at=0)
    world.stream.trim(arn, "shard-0", 2)
    assert_said_once(world, ("trimmed", "shard-0", last))


def switch_off(world: World, arn: str) -> None:
    world.stream.disable(arn)
    table = world.tables.tables[world.rows_table(arn)]
    world.tables.tables[table.arn] = replace(table, stream_enabled=False)


def delete_table(world: World, arn: str) -> None:
    world.stream.disable(arn)
    world.tables.remove(world.rows_table(arn))


@pytest.mark.parametrize("is_read", [True, False])
@pytest.mark.parametrize("end", [switch_off, delete_table])
def test_is_a_stream_that_went_with_records_unread_a_gap(end: Callable[[World, str], None], is_read: bool) -> None:
    world = World(replace(SETTINGS, missing_streams="report"))
    arn, last = audited(world)
    world.write(arn, "shard-0", 3)
    end(world, arn)
    if is_read:
        minutes(world, 3)
    else:
        world.faults.add(throttle("stream.read", times=100_000))
        world.faults.add(throttle("stream.iterator_after", times=100_000))
    for _ in range(26):
        world.clock.advance(HOUR)
        world.run()
    world.stream.drop_stream(arn)
    world.faults._faults.clear()
    assert_said_once(world, *([] if is_read else [("vanished", "shard-0", last)]))
    assert world.rows.streams[arn].state is StreamState.DONE
    if is_read:
        world.assert_complete()


def test_is_the_time_between_two_streams_a_gap_of_the_new_one() -> None:
    world = World()
    old, _ = audited(world)
    world.write(old, "shard-0", 2)
    world.stream.disable(old)
    new = world.replace_stream("orders")
    world.write(new, "shard-0", 2)
    assert_said_once(world, ("stream_replaced", "", ""))
    (gap,) = gaps(world)
    assert gap["stream"]["arn"] == new
    world.assert_complete()


@pytest.mark.parametrize(
    "method", ["store.put", "checkpoints.commit", "checkpoints.add_shards", "checkpoints.move_stream"]
)
@pytest.mark.parametrize("way", [Way.BEFORE, Way.AFTER])
def test_is_the_gap_of_generations_that_nobody_saw_written_whatever_fails(method: str, way: Way) -> None:
    for nth in range(3):
        world = World()
        arn, last = audited(world)
        newest = generations(world, arn, 12)
        forget(world, arn)
        world.write(arn, newest, 2)
        world.faults.add(Fault(way, method=method, nth=world.faults.count(method) + nth))
        assert_said_once(world, ("unwatched", "", ""), ("vanished", "shard-0", last))
        world.assert_complete()
