"""Is the attribute by which items expire known where it counts, and does looking for it cost or hinder nothing?"""

from __future__ import annotations

import pytest

from tabletrail.aws.rows import decode_stream, encode_stream
from tabletrail.errors import TabletrailError
from tabletrail.membership import TTL_READS, TTL_SECONDS
from tests.fakes.faulty import Fault, Way, throttle
from tests.faults.world import World
from tests.ports.checkpoint_rows import stream


def problems(world: World) -> list[str]:
    return list(world.notes.read("last_run")["problems"])


def known(world: World) -> set[str]:
    return {row.ttl_attribute for row in world.rows.streams.values()}


def test_a_table_that_joins_is_looked_at_once() -> None:
    world = World()
    arn = world.add_table("orders")
    world.tables.ttl["orders"] = "expires"
    for _ in range(40):
        world.write(arn, "shard-0")
        world.run()
    assert known(world) == {"expires"}
    assert world.tables.ttl_reads == ["orders"]
    assert problems(world) == []


def test_no_run_asks_more_often_than_an_account_may() -> None:
    world = World()
    names = [f"t{number:02d}" for number in range(2 * TTL_READS + 5)]
    for name in names:
        world.add_table(name)
        world.tables.ttl[name] = "expires"
    asked = []
    for _ in range(40):
        before = len(world.tables.ttl_reads)
        world.run()
        asked.append(len(world.tables.ttl_reads) - before)
    assert max(asked) == TTL_READS
    assert sorted(world.tables.ttl_reads) == names
    assert known(world) == {"expires"}


def test_another_attribute_is_learnt_and_one_that_was_switched_off_is_kept() -> None:
    world = World()
    world.add_table("orders")
    world.tables.ttl["orders"] = "expires"
    world.run()
    for attribute, expected in (("ttl", "ttl"), ("", "ttl")):
        world.tables.ttl["orders"] = attribute
        world.run()
        world.clock.advance(TTL_SECONDS)
        for _ in range(2):
            world.run()
        assert known(world) == {expected}
    assert len(world.tables.ttl_reads) == 3


def test_throttling_is_no_trouble_and_ends_the_asking_of_that_run() -> None:
    world = World()
    arns = [world.add_table(name) for name in ("a", "b", "c")]
    for name in ("a", "b", "c"):
        world.tables.ttl[name] = "expires"
    world.faults.add(throttle("tables.ttl_attribute", times=1))
    for arn in arns:
        world.write(arn, "shard-0", 3)
    world.run()
    assert world.faults.count("tables.ttl_attribute") == 1
    assert (known(world), problems(world)) == ({""}, [])
    world.assert_complete()
    for _ in range(35):
        world.run()
    assert known(world) == {"expires"}


@pytest.mark.parametrize("error", [TabletrailError, None])
def test_what_is_never_answered_hinders_nothing(error: type[TabletrailError] | None) -> None:
    world = World()
    arn = world.add_table("orders")
    refused = (lambda: TabletrailError("access denied")) if error else None
    world.faults.add(Fault(Way.BEFORE, method="tables.ttl_attribute", error=refused, times=10_000))
    for _ in range(32):
        world.write(arn, "shard-0")
        world.run()
    world.assert_complete()
    assert known(world) == {""}
    assert world.faults.count("tables.ttl_attribute") == 3, "once at each look at the table, every quarter of an hour"


def test_a_refusal_is_told() -> None:
    world = World()
    world.add_table("orders")
    world.faults.add(
        Fault(Way.BEFORE, method="tables.ttl_attribute", error=lambda: TabletrailError("access denied"), times=1)
    )
    world.run()
    assert problems(world) == ["orders: its TTL attribute cannot be read: access denied"]


def test_a_row_of_before_is_read() -> None:
    item = encode_stream(stream(ttl_attribute="expires", ttl_read_at=5))
    assert decode_stream(item).ttl_attribute == "expires"
    for name in ("ttl_attribute", "ttl_read_at"):
        del item[name]
    assert decode_stream(item) == stream()
    assert {"holds_told", "ttl_attribute", "ttl_read_at", "attributed_until"}.isdisjoint(encode_stream(stream()))
