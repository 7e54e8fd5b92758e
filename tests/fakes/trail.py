"""CloudTrail's files in memory: delivered at times of the test's own, in any order, twice, broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tabletrail.ports import Clock
from tabletrail.trail import TrailFile


@dataclass
class FakeTrail:
    """`Trail`. A file that was delivered later than the clock shows is not there yet."""

    clock: Clock
    delivered: list[TrailFile] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """Names of the files that were read, in order."""

    def deliver(self, body: bytes, at: float | None = None, trouble: str = "") -> TrailFile:
        """A file with this content, delivered now or at another time."""
        moment = int(self.clock.now() if at is None else at)
        file = TrailFile(f"AWSLogs/file-{len(self.delivered)}.json.gz", moment, body, trouble)
        self.delivered.append(file)
        return file

    def files(self, since: int, until: int) -> Iterator[TrailFile]:
        for file in list(self.delivered):
            if since <= file.delivered_at <= min(until, self.clock.now()):
                self.read.append(file.name)
                yield file
