"""Ways in which OpenSearch is away, over a `World` whose functions stay warm.

Each is what one request meets. The clock moves by what the request takes, as a call's time does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tabletrail.backlog import Backlog
from tabletrail.core.waits import words
from tabletrail.errors import SettingsError, TabletrailError, TransientError
from tabletrail.index import Breaker
from tabletrail.ports import BulkReply
from tabletrail.report import Report
from tests.fakes.faulty import Fault, Way
from tests.fakes.faulty import Plan as Faults
from tests.faults.world import SETTINGS, World

HANG_SECONDS = 17
"""2 to connect and 15 to read: see `aws.opensearch_connect`."""


@dataclass(frozen=True)
class Outage:
    """`status` turns the whole request away; `block` is the answer for each document; `error` is raised.

    `is_done` : the server did the work, and the reply was lost. `says` stands in what `status` shows.
    """

    says: str
    status: int = 0
    block: tuple[int, str] = (0, "")
    error: Callable[[], TabletrailError] | None = None
    seconds: float = 0
    is_done: bool = False


OUTAGES = {
    "stopped": Outage(
        "cannot be reached", error=lambda: TransientError("OpenSearch cannot be reached: is it running?")
    ),
    "hanging": Outage(
        "did not answer in time",
        error=lambda: TransientError("OpenSearch did not answer in time"),
        seconds=HANG_SECONDS,
    ),
    "answers too late": Outage(
        "did not answer in time",
        error=lambda: TransientError("OpenSearch did not answer in time"),
        seconds=HANG_SECONDS,
        is_done=True,
    ),
    "half a reply": Outage(
        "cannot be reached", error=lambda: TransientError("OpenSearch cannot be reached"), is_done=True
    ),
    "another authority's certificate": Outage(
        "ca_pem in the secret", error=lambda: TransientError("certificate is not trusted: ca_pem in the secret")
    ),
    "a secret of another shape": Outage("must be JSON", error=lambda: SettingsError("the secret must be JSON")),
    "the password was changed": Outage("correct the secret", status=401),
    "the role was taken away": Outage("forbids", status=403),
    "the cluster is read-only": Outage("read-only", status=403),
    "429 whole": Outage("too busy", status=429),
    "503 whole": Outage("in trouble (503)", status=503),
    "429 for each document": Outage("too busy", block=(429, "rejected_execution_exception")),
    "the disk is full": Outage("disk of OpenSearch full", block=(429, "cluster_block_exception")),
    "blocked for writing": Outage("is read-only", block=(403, "cluster_block_exception")),
    "closed": Outage("is closed", block=(400, "index_closed_exception")),
    "missing": Outage("is missing", block=(404, "index_not_found_exception")),
    "without its shard": Outage("lacks a primary shard", block=(503, "unavailable_shards_exception"), seconds=10),
}


class AwayIndex:
    """The world's index behind an outage, if there is one. `asked_at` is when requests came, `spent` what they took."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.outage: Outage | None = None
        self.asked_at: list[float] = []
        self.spent = 0.0
        self.offered: list[tuple[float, str]] = []
        """When, and which segment's, in the order of the documents of all requests that were answered."""

    def create(self, body: bytes) -> BulkReply:
        outage = self.outage
        clock, index = self._world.clock, self._world.index
        self.asked_at.append(clock.now())
        if outage is None:
            self._remember(body)
            return index.create(body)
        clock.advance(outage.seconds)
        self.spent += outage.seconds
        if outage.is_done:
            index.create(body)
        if outage.error is not None:
            raise outage.error()
        if outage.status:
            return BulkReply(outage.status, None)
        index.blocks = dict.fromkeys(index.indices, outage.block)
        try:
            return index.create(body)
        finally:
            index.blocks = {}

    def _remember(self, body: bytes) -> None:
        for line in body.splitlines()[1::2]:
            self.offered.append((self._world.clock.now(), json.loads(line)["log"]["segment"]))


@dataclass
class WarmWorld(World):
    """Its functions' processes live on from run to run, as warm ones do: CaptureShards' breaker with them."""

    breaker: Breaker = field(init=False)
    away: AwayIndex = field(init=False)
    keeper_is_away: bool = False
    cost_of_runs: list[tuple[int, float]] = field(default_factory=list)
    """Of each run of audit_run: requests to the index, and the seconds that failed ones took."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.breaker = Breaker(self.clock)
        self.away = AwayIndex(self)

    def _ports(self) -> dict[str, Any]:
        return {**super()._ports(), "index": self.faults.wrap(self.away, "index")}

    def indexer(self, ports: dict[str, Any]) -> Any:
        return replace(super().indexer(ports), breaker=self.breaker)

    def reporter(self) -> Report:
        reporter = super().reporter()
        if not self.keeper_is_away:
            return reporter
        away = Faults([Fault(Way.BEFORE, method="keeper.existing")])
        return replace(reporter, keeper=away.wrap(self.index, "keeper"))

    def backlog(self) -> Backlog:
        backlog = super().backlog()
        backlog.indexer.breaker = Breaker(self.clock)  # as `wiring` gives it: new for each call
        return backlog

    def minute(self, stream_arn: str, records: int) -> int:
        """One minute of writing and of both machines; how many segments were committed in it."""
        before = len(self.rows.commits)
        began = self.clock.now()
        self.write(stream_arn, "shard-0", records)
        asked, spent = len(self.away.asked_at), self.away.spent
        self.run()
        self.cost_of_runs.append((len(self.away.asked_at) - asked, self.away.spent - spent))
        committed = len(self.rows.commits) - before
        self.backlog().run(f"backlog{began}")
        self.clock.advance(max(0.0, began + 60 - self.clock.now()))
        return committed

    def reasons(self) -> str:
        """What `status` says about why segments wait."""
        note = self.notes.read("backlog")
        found = [words(fact["why"], index) for index, fact in note.get("blocked", {}).items()]
        return "; ".join([*found, words(note["trouble"])] if note.get("trouble") else found)


def a_table(**settings: Any) -> tuple[WarmWorld, str]:
    """A table whose records make several segments a run, well until now."""
    world = WarmWorld(replace(SETTINGS, cycle_records=4, **settings))
    world.stream.page_records = 2
    arn = world.add_table("orders")
    for _ in range(3):
        world.minute(arn, 2)
    return world, arn
