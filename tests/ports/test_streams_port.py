"""Do DynamoDB's streams and the fake keep the same promises?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.clients import dynamodb_client, streams_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.errors import IteratorExpiredError, ShardGoneError, TrimmedError
from tabletrail.ports import Shard
from tabletrail_local.info import StackInfo
from tests.fakes.clock import FakeClock
from tests.fakes.stream import FakeStream
from tests.ports.checkpoint_rows import ARN
from tests.ports.local_tables import drop_tables, unique
from tests.ports.stream_contract import Lab, StreamContract

READ_IN_ANOTHER_PROCESS = """
import sys
from tabletrail.aws.clients import new_session, streams_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.streams import SignedStreamReader

session = new_session()
page = SignedStreamReader(session, streams_client(session), SystemClock()).read(sys.argv[1])
print(len(page.records))
"""


class TestFakeStream(StreamContract):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def fake(self, clock: FakeClock) -> FakeStream:
        fake = FakeStream(clock)
        fake.add_stream(ARN)
        fake.add_shard(ARN, "shardId-1")
        return fake

    @pytest.fixture
    def lab(self, fake: FakeStream) -> Lab:
        return Lab(
            fake, ARN, "shardId-1", lambda number: fake.write(ARN, "shardId-1", number), lambda: fake.disable(ARN)
        )

    def test_an_iterator_dies_after_fifteen_minutes(self, lab: Lab, clock: FakeClock) -> None:
        iterator = lab.reader.iterator_after(ARN, "shardId-1", None)
        clock.advance(900)
        lab.reader.read(iterator)
        clock.advance(1)
        with pytest.raises(IteratorExpiredError):
            lab.reader.read(iterator)

    def test_a_trimmed_position_is_said(self, lab: Lab, fake: FakeStream) -> None:
        first, second, third = fake.write(ARN, "shardId-1", 3)
        iterator = fake.iterator_after(ARN, "shardId-1", None)
        fake.trim(ARN, "shardId-1", 2)
        with pytest.raises(TrimmedError):
            fake.read(iterator)
        for number in (first, second):
            with pytest.raises(TrimmedError):
                fake.iterator_after(ARN, "shardId-1", number)
        assert lab.read_on(fake.iterator_after(ARN, "shardId-1", third))[0] == []
        assert len(lab.read_on(fake.iterator_after(ARN, "shardId-1", None))[0]) == 1

    def test_a_split_ends_the_shard_and_shows_its_children_in_time(self, lab: Lab, fake: FakeStream) -> None:
        lab.write(1)
        fake.split(ARN, "shardId-1", "shardId-2", "shardId-3")
        fake.hidden_children = 1
        assert lab.reader.children(ARN, "shardId-1") == ()
        children = (Shard("shardId-2", "shardId-1", None), Shard("shardId-3", "shardId-1", None))
        assert lab.reader.children(ARN, "shardId-1") == children
        records, iterator = lab.read_on(lab.reader.iterator_after(ARN, "shardId-1", None))
        assert (len(records), iterator) == (1, None)

    def test_empty_pages_lie_between_records(self, lab: Lab, fake: FakeStream) -> None:
        lab.write(1)
        fake.add_empty_pages(ARN, "shardId-1", 3)
        lab.write(1)
        iterator: str | None = lab.reader.iterator_after(ARN, "shardId-1", None)
        sizes = []
        for _ in range(6):
            assert iterator is not None
            page = lab.reader.read(iterator)
            sizes.append(len(page.records))
            iterator = page.next_iterator
        assert sizes == [1, 0, 0, 0, 1, 0]

    def test_a_forgotten_shard_is_gone_for_its_iterators_too(self, lab: Lab, fake: FakeStream) -> None:
        iterator = lab.reader.iterator_after(ARN, "shardId-1", None)
        fake.forget_shard(ARN, "shardId-1")
        with pytest.raises(ShardGoneError):
            lab.reader.read(iterator)


@pytest.mark.stack
class TestDynamoDbStreams(StreamContract):
    @pytest.fixture
    def table(self, stack: StackInfo) -> Iterator[dict[str, Any]]:
        client = dynamodb_client(stack.session())
        name = unique("audited")
        description = client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]
        client.get_waiter("table_exists").wait(TableName=name)
        yield description
        drop_tables(client, name)

    @pytest.fixture
    def lab(self, stack: StackInfo, table: dict[str, Any]) -> Lab:
        session = stack.session()
        client, name, items = dynamodb_client(session), table["TableName"], count()
        reader = SignedStreamReader(session, streams_client(session), SystemClock())
        arn = table["LatestStreamArn"]

        def write(number: int) -> None:
            for _ in range(number):
                client.put_item(TableName=name, Item={"id": {"S": str(next(items))}, "price": {"N": "1" * 38}})

        def end() -> None:
            client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})

        return Lab(reader, arn, reader.describe(arn).shards[0].shard_id, write, end)

    def test_an_iterator_is_good_in_another_process(self, lab: Lab, stack: StackInfo) -> None:
        lab.write(2)
        iterator = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        functions = Path(__file__).parents[2] / "functions"
        done = subprocess.run(
            [sys.executable, "-c", READ_IN_ANOTHER_PROCESS, iterator],
            env={**stack.aws_environment(), "PYTHONPATH": str(functions)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "2"

    def test_a_number_of_38_digits_survives(self, lab: Lab) -> None:
        lab.write(1)
        ((record,), _) = lab.read_on(lab.reader.iterator_after(lab.arn, lab.shard_id, None))
        assert record["dynamodb"]["NewImage"]["price"] == {"N": "1" * 38}
