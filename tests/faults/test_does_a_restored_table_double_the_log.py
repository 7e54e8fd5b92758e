"""A table of checkpoints is deleted, or restored to an earlier time: is anything in the log twice, or missing?

One story of runs: shards roll, split and finish, a table leaves, a run dies between staging and commit and leaves an
orphan, one dies behind its commit. Then each choice of tables is lost, at each of some moments.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from tabletrail.core.checkpoint import ShardStatus, StreamState
from tabletrail.core.stamps import TABLES
from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.restoring import NOTHING, Moment, RestoredWorld, moment, restore
from tests.faults.world import SETTINGS

CHOICES = [tables for number in range(1, len(TABLES) + 1) for tables in combinations(TABLES, number)]
STEPS = 24
DEATHS = {6: Way.BEFORE, 14: Way.AFTER}
"""In which step a run dies at its commit, and on which side of it."""


LABEL = "2027-01-14T07:00:00.000"
TABLE = "arn:aws:dynamodb:eu-central-1:111122223333:table"
ORDERS, USERS, LEAVES = (f"{TABLE}/{name}/stream/{LABEL}" for name in ("orders", "users", "leaves"))
BUSY = [(ORDERS, "shard-0"), (ORDERS, "shard-1"), (ORDERS, "right"), (USERS, "shard-0"), (USERS, "rolled")]


def step(world: RestoredWorld, number: int) -> None:
    """One minute of the story."""
    if number == 0:
        for name, shards in (("orders", 2), ("users", 1), ("leaves", 1)):
            world.add_table(name, shards)
    if number == 3:
        world.stream.split(ORDERS, "shard-0", "left", "right")
    if number == 4:
        world.write(LEAVES, "shard-0", 2)
        world.tables.set_tag(f"{TABLE}/leaves", False)
    if number == 9:
        world.stream.split(USERS, "shard-0", "rolled")
    if number == 15:
        world.stream.split(ORDERS, "right", "last")
    for arn, shard in (
        (ORDERS, "shard-0"),
        (ORDERS, "shard-1"),
        (ORDERS, "right"),
        (USERS, "shard-0"),
        (USERS, "rolled"),
    ):
        state = world.stream.streams[arn].shards.get(shard)
        if state and not state.closed and number % 4 != 3:
            world.write(arn, shard, 2 + number % 5)
    if number in DEATHS:
        world.faults.add(Fault(DEATHS[number], method="checkpoints.commit", error=Crash))
    world.run_unless_dead()
    if number % 6 == 5:
        world.drain()


def told(steps: int = STEPS) -> tuple[RestoredWorld, list[Moment]]:
    """The world after so many minutes, and its tables as they were after each."""
    world = RestoredWorld(replace(SETTINGS, cycle_records=5))
    world.stream.page_records = 3
    moments = []
    for number in range(steps):
        step(world, number)
        moments.append(moment(world))
    return world, moments


def write_more(world: RestoredWorld) -> None:
    """After the loss, before anybody has noticed."""
    world.write(ORDERS, "shard-1", 4)
    world.write(USERS, "rolled", 3)
    world.write(ORDERS, "last", 1)


def assert_nothing_is_captured(world: RestoredWorld) -> None:
    commits = len(world.rows.commits)
    for _ in range(2):
        world.leases.held.clear()
        assert world.run() == []
    assert len(world.rows.commits) == commits, "a run committed over tables that do not belong together"
    assert world.metrics.emitted[-1]["Failures"] >= 1
    assert "tabletrail recover" in world.notes.read("last_run")["failures"][0]


def assert_recovers(world: RestoredWorld, *, gaps: int = 0) -> None:
    before = moment(world)
    looked = world.recovery().look()
    assert moment(world) == before, "looking changed something"
    applied = world.recovery().apply("recover-1")
    assert replace(looked, is_applied=True, objects=0, orphans=0) == replace(applied, objects=0, orphans=0)
    assert not applied.damaged
    assert not applied.forced
    world.settle()
    world.assert_complete()
    assert world.kinds().get("gap", 0) == gaps
    assert not world.recovery().look().trouble


def test_is_the_story_itself_complete() -> None:
    world, _ = told()
    world.settle()
    world.assert_complete()
    assert len(world.store.objects) > len(world.rows.segments), "no orphan was made"
    assert {row.state for row in world.rows.streams.values()} == {StreamState.ACTIVE, StreamState.DONE}
    finished = [row for row in world.rows.shards.values() if row.status is ShardStatus.CLOSED_AND_PROCESSED]
    assert len(finished) >= 3


@pytest.mark.parametrize("tables", CHOICES, ids="+".join)
def test_a_deleted_table_doubles_nothing(tables: tuple[str, ...]) -> None:
    world, _ = told()
    restore(world, tables, NOTHING)
    write_more(world)
    assert_nothing_is_captured(world)
    assert_recovers(world)


@pytest.mark.parametrize(
    ("tables", "minute"),
    [
        *[((table,), minute) for table in TABLES for minute in (1, 6, 15, STEPS - 1)],
        *[(tables, 6 if "streams" in tables else 15) for tables in CHOICES if len(tables) > 1],
    ],
)
def test_a_restored_table_doubles_nothing(tables: tuple[str, ...], minute: int) -> None:
    world, moments = told()
    restore(world, tables, moments[minute])
    write_more(world)
    assert_nothing_is_captured(world)
    assert_recovers(world)
