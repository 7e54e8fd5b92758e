"""Does the laboratory take over each record of a source once, in each item's order, whatever breaks in between?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail_lab.client import LabClient
from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.journal import Journal
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.records import TTL_IDENTITY
from tabletrail_lab.relay import Relay
from tabletrail_lab.server import serve
from tabletrail_lab.upstream import Upstream
from tabletrail_local.info import StackInfo
from tests.ports.laboratory_reading import DirectCaller, change
from tests.ports.local_tables import drop_tables, unique

LOCAL = Path(__file__).parents[2] / "local"
GENEROUS_SECONDS = 120.0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GENEROUS_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def source() -> Laboratory:
    return Laboratory(DrivenClock(), seed=41)


@pytest.fixture
def upstream(source: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "lab")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with serve(source) as url:
        yield Upstream(url)


def relay_of(laboratory: Laboratory, upstream: Upstream) -> Relay:
    return Relay(laboratory, upstream, 3, patience=0.0, say=lambda text: None)


def drain(relay: Relay, quiet_rounds: int = 8) -> None:
    quiet = 0
    for _ in range(300):
        quiet = 0 if relay.step() else quiet + 1
        if quiet == quiet_rounds:
            return
    pytest.fail("the relay never ends: it takes the same records again and again")


def without_number(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"dynamodb": {k: v for k, v in record["dynamodb"].items() if k != "SequenceNumber"}}


def by_item(records: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Each item's records in the order of their numbers, without them."""
    items: dict[str, list[dict[str, Any]]] = {}
    for record in sorted(records, key=lambda record: int(record["dynamodb"]["SequenceNumber"])):
        items.setdefault(json.dumps(record["dynamodb"]["Keys"]), []).append(without_number(record))
    return items


def same(source: Laboratory, laboratory: Laboratory, arn: str) -> None:
    ours, theirs = (DirectCaller(lab).all_records(arn) for lab in (laboratory, source))
    assert len(ours) == len(theirs)
    assert by_item(ours) == by_item(theirs)


def test_records_stay_what_they_were(source: Laboratory, upstream: Upstream) -> None:
    arn = source.add_stream("orders", shards=2, keys=["id"])
    source.generate(arn, 300, items=20)
    source.write(arn, [change("gone", eventName="REMOVE", userIdentity=TTL_IDENTITY, created=1_234_567_890)])
    laboratory = Laboratory(DrivenClock(), seed=42)
    drain(relay_of(laboratory, upstream))
    same(source, laboratory, arn)
    (stream,) = laboratory.streams()
    assert (stream["table_name"], stream["adopted"], len(stream["open_shards"])) == ("orders", True, 3)
    assert len({record["shard_id"] for record in laboratory.truth(arn)}) == 3
    numbers = [[record["sequence"] for record in lab.truth(arn)] for lab in (source, laboratory)]
    assert not set(numbers[0]) & set(numbers[1]), "the numbers are ours"


def test_lineage_at_the_source_is_followed_and_shards_here_are_ours(source: Laboratory, upstream: Upstream) -> None:
    arn = source.add_stream("orders", shards=2)
    laboratory = Laboratory(DrivenClock(), seed=42)
    relay = relay_of(laboratory, upstream)
    for turn in range(6):
        source.generate(arn, 60, items=9, seed=turn)
        for shard in source.open_shards(arn):
            source.add_empty_pages(arn, shard["shard_id"], 3, "middle")  # more than the relay passes in a round
            (source.split if turn % 3 == 0 else source.roll)(arn, shard["shard_id"], last_records=1)
        source.generate(arn, 60, items=9, seed=100 + turn)
        if turn % 2:
            relay.step()
            for shard in laboratory.open_shards(arn)[:1]:
                laboratory.roll(arn, shard["shard_id"])
    drain(relay)
    same(source, laboratory, arn)


def test_troubles_of_the_source_cost_time_only(source: Laboratory, upstream: Upstream) -> None:
    arns = [source.add_stream(f"table-{number}") for number in range(3)]
    laboratory = Laboratory(DrivenClock(), seed=42)
    relay = relay_of(laboratory, upstream)
    for kind in ("throttle", "internal", "lost_reply", "close"):
        source.fault("*", kind, rate=0.1)
    for turn in range(10):
        for arn in arns:
            source.generate(arn, 20, items=5, seed=turn)
            source.add_empty_pages(arn, source.open_shards(arn)[0]["shard_id"], 3)
        relay.step()
        source.advance(500)
    drain(relay, quiet_rounds=40)
    source.clear_faults()
    drain(relay, quiet_rounds=40)
    for arn in arns:
        same(source, laboratory, arn)


