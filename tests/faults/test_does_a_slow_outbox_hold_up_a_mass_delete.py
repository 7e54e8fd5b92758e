"""Thousands of plain deletes, and an outbox that takes its time: does each call get on, and is nothing held at once?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tabletrail.outbox import PATIENCE_SECONDS, ROUND, SECONDS
from tests.core import outbox_story as steps
from tests.core.outbox_story import Story
from tests.faults.outboxed_world import PLAIN, actors, entries, outboxed_world, unread, write
from tests.faults.world import World

BOB = {"id": "bob", "type": "user", "source": "outbox", "confidence": "likely"}
CAPTURED = ["outbox.deletes", "claims.claimants", "claims.claim"]


def deleted(*counts: int) -> tuple[World, str]:
    """Bob deletes so many items in each shard of orders, with a row for each; beside it a table without an outbox.

    Whole shards are read in one cycle.
    """
    world, orders = outboxed_world()
    world.settings = replace(world.settings, cycle_records=10_000)
    world.stream.page_records = 1_000
    for number in range(1, len(counts)):
        world.stream.add_shard(orders, f"shard-{number}")
    payments = world.add_table("payments")
    world.run()
    for shard, count in enumerate(counts):
        story = Story(now_ms=int(world.clock.now() * 1000))
        for number in range(count):
            key = {"pk": {"S": f"{shard}-{number}"}}
            story.items[key["pk"]["S"]] = PLAIN | key
            story.now_ms -= 130  # all in one second
            steps.delete_with_row(story, key, "bob", {})
        write(world, orders, f"shard-{shard}", story, story.made)
    world.write(payments, "shard-0", 4)
    return world, orders


def waiting(world: World, orders: str) -> list[int]:
    """How many records of each shard of orders are not in the log."""
    found = world.captured()
    shards = sorted(shard for arn, shard in world.written if arn == orders)
    return [len(world.written[orders, shard]) - len(found.get((orders, shard), [])) for shard in shards]


def all_by_bob(found: dict[str, dict[str, Any]]) -> bool:
    told = [entry.get("actor") for entry in found.values() if entry["table"]["name"] == "orders"]
    return bool(told) and all(actor == BOB for actor in told)


def test_a_mass_delete_is_asked_about_by_the_round() -> None:
    count = 2 * ROUND + 7
    world, orders = deleted(count)
    world.outbox.seconds_each = (SECONDS - 1) / count
    [result] = world.run()
    assert (result.failures, waiting(world, orders)) == ([], [0])
    assert world.outbox.most_at_once == ROUND
    assert [world.faults.count(call) for call in CAPTURED] == [3, 3, 3]
    assert all_by_bob(entries(world))
    world.drain()
    world.assert_complete()


def test_what_one_cycle_has_no_time_for_the_next_one_tells() -> None:
    world, orders = deleted(300, 300)
    world.outbox.seconds_each = 0.54 * SECONDS / 300
    [result] = world.run()
    assert (result.failures, waiting(world, orders)) == ([], [0, 0])
    assert world.faults.count("checkpoints.commit") > 1
    assert all_by_bob(entries(world))


def test_what_is_left_at_the_end_of_a_call_is_no_failure() -> None:
    world, orders = deleted(300)
    world.outbox.seconds_each = 0.5 * SECONDS / 300
    whole, world.settings = world.settings, replace(world.settings, function_seconds=9)
    lags = []
    for _ in range(3):
        [result] = world.run()
        assert result.failures == []
        lags.append(result.lag_seconds)
    assert waiting(world, orders) == [300]
    assert lags == sorted(set(lags)), "the lag tells it"
    assert world.kinds()["change"] == 4, "the other table's do not wait"
    world.settings = whole
    [result] = world.run()
    assert (result.failures, waiting(world, orders)) == ([], [0])
    assert all_by_bob(entries(world))


@pytest.mark.parametrize("counts", [(300, 1), (1, 300), (ROUND + 100, 1), (1, ROUND + 100)])
def test_what_no_time_suffices_for_is_a_failure_and_holds_up_no_others(counts: tuple[int, ...]) -> None:
    """Whichever comes first, and is asked about together with it."""
    most = max(counts)
    world, orders = deleted(*counts)
    world.outbox.seconds_each = 1.1 * SECONDS / most
    failures = [failure for _ in range(4) for result in world.run() for failure in result.failures]
    assert set(failures) == {"outbox: TransientError"}
    assert len(failures) >= 3, "once in each run, but in one in which it came behind others"
    assert waiting(world, orders) == [count if count == most else 0 for count in counts]
    found = entries(world)
    assert (world.kinds()["change"], unread(found)) == (5, 0)
    assert all_by_bob(found)
    world.clock.advance(PATIENCE_SECONDS)
    [result] = world.run()
    assert result.failures == ["made without the outbox: TransientError"]
    assert waiting(world, orders) == [0, 0]
    assert unread(entries(world)) == most - ROUND * (most // ROUND)
    world.drain()
    world.assert_complete()


def test_what_was_told_before_the_time_was_over_is_told_again_the_same() -> None:
    """Claims of rounds that were in time stand; their records come again."""
    count = ROUND + 100
    world, orders = deleted(count)
    world.outbox.seconds_each = 1.1 * SECONDS / count
    world.run()
    assert waiting(world, orders) == [count]
    assert len(world.claims.held) == ROUND
    world.outbox.seconds_each = 0.0
    world.run()
    assert waiting(world, orders) == [0]
    assert len(actors(entries(world))) == count + 4
    assert all_by_bob(entries(world))
