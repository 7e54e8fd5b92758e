"""Rolls, splits, outages and retention in any order: each record is in the log, or a later gap says that it is not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.losses import HOUR, audited, forget, gaps, minutes
from tests.faults.world import World

moves = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "roll", "split", "minutes", "minutes", "outage", "long outage", "hours"]),
        st.integers(0, 7),
    ),
    min_size=4,
    max_size=25,
)


class Watched(World):
    """Knows for how long no runs came, and what the retention took before it was read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.away = 0.0
        """Seconds without a run, beyond those between two runs."""
        self.lost: list[tuple[str, int]] = []
        """(shard, when it was written)"""
        self._ran_at = self.clock.now()

    def run(self) -> Any:
        away = self.clock.now() - self._ran_at
        self.away += away if away > 10 * 60 else 0
        self._ran_at = self.clock.now()
        return super().run()

    def forget(self, arn: str) -> None:
        shards = self.stream.streams[arn].shards
        times = {
            slot["dynamodb"]["SequenceNumber"]: slot["dynamodb"]["ApproximateCreationDateTime"]
            for shard in shards.values()
            for slot in shard.slots
            if slot
        }
        before = dict(self.written)
        forget(self, arn)
        for (_, shard_id), numbers in before.items():
            left = self.written[arn, shard_id]
            self.lost += [(shard_id, times[number]) for number in numbers if number not in left]

    def move(self, arn: str, what: str, pick: int, number: int) -> None:
        open_shards = [shard.shard_id for shard in self.stream.streams[arn].shards.values() if not shard.closed]
        shard_id = open_shards[pick % len(open_shards)]
        if what == "write":
            self.write(arn, shard_id, 1 + pick)
        elif what in ("roll", "split"):
            self.stream.split(arn, shard_id, *[f"{number}-{side}" for side in range(2 if what == "split" else 1)])
        elif what == "minutes":
            minutes(self, 1 + pick)
        elif what == "hours":
            for _ in range(3 * pick):
                self.clock.advance(9 * 60)
                self.run()
        else:
            self.clock.advance((pick * 3 if what == "outage" else 23 + pick) * HOUR)


@settings(max_examples=15, derandomize=True)
@given(moves)
def test_is_every_record_either_in_the_log_or_in_a_gap(moves: list[tuple[str, int]]) -> None:
    """Rolls, splits, outages and the retention in any order: what is lost is in a later gap of its shard or its stream,
    and where all outages together are shorter than the retention there is none."""
    world = Watched()
    arn, _ = audited(world)
    for number, (what, pick) in enumerate(moves):
        world.move(arn, what, pick, number)
        world.forget(arn)
    minutes(world, 25)
    world.forget(arn)
    world.drain()
    world.assert_complete()
    said = [(entry["stream"].get("shard"), moment_of(entry)) for entry in gaps(world)]
    for shard, written_at in world.lost:
        assert any(one in (shard, None) and at > written_at + 23 * HOUR for one, at in said), f"lost from {shard}"
    if world.away < 23 * HOUR:
        assert not said


def moment_of(entry: dict[str, Any]) -> float:
    return datetime.fromisoformat(entry["@timestamp"]).timestamp()
