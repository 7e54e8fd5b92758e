"""The crash sweep: every call through a port fails once in both ways, and the process dies before and after it.

Then normal runs follow. The result must always be the same: every record exactly one entry, in order, chains whole,
everything indexed, every alert due in one row and sent: once, or again if the fault came between sending and marking.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.alerting import assert_alerted, due
from tests.faults.world import SETTINGS, World

WAYS = {
    "fails before": Fault(Way.BEFORE),
    "reply lost": Fault(Way.AFTER),
    "dies before": Fault(Way.BEFORE, error=Crash),
    "dies after": Fault(Way.AFTER, error=Crash),
}


def may_repeat_alerts(call: str, way: str) -> set[str]:
    """The ways on which alerts may leave twice: a fault left open whether they had left, or came before the note of it.

    What is told in words is of several segments, each with a note of its own: a death between two notes repeats it.
    """
    if call == "segments.note_alerted":
        return {"topic"}
    if call == "segments.mark_alerted":
        return {"bus"} if way.endswith("before") else set()
    sent = {"topic.tell": {"topic"}, "bus.publish": {"bus"}}
    return set() if way.endswith("before") else sent.get(call, set())


def story(world: World) -> None:
    """Two tables; pages, a split, a document that the index refuses, records that cannot be converted; three runs."""
    orders, payments = world.add_table("orders", shards=2), world.add_table("payments")
    world.write(orders, "shard-0", 7)
    world.write(orders, "shard-0", event="EXPLODE")
    world.write(orders, "shard-1", 3)
    world.write(payments, "shard-0", 4)
    poison = world.written[orders, "shard-1"][1]
    world.index.refuses = lambda document: (
        document.get("stream", {}).get("sequence") == poison and document["tabletrail"]["kind"] != "parked"
    )
    survive(world, world.run)
    world.write(orders, "shard-0", 2)
    world.stream.split(orders, "shard-0", "left", "right")
    world.write(orders, "left", 3)
    world.write(orders, "right", 3)
    survive(world, world.run)
    world.write(orders, "left", 2)
    world.write(payments, "shard-0", 2, event="EXPLODE")
    survive(world, world.run)
    survive(world, world.drain)


def survive(world: World, work: object) -> None:
    """A failed or dead run is nothing that anybody repairs: the next one comes."""
    try:
        work()  # type: ignore[operator]
    except (Crash, Exception):
        world.clock.advance(60)


def recover(world: World) -> None:
    """Normal runs, until a dead run's lease has ended and all is caught up. A fault that was not met yet is."""
    for _ in range(12):
        survive(world, world.run)
    for _ in range(8):
        survive(world, world.drain)


def number_of_calls() -> int:
    world = World(replace(SETTINGS, cycle_records=5))
    world.stream.page_records = 3
    story(world)
    return len(world.faults.calls)


CALLS = number_of_calls()


def test_is_the_story_itself_complete() -> None:
    world = World(replace(SETTINGS, cycle_records=5))
    world.stream.page_records = 3
    story(world)
    world.assert_complete()
    assert_alerted(world, once=True)
    assert len(due(world)) == 3
    assert CALLS > 100
    assert {name.split(".")[0] for name in world.faults.calls} == {
        "checkpoints",
        "segments",
        "stream",
        "store",
        "index",
        "tables",
        "leases",
        "notes",
        "keeper",
        "stamps",
        "listing",
        "bus",
        "topic",
        "health",
    }


@pytest.mark.parametrize("way", WAYS)
def test_is_every_record_one_entry_whichever_call_fails(way: str) -> None:
    for number in range(CALLS + 5):
        world = World(replace(SETTINGS, cycle_records=5))
        world.stream.page_records = 3
        world.faults.add(replace(WAYS[way], number=number))
        story(world)
        recover(world)
        struck = world.faults.calls[number] if number < len(world.faults.calls) else "none"
        try:
            world.assert_complete()
            assert_alerted(world, once=True, but=may_repeat_alerts(struck, way))
        except AssertionError as error:
            pytest.fail(f"call {number}, {struck}, {way}: {error}")


@pytest.mark.parametrize("way", WAYS)
def test_does_a_second_fault_in_the_recovery_change_nothing(way: str) -> None:
    for number in range(0, CALLS, 7):
        world = World(replace(SETTINGS, cycle_records=5))
        world.stream.page_records = 3
        world.faults.add(replace(WAYS["dies after"], number=number))
        world.faults.add(replace(WAYS[way], number=number + 11))
        story(world)
        recover(world)
        world.assert_complete()
        assert_alerted(world, once=False)


def test_do_two_runs_at_once_and_a_zombie_double_nothing() -> None:
    world = World(replace(SETTINGS, cycle_records=5))
    world.stream.page_records = 3
    arn = world.add_table("orders", shards=2)
    world.run()
    zombie_plan = world.planner("zombie").run("zombie")
    world.write(arn, "shard-0", 20)
    world.write(arn, "shard-1", 20)
    zombie = world.capture()
    rows = list(world.rows.shards.values())
    from tabletrail.deadline import Deadline

    reads = zombie._read(rows, Deadline.after(world.clock, 3000))
    world.leases.held.clear()
    world.run()
    world.clock.advance(1200)
    world.run()
    parts = zombie.parts.make(reads, {arn: world.rows.streams[arn]})
    from tabletrail.capture import CaptureTask

    task = CaptureTask("zombie", zombie_plan["groups"][0]["group_id"], zombie_plan["groups"][0]["deadline"])
    zombie._commit_all(task, parts)
    recover(world)
    world.assert_complete()
    assert_alerted(world, once=True)
