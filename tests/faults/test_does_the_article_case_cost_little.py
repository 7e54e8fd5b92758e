"""Shards with thousands of empty pages, and a thousand finished ones: is each page read once, and then almost none?

The streams are the laboratory's, over HTTP. Its clock moves only with the product's, so every count is exact.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest

from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.laboratory_world import LaboratoryWorld, laboratory_world
from tests.faults.world import SETTINGS

PAGES = 5_000
HOURS = 17
"""In which DynamoDB makes up to 5,100 empty pages."""
QUIET_PAGES = 4


def buried_records(world: LaboratoryWorld, pages: int, hours: int) -> tuple[str, str]:
    """Ten records behind `pages` empty ones, and ten more behind as many again; the stream's ARN and the shard's id."""
    laboratory = world.laboratory
    arn = laboratory.add_stream("orders")
    shard_id = str(laboratory.shards(arn)[0]["shard_id"])
    for _ in range(2):
        laboratory.add_empty_pages(arn, shard_id, pages)
        laboratory.advance(hours * 3600)
        laboratory.generate(arn, 10)
    world.audit(arn)
    return arn, shard_id


def captured(world: LaboratoryWorld) -> int:
    return sum(map(len, world.captured().values()))


def run_until(world: LaboratoryWorld, records: int, most: int = 200) -> int:
    """Runs until so many records are captured; how many runs it took."""
    for number in count(1):
        world.run()
        if captured(world) >= records:
            return number
        assert number < most, "the records are not found"
    raise AssertionError


def test_is_each_page_of_the_first_pass_read_once_over_many_runs_and_later_runs_cost_four() -> None:
    with laboratory_world() as world:
        _, shard_id = buried_records(world, PAGES, HOURS)
        runs = run_until(world, 20)
        counts = world.laboratory.counts()
        pages = 2 * PAGES + 2
        # Behind the last record it walks over what may have come since: five pages for each minute.
        assert pages <= counts["shards"][shard_id] <= pages + 5 * runs
        assert runs >= 2 * PAGES // SETTINGS.walk_pages
        assert counts["operations"]["GetShardIterator"] == 1, "its place was kept from run to run"
        world.learn_truth()
        world.assert_complete()
        for _ in range(30):
            before = world.requests()
            world.run()
            assert world.requests() - before <= QUIET_PAGES
        before = world.requests()
        for _ in range(60):
            world.run()
        assert world.requests() - before <= QUIET_PAGES * 60 + 3 * QUIET_PAGES


def test_does_a_run_that_dies_in_the_middle_of_a_walk_cost_no_more_than_its_own_pages() -> None:
    with laboratory_world(replace(SETTINGS, walk_pages=100)) as world:
        _, shard_id = buried_records(world, 600, 3)
        world.run()
        world.faults.add(Fault(Way.AFTER, method="stream.read", nth=180, error=Crash))
        with pytest.raises(Crash):
            world.run()
        world.leases.held.clear()
        runs = run_until(world, 20)
        read = world.laboratory.counts()["shards"][shard_id]
        assert read <= 2 * 600 + 2 + 100 + 5 * (runs + 2)
        world.learn_truth()
        world.assert_complete()


def test_does_a_walk_whose_iterator_died_begin_again_behind_the_last_record() -> None:
    with laboratory_world(replace(SETTINGS, walk_pages=100)) as world:
        _, shard_id = buried_records(world, 600, 3)
        run_until(world, 10)
        for _ in range(3):
            world.run()
        read = world.laboratory.counts()["shards"][shard_id]
        assert captured(world) == 10
        world.clock.advance(1000)
        run_until(world, 20)
        again = world.laboratory.counts()["shards"][shard_id] - read
        assert 600 < again <= 600 + 1 + 100, "from the last record on, and at most one run's walk at the tip"
        world.learn_truth()
        world.assert_complete()


def test_is_a_finished_shard_read_once_and_never_again() -> None:
    with laboratory_world() as world:
        laboratory = world.laboratory
        arn = laboratory.add_stream("orders")
        laboratory.roll_all(arn, 1_000)
        laboratory.generate(arn, 10)
        laboratory.advance(3600)
        world.audit(arn)
        run_until(world, 10, most=20)
        for _ in range(3):
            world.run()
        world.learn_truth()
        world.assert_complete()
        (open_shard,) = [shard["shard_id"] for shard in laboratory.shards(arn) if shard["open"]]
        assert Counter(n for shard, n in laboratory.counts()["shards"].items() if shard != open_shard) == {1: 1_000}
        laboratory.reset_counts()
        calls = len(world.faults.calls)
        for _ in range(14):
            world.run()
        counts = laboratory.counts()
        assert set(counts["shards"]) == {open_shard}
        # One walk over the listing in a quarter of an hour: eleven pages of 100 shards.
        assert counts["operations"].get("DescribeStream", 0) <= 11
        reads = Counter(world.faults.calls[calls:])
        assert reads["checkpoints.shards_of"] <= 2


def test_does_a_long_lineage_cost_no_reads_of_its_finished_rows_within_a_run() -> None:
    with laboratory_world() as world:
        arn = world.laboratory.add_stream("orders")
        world.laboratory.roll_all(arn, 100)
        world.audit(arn)
        world.run()
        assert Counter(world.faults.calls)["checkpoints.shards_of"] <= 100 + 5


def test_are_records_found_behind_pages_that_came_to_a_quiet_tip() -> None:
    pages = 200
    with laboratory_world() as world:
        laboratory = world.laboratory
        arn = laboratory.add_stream("orders")
        shard_id = str(laboratory.shards(arn)[0]["shard_id"])
        laboratory.generate(arn, 1)
        world.audit(arn)
        for _ in range(5):
            world.run()
        laboratory.quiet_tip(arn, shard_id, pages)
        laboratory.generate(arn, 3)
        runs = run_until(world, 4)
        assert runs <= pages // QUIET_PAGES + 3
        world.learn_truth()
        world.assert_complete()
