"""Does a record that cannot be converted, or an item that nobody expects, cost any other record anything?"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tabletrail.aws.rows import encode_segment, encode_shard
from tabletrail.core.checkpoint import ShardKey
from tabletrail.core.segment import Line, read
from tests.core.hostile import BREAKS, broken, hostile_items
from tests.fakes import stream as stream_fake
from tests.fakes.stream import make_record
from tests.faults.world import World

MEGABYTE = 1_000_000
DYNAMODB_DIGITS = 38


def poison(world: World, what: str) -> dict[str, Any]:
    """A record with the next sequence number, unless that is what is wrong."""
    world.stream._next += 1
    number = str(world.stream._next)
    images = {"id": {"S": "poisoned"}, "v": {"S": "paid"}}
    return broken(make_record(number, old=images, new={**images, "v": {"S": "shipped"}}), what)


def put(world: World, arn: str, record: dict[str, Any], shard_id: str = "shard-0") -> None:
    """Where the fake itself would not take it."""
    world.stream.streams[arn].shards[shard_id].slots.append(record)


def committed(world: World) -> list[Line]:
    bodies = [world.store.get(row.key, row.version_id) for row in world.rows.segments.values()]
    return [line for body in bodies for line in read(body) if isinstance(line, Line)]


def of_kind(world: World, kind: str, shard_id: str = "shard-0") -> list[Line]:
    lines = [line for line in committed(world) if line.entry["tabletrail"]["kind"] == kind]
    return [line for line in lines if line.entry["stream"].get("shard") == shard_id]


def numbers(world: World, shard_id: str = "shard-0") -> list[str]:
    return [line.entry["stream"]["sequence"] for line in of_kind(world, "change", shard_id)]


def assert_rows_fit_dynamodb(world: World) -> None:
    """What one bad number in a row would do: refuse the commit, of the whole group, in every run."""
    rows = [encode_shard(row) for row in world.rows.shards.values()]
    rows += [encode_segment(row) for row in world.rows.segments.values()]
    texts = [value["N"] for row in rows for value in row.values() if "N" in value]
    assert texts
    assert max(len(text) for text in texts) <= DYNAMODB_DIGITS


@pytest.mark.parametrize("what", BREAKS)
def test_is_it_kept_whole_while_its_shard_goes_on(what: str) -> None:
    world = World()
    arn = world.add_table("orders", shards=2)
    good = world.stream.write(arn, "shard-0", 2)
    record = poison(world, what)
    put(world, arn, record)
    world.run()
    # As the last one of all that was read, and among others, and beside a shard of the same group.
    assert numbers(world) == good
    good += world.stream.write(arn, "shard-0", 2)
    world.write(arn, "shard-1", 3)
    world.run()
    world.run()
    assert (numbers(world), numbers(world, "shard-1")) == (good, world.written[arn, "shard-1"])
    [unreadable] = of_kind(world, "unreadable")
    assert unreadable.images["form"] == "record"
    assert same(json.loads(unreadable.images["record"]), record)
    row = world.rows.shards[ShardKey(arn, "shard-0")]
    assert (row.sequence_no, row.records) == (good[-1], len(good) + 1)
    assert_rows_fit_dynamodb(world)
    world._assert_chains()
    world._assert_index_is_the_log()
    assert not any(not row.indexed_at for row in world.rows.segments.values())
    assert not [failure for failure in world.notes.read("last_run")["failures"] if failure]


def same(one: Any, other: Any) -> bool:
    """NaN is not equal to itself, but its text is."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def test_are_all_of_them_at_once_one_entry_each() -> None:
    world = World()
    arn = world.add_table("orders")
    good: list[str] = []
    records = []
    for what in BREAKS:
        good += world.stream.write(arn, "shard-0", 1)
        records.append(poison(world, what))
        put(world, arn, records[-1])
    good += world.stream.write(arn, "shard-0", 1)
    world.run()
    world.run()
    assert numbers(world) == good
    kept = [json.loads(line.images["record"]) for line in of_kind(world, "unreadable")]
    assert [json.dumps(one, sort_keys=True) for one in kept] == [json.dumps(one, sort_keys=True) for one in records]
    world._assert_index_is_the_log()


