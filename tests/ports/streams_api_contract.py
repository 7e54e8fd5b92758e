"""What every endpoint of the DynamoDB Streams API promises, at the level of the API itself.

A class of tests takes it as its parent and gives `place`: a table with an enabled stream that has one open shard.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

READ_IN_ANOTHER_PROCESS = """
import sys
import boto3

page = boto3.client("dynamodbstreams", endpoint_url=sys.argv[1]).get_records(ShardIterator=sys.argv[2])
print(*(record["eventID"] for record in page["Records"]))
"""


@dataclass(frozen=True)
class Place:
    """`put` and `delete` act on an item by its `id`; `end` switches the stream off."""

    client: Any
    arn: str
    table_name: str
    put: Callable[[str, str], object]
    delete: Callable[[str], object]
    end: Callable[[], object]
    environment: dict[str, str]
    """In which another process's SDK finds credentials and region."""

    def write(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            self.put(f"item-{number}", "written")

    def shard_id(self) -> str:
        (shard,) = self.client.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        return str(shard["ShardId"])

    def iterator(self, kind: str = "TRIM_HORIZON", **more: str) -> str:
        reply = self.client.get_shard_iterator(
            StreamArn=self.arn, ShardId=self.shard_id(), ShardIteratorType=kind, **more
        )
        return str(reply["ShardIterator"])

    def read(self, iterator: str | None, **more: int) -> tuple[list[dict[str, Any]], str | None]:
        """All up to an empty page or the shard's end, and the iterator behind them."""
        records: list[dict[str, Any]] = []
        while iterator is not None:
            page = self.client.get_records(ShardIterator=iterator, **more)
            records += page["Records"]
            iterator = page.get("NextShardIterator")
            if not page["Records"]:
                break
        return records, iterator

    def numbers(self, iterator: str) -> list[str]:
        return [record["dynamodb"]["SequenceNumber"] for record in self.read(iterator)[0]]


def code_of(call: Callable[[], object]) -> str:
    """The error code that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


class StreamsApiContract:
    def test_the_stream_is_listed(self, place: Place) -> None:
        (stream,) = place.client.list_streams(TableName=place.table_name)["Streams"]
        assert stream["StreamArn"] == place.arn
        assert stream["TableName"] == place.table_name
        assert place.arn.endswith(stream["StreamLabel"])

    def test_the_stream_is_described(self, place: Place) -> None:
        place.write(1)
        description = place.client.describe_stream(StreamArn=place.arn)["StreamDescription"]
        assert (description["StreamStatus"], description["StreamViewType"]) == ("ENABLED", "NEW_AND_OLD_IMAGES")
        assert (description["StreamArn"], description["TableName"]) == (place.arn, place.table_name)
        assert description["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
        assert "LastEvaluatedShardId" not in description
        (shard,) = description["Shards"]
        assert shard["SequenceNumberRange"]["StartingSequenceNumber"].isdigit()
        assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]

    def test_each_kind_of_change_has_its_images(self, place: Place) -> None:
        place.put("a", "one")
        place.put("a", "two")
        place.delete("a")
        records, _ = place.read(place.iterator())
        one, two = ({"id": {"S": "a"}, "state": {"S": state}} for state in ("one", "two"))
        assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
        assert [record["dynamodb"].get("OldImage") for record in records] == [None, one, two]
        assert [record["dynamodb"].get("NewImage") for record in records] == [one, two, None]
        assert all(record["dynamodb"]["Keys"] == {"id": {"S": "a"}} for record in records)
        assert all(record["eventSource"] == "aws:dynamodb" and record["awsRegion"] for record in records)
        assert not any("userIdentity" in record for record in records)

    def test_a_write_that_changes_nothing_makes_no_record(self, place: Place) -> None:
        place.put("a", "same")
        place.put("a", "same")
        assert len(place.read(place.iterator())[0]) == 1

    def test_numbers_rise_and_ids_are_unique(self, place: Place) -> None:
        place.write(30)
        records, _ = place.read(place.iterator())
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
        assert len(numbers) == 30
        assert numbers == sorted(set(numbers))
        assert len({record["eventID"] for record in records}) == 30
        assert [record["dynamodb"]["Keys"]["id"]["S"] for record in records] == [f"item-{n}" for n in range(30)]

    def test_order_and_ids_are_the_same_in_each_reading(self, place: Place) -> None:
        place.write(5)
        iterator = place.iterator()
        first, _ = place.read(iterator)
        place.write(3, first=5)
        assert place.read(iterator)[0][:5] == first
        assert place.read(place.iterator())[0][:5] == first
        assert len(place.read(place.iterator())[0]) == 8

    def test_latest_shows_what_comes(self, place: Place) -> None:
        place.write(2)
        iterator = place.iterator("LATEST")
        place.write(1, first=2)
        records, _ = place.read(iterator)
        assert [record["dynamodb"]["Keys"]["id"]["S"] for record in records] == ["item-2"]

    def test_a_sequence_number_is_a_place_to_begin(self, place: Place) -> None:
        place.write(4)
        numbers = place.numbers(place.iterator())
        assert place.numbers(place.iterator("AT_SEQUENCE_NUMBER", SequenceNumber=numbers[1])) == numbers[1:]
        assert place.numbers(place.iterator("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[1])) == numbers[2:]
        assert place.numbers(place.iterator("AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[3])) == []

    def test_a_limit_makes_shorter_pages(self, place: Place) -> None:
        place.write(5)
        page = place.client.get_records(ShardIterator=place.iterator(), Limit=2)
        assert len(page["Records"]) == 2
        rest, _ = place.read(page["NextShardIterator"], Limit=2)
        assert [record["dynamodb"]["Keys"]["id"]["S"] for record in rest] == ["item-2", "item-3", "item-4"]

    def test_an_open_shard_has_no_end(self, place: Place) -> None:
        iterator = place.iterator()
        for _ in range(4):
            page = place.client.get_records(ShardIterator=iterator)
            assert page["Records"] == []
            iterator = page["NextShardIterator"]
        place.write(1)
        assert len(place.read(iterator)[0]) == 1

    def test_an_iterator_is_good_in_another_process(self, place: Place) -> None:
        place.write(3)
        iterator = place.iterator()
        done = subprocess.run(
            [sys.executable, "-c", READ_IN_ANOTHER_PROCESS, place.client.meta.endpoint_url, iterator],
            env={**os.environ, **place.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [record["eventID"] for record in place.read(iterator)[0]]

    def test_a_stream_that_was_switched_off_has_an_end(self, place: Place) -> None:
        place.write(3)
        iterator = place.iterator()
        place.end()
        description = place.client.describe_stream(StreamArn=place.arn)["StreamDescription"]
        assert description["StreamStatus"] == "DISABLED"
        assert all("EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in description["Shards"])
        records, behind = place.read(iterator)
        assert (len(records), behind) == (3, None)

    def test_what_does_not_exist_is_not_found(self, place: Place) -> None:
        client, shard_id = place.client, place.shard_id()
        unknown = place.arn[:-3] + ("998" if place.arn.endswith("999") else "999")
        other_shard = shard_id[:-1] + ("8" if shard_id.endswith("9") else "9")
        where = {"ShardIteratorType": "TRIM_HORIZON"}
        for call in (
            lambda: client.describe_stream(StreamArn=unknown),
            lambda: client.get_shard_iterator(StreamArn=unknown, ShardId=shard_id, **where),
            lambda: client.get_shard_iterator(StreamArn=place.arn, ShardId=other_shard, **where),
        ):
            assert code_of(call) == "ResourceNotFoundException"

    def test_what_makes_no_sense_is_refused(self, place: Place) -> None:
        client, shard_id = place.client, place.shard_id()
        for call in (
            lambda: client.get_records(ShardIterator="nonsense"),
            lambda: client.get_shard_iterator(
                StreamArn=place.arn, ShardId=shard_id, ShardIteratorType="AT_SEQUENCE_NUMBER"
            ),
            lambda: client.get_shard_iterator(StreamArn=place.arn, ShardId=shard_id, ShardIteratorType="SOMEWHERE"),
        ):
            assert code_of(call) == "ValidationException"
