"""Shards full of empty pages, read our way and the way of the article that tabletrail starts from.

Their way: each run asks for an iterator behind the last record that it knows (or at the horizon) and reads until it has
seen so many empty pages in a row that it may take the present for reached. Here that number is the longest run of empty
pages that lies before a record: with fewer it would miss records. Nothing of a walk is kept for the next run, and a
closed shard without records is asked again, since no sequence number says that it was read.

Both read the same laboratory over HTTP. Calls are exact; seconds are this machine's, as ratios in one run. The streams'
clock is the laboratory's: no second of it goes by that a run does not ask for.

    python benchmarks/article.py [--pages 5000] [--closed 1000]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' world and its laboratory

from tabletrail.core.checkpoint import is_after
from tabletrail.ports import StreamReader
from tests.faults.laboratory_world import LaboratoryWorld, laboratory_world

HOURS = 17
LATER_RUNS = 30


@dataclass
class ArticleReader:
    """The article's way over one stream. `known` is the last sequence number by shard."""

    reader: StreamReader
    stream_arn: str
    patience: int
    known: dict[str, str] = field(default_factory=dict)
    records: int = 0

    def run(self) -> None:
        for shard in self.reader.describe(self.stream_arn).shards:
            known = self.known.get(shard.shard_id)
            if shard.ending_sequence_no is not None and known is not None:
                continue  # closed, and its records were read
            self._read(shard.shard_id, known)

    def _read(self, shard_id: str, known: str | None) -> None:
        iterator: str | None = self.reader.iterator_after(self.stream_arn, shard_id, known)
        empty = 0
        while iterator is not None and empty < self.patience:
            page = self.reader.read(iterator)
            iterator = page.next_iterator
            empty = 0 if page.records else empty + 1
            for record in page.records:
                number = str(record["dynamodb"]["SequenceNumber"])
                if is_after(number, self.known.get(shard_id)):
                    self.known[shard_id] = number
                    self.records += 1


@dataclass(frozen=True)
class Cost:
    calls: int
    describes: int
    seconds: float
    runs: int

    def line(self, name: str) -> str:
        return f"  {name:<34}{self.calls:>9,} GetRecords{self.describes:>7,} DescribeStream{self.seconds:>9.1f} s"


def bury(world: LaboratoryWorld, pages: int) -> str:
    """One open shard: empty pages, ten records, as many pages again, ten records."""
    laboratory = world.laboratory
    arn = laboratory.add_stream("orders")
    (shard,) = laboratory.shards(arn)
    for _ in range(2):
        laboratory.add_empty_pages(arn, shard["shard_id"], pages)
        laboratory.advance(HOURS * 3600)
        laboratory.generate(arn, 10)
    world.audit(arn)
    return arn


def finish(world: LaboratoryWorld, closed: int) -> str:
    """A lineage of so many closed, empty shards, and an open one with ten records."""
    laboratory = world.laboratory
    arn = laboratory.add_stream("orders")
    laboratory.roll_all(arn, closed)
    laboratory.generate(arn, 10)
    laboratory.advance(3600)
    world.audit(arn)
    return arn


class Meter:
    """Counts from its making on."""

    def __init__(self, world: LaboratoryWorld) -> None:
        self._laboratory = world.laboratory
        self._laboratory.reset_counts()
        self._begun = time.perf_counter()

    def read(self, runs: int) -> Cost:
        operations = self._laboratory.counts()["operations"]
        seconds = time.perf_counter() - self._begun
        return Cost(operations.get("GetRecords", 0), operations.get("DescribeStream", 0), seconds, runs)


def ours(world: LaboratoryWorld, records: int) -> tuple[Cost, Cost]:
    meter = Meter(world)
    runs = 0
    while sum(map(len, world.captured().values())) < records:
        world.run()
        runs += 1
    first = meter.read(runs)
    while any(row.walk_debt for row in world.rows.shards.values()):
        world.run()  # up to the present
    meter = Meter(world)
    for _ in range(LATER_RUNS):
        world.run()
    return first, meter.read(LATER_RUNS)


def theirs(world: LaboratoryWorld, stream_arn: str, patience: int, records: int) -> tuple[Cost, Cost]:
    reader = ArticleReader(world.reader, stream_arn, patience)
    meter = Meter(world)
    reader.run()
    if reader.records != records:
        raise SystemExit(f"the article's way found {reader.records} of {records} records")
    first = meter.read(1)
    meter = Meter(world)
    reader.run()
    return first, meter.read(1)


def compare(title: str, ours_: tuple[Cost, Cost], theirs_: tuple[Cost, Cost]) -> None:
    print(title)
    (our_first, our_later), (their_first, their_later) = ours_, theirs_
    print(our_first.line(f"ours, first pass in {our_first.runs} runs"))
    print(their_first.line("the article's, first pass"))
    later = Cost(
        our_later.calls // our_later.runs, our_later.describes // our_later.runs, our_later.seconds / our_later.runs, 1
    )
    print(later.line("ours, each later run"))
    print(their_later.line("the article's, each later run"))
    calls = their_later.calls * our_later.runs / max(1, our_later.calls)
    seconds = their_later.seconds * our_later.runs / our_later.seconds
    print(f"  a later run costs them {calls:,.0f} times the calls and {seconds:,.0f} times the time\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=int, default=5_000)
    parser.add_argument("--closed", type=int, default=1_000)
    args = parser.parse_args()
    with laboratory_world() as world:
        arn = bury(world, args.pages)
        measured = ours(world, 20)
        compare(f"one open shard, {args.pages:,} empty pages before and between its records", measured,
                theirs(world, arn, args.pages + 1, 20))  # fmt: skip
    with laboratory_world() as world:
        arn = finish(world, args.closed)
        measured = ours(world, 10)
        compare(f"{args.closed:,} closed empty shards and an open one", measured,
                theirs(world, arn, args.pages + 1, 10))  # fmt: skip


if __name__ == "__main__":
    main()