@pytest.mark.parametrize("what", hostile_items())
def test_is_a_hostile_item_captured_and_indexed_through_its_whole_life(what: str) -> None:
    """Created, changed with both images near 400 KB, removed; a good record before, between and after."""
    world = World()
    arn = world.add_table("orders")
    item = {"id": {"S": "hostile"}, **hostile_items()[what]}
    changed = {**copy.deepcopy(item), "status": {"S": "shipped"}}
    for event, old, new in (("INSERT", None, item), ("MODIFY", item, changed), ("REMOVE", changed, None)):
        world.write(arn, "shard-0", 1)
        world.write(arn, "shard-0", 1, event=event, keys={"id": {"S": "hostile"}}, old=old, new=new)
    world.write(arn, "shard-0", 1)
    world.run()
    world.assert_complete()
    assert set(world.kinds()) == {"change", "coverage"}
    lines = [line for line in of_kind(world, "change") if line.entry["item"]["id"] == "hostile"]
    assert [(line.images["old"], line.images["new"]) for line in lines] == [
        (None, item),
        (item, changed),
        (changed, None),
    ]


def test_are_many_records_of_800_kb_several_segments_and_no_trouble() -> None:
    world = World()
    arn = world.add_table("orders")
    old = {"id": {"S": "large"}, "text": {"S": "x" * 399_000}}
    new = {"id": {"S": "large"}, "text": {"S": "y" * 399_000}}
    # Each is a page of its own: two do not fit into the megabyte of a reply.
    count = 70
    world.write(arn, "shard-0", count, old=old, new=new)
    assert len(world.stream.read(world.stream.iterator_after(arn, "shard-0", None)).records) == 1
    [result] = world.run()
    world.assert_complete()
    assert result.records == count
    bounds = [row.entries for row in world.rows.segments.values() if row.entries > 1]
    assert max(bounds) * 0.8 * MEGABYTE < world.settings.cycle_bytes + MEGABYTE
    assert len(bounds) > 1


def is_poison(document: dict[str, Any]) -> bool:
    return bool(document["tabletrail"]["kind"] == "change" and document["item"]["id"] == "poison")


def test_is_a_document_that_is_too_large_for_the_index_parked_alone() -> None:
    """Not by an item of DynamoDB's 400 KB: the index's own limit is small here."""
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.index.request_bytes = 20_000
    names = {f"attribute{n}": {"S": "x" * 100} for n in range(300)}
    world.write(arn, "shard-0", 20)
    world.write(arn, "shard-0", 1, keys={"id": {"S": "large"}}, old={}, new=names)
    world.write(arn, "shard-0", 20)
    world.run()
    world.drain()
    parked = [one for one in world.index.documents().values() if one["tabletrail"]["kind"] == "parked"]
    assert [one["item"]["id"] for one in parked] == ["large"]
    assert parked[0]["tabletrail"]["parked"]["reason"] == "request_entity_too_large"
    world.assert_complete()


@pytest.mark.parametrize("place", [0, 7, 14])
def test_is_one_refused_document_among_many_parked_alone(place: int) -> None:
    """The first of a request, in its middle, its last."""
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.index.refuses = is_poison
    world.write(arn, "shard-0", place)
    world.write(arn, "shard-0", 1, keys={"id": {"S": "poison"}})
    world.write(arn, "shard-0", 14 - place)
    world.run()
    kinds = [one["tabletrail"]["kind"] for one in world.index.documents().values()]
    assert (kinds.count("parked"), kinds.count("change")) == (1, 14)
    world.assert_complete()


def test_is_a_record_without_a_number_that_is_read_again_the_same_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no place in its shard: where the iterator is lost, it is behind every position, and comes once more."""
    world = World()
    arn = world.add_table("orders")
    good = world.stream.write(arn, "shard-0", 2)
    place = str(int(good[-1]) + 1)
    """Where the stream keeps it, though the record does not say so."""
    monkeypatch.setattr(stream_fake, "_sequence", lambda record: record["dynamodb"].get("SequenceNumber", place))
    world.stream.streams[arn].shards["shard-0"].slots.append(poison(world, "no sequence number"))
    world.run()
    world.clock.advance(20 * 60)
    good += world.stream.write(arn, "shard-0", 2)
    world.run()
    assert numbers(world) == good
    ids = [line.id for line in of_kind(world, "unreadable")]
    assert (len(ids), len(set(ids))) == (2, 1), "docs/operating.md says so"
    assert len([one for one in world.index.documents().values() if one["tabletrail"]["kind"] == "unreadable"]) == 1
    world._assert_chains()
