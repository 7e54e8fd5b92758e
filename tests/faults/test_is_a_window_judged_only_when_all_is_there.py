"""Is a window judged only when CloudTrail and the streams have told all, and is what they did not tell ever silent?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tabletrail.core.attribution_windows import LEAST_SECONDS
from tabletrail.core.checkpoint import StreamState
from tabletrail.core.judgement import CALLS_SECONDS
from tabletrail.core.walk import read_until
from tabletrail.core.witness import SETTLED_SECONDS
from tests.core.trail import log, table_arn
from tests.fakes.tables import ACCOUNT
from tests.faults.attributing import ALICE, BOB, TrailWorld, begun, quiet


@pytest.fixture
def world() -> TrailWorld:
    return quiet()


@pytest.fixture
def orders(world: TrailWorld) -> str:
    return next(arn for arn in world.rows.streams if ":table/orders/" in arn)


def until(world: TrailWorld, arn: str) -> int:
    return world.rows.streams[arn].attributed_until


def settled(world: TrailWorld) -> Any:
    world.settle()
    result = world.attribute()
    world.assert_attributed()
    return result


def test_is_nothing_judged_before_cloudtrail_has_had_its_hour(world: TrailWorld, orders: str) -> None:
    """A rival's event comes 50 minutes later: nobody was named for sure before."""
    while world.clock.now() - until(world, orders) < SETTLED_SECONDS:
        world.clock.advance(600)
        world.run()
        world.attribute()
    world.call(orders, "order-1", ALICE)
    world.deliver()
    world.tell(orders, "order-1", BOB)
    for _ in range(4):
        world.clock.advance(700)
        world.run()
        world.attribute()
        assert until(world, orders) <= world.clock.now() - SETTLED_SECONDS
        assert not world.of_item("order-1")
    world.deliver()
    settled(world)
    [entry] = world.of_item("order-1")
    assert entry["principal"]["confidence"] == "possible"


def test_does_a_stream_that_is_not_read_hold_up_its_own_table_alone(world: TrailWorld, orders: str) -> None:
    stock = next(arn for arn in world.rows.streams if arn != orders)
    world.call(orders, "order-1", ALICE)
    world.call(stock, "part-1", BOB)
    world.deliver()
    [key] = [key for key in world.rows.shards if key.stream_arn == orders]
    stopped = world.rows.shards[key]
    assert read_until(stopped) <= world.clock.now(), "it was read before order-1"
    world.settle()
    # As if nobody had read this shard: what is in the log of it could be a part of what was written.
    kept, world.rows.shards[key] = world.rows.shards[key], stopped
    world.attribute()
    assert until(world, orders) <= read_until(stopped) < until(world, stock)
    assert [entry["table"]["name"] for entry in world.found()] == ["stock"]
    world.rows.shards[key] = kept
    settled(world)
    assert [entry["event"]["action"] for entry in world.of_item("order-1")] == ["attributed"]


def run_to(world: TrailWorld, at: int) -> None:
    """Runs up to that second, without a call of AttributeChanges."""
    while world.clock.now() + 660 <= at:
        world.clock.advance(600)
        world.run()
    world.clock.advance(at - world.clock.now())


def judge_to(world: TrailWorld, arn: str, end: int) -> None:
    """The next window of the stream ends at exactly this second."""
    world.deliver()
    run_to(world, end + SETTLED_SECONDS + CALLS_SECONDS)
    world.attribute()
    assert until(world, arn) == end


def test_does_a_rivals_call_beyond_a_windows_edge_count(world: TrailWorld, orders: str) -> None:
    end = until(world, orders) + LEAST_SECONDS + 600
    run_to(world, end - 2)
    world.call(orders, "order-1", ALICE)
    world.tell(orders, "order-1", BOB, off=4)
    judge_to(world, orders, end)
    [entry] = [one for one in world.of_item("order-1") if "about" in one["tabletrail"]]
    assert {one["name"] for one in entry["principal"]["candidates"]} == {"alice", "bob"}


@pytest.mark.parametrize(("at", "off"), [(-2, 4), (2, -4), (-1, 1), (0, -1)])
def test_is_a_call_explained_by_a_change_beyond_the_windows_edge(
    world: TrailWorld, orders: str, at: int, off: int
) -> None:
    """The change lies `at` seconds from the edge of two windows, its call `off` seconds from that, in the other one."""
    end = until(world, orders) + LEAST_SECONDS + 600
    run_to(world, end + at)
    world.call(orders, "order-1", ALICE, off=off)
    judge_to(world, orders, end)
    judge_to(world, orders, end + LEAST_SECONDS)
    world.assert_attributed()
    assert world.actions() == {"attributed": 1}


@pytest.mark.parametrize(
    "spoilt", [b"no JSON at all", log({"eventVersion": "9.9", "eventName": "PutItem"}), log("no record")]
)
def test_is_nobody_sure_beside_a_file_that_cannot_be_read(world: TrailWorld, orders: str, spoilt: bytes) -> None:
    world.call(orders, "order-1", ALICE)
    world.deliver()
    file = world.trail.deliver(spoilt)
    result = settled(world)
    [entry] = world.of_item("order-1")
    assert entry["principal"]["confidence"] == "possible"
    assert [one["name"] for one in entry["principal"]["candidates"]] == ["alice"]
    assert "could not be read" in entry["message"]
    assert result.bad == 1
    assert any(file.name in sentence for sentence in result.failures)
    world.run()
    assert any(file.name in sentence for sentence in world.notes.read("last_run")["failures"])


