"""Whatever is written, rolled and split: does a reader that follows children after parents get each record once, and
each item's in order? And what of one that kills and restarts the laboratory between two steps?"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.laboratory import Laboratory
from tests.ports.laboratory_reading import DirectCaller, RefusedError, change

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 12), st.integers(0, 9)),
        st.tuples(st.just("roll"), st.integers(0, 3), st.integers(0, 99)),
        st.tuples(st.just("split"), st.integers(0, 3), st.integers(0, 99)),
        st.tuples(st.just("empty"), st.integers(0, 4), st.integers(0, 99)),
        st.tuples(st.just("quiet"), st.integers(1, 4), st.integers(0, 99)),
        st.tuples(st.just("late"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("parent_open"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("miss_parent"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("advance"), st.integers(0, 2_000), st.just(0)),
        st.tuples(st.just("read"), st.integers(1, 5), st.just(0)),
    ),
    max_size=40,
)


class Reader:
    """Follows a stream as a careful client does: a shard after its parent's end, from where it stood before."""

    def __init__(self, caller: DirectCaller, arn: str) -> None:
        self._caller, self._arn = caller, arn
        self._iterators: dict[str, str | None] = {}
        self._last: dict[str, str] = {}
        self._parents: dict[str, str | None] = {}
        self.records: list[dict[str, Any]] = []

    def look(self) -> None:
        for shard in self._caller.shards(self._arn):
            self._parents[shard["ShardId"]] = shard.get("ParentShardId")

    def read(self, pages: int) -> int:
        """So many pages of each shard that may be read; how many records or ends were found."""
        found = 0
        for shard_id in sorted(self._parents):
            for _ in range(pages):
                if not self._may_be_read(shard_id):
                    break
                found += self._page(shard_id)
        return found

    def finished(self, shard_id: str) -> bool:
        return shard_id in self._iterators and self._iterators[shard_id] is None

    def _may_be_read(self, shard_id: str) -> bool:
        parent = self._parents[shard_id]
        return not self.finished(shard_id) and (parent is None or self.finished(parent))

    def _page(self, shard_id: str) -> int:
        iterator = self._iterators.get(shard_id)
        if iterator is None:
            last = self._last.get(shard_id)
            kind = "TRIM_HORIZON" if last is None else "AFTER_SEQUENCE_NUMBER"
            more = {} if last is None else {"SequenceNumber": last}
            iterator = self._caller.iterator(self._arn, shard_id, kind, **more)
        try:
            page = self._caller.records(iterator)
        except RefusedError as error:
            if error.code != "ExpiredIteratorException":
                raise
            del self._iterators[shard_id]
            return 1
        self.records += page["Records"]
        for record in page["Records"]:
            self._last[shard_id] = record["dynamodb"]["SequenceNumber"]
        self._iterators[shard_id] = page.get("NextShardIterator")
        return len(page["Records"]) + (self._iterators[shard_id] is None)


