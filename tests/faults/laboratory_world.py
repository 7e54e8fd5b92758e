"""The product over fakes, but for its streams: those are the laboratory's, over real HTTP, in step with one clock.

Used by the tests of the article's case and by its benchmark.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3

from tabletrail.aws.clients import streams_client
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.settings import Settings
from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.server import serve
from tests.fakes.clock import FakeClock
from tests.fakes.tables import make_table
from tests.faults.world import SETTINGS, World


class SteppingClock(FakeClock):
    """The product's clock: it is the laboratory's, and moves it."""

    def __init__(self, laboratory: Laboratory) -> None:
        super().__init__()
        self._laboratory = laboratory

    def now(self) -> float:
        return self._laboratory.now()

    def monotonic(self) -> float:
        return self._laboratory.now()

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self._laboratory.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._laboratory.advance(seconds)


class LaboratoryWorld(World):
    """`laboratory` makes the streams; what it wrote is the truth of `assert_complete`."""

    def __init__(self, laboratory: Laboratory, url: str, settings: Settings = SETTINGS) -> None:
        super().__init__(settings, clock=SteppingClock(laboratory))
        self.laboratory = laboratory
        session = boto3.Session(aws_access_key_id="lab", aws_secret_access_key="lab", region_name=laboratory.region)
        self.reader = SignedStreamReader(session, _client(session, url), self.clock)
        self.stream: Any = self.reader

    def audit(self, stream_arn: str) -> None:
        """The stream's table is tagged from now on."""
        name = stream_arn.partition(":table/")[2].partition("/")[0]
        table = make_table(name, stream="-")
        table = replace(table, arn=stream_arn.partition("/stream/")[0], stream_arn=stream_arn)
        self.tables.add(table)

    def learn_truth(self) -> None:
        """What the laboratory wrote is what must have been captured."""
        self.written.clear()
        for stream in self.laboratory.streams():
            for record in self.laboratory.truth(stream["stream_arn"]):
                self.written[stream["stream_arn"], record["shard_id"]].append(record["sequence"])

    def requests(self) -> int:
        """GetRecords since the counts were reset."""
        return int(self.laboratory.counts()["operations"].get("GetRecords", 0))


def _client(session: Any, url: str) -> Any:
    """The product's own client, towards this endpoint."""

    class _Here:
        def client(self, service: str, **options: Any) -> Any:
            return session.client(service, endpoint_url=url, **options)

    return streams_client(_Here())


@contextlib.contextmanager
def laboratory_world(settings: Settings = SETTINGS, seed: int = 1) -> Iterator[LaboratoryWorld]:
    """A laboratory behind HTTP, whose clock stands still unless it is driven, and the product reading it."""
    laboratory = Laboratory(DrivenClock(), seed=seed)
    with serve(laboratory) as url:
        yield LaboratoryWorld(laboratory, url, settings)
