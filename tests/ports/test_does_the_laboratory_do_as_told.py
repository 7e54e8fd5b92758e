"""Does each command of the laboratory make a reader see what it promises, and nothing else?"""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.errors import LabError
from tabletrail_lab.laboratory import Laboratory
from tests.ports.laboratory_reading import DirectCaller, RefusedError, change

DAY = 86_400


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory(DrivenClock(), seed=21)


@pytest.fixture
def caller(laboratory: Laboratory) -> DirectCaller:
    return DirectCaller(laboratory)


@pytest.fixture
def arn(laboratory: Laboratory) -> str:
    return laboratory.add_stream("orders")


@pytest.fixture
def shard(laboratory: Laboratory, arn: str) -> str:
    return str(laboratory.shards(arn)[0]["shard_id"])


def pages(caller: DirectCaller, iterator: str | None, most: int = 10_000, **more: Any) -> list[int]:
    """How many records each page has, up to the shard's end or `most` pages; None's place is the list's end."""
    sizes: list[int] = []
    while iterator is not None and len(sizes) < most:
        page = caller.records(iterator, **more)
        sizes.append(len(page["Records"]))
        iterator = page.get("NextShardIterator")
    return sizes


def write(laboratory: Laboratory, arn: str, count: int, size: int = 1) -> None:
    image = {"text": {"S": "x" * size}}
    laboratory.write(arn, [change(f"item-{number}", NewImage=image) for number in range(count)])