class World:
    def __init__(self, seed: int, shards: int) -> None:
        self.journal: list[tuple[str, str, float]] = []
        self.seed = seed
        self.laboratory = self.made()
        self.laboratory.journal = self._note
        self.arn = self.laboratory.add_stream("orders", shards=shards)
        self.caller = DirectCaller(self.laboratory)
        self.reader = Reader(self.caller, self.arn)
        self._written = 0

    def made(self) -> Laboratory:
        return Laboratory(DrivenClock(), self.seed)

    def again(self) -> Laboratory:
        """One that did all journaled commands again."""
        laboratory = self.made()
        for name, arguments, at in self.journal:
            laboratory.replay(name, json.loads(arguments), at)
        return laboratory

    def do(self, step: str, number: int, chance: int) -> None:
        laboratory, arn = self.laboratory, self.arn
        shards = laboratory.open_shards(arn)
        shard = shards[chance % len(shards)]
        match step:
            case "write":
                laboratory.write(arn, [self._change(number) for _ in range(chance + 1)])
            case "roll":
                laboratory.roll(arn, shard["shard_id"], number)
            case "split" if shard["partitions"][1] - shard["partitions"][0] > 1_000:
                laboratory.split(arn, shard["shard_id"], number)
            case "empty":
                laboratory.add_empty_pages(arn, shard["shard_id"], number, ("front", "middle", "tip")[chance % 3])
            case "quiet":
                laboratory.quiet_tip(arn, shard["shard_id"], number)
            case "late":
                laboratory.late_children(arn, number)
            case "parent_open" | "miss_parent":
                getattr(laboratory, step)(arn, number)
            case "advance":
                laboratory.advance(number)
            case "read":
                self.reader.look()
                self.reader.read(number)

    def _change(self, number: int) -> dict[str, Any]:
        self._written += 1
        image = {"id": {"S": f"item-{number}"}, "n": {"N": str(self._written)}}
        return change(f"item-{number}", NewImage=image)

    def _note(self, name: str, arguments: Any, at: float) -> None:
        self.journal.append((name, json.dumps(arguments), at))


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 4), STEPS)
def test_each_record_comes_once_and_each_items_in_order(
    seed: int, shards: int, steps: list[tuple[str, int, int]]
) -> None:
    world = World(seed, shards)
    for step in steps:
        world.do(*step)
    quiet = 0
    while quiet < 60:  # more than all empty pages and late listings in a row
        world.reader.look()
        quiet = 0 if world.reader.read(3) else quiet + 1
    truth = world.laboratory.truth(world.arn)
    read = [record["eventID"] for record in world.reader.records]
    assert sorted(read) == sorted(record["event_id"] for record in truth)
    by_item: dict[str, list[str]] = {}
    for record in world.reader.records:
        by_item.setdefault(json.dumps(record["dynamodb"]["Keys"]), []).append(record["dynamodb"]["SequenceNumber"])
    assert all(numbers == sorted(numbers, key=int) for numbers in by_item.values())
    changes = [r["dynamodb"]["NewImage"] for r in world.reader.records if "n" in r["dynamodb"]["NewImage"]]
    for item in {image["id"]["S"] for image in changes}:
        numbers = [int(image["n"]["N"]) for image in changes if image["id"]["S"] == item and "customer" not in image]
        assert numbers == sorted(numbers)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 4), STEPS)
def test_what_was_journaled_is_all_there_is(seed: int, shards: int, steps: list[tuple[str, int, int]]) -> None:
    world = World(seed, shards)
    for step in steps:
        world.do(*step)
    world.reader.look()
    world.reader.read(2)
    again = world.again()
    assert again.truth(world.arn) == world.laboratory.truth(world.arn)
    assert again.now() == world.laboratory.now()
    before, after = ([s | {"read_to": 0} for s in lab.shards(world.arn)] for lab in (world.laboratory, again))
    assert before == after
    for shard in before:
        iterator = world.caller.iterator(world.arn, shard["shard_id"])
        assert DirectCaller(again).records(iterator)["Records"] == world.caller.records(iterator)["Records"]


def test_every_partition_is_covered_by_one_open_shard_over_many_generations() -> None:
    laboratory = Laboratory(DrivenClock(), seed=5)
    arn = laboratory.add_stream("orders", shards=3)
    for generation in range(40):
        shards = laboratory.open_shards(arn)
        for shard in shards:
            wide = shard["partitions"][1] - shard["partitions"][0] > 500
            (laboratory.split if generation % 5 == 0 and wide else laboratory.roll)(arn, shard["shard_id"])
        covered = [partition["partitions"] for partition in laboratory.open_shards(arn)]
        assert covered[0][0] == 0
        assert covered[-1][1] == 65_536
        assert all(left[1] == right[0] for left, right in pairwise(covered))
    assert len(laboratory.shards(arn)) > 3_000
    written = laboratory.write(arn, [change(f"item-{number}") for number in range(500)])
    assert sorted(DirectCaller(laboratory).all_event_ids(arn)) == sorted(row[2] for row in written)
