"""Families of shards, what may happen to them, and the order that the log must keep."""

from __future__ import annotations

from tests.faults.world import World


def minutes(world: World, count: int) -> None:
    for _ in range(count):
        world.run()


def shards_in_order(world: World) -> list[str]:
    """Of the change entries, in the log's order, each run of one shard's entries once."""
    shards = [entry["stream"]["shard"] for entry in world.lines() if entry["tabletrail"]["kind"] == "change"]
    return [shard for at, shard in enumerate(shards) if at == 0 or shard != shards[at - 1]]


def assert_parents_first(world: World, stream_arn: str) -> None:
    """No entry of a shard comes behind one of its descendants'."""
    parents = {shard.shard_id: shard.parent for shard in world.stream.streams[stream_arn].shards.values()}
    begun: set[str] = set()
    for shard in shards_in_order(world):
        assert shard not in begun, f"{shard} comes behind a descendant"
        ancestor = parents[shard]
        while ancestor is not None:
            begun.add(ancestor)
            ancestor = parents.get(ancestor)


def family(world: World) -> str:
    """A stream whose only listed shards are a parent that has ended and its child, both with records."""
    arn = world.add_table("orders", shards=0)
    world.stream.add_shard(arn, "parent")
    world.write(arn, "parent", 3)
    world.stream.split(arn, "parent", "child")
    world.write(arn, "child", 3)
    return arn


def step(world: World, arn: str, what: str, pick: int, number: int) -> None:
    shards = world.stream.streams[arn].shards
    open_shards = [shard_id for shard_id, shard in shards.items() if not shard.closed]
    shard_id = open_shards[pick % len(open_shards)]
    if what == "write":
        world.write(arn, shard_id, 1 + pick)
    elif what in ("split", "roll"):
        world.stream.split(arn, shard_id, *[f"{number}-{side}" for side in range(2 if what == "split" else 1)])
    elif what == "hide":
        world.stream.hide(arn, list(shards)[pick % len(shards)], 1 + pick % 3)
    elif what == "children late":
        world.stream.hidden_children += 1
    elif what == "wait":
        world.clock.advance(pick * 600)
    else:
        world.run()
