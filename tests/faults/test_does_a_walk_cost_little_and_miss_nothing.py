"""Walks over empty pages, over fakes: what a quiet shard costs, and what an outage leaves unseen."""

from __future__ import annotations

from tests.faults.world import World


def test_does_a_quiet_shard_cost_few_reads_and_few_writes() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    for _ in range(70):
        world.run()
    reads, moves = world.faults.count("stream.read"), world.faults.count("checkpoints.move_shard")
    for _ in range(21):  # an idle shard is read in every third run
        world.run()
    assert world.faults.count("stream.read") - reads <= 4 * 21
    assert world.faults.count("checkpoints.move_shard") - moves <= 7


def test_does_a_shard_that_just_became_quiet_cost_four_reads_in_each_run() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    world.run()
    for _ in range(20):
        reads = world.faults.count("stream.read")
        world.run()
        assert world.faults.count("stream.read") - reads == 4


def test_does_a_quiet_shard_keep_up_with_the_empty_pages_that_are_made() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    for minute in range(6 * 60):
        world.stream.add_empty_pages(arn, "shard-0", 3 + minute % 2)
        world.run()
    world.write(arn, "shard-0")
    for _ in range(3):
        world.run()
    world.assert_complete()
    assert "gap" not in world.kinds()


def test_is_an_outage_of_a_shard_that_never_had_a_record_a_possible_gap() -> None:
    world = World()
    arn = world.add_table("orders")
    for _ in range(30):
        world.run()
    world.stream.write(arn, "shard-0", 3)
    world.clock.advance(30 * 3600)
    world.stream.trim(arn, "shard-0", 3)
    world.write(arn, "shard-0", 2)
    for _ in range(3):
        world.run()
    world.assert_complete()
    assert world.kinds()["gap"] == 1


def test_is_a_record_behind_a_days_empty_pages_reached_after_an_outage() -> None:
    world = World()
    arn = world.add_table("orders")
    for _ in range(30):
        world.run()
    world.clock.advance(20 * 3600)
    world.stream.add_empty_pages(arn, "shard-0", 4000)
    world.write(arn, "shard-0")
    for _ in range(15):
        world.run()
    world.assert_complete()


def test_is_each_empty_page_of_a_long_walk_read_once() -> None:
    world = World()
    arn = world.add_table("orders")
    world.stream.add_empty_pages(arn, "shard-0", 5000)
    world.write(arn, "shard-0", 2, created=int(world.clock.now()) - 5 * 3600)
    world.stream.add_empty_pages(arn, "shard-0", 1000)
    world.write(arn, "shard-0", 2)
    runs = 0
    while dict(world.captured()) != dict(world.written):
        world.run()
        runs += 1
        assert runs < 60
    assert world.faults.count("stream.read") <= 6000 + 4 + 5 * runs
    world.assert_complete()


def test_is_a_record_behind_a_days_empty_pages_reached_when_the_place_was_trimmed() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0")
    for _ in range(30):
        world.run()
    world.clock.advance(1200)
    world.stream.trim(arn, "shard-0", 1)
    world.stream.add_empty_pages(arn, "shard-0", 3000)
    world.write(arn, "shard-0")
    for _ in range(12):
        world.run()
    world.assert_complete()
    assert "gap" not in world.kinds()
