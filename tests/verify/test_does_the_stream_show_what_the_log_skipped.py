"""Does --stream find a record that was skipped inside one commit, and an entry that no record stands for?

Neither shows in the log by itself: its hashes and chains are those of what was committed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.checkpoint import ShardKey, ShardStatus
from tabletrail.ports import Page
from tabletrail_verify.entry_rules import change_id
from tabletrail_verify.verification import Result, Wish
from tests.fakes.stream import make_record
from tests.faults.world import World
from tests.verify.checked_world import Checked

WITH, WITHOUT = Wish(stream=True), Wish()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def arn(world: World) -> str:
    return world.add_table("orders", 1)


@pytest.fixture
def checked(world: World, tmp_path: Path) -> Checked:
    return Checked(world, tmp_path, WITH)


def write(world: World, arn: str, shard: str, count: int) -> list[str]:
    before = len(world.written[arn, shard])
    world.write(arn, shard, count, old={"n": {"S": "a"}}, new={"n": {"S": "b"}})
    return world.written[arn, shard][before:]


def skip(world: World, number: str) -> None:
    """A reader with a bug: it does not see one record of a page."""
    read = world.stream.read

    def blind(iterator: str) -> Page:
        page = read(iterator)
        records = [one for one in page.records if one["dynamodb"]["SequenceNumber"] != number]
        return Page(records, page.next_iterator, page.size)

    world.stream.read = blind  # type: ignore[method-assign]


def see(world: World) -> None:
    del world.stream.read


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_record_that_was_skipped_inside_a_commit(
    checked: Checked, world: World, arn: str, *, is_closed: bool, place: int
) -> None:
    world.run()
    numbers = write(world, arn, "shard-0", 5)
    if is_closed:
        world.stream.split(arn, "shard-0", "child")
    skip(world, numbers[place])
    world.run()
    world.run()
    see(world)
    checked.wish = WITHOUT
    assert checked.findings() == [], "the log by itself is whole"
    checked.wish = WITH
    if place == 4 and not is_closed:
        # The checkpoint stands before it: the next run would read it.
        assert checked.findings() == []
        return
    (found,) = checked.findings()
    assert (found.code, found.stream, found.shard) == ("record-missing", arn, "shard-0")
    assert numbers[place] in found.detail
    assert f"event-{numbers[place]}" in found.detail


def test_a_shard_that_was_skipped_whole(checked: Checked, world: World, arn: str) -> None:
    """Its child is read, so nothing will ever read it."""
    world.run()
    numbers = write(world, arn, "shard-0", 2)
    world.stream.split(arn, "shard-0", "child")
    world.run()
    write(world, arn, "child", 1)
    world.run()
    (key,) = [key for key in world.rows.shards if key.shard_id == "shard-0"]
    del world.rows.shards[key]
    for id_, row in list(world.rows.segments.items()):
        if any(link.shard_id == "shard-0" for link in row.links):
            del world.rows.segments[id_]
    found = [one for one in checked.findings() if one.code == "record-missing"]
    assert {number for number in numbers for one in found if number in one.detail} == set(numbers)


def test_a_shard_that_is_listed_late_is_not_missing_yet(checked: Checked, world: World) -> None:
    """A row stood in for it, so that its child could be read. It will be read, behind its child."""
    late = world.add_table("late", 0)
    world.stream.add_shard(late, "child", "parent")
    write(world, late, "child", 1)
    for _ in range(40):
        world.run()
    row = world.rows.shards[ShardKey(late, "parent")]
    assert (row.status, row.version) == (ShardStatus.CLOSED_AND_PROCESSED, 0), "nothing stands in for it"
    world.stream.add_shard(late, "parent")
    shard = world.stream.streams[late].shards["parent"]
    shard.slots = [make_record(str(number), created=int(world.clock.now())) for number in (11, 12)]
    shard.closed = True
    result, findings = checked.run()
    assert (findings, result.records) == ([], 1)
    for _ in range(20):
        world.run()
    result, findings = checked.run()
    assert (findings, result.records) == ([], 3)


def test_an_entry_without_a_record(checked: Checked, world: World, arn: str) -> None:
    world.run()
    numbers = write(world, arn, "shard-0", 5)
    write(world, arn, "shard-0", 1)
    world.run()
    shard = world.stream.streams[arn].shards["shard-0"]
    shard.slots = [slot for slot in shard.slots if slot and slot["dynamodb"]["SequenceNumber"] != numbers[2]]
    (found,) = checked.findings()
    forged = change_id(arn, f"event-{numbers[2]}", numbers[2])
    assert (found.code, found.shard, found.entry, found.line) == ("record-foreign", "shard-0", forged, 3)


def test_an_entry_with_the_id_of_another_event(checked: Checked, world: World, arn: str) -> None:
    """The id covers the record's eventID, which only the stream has."""
    world.run()
    (number,) = write(world, arn, "shard-0", 1)
    world.run()
    (slot,) = world.stream.streams[arn].shards["shard-0"].slots
    assert slot
    slot["eventID"] = "another"
    (found,) = checked.findings()
    assert found.code == "record-missing"
    assert number in found.detail