class TestPages:
    def test_a_thousand_records_or_a_megabyte(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        write(laboratory, arn, 1_500)
        write(laboratory, arn, 30, size=100_000)
        sizes = pages(caller, caller.iterator(arn, shard), most=7)
        assert sizes[0] == 1_000
        assert sizes[-1] == 0
        assert sum(sizes) == 1_530
        bodies = [len(str(content)) for name, _, content in caller.replies if name == "GetRecords"]
        assert max(bodies) < 1_100_000
        assert max(bodies) > 900_000

    def test_a_record_of_more_than_a_megabyte_still_comes(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        write(laboratory, arn, 2, size=1_200_000)
        assert pages(caller, caller.iterator(arn, shard), most=3) == [1, 1, 0]

    def test_empty_pages_in_front_between_and_at_the_tip(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        write(laboratory, arn, 4)
        laboratory.add_empty_pages(arn, shard, 5_000, "front")
        laboratory.add_empty_pages(arn, shard, 3, "middle")
        laboratory.add_empty_pages(arn, shard, 2, "tip")
        write(laboratory, arn, 1)
        laboratory.roll(arn, shard)
        assert pages(caller, caller.iterator(arn, shard)) == [0] * 5_000 + [2, 0, 0, 0, 2, 0, 0, 1]

    def test_a_quiet_tip_turns_into_empty_pages_and_a_record(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        laboratory.quiet_tip(arn, shard, 1_000)
        iterator = caller.iterator(arn, shard)
        for _ in range(3):
            page = caller.records(iterator)
            assert page["Records"] == []
            iterator = page["NextShardIterator"]
        write(laboratory, arn, 1)
        assert pages(caller, iterator, most=1_002) == [0] * 1_000 + [1, 0]
        write(laboratory, arn, 1)
        assert pages(caller, iterator, most=1_002)[1_000:] == [2, 0], "the pages came once"

    def test_records_in_the_last_page_of_a_closed_shard(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        laboratory.add_empty_pages(arn, shard, 1)
        child = laboratory.roll(arn, shard, last_records=7)
        assert pages(caller, caller.iterator(arn, shard)) == [0, 7]
        assert pages(caller, caller.iterator(arn, child), most=2) == [0, 0]

    def test_a_closed_shard_without_records_is_one_page(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        assert laboratory.roll_all(arn, 1_000) == 1_000
        assert all(pages(caller, caller.iterator(arn, s["ShardId"]), most=2) == [0] for s in caller.shards(arn)[:50])


class TestTime:
    def test_an_iterator_lives_fifteen_minutes(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        iterator = caller.iterator(arn, shard)
        laboratory.advance(900)
        following = caller.records(iterator)["NextShardIterator"]
        laboratory.advance(1)
        with pytest.raises(RefusedError, match="ExpiredIteratorException"):
            caller.records(iterator)
        caller.records(following)

    def test_records_are_trimmed_after_a_day(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        (old,) = laboratory.write(arn, [change("old")])
        laboratory.advance(DAY // 2)
        (new,) = laboratory.write(arn, [change("new")])
        laboratory.advance(DAY // 2 - 1)
        iterator = caller.iterator(arn, shard)
        assert len(caller.records(iterator)["Records"]) == 2
        laboratory.advance(1)
        for call in (
            lambda: caller.records(iterator),
            lambda: caller.iterator(arn, shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=old[1]),
            lambda: caller.iterator(arn, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=old[1]),
        ):
            with pytest.raises(RefusedError, match="TrimmedDataAccessException"):
                call()
        assert [r["eventID"] for r in caller.records(caller.iterator(arn, shard))["Records"]] == [new[2]]
        assert [(r["trimmed"], r["readable"]) for r in laboratory.truth(arn)] == [(True, False), (False, True)]
        assert laboratory.truth(arn)[0]["trimmed_at"] == laboratory.now()

    def test_a_closed_shard_leaves_an_hour_after_its_last_record(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        write(laboratory, arn, 1)
        child = laboratory.roll(arn, shard)
        laboratory.advance(DAY + 3_599)
        iterator = caller.iterator(arn, shard)
        assert {s["ShardId"] for s in caller.shards(arn)} == {shard, child}
        laboratory.advance(1)
        assert [(s["ShardId"], s["ParentShardId"]) for s in caller.shards(arn)] == [(child, shard)]
        for call in (lambda: caller.records(iterator), lambda: caller.iterator(arn, shard)):
            with pytest.raises(RefusedError, match="ResourceNotFoundException"):
                call()

    def test_the_time_of_a_record_is_a_place_to_begin(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        laboratory.write(arn, [change("first")])
        laboratory.advance(60)
        (second,) = laboratory.write(arn, [change("second")])
        iterator = caller.iterator(arn, shard, "AT_TIMESTAMP", Timestamp=laboratory.now() - 30)
        assert [r["eventID"] for r in caller.records(iterator)["Records"]] == [second[2]]
        with pytest.raises(RefusedError, match="ValidationException"):
            caller.iterator(arn, shard, "AT_TIMESTAMP", Timestamp=laboratory.now() + 1)


class TestListing:
    def test_a_thousand_shards_come_by_the_hundred(self, laboratory: Laboratory, caller: DirectCaller) -> None:
        arn = laboratory.add_stream("wide", shards=500)
        laboratory.roll_all(arn)
        listed = [shard["ShardId"] for shard in caller.shards(arn)]
        assert len(listed) == len(set(listed)) == 1_000
        described = [content for name, _, content in caller.replies if name == "DescribeStream"]
        assert [len(content["StreamDescription"]["Shards"]) for content in described] == [100] * 10

    def test_the_page_behind_a_shard_that_is_gone_begins_where_it_was(
        self, laboratory: Laboratory, caller: DirectCaller
    ) -> None:
        arn = laboratory.add_stream("wide", shards=10)
        listed = sorted(shard["shard_id"] for shard in laboratory.shards(arn))
        laboratory.vanish(arn, listed[4])
        reply = caller.call("DescribeStream", StreamArn=arn, ExclusiveStartShardId=listed[4])
        assert [s["ShardId"] for s in reply["StreamDescription"]["Shards"]][:5] == listed[5:]

    def test_children_are_found_by_their_parent(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        children = laboratory.split(arn, shard)
        grandchild = laboratory.roll(arn, children[0])
        assert children_of(caller, arn, shard) == sorted(children)
        assert children_of(caller, arn, children[0]) == [grandchild]
        assert children_of(caller, arn, grandchild) == []

    def test_streams_come_by_the_hundred(self, laboratory: Laboratory, caller: DirectCaller) -> None:
        arns = {laboratory.add_stream(f"table-{number}") for number in range(150)}
        first = caller.call("ListStreams")
        second = caller.call("ListStreams", ExclusiveStartStreamArn=first["LastEvaluatedStreamArn"])
        assert [len(page["Streams"]) for page in (first, second)] == [100, 50]
        assert {stream["StreamArn"] for page in (first, second) for stream in page["Streams"]} == arns
        assert "LastEvaluatedStreamArn" not in second


class TestInconsistentViews:
    def test_a_child_is_listed_late_and_then_for_good(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        laboratory.late_children(arn, 2)
        child = laboratory.roll(arn, shard)
        assert [children_of(caller, arn, shard) for _ in range(3)] == [[], [], [child]]
        laboratory.late_children(arn, 2)
        assert children_of(caller, arn, shard) == [child], "what was listed is not hidden"
        write(laboratory, arn, 1)
        assert len(caller.shard_records(arn, child)) == 1

    def test_a_parent_is_shown_open_beside_its_child(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        child = laboratory.roll(arn, shard)
        laboratory.parent_open(arn, 1)
        views = [
            {s["ShardId"]: "EndingSequenceNumber" in s["SequenceNumberRange"] for s in caller.shards(arn)}
            for _ in range(2)
        ]
        assert views == [{shard: False, child: False}, {shard: True, child: False}]

    def test_a_parent_with_unread_records_is_missing(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        write(laboratory, arn, 1)
        child = laboratory.roll(arn, shard)
        laboratory.miss_parent(arn, 3)
        assert [(s["ShardId"], s["ParentShardId"]) for s in caller.shards(arn)] == [(child, shard)]
        assert len(caller.shard_records(arn, shard)) == 1
        assert {s["ShardId"] for s in caller.shards(arn)} == {shard, child}, "one that was read is not hidden"


class TestStreams:
    def test_a_stream_switched_off_and_on_has_a_new_name(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        write(laboratory, arn, 3)
        laboratory.disable(arn)
        newer = laboratory.enable("orders", shards=2)
        assert newer != arn
        with pytest.raises(LabError, match="disabled"):
            write(laboratory, arn, 1)
        write(laboratory, newer, 5)
        assert pages(caller, caller.iterator(arn, shard)) == [3]
        assert len(caller.all_event_ids(newer)) == 5
        assert len(caller.call("ListStreams", TableName="orders")["Streams"]) == 2
        laboratory.advance(DAY + 3_600)
        with pytest.raises(RefusedError, match="ResourceNotFoundException"):
            caller.shards(arn)

    def test_a_vanished_shard_takes_its_records_along(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str
    ) -> None:
        write(laboratory, arn, 2)
        child = laboratory.vanish(arn, shard)
        assert [s["ShardId"] for s in caller.shards(arn)] == [child]
        assert [record["readable"] for record in laboratory.truth(arn)] == [False, False]

    def test_poison_comes_as_it_is(self, laboratory: Laboratory, caller: DirectCaller, arn: str, shard: str) -> None:
        records: list[Any] = [
            {"dynamodb": {"Keys": {"id": {"S": "a"}}, "SequenceNumber": "x"}, "eventID": "e", "odd\ud800": [1]},
            {"dynamodb": "nothing"},
            "no object",
        ]
        numbers = [laboratory.write_poison(arn, record)[1] for record in records]
        read = caller.shard_records(arn, shard)
        assert read[0] == records[0] | {"dynamodb": records[0]["dynamodb"] | {"SequenceNumber": numbers[0]}}
        assert read[1:] == records[1:]

    @pytest.mark.parametrize(
        ("view_type", "images"),
        [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})],
    )
    def test_a_view_type_leaves_images_out(
        self, laboratory: Laboratory, caller: DirectCaller, view_type: str, images: set[str]
    ) -> None:
        arn = laboratory.add_stream("viewed", view_type=view_type)
        laboratory.write(arn, [change("a", eventName="MODIFY", OldImage={"id": {"S": "a"}})])
        (record,) = caller.all_records(arn)
        assert record["dynamodb"].keys() & {"OldImage", "NewImage"} == images


def children_of(caller: DirectCaller, arn: str, parent: str) -> list[str]:
    only = {"Type": "CHILD_SHARDS", "ShardId": parent}
    reply = caller.call("DescribeStream", StreamArn=arn, ShardFilter=only)
    return [shard["ShardId"] for shard in reply["StreamDescription"]["Shards"]]
