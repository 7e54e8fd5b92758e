"""Shards move between groups while captures of the old groups are under way, and the index by group lags."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tabletrail.capture import Capture, CaptureTask
from tabletrail.core.checkpoint import ShardStatus
from tabletrail.deadline import Deadline
from tests.faults.lineages import assert_parents_first, minutes, step
from tests.faults.world import SETTINGS, World


class Slow:
    """A capture of one group that stops between its reads and its commit, as a process that was paused does."""

    def __init__(self, world: World, group_id: str) -> None:
        self.capture: Capture = world.capture()
        self.task = CaptureTask("slow", group_id, int(world.clock.now()) + 3600)
        self.streams = {row.stream_arn: row for row in self.capture.checkpoints.streams()}
        rows = self.capture._due(group_id, self.streams)
        self.reads = self.capture._read(rows, Deadline.after(world.clock, 50)) if rows else []

    def commit(self) -> None:
        self.capture._commit_all(self.task, self.capture.parts.make(self.reads, self.streams))


turns = st.lists(
    st.tuples(st.sampled_from(["write", "write", "split", "run", "plan", "read", "commit", "lag"]), st.integers(0, 7)),
    min_size=10,
    max_size=40,
)


@settings(max_examples=20, derandomize=True)
@given(turns)
def test_does_a_rebalanced_group_lose_nothing(turns: list[tuple[str, int]]) -> None:
    world = World(replace(SETTINGS, group_shards=2))
    arn = world.add_table("orders", shards=3)
    world.run()
    slow: list[Slow] = []
    for number, (what, pick) in enumerate(turns):
        if what == "lag":
            world.rows.lag = 30 * pick
        elif what == "plan":
            world.leases.held.clear()  # another run is believed dead
            world.planner(f"plan{number}").run(f"plan{number}")
            world.leases.held.clear()
        elif what == "read":
            slow.append(Slow(world, f"g000{pick % 4}"))
        elif what == "commit" and slow:
            slow.pop(pick % len(slow)).commit()
        else:
            step(world, arn, what, pick, number)
    for one in slow:
        one.commit()
    world.rows.lag = 0
    minutes(world, 20)
    world.drain()
    world.assert_complete()
    assert_parents_first(world, arn)
    homes = [row.group_id for row in world.rows.shards.values() if row.status is ShardStatus.OPEN]
    assert None not in homes
    assert max(homes.count(group) for group in homes) <= 2