def test_a_stream_that_ends_at_the_source_ends_here_when_all_is_here(source: Laboratory, upstream: Upstream) -> None:
    arn = source.add_stream("orders")
    laboratory = Laboratory(DrivenClock(), seed=42)
    relay = relay_of(laboratory, upstream)
    source.generate(arn, 50)
    relay.step()
    source.generate(arn, 50, seed=2)
    source.add_empty_pages(arn, source.open_shards(arn)[0]["shard_id"], 3, 75)
    source.disable(arn)
    newer = source.enable("orders")
    source.generate(newer, 30)
    drain(relay)
    assert {s["stream_arn"]: s["enabled"] for s in laboratory.streams()} == {arn: False, newer: True}
    same(source, laboratory, arn)
    same(source, laboratory, newer)
    source.drop_stream(newer)
    drain(relay)
    assert not any(stream["enabled"] for stream in laboratory.streams())
    assert len(laboratory.truth(newer)) == 30


def test_a_laboratorys_own_streams_are_left_alone(source: Laboratory, upstream: Upstream) -> None:
    laboratory = Laboratory(DrivenClock(), seed=42)
    own = laboratory.add_stream("own")
    source.generate(source.add_stream("orders"), 10)
    drain(relay_of(laboratory, upstream))
    assert {s["stream_arn"]: (s["enabled"], s["records"]) for s in laboratory.streams()}[own] == (True, 0)
    assert len(laboratory.streams()) == 2


def test_a_relay_that_starts_again_goes_on(source: Laboratory, upstream: Upstream, tmp_path: Path) -> None:
    arn = source.add_stream("orders", shards=2)
    for turn in range(5):
        source.generate(arn, 40, items=7, seed=turn)
        with Journal(tmp_path) as journal:
            laboratory = journal.laboratory(driven=True)
            relay_of(laboratory, upstream).step()
            if turn == 2:
                source.roll_all(arn)
    with Journal(tmp_path) as journal:
        laboratory = journal.laboratory(driven=True)
        drain(relay_of(laboratory, upstream))
        same(source, laboratory, arn)


def test_the_same_records_twice_are_one(source: Laboratory) -> None:
    arn = source.add_stream("orders")
    source.generate(arn, 20, items=3)
    records = DirectCaller(source).all_records(arn)
    laboratory = Laboratory(DrivenClock(), seed=42)
    laboratory.adopt(arn, "orders", "label", "NEW_AND_OLD_IMAGES", ["id"], 2)
    assert [laboratory.relay(arn, "s", part) for part in (records[:12], records[5:15], records)] == [12, 3, 5]
    same(source, laboratory, arn)


class Following:
    """`python -m tabletrail_lab --upstream`, killed and started again at will."""

    def __init__(self, state: Path, url: str, environment: dict[str, str]) -> None:
        self._state, self._url = state, url
        self._environment = {**os.environ, **environment, "PYTHONPATH": str(LOCAL)}
        self.start()

    def start(self) -> None:
        address = self._state / "address"
        address.unlink(missing_ok=True)
        files = ["--state", str(self._state), "--address-file", str(address)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tabletrail_lab", *files, "--upstream", self._url],
            env=self._environment,
            stdout=subprocess.DEVNULL,
        )
        wait_for(lambda: address.exists() or self._process.poll() is not None)
        self.client = LabClient(address.read_text())

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def end(self) -> int:
        self._process.terminate()
        return self._process.wait(GENEROUS_SECONDS)

    def has_ended(self, arn: str) -> bool:
        return any(s["stream_arn"] == arn and not s["enabled"] for s in self.client.streams())

    def has(self, arn: str, records: int) -> bool:
        return any(s["stream_arn"] == arn and s["records"] >= records for s in self.client.streams())


def test_kills_of_the_relaying_process_lose_and_double_nothing(
    source: Laboratory, upstream: Upstream, tmp_path: Path
) -> None:
    arn = source.add_stream("orders", shards=2)
    following = Following(tmp_path, upstream.url, {})
    for turn in range(2):
        source.generate(arn, 500, items=20, seed=turn)
        wait_for(lambda turn=turn: following.has(arn, turn * 500 + 1))  # type: ignore[misc]
        following.kill()
        following.start()
    wait_for(lambda: following.has(arn, 1_000))
    taken = [record["event_id"] for record in following.client.truth(arn)]
    assert sorted(taken) == sorted(record["event_id"] for record in source.truth(arn))
    assert following.end() == 0


@pytest.mark.stack
def test_records_of_the_local_aws_come_once_over_kills(stack: StackInfo, tmp_path: Path) -> None:
    dynamodb = stack.session().client("dynamodb")
    name = unique("relayed")
    arn = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    following = Following(tmp_path, stack.aws_endpoint, stack.aws_environment())
    try:
        for turn in range(3):
            for number in range(40):
                item = {"id": {"S": f"item-{number % 10}"}, "n": {"N": str(turn * 40 + number)}}
                dynamodb.put_item(TableName=name, Item=item)
            wait_for(lambda turn=turn: following.has(arn, turn * 40 + 1))  # type: ignore[misc]
            following.kill()
            following.start()
        dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
        wait_for(lambda: following.has_ended(arn))
        truth = following.client.truth(arn)
        assert len(truth) == len({record["event_id"] for record in truth}) == 120
    finally:
        assert following.end() == 0
        drop_tables(dynamodb, name)
