"""What a stream forgets before it is read, and what the log must say of it."""

from __future__ import annotations

from typing import Any

from tests.faults.world import World

HOUR = 3600


def minutes(world: World, count: int) -> None:
    for _ in range(count):
        world.run()


def gaps(world: World) -> list[dict[str, Any]]:
    return [entry for entry in world.lines() if entry["tabletrail"]["kind"] == "gap"]


def told(world: World) -> list[tuple[str, str, str]]:
    """(reason, shard, last known position) of each gap, in the log's order; empty where there is none."""
    return [
        (
            entry["tabletrail"]["gap"]["reason"],
            entry["stream"].get("shard", ""),
            entry["tabletrail"]["gap"].get("last_position", ""),
        )
        for entry in gaps(world)
    ]


def assert_said_once(world: World, *expected: tuple[str, str, str]) -> None:
    """These gaps and no others, now and after many runs; indexed, counted in metrics; the rest of the log complete."""
    minutes(world, 5)
    assert sorted(told(world)) == sorted(expected)
    minutes(world, 2 * world.settings.walk_seconds // 60)
    assert sorted(told(world)) == sorted(expected), "said again"
    world.drain()
    said = gaps(world)
    ids = {entry["event"]["id"] for entry in said}
    assert len(ids) == len(expected)
    assert ids <= world.index.documents().keys()
    assert sum(values["Gaps"] for values in world.metrics.emitted) == len(expected)
    counts = [row.gaps for row in world.rows.streams.values()] + [row.gaps for row in world.rows.shards.values()]
    assert sum(counts) == len(expected), "what `status` shows while OpenSearch is away"
    assert {entry["tabletrail"]["gap"]["certainty"] for entry in said} <= {"possible"}
    assert_coverage_is_numbered(world)


def assert_coverage_is_numbered(world: World) -> None:
    """Each stream's entries of kind coverage, from 1 and without a hole."""
    facts = [entry for entry in world.lines() if entry["tabletrail"]["kind"] == "coverage"]
    for arn, row in world.rows.streams.items():
        numbers = [one["tabletrail"]["coverage"]["number"] for one in facts if one["stream"]["arn"] == arn]
        assert numbers == [*range(1, row.coverage_no + 1)]


def forget(world: World, arn: str) -> None:
    """The retention's work, on the truth of the test as well: what was lost is not expected in the log."""
    world.stream.forget_old(arn)
    shards = world.stream.streams[arn].shards
    captured = world.captured()
    for stream_arn, shard_id in list(world.written):
        if stream_arn != arn:
            continue
        shard = shards.get(shard_id)
        left = [slot["dynamodb"]["SequenceNumber"] for slot in shard.slots[shard.trimmed :] if slot] if shard else []
        done = captured.get((arn, shard_id), [])
        world.written[arn, shard_id] = [one for one in world.written[arn, shard_id] if one in done or one in left]


def audited(world: World, shards: int = 1) -> tuple[str, str]:
    """A table that has been audited for a while: its stream's ARN and shard-0's last position."""
    arn = world.add_table("orders", shards)
    for shard in range(shards):
        world.write(arn, f"shard-{shard}", 2)
    minutes(world, 5)
    return arn, world.written[arn, "shard-0"][-1]


def generations(world: World, arn: str, count: int, hours: int = 4) -> str:
    """Capture is off, and the shard rolls each few hours, with changes. The last shard."""
    shard = "shard-0"
    for number in range(count):
        world.write(arn, shard, 2)
        world.clock.advance(hours * HOUR)
        world.stream.split(arn, shard, f"roll-{number}")
        shard = f"roll-{number}"
    return shard
