"""Does --stream, over the real API of a stream that rolls, splits, trims and fails, find the one record that was
skipped, and nothing else?

Writer and checker each use a client of their own: the product's reader here, boto3's there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tabletrail.aws.streams import SignedStreamReader
from tabletrail.ports import Page
from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.server import serve
from tabletrail_verify.verification import Result, Wish
from tests.fakes.tables import ACCOUNT, REGION, make_table
from tests.faults.world import World
from tests.verify.checked_world import Checked

LABEL = "2027-01-14T07:00:00.000"


@dataclass
class Scene:
    world: World
    laboratory: Laboratory
    reader: SignedStreamReader
    checked: Checked
    arn: str

    def minutes(self, count: int = 1) -> None:
        """Runs of the product, with one clock for all."""
        for _ in range(count):
            self.world.run()
            self.laboratory.advance(self.world.clock.now() - self.laboratory.now())

    def truth(self) -> list[dict[str, Any]]:
        return list(self.laboratory.truth(self.arn))

    def busy_hours(self) -> None:
        """Rolls, splits, records in last pages, empty pages, several generations."""
        self.minutes()
        self.laboratory.generate(self.arn, 100, seed=1)
        self.minutes()
        (root,) = self.open_shards()
        self.laboratory.add_empty_pages(self.arn, root, 30, "middle")
        left, right = self.laboratory.split(self.arn, root, last_records=3)
        self.laboratory.generate(self.arn, 100, seed=1)
        self.laboratory.roll(self.arn, left, last_records=2)
        self.minutes()
        self.laboratory.split(self.arn, right)
        self.laboratory.generate(self.arn, 100, seed=1)
        self.minutes(8)

    def open_shards(self) -> list[str]:
        return [shard["shard_id"] for shard in self.laboratory.shards(self.arn) if shard["open"]]

    def verify(self) -> tuple[Result, list[str]]:
        result, findings = self.checked.run()
        return result, [f"{finding.code} {finding.detail}" for finding in findings]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    world = World()
    laboratory = Laboratory(DrivenClock(start=world.clock.now()), seed=7, account=ACCOUNT, region=REGION)
    with serve(laboratory) as url:
        session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name=REGION)
        client = session.client("dynamodbstreams", endpoint_url=url)
        arn = str(laboratory.add_stream("orders", 1, label=LABEL))
        view = world.tables.add(make_table("orders", stream=LABEL))
        assert view.stream_arn == arn
        reader = SignedStreamReader(session, client, world.clock)
        world.stream = reader  # type: ignore[assignment]
        checked = Checked(world, tmp_path, Wish(stream=True))
        checked.streams = session.client("dynamodbstreams", endpoint_url=url)
        yield Scene(world, laboratory, reader, checked, arn)


def test_a_whole_log_is_clean_and_each_record_was_compared(scene: Scene) -> None:
    scene.busy_hours()
    scene.laboratory.fault("*", "throttle", count=3)
    scene.laboratory.fault("GetRecords", "lost_reply", count=2)
    result, findings = scene.verify()
    assert findings == []
    truth = scene.truth()
    assert result.records == len(truth) > 300
    assert result.notes == []


@pytest.mark.parametrize("place", [0, 102, -1])
def test_one_skipped_record_is_named(scene: Scene, place: int) -> None:
    """At the beginning, in a closed shard's last page, at the very end."""
    skipped: list[str] = []
    read = scene.reader.read

    def blind(iterator: str) -> Page:
        page = read(iterator)
        truth = scene.truth()
        if not skipped and len(truth) > 300:
            skipped.append(truth[place]["sequence"])
        records = [one for one in page.records if one["dynamodb"]["SequenceNumber"] not in skipped]
        return Page(records, page.next_iterator, page.size)

    scene.reader.read = blind  # type: ignore[method-assign]
    _all_written_then_read(scene)
    assert skipped
    scene.checked.wish = Wish()
    assert scene.verify()[1] == [], "the log by itself is whole"
    scene.checked.wish = Wish(stream=True)
    (found,) = scene.verify()[1]
    assert found.startswith(f"record-missing the record {skipped[0]} ")


def _all_written_then_read(scene: Scene) -> None:
    """Closed shards to their ends: then also the last record counts."""
    scene.minutes()
    (root,) = scene.open_shards()
    scene.laboratory.generate(scene.arn, 100, seed=1)
    left, _ = scene.laboratory.split(scene.arn, root, last_records=3)
    scene.laboratory.generate(scene.arn, 100, seed=1)
    scene.laboratory.roll(scene.arn, left, last_records=2)
    scene.laboratory.generate(scene.arn, 100, seed=1)
    scene.laboratory.roll_all(scene.arn)
    scene.minutes(10)


def test_records_that_cannot_be_converted_are_compared_where_they_have_a_number(scene: Scene) -> None:
    scene.minutes()
    scene.laboratory.generate(scene.arn, 10, seed=1)
    odd = {"eventID": "odd", "eventName": "INSERT", "dynamodb": {"Keys": {"id": {"X": "1"}}}}
    scene.laboratory.write_poison(scene.arn, odd)
    scene.laboratory.generate(scene.arn, 10, seed=1)
    scene.minutes(2)
    result, findings = scene.verify()
    assert (findings, result.records, result.notes) == ([], 21, [])
    scene.laboratory.write_poison(scene.arn, odd, numbered=False)
    scene.laboratory.generate(scene.arn, 10, seed=1)
    scene.minutes(2)
    assert scene.world.kinds()["unreadable"] == 2
    result, findings = scene.verify()
    assert (findings, result.records) == ([], 31)
    assert "no sequence number" in result.notes[0]


def test_what_was_trimmed_is_not_compared(scene: Scene) -> None:
    scene.busy_hours()
    scene.laboratory.advance(23 * 3600)
    scene.world.clock.advance(23 * 3600)
    scene.laboratory.generate(scene.arn, 200, seed=1)
    scene.minutes(8)
    scene.laboratory.advance(2 * 3600)
    scene.world.clock.advance(2 * 3600)
    scene.minutes(8)
    result, findings = scene.verify()
    assert findings == []
    assert result.records == 200