def test_is_a_file_in_trouble_named(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.deliver()
    world.trail.deliver(b"", trouble="file is no whole gzip")
    result = settled(world)
    assert world.of_item("order-1")[0]["principal"]["confidence"] == "possible"
    assert any("file is no whole gzip" in sentence for sentence in result.failures)


def test_are_calls_that_come_too_late_counted_once_and_said(world: TrailWorld, orders: str) -> None:
    world.deliver(world.tell(orders, "order-0", BOB))
    world.events.clear()
    world.call(orders, "order-1", ALICE)
    settled(world)
    [entry] = [one for one in world.of_item("order-1") if "about" in one["tabletrail"]]
    assert entry["event"]["action"] == "unattributed"
    world.clock.advance(1)
    world.deliver()
    late = [settled(world) for _ in range(3)]
    assert sum(result.late for result in late) == 1
    assert any("1 calls were delivered after" in sentence for result in late for sentence in result.problems)
    assert world.of_item("order-1") == [entry], "no entry is made again"


def test_is_it_said_that_a_trail_shows_nothing_of_a_table(world: TrailWorld, orders: str) -> None:
    world.changed(orders, "order-1")
    world.deliver(world.tell(orders.replace("/orders/", "/stock/"), "part-1", BOB))
    assert any("orders: CloudTrail shows no call at all" in sentence for sentence in settled(world).problems)


def test_is_a_table_that_the_trail_does_not_tell_of_named_and_left_alone() -> None:
    world = TrailWorld()
    world.settings = replace(world.settings, trail_tables=table_arn("orders", ACCOUNT))
    world, (orders, stock) = begun("orders", "stock", world=world)
    world.call(orders, "order-1", ALICE)
    world.changed(stock, "part-1")
    world.deliver()
    world.minutes(20)
    result = settled(world)
    assert (result.uncovered, result.uncovered_count) == (["stock"], 1)
    assert [entry["table"]["name"] for entry in world.found()] == ["orders"]
    assert not until(world, stock)
    world.settings = replace(world.settings, trail_tables="")
    world.attribute()
    assert not until(world, orders)
    told = [one["event"]["action"] for one in world.lines() if one["tabletrail"]["kind"] == "coverage"]
    assert sorted(told) == ["attribution_begun", "attribution_ended", "joined", "joined"]


def test_is_too_much_for_one_window_judged_in_shorter_ones(world: TrailWorld, orders: str) -> None:
    world.most_changes = 6
    for number in range(20):
        world.call(orders, f"order-{number}", ALICE)
        world.clock.advance(40)
    world.deliver()
    result = settled(world)
    assert result.attributed == 20
    assert result.windows > 3
    assert not [one for one in world.lines() if one["event"]["action"] == "attribution_skipped"]


def test_is_what_is_too_much_for_the_shortest_window_passed_over_and_said(world: TrailWorld, orders: str) -> None:
    world.most_changes = 6
    for number in range(20):
        world.call(orders, f"order-{number}", ALICE)
    world.clock.advance(300)
    world.call(orders, "order-after", ALICE)
    world.deliver()
    world.settle()
    result = world.attribute()
    assert [entry["event"]["action"] for entry in world.of_item("order-after")] == ["attributed"]
    assert any("too many changes" in sentence for sentence in result.problems)
    assert [one for one in world.lines() if one["event"]["action"] == "attribution_skipped"]


def test_is_a_stream_that_is_replaced_judged_to_its_end(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.run()
    world.stream.disable(orders)
    new = world.replace_stream("orders")
    for _ in range(3):
        world.clock.advance(700)
        world.run()
    world.attribute()
    world.call(new, "order-2", BOB)
    world.deliver()
    for _ in range(20):
        world.clock.advance(700)
        world.run()
    assert world.rows.streams[orders].state is StreamState.DONE
    settled(world)
    assert [entry["principal"]["name"] for entry in world.of_item("order-1")] == ["alice"]
    assert [entry["principal"]["name"] for entry in world.of_item("order-2")] == ["bob"]
    assert until(world, orders) == world.rows.streams[orders].ending_at
    assert not settled(world).failures


def test_does_only_what_is_committed_count(world: TrailWorld, orders: str) -> None:
    """An object without a row lies in the log's folder: a run died before its commit, and another read it all again."""
    world.call(orders, "order-1", ALICE)
    world.deliver()
    keys = set(world.store.objects)
    world.run()
    [key] = set(world.store.objects) - keys
    world.store.objects[key.replace("-g0000-", "-g0000-orphan")] = world.store.objects[key]
    world.store.written_at[key.replace("-g0000-", "-g0000-orphan")] = world.store.written_at[key]
    result = settled(world)
    assert (result.objects, result.attributed) == (1, 1)


def test_is_a_damaged_segment_named_and_nothing_concluded_from_it(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.deliver()
    world.run()
    [row] = [row for row in world.rows.segments.values() if row.links]
    kept = world.store.objects[row.key]
    world.store.objects[row.key] = (kept[0], kept[1][:-9] + b"other text")
    world.settle()
    result = world.attribute()
    world.store.objects[row.key] = kept
    assert not world.found(), "the write has no entry that can be read: that is no write without an entry"
    assert result.failures == [f"segment {row.segment_id} is missing or altered"]


def test_does_nothing_begin_where_tables_were_restored(world: TrailWorld, orders: str) -> None:
    world.call(orders, "order-1", ALICE)
    world.deliver()
    world.settle()
    world.mark.ids["streams"] = "another"
    result = world.attribute()
    assert not world.found()
    assert "tabletrail recover" in result.failures[0]
