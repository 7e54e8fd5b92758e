"""What if the outbox or the claims cannot be read: does a record wait, for how long, and does anything else wait?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tabletrail.core.checkpoint import ShardRow, StreamRow
from tabletrail.core.marks import NEAR_SECONDS
from tabletrail.errors import OutboxError, TabletrailError, ThrottledError, TransientError
from tabletrail.outbox import KEPT_SECONDS, sure_from_ms
from tabletrail.reading import ShardRead
from tests.core import outbox_story as steps
from tests.core.outbox_story import Story
from tests.fakes.faulty import Fault, Way
from tests.faults.outboxed_world import ONE, TWO, actors, entries, outboxed_world, unread, write
from tests.faults.world import World

BY_MARK = {"id": "alice", "type": "user", "source": "mark", "confidence": "likely"}
CERTAIN = {"id": "alice", "type": "user", "source": "outbox", "confidence": "certain"}


def told() -> tuple[World, str, Story]:
    """Alice wrote with a row; the mark was lost, and put back. Beside it a table that has no outbox."""
    world, orders = outboxed_world()
    payments = world.add_table("payments")
    world.run()
    story = Story(now_ms=int(world.clock.now() * 1000))
    steps.write(story, ONE, "alice", {})
    steps.replace_plainly(story, ONE, "bob", {})
    steps.save_a_copy(story, ONE, "carol", story.copies[0])
    write(world, orders, "shard-0", story, story.made)
    world.write(payments, "shard-0", 4)
    return world, orders, story


def waiting(world: World, orders: str) -> list[str]:
    """Which records of orders are not in the log."""
    return world.written[orders, "shard-0"][len(world.captured().get((orders, "shard-0"), [])) :]


BROKEN: dict[str, Callable[[], TabletrailError]] = {
    "throttled": lambda: ThrottledError("slow down"),
    "away": lambda: TransientError("no reply"),
    "missing or denied": lambda: OutboxError("there is none"),
}


@pytest.mark.parametrize("why", BROKEN)
def test_records_wait_for_the_outbox_and_others_do_not(why: str) -> None:
    world, orders, _ = told()
    world.outbox.broken = BROKEN[why]
    for run in range(3):
        [result] = world.run()
        assert result.failures == [f"outbox: {type(BROKEN[why]()).__name__}"]
        assert not result.more
        assert result.lag_seconds == run * 60, "they wait, and the lag says so"
    assert len(waiting(world, orders)) == 3
    assert world.kinds()["change"] == 4, "the other table's"
    world.outbox.broken = None
    [result] = world.run()
    assert not result.failures
    world.drain()
    world.assert_complete()
    found = entries(world)
    assert unread(found) == 0
    assert [actors(found)[number] for number in (0, 2)] == [CERTAIN, {"last_known": "alice"}], "the write, and its copy"


def test_after_an_hour_they_are_converted_without_it_and_say_so() -> None:
    world, orders, _ = told()
    world.outbox.broken = BROKEN["away"]
    world.run()
    world.clock.advance(3600 - 61)
    world.run()
    assert len(waiting(world, orders)) == 3
    [result] = world.run()
    assert result.failures == ["made without the outbox: TransientError"]
    assert not waiting(world, orders)
    found = entries(world)
    assert unread(found) == 2, "those that a row could tell of"
    assert [one for one in actors(found) if one.get("id") == "alice"] == [BY_MARK]
    assert actors(found).count({"last_known": "alice"}) == 1, "the copy is known as one by the claims"
    world.drain()
    world.assert_complete()


def test_a_copy_of_what_was_converted_without_the_outbox_is_never_certain() -> None:
    world, orders, story = told()
    world.outbox.broken = BROKEN["away"]
    world.clock.advance(3700)
    world.run()
    assert not waiting(world, orders)
    world.outbox.broken = None
    steps.replace_plainly(story, ONE, "bob", {})
    steps.save_a_copy(story, ONE, "dave", story.copies[0])
    write(world, orders, "shard-0", story, story.made[3:])
    for _ in range(3):
        world.run()
    assert not waiting(world, orders)
    assert CERTAIN not in actors(entries(world))
    assert actors(entries(world))[-1] == {"last_known": "alice"}


def test_without_claims_nothing_is_converted_however_old_it_is() -> None:
    world, orders, _ = told()
    world.faults.add(Fault(Way.BEFORE, method="claims.claim", times=10_000))
    for seconds in (0, 3700, 3700):
        world.clock.advance(seconds)
        [result] = world.run()
        assert result.failures == ["claims: TransientError"]
        assert len(waiting(world, orders)) == 3
    world.outbox.broken = BROKEN["away"]
    [result] = world.run()
    assert "claims: TransientError" in result.failures
    assert len(waiting(world, orders)) == 3
    assert world.kinds()["change"] == 4


def test_a_shard_that_waits_is_not_ended_before_its_records_are_in_the_log() -> None:
    world, orders, story = told()
    world.outbox.broken = BROKEN["away"]
    world.stream.split(orders, "shard-0", "left", "right")
    world.run()
    assert set(world.statuses(orders)) == {"shard-0"}, "its children's rows come with its end"
    world.outbox.broken = None
    steps.write(story, TWO, "bob", {})
    write(world, orders, "right", story, story.made[3:])
    for _ in range(3):
        world.run()
    world.drain()
    world.assert_complete()


def test_a_lost_reply_of_a_claim_is_granted_to_the_same_record() -> None:
    world, orders, _ = told()
    world.faults.add(Fault(Way.AFTER, method="claims.claim"))
    [result] = world.run()
    assert result.failures == ["claims: TransientError"]
    assert world.claims.held, "they stand"
    world.run()
    assert not waiting(world, orders)
    assert CERTAIN in actors(entries(world))


# No cost where nobody uses it


def test_a_table_without_the_outbox_costs_no_call() -> None:
    world, orders, _ = told()
    world.publish(("10-attribution.json", json.dumps({"attribution": {"tables": []}})))
    before = len(world.faults.calls)
    for _ in range(2):
        world.run()
    assert not waiting(world, orders)
    calls = world.faults.calls[before:]
    assert not [call for call in calls if call.startswith(("outbox.", "claims."))]
    assert BY_MARK in actors(entries(world))


def test_records_that_no_row_can_tell_of_cost_no_call() -> None:
    world, orders = outboxed_world()
    world.run()
    world.write(orders, "shard-0", 9)
    world.run()
    assert not waiting(world, orders)
    assert not [call for call in world.faults.calls if call.startswith(("outbox.", "claims."))]


def test_a_mark_that_tells_nothing_is_claimed_and_no_row_is_read_for_it() -> None:
    world, orders = outboxed_world()
    world.run()
    story = Story(now_ms=int(world.clock.now() * 1000))
    steps.write_overtaken(story, ONE, "alice", {})
    write(world, orders, "shard-0", story, story.made)
    world.run()
    assert not waiting(world, orders)
    assert world.outbox.keys_read == 1
    assert len(world.claims.held) == 2


def test_a_cycle_of_many_records_costs_one_call_of_each_kind() -> None:
    world, orders = outboxed_world()
    world.settings = replace(world.settings, cycle_records=1_000)
    world.stream.page_records = 1_000
    world.run()
    story = Story(now_ms=int(world.clock.now() * 1000))
    for _ in range(40):
        steps.write(story, ONE, "alice", {})
        steps.delete_plainly(story, ONE, "bob", {})
    write(world, orders, "shard-0", story, story.made)
    world.run()
    assert not waiting(world, orders)
    assert world.faults.count("outbox.rows") == world.faults.count("outbox.deletes") == 1
    assert world.faults.count("claims.claim") == 1
    assert world.outbox.keys_read == 40


# Since when all records were read

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
BEGAN = 1_800_000_000
STREAM = StreamRow(f"{TABLE}/stream/2027-01-15T08:00:00.000", "orders", TABLE, "id", "123456789012", "eu-central-1")
ROW = ShardRow(STREAM.stream_arn, "shard-0")


def sure(row: ShardRow = ROW, stream: StreamRow = STREAM, *others: StreamRow, gap: str = "") -> int | None:
    return sure_from_ms(ShardRead(row, gap=gap), stream, {one.stream_arn: one for one in (stream, *others)})


def test_a_stream_knows_what_was_written_since_it_began_or_since_its_table_joined() -> None:
    born_together = replace(STREAM, table_made_at=BEGAN - 1)
    assert sure(stream=born_together) == BEGAN * 1000
    assert sure(stream=replace(born_together, joined_at=BEGAN + 60)) == BEGAN * 1000
    late = BEGAN + 90_000
    assert sure(stream=replace(born_together, joined_at=late)) == (late - KEPT_SECONDS + NEAR_SECONDS) * 1000


def test_a_stream_of_an_older_table_is_sure_of_marks_that_no_wrong_clock_made_before_it() -> None:
    for made_at in (0, BEGAN - 3, BEGAN - 90_000):
        assert sure(stream=replace(STREAM, table_made_at=made_at)) == (BEGAN + NEAR_SECONDS) * 1000


def test_behind_a_gap_or_beside_an_earlier_stream_nothing_is_sure() -> None:
    assert sure(replace(ROW, gaps=1)) is None
    assert sure(replace(ROW, resume_at_horizon=True)) is None
    assert sure(gap="trimmed") is None
    assert sure(gap="vanished") is not None, "that lies behind what was read"
    earlier = replace(STREAM, stream_arn=f"{TABLE}/stream/2027-01-15T07:59:59.999")
    assert sure(ROW, STREAM, earlier) is None
    assert sure(ROW, earlier, STREAM) is not None
    assert sure(ROW, STREAM, replace(earlier, table_arn=TABLE + "-old")) is not None
    assert sure(stream=replace(STREAM, stream_arn=f"{TABLE}/stream/of-an-emulator")) is None


def test_a_stream_that_began_anew_makes_nothing_certain_while_the_old_one_is_read() -> None:
    world, orders, story = told()
    anew = world.replace_stream("orders")
    steps.write(story, TWO, "alice", {})
    write(world, anew, "shard-0", story, story.made[3:])
    for _ in range(25):
        world.run()
    told_of = [(one["stream"]["arn"], one.get("actor", {})) for one in entries(world).values()]
    found = {arn: actor for arn, actor in told_of if actor.get("id") == "alice"}
    assert found == {orders: CERTAIN, anew: CERTAIN | {"confidence": "likely"}}
