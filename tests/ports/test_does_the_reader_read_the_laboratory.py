"""Does the product's reader of DynamoDB Streams find in the laboratory what it finds at the service?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tabletrail.aws.clients import new_session, streams_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.errors import IteratorExpiredError, ShardGoneError, ThrottledError, TrimmedError
from tabletrail.ports import Shard
from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.server import serve
from tests.ports.stream_contract import Lab, StreamContract


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory(DrivenClock(), seed=4)


@pytest.fixture
def reader(laboratory: Laboratory) -> Iterator[SignedStreamReader]:
    with serve(laboratory) as url, pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": "lab",
            "AWS_DEFAULT_REGION": laboratory.region,
            "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": url,
            "NO_PROXY": "127.0.0.1",
        }.items():
            environment.setenv(name, value)
        session = new_session()
        yield SignedStreamReader(session, streams_client(session), SystemClock())


class TestLaboratory(StreamContract):
    @pytest.fixture
    def lab(self, laboratory: Laboratory, reader: SignedStreamReader) -> Lab:
        arn = laboratory.add_stream("orders")
        items = count()

        def write(number: int) -> None:
            keys = [{"id": {"S": str(next(items))}} for _ in range(number)]
            laboratory.write(arn, [{"eventName": "INSERT", "Keys": key, "NewImage": key} for key in keys])

        shard_id = laboratory.shards(arn)[0]["shard_id"]
        return Lab(reader, arn, shard_id, write, lambda: laboratory.disable(arn))

    def test_an_iterator_dies_after_fifteen_minutes(self, lab: Lab, laboratory: Laboratory) -> None:
        iterator = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        laboratory.advance(900)
        lab.reader.read(iterator)
        laboratory.advance(1)
        with pytest.raises(IteratorExpiredError):
            lab.reader.read(iterator)

    def test_a_trimmed_position_is_said(self, lab: Lab, laboratory: Laboratory) -> None:
        lab.write(1)
        ((first,), _) = lab.read_on(lab.reader.iterator_after(lab.arn, lab.shard_id, None))
        laboratory.advance(86_000)
        iterator = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        laboratory.advance(400)
        with pytest.raises(TrimmedError):
            lab.reader.read(iterator)
        with pytest.raises(TrimmedError):
            lab.reader.iterator_after(lab.arn, lab.shard_id, first["dynamodb"]["SequenceNumber"])

    def test_children_follow_a_split(self, lab: Lab, laboratory: Laboratory) -> None:
        left, right = laboratory.split(lab.arn, lab.shard_id)
        expected = {Shard(left, lab.shard_id, None), Shard(right, lab.shard_id, None)}
        assert set(lab.reader.children(lab.arn, lab.shard_id)) == expected

    def test_a_shard_that_vanished_is_gone(self, lab: Lab, laboratory: Laboratory) -> None:
        iterator = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        laboratory.vanish(lab.arn, lab.shard_id)
        with pytest.raises(ShardGoneError):
            lab.reader.read(iterator)

    def test_throttling_that_lasts_is_said(self, lab: Lab, laboratory: Laboratory) -> None:
        iterator = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        laboratory.fault("GetRecords", "throttle", count=4)
        with pytest.raises(ThrottledError):
            lab.reader.read(iterator)
        assert lab.reader.read(iterator).records == []

    @pytest.mark.parametrize("kind", ["internal", "lost_reply", "close"])
    def test_a_trouble_that_passes_is_not_noticed(self, lab: Lab, laboratory: Laboratory, kind: str) -> None:
        lab.write(2)
        iterator = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        laboratory.fault("GetRecords", kind)
        assert len(lab.reader.read(iterator).records) == 2
        assert laboratory.counts()["operations"]["GetRecords"] == 2
