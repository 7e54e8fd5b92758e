"""Do ordered troubles hit the calls that they are for, once each, and do limits and counts tell the truth?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

import pytest

from tabletrail_lab.client import LabClient
from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.errors import LabError
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.server import serve
from tests.ports.laboratory_reading import DirectCaller, HttpCaller, RefusedError, change


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory(DrivenClock(), seed=31)


@pytest.fixture
def caller(laboratory: Laboratory) -> DirectCaller:
    return DirectCaller(laboratory)


@pytest.fixture
def arn(laboratory: Laboratory) -> str:
    return laboratory.add_stream("orders", shards=2)


@pytest.fixture
def shards(laboratory: Laboratory, arn: str) -> list[str]:
    return [shard["shard_id"] for shard in laboratory.shards(arn)]


@pytest.fixture
def url(laboratory: Laboratory) -> Iterator[str]:
    with serve(laboratory) as address:
        yield address


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def code(caller: DirectCaller, iterator: str) -> str:
    try:
        caller.records(iterator)
    except RefusedError as error:
        return str(error.code)
    return ""


class TestFaults:
    def test_a_counted_fault_hits_so_many_calls_of_its_shard(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shards: list[str]
    ) -> None:
        first, second = (caller.iterator(arn, shard) for shard in shards)
        laboratory.fault("GetRecords", "throttle", count=2, shard_id=shards[0])
        assert [code(caller, second), code(caller, first), code(caller, first), code(caller, first)] == [
            "",
            "ThrottlingException",
            "ThrottlingException",
            "",
        ]
        assert laboratory.counts()["throttled_shards"] == {shards[0]: 2}

    def test_a_rate_hits_its_share_and_the_same_calls_for_a_seed(self, arn: str, shards: list[str]) -> None:
        stories = []
        for _ in range(2):
            laboratory = Laboratory(DrivenClock(), seed=31)
            arn = laboratory.add_stream("orders")
            caller = DirectCaller(laboratory)
            iterator = caller.iterator(arn, laboratory.shards(arn)[0]["shard_id"])
            laboratory.fault("*", "internal", rate=0.25)
            stories.append([code(caller, iterator) for _ in range(400)])
            laboratory.clear_faults()
            assert code(caller, iterator) == ""
        assert stories[0] == stories[1]
        assert 60 < stories[0].count("InternalServerError") < 140

    def test_a_lost_reply_has_had_its_effect(
        self, laboratory: Laboratory, arn: str, shards: list[str], url: str
    ) -> None:
        laboratory.late_children(arn, 2)
        laboratory.roll(arn, shards[0])
        caller = HttpCaller(url)
        laboratory.fault("DescribeStream", "lost_reply")
        with pytest.raises((OSError, HTTPException)):
            caller.shards(arn)
        assert len(caller.shards(arn)) == 2, "the lost call counted as one of two"
        assert len(caller.shards(arn)) == 3

    def test_a_connection_is_held_until_the_client_gives_up(
        self, laboratory: Laboratory, arn: str, shards: list[str], url: str
    ) -> None:
        caller = HttpCaller(url, timeout=0.2)
        iterator = caller.iterator(arn, shards[0])
        laboratory.fault("GetRecords", "timeout", seconds=600)
        with pytest.raises(TimeoutError):
            caller.records(iterator)
        assert HttpCaller(url).records(iterator)["Records"] == []

    def test_a_held_connection_is_closed_in_the_end(
        self, laboratory: Laboratory, arn: str, shards: list[str], url: str
    ) -> None:
        laboratory.fault("ListStreams", "timeout", seconds=0.05)
        with pytest.raises((OSError, HTTPException)):
            HttpCaller(url).call("ListStreams")

    def test_nonsense_is_refused(self, laboratory: Laboratory) -> None:
        nonsense: list[dict[str, Any]] = [
            {"operation": "PutItem", "kind": "throttle"},
            {"operation": "*", "kind": "sulk"},
            {"operation": "*", "kind": "close", "count": 1, "rate": 0.5},
        ]
        for arguments in nonsense:
            with pytest.raises(LabError):
                laboratory.fault(**arguments)


class TestLimits:
    def test_ten_descriptions_a_second_for_the_account(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str
    ) -> None:
        laboratory.limits()
        other = laboratory.add_stream("other")
        for turn in range(10):
            caller.shards(arn if turn % 2 else other)
        with pytest.raises(RefusedError, match="ThrottlingException"):
            caller.shards(arn)
        laboratory.advance(1)
        caller.shards(arn)

    def test_five_reads_a_second_of_a_shard(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shards: list[str]
    ) -> None:
        laboratory.limits()
        first, second = (caller.iterator(arn, shard) for shard in shards)
        assert [code(caller, first) for _ in range(6)] == [""] * 5 + ["ThrottlingException"]
        assert code(caller, second) == ""
        laboratory.advance(1)
        assert code(caller, first) == ""
        laboratory.limits(describe=None, get=None)
        assert {code(caller, first) for _ in range(50)} == {""}

    def test_two_megabytes_a_second_of_a_shard(self, laboratory: Laboratory, caller: DirectCaller) -> None:
        arn = laboratory.add_stream("big")
        laboratory.write(arn, [change(f"{n}", NewImage={"t": {"S": "x" * 900_000}}) for n in range(6)])
        laboratory.limits(get=100)
        iterator: str | None = caller.iterator(arn, laboratory.shards(arn)[0]["shard_id"])
        for _ in range(3):
            assert iterator is not None
            iterator = caller.records(iterator).get("NextShardIterator")
        assert iterator is not None
        assert code(caller, iterator) == "ThrottlingException"
        laboratory.advance(1)
        assert code(caller, iterator) == ""

    def test_limits_hold_where_the_clock_runs(self) -> None:
        laboratory = Laboratory(seed=1)
        arn = laboratory.add_stream("orders")
        caller = DirectCaller(laboratory)
        iterator = caller.iterator(arn, laboratory.shards(arn)[0]["shard_id"])
        assert "ThrottlingException" in [code(caller, iterator) for _ in range(200)]


class TestCounts:
    def test_calls_pages_and_records_are_counted(
        self, laboratory: Laboratory, caller: DirectCaller, arn: str, shards: list[str]
    ) -> None:
        laboratory.generate(arn, 40, items=5)
        caller.all_records(arn)
        counts = laboratory.counts()
        assert counts["records"] == 40
        assert counts["operations"]["GetRecords"] == sum(counts["shards"].values()) == counts["empty_pages"] + 2
        assert counts["operations"]["GetShardIterator"] == 2
        assert counts["most_readers"] == 1
        laboratory.reset_counts()
        assert laboratory.counts()["operations"] == {}

    def test_readers_at_the_same_moment_are_seen(
        self, laboratory: Laboratory, arn: str, shards: list[str], url: str
    ) -> None:
        iterator = HttpCaller(url).iterator(arn, shards[0])
        laboratory.delay(600)
        readers = [HttpCaller(url) for _ in range(3)]
        for reader in readers:
            reader.ask("GetRecords", ShardIterator=iterator)
        wait_for(lambda: laboratory.counts()["most_readers_by_shard"] == {shards[0]: 3})
        for reader in readers:
            reader.close()
        laboratory.delay(0)
        wait_for(lambda: laboratory.counts()["readers"] == 0)
        laboratory.reset_counts()
        HttpCaller(url).records(iterator)
        assert laboratory.counts()["most_readers"] == 1


class TestCommands:
    def test_a_command_over_http_is_the_method(self, laboratory: Laboratory, arn: str, url: str) -> None:
        client = LabClient(url)
        written = client.write(arn, [change("a"), change("b")])
        assert [row[2] for row in written] == [record["event_id"] for record in laboratory.truth(arn)]
        assert client.truth(arn) == laboratory.truth(arn)
        assert client.now() == laboratory.now()

    @pytest.mark.parametrize(
        ("name", "arguments", "text"),
        [
            ("explode", {}, "no command"),
            ("write", {}, "argument"),
            ("roll", {"stream_arn": "x", "shard_id": "y"}, "no stream"),
            ("advance", {"seconds": -1}, "back"),
            ("add_stream", {"table_name": "orders"}, "disable it first"),
        ],
    )
    def test_a_command_that_makes_no_sense_is_refused(
        self, arn: str, url: str, name: str, arguments: dict[str, object], text: str
    ) -> None:
        with pytest.raises(LabError, match=text):
            LabClient(url).do(name, **arguments)

    def test_a_write_is_all_or_nothing(self, laboratory: Laboratory, arn: str) -> None:
        nonsense: list[Any] = [
            {"eventName": "INSERT", "Keys": {}},
            {"eventName": "PUT", "Keys": {"id": {"S": "x"}}},
            [],
            None,
        ]
        nonsense += [change("b", **{name: "x"}) for name in ("created", "userIdentity", "OldImage", "more")]
        for bad in nonsense:
            with pytest.raises(LabError):
                laboratory.write(arn, [change("a"), bad])
        with pytest.raises(LabError):
            laboratory.write(arn, [change("a"), change("b", Keys={"other": {"S": "x"}})])
        assert laboratory.truth(arn) == []