def test_what_was_not_read_yet_is_not_missing(checked: Checked, world: World, arn: str) -> None:
    world.run()
    write(world, arn, "shard-0", 3)
    world.run()
    write(world, arn, "shard-0", 3)
    world.stream.split(arn, "shard-0", "child")
    write(world, arn, "child", 3)
    result, findings = checked.run()
    assert findings == []
    assert result.records == 3


def test_what_the_stream_forgot_is_not_compared_and_that_is_said(checked: Checked, world: World, arn: str) -> None:
    world.run()
    for _ in range(3):
        write(world, arn, "shard-0", 3)
        world.run()
    world.stream.trim(arn, "shard-0", 4)
    result, findings = checked.run()
    assert (findings, result.records) == ([], 5)
    world.stream.drop_stream(arn)
    result, findings = checked.run()
    assert findings == []
    assert "is gone" in " ".join(result.notes)


def test_it_reads_over_empty_pages_and_through_trouble(
    checked: Checked, world: World, arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    for _ in range(3):
        world.stream.add_empty_pages(arn, "shard-0", 20)
        write(world, arn, "shard-0", 2)
        world.run()
    world.stream.close(arn, "shard-0")
    while world.captured() != world.written:
        world.run()
    world.run()
    checked.streams.troubles = ["ThrottlingException", "InternalServerError", "LimitExceededException"] * 2
    result, findings = checked.run()
    assert (findings, result.records) == ([], 6)
    checked.streams.troubles = []
    expire(checked, monkeypatch)
    result, findings = checked.run()
    assert (findings, result.records) == ([], 6)


def expire(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    """One page takes longer than its iterator lives."""
    read, count = checked.streams.get_records, iter(range(10_000))

    def slow(**request: Any) -> dict[str, Any]:
        if next(count) == 30:
            checked.world.clock.advance(1_000)
        return read(**request)

    monkeypatch.setattr(checked.streams, "get_records", slow)


def test_shards_that_were_compared_are_not_read_again(checked: Checked, world: World, arn: str) -> None:
    """A kill between two shards costs the second one only."""
    world.run()
    write(world, arn, "shard-0", 2)
    world.stream.split(arn, "shard-0", "left", "right")
    world.run()
    for child in ("left", "right"):
        write(world, arn, child, 2)
    world.run()
    first = interrupted(checked, "shards of orders", after=2)
    assert first < 6
    result, findings = checked.run()
    assert (findings, result.records) == ([], 6)
    assert result.requests < 3, "each shard takes at least one request, and one of three was left"


def interrupted(checked: Checked, what: str, after: int) -> int:
    """How many records were compared before it was."""
    from tabletrail_verify.state import State

    state = State(checked.directory)
    verification = checked.verification(state)
    told: list[str] = []

    def stop(name: str, *_: int) -> None:
        told.append(name)
        if told.count(what) == after:
            raise KeyboardInterrupt

    verification.progress = stop
    with pytest.raises(KeyboardInterrupt):
        verification.run()
    compared = int(state.fact("records"))
    state.close(finished=False)
    return compared


def test_the_result_counts_what_was_asked(checked: Checked, world: World, arn: str) -> None:
    world.run()
    write(world, arn, "shard-0", 3)
    world.run()
    result: Result = checked.run()[0]
    assert (result.records, result.requests) == (3, 1)
