"""The whole product over fakes: tables that change, runs that capture, and the checks that a log must pass.

`World` keeps what is durable (rows, objects, index, leases). `world.run()` is one scheduled run with processes of its
own: whatever dies in it, the next run starts from what is durable. Faults are planned in `world.plan`.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tabletrail.alert import Alerter, Ways
from tabletrail.backlog import Backlog, BacklogResult
from tabletrail.capture import Capture, CaptureResult, CaptureTask
from tabletrail.conversions import Conversions
from tabletrail.core.alert import AlertForm
from tabletrail.core.checkpoint import ShardStatus
from tabletrail.core.entry import Conversion
from tabletrail.core.periods import indices_ahead
from tabletrail.coverage import Coverage
from tabletrail.health import Health
from tabletrail.index import Breaker, Indexer
from tabletrail.membership import Membership
from tabletrail.outbox import EvidenceFinder
from tabletrail.parts import PartMaker
from tabletrail.plan import Plan
from tabletrail.policy_files import check
from tabletrail.publishing import publish, taken
from tabletrail.report import Report
from tabletrail.rules_change import RulesChange
from tabletrail.settings import Settings
from tabletrail.staging import Stager
from tabletrail.stamping import Stamping
from tabletrail.walking import Walker
from tests.fakes.alerts import FakeEvents, FakeWords
from tests.fakes.checkpoints import FakeCheckpoints, Rows
from tests.fakes.clock import FakeClock
from tests.fakes.faulty import Plan as Faults
from tests.fakes.health import FakeHealthIndex
from tests.fakes.index import FakeIndex
from tests.fakes.outbox import FakeClaims, FakeOutbox
from tests.fakes.rules import FakeRules, FakeTokenKey
from tests.fakes.runs import FakeLeases, FakeMetrics, FakeProgress, FakeRunNotes
from tests.fakes.segments import FakeSegments, FakeSegmentStore
from tests.fakes.stamps import FakeListing, FakeStamps, TablesMark
from tests.fakes.stream import FakeStream
from tests.fakes.tables import FakeTables, make_table
from tests.faults.world_log import WorldLog

SETTINGS = Settings("streams", "shards", "segments", "runs", "bucket", "https://localhost:9200")


@dataclass
class World(WorldLog):
    settings: Settings = SETTINGS
    faults: Faults = field(default_factory=Faults)
    clock: FakeClock = field(default_factory=FakeClock)
    rows: Rows = field(default_factory=Rows)
    mark: TablesMark = field(default_factory=TablesMark)
    written: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """The truth: sequence numbers by stream and shard, in order."""

    def __post_init__(self) -> None:
        self.stream = FakeStream(self.clock)
        self.stream._next = 90  # numbers of two and of three digits: as text they would be in another order
        self.tables = FakeTables(self.stream)
        self.store = FakeSegmentStore(clock=self.clock)
        self.index = FakeIndex()
        self.leases = FakeLeases()
        self.notes = FakeRunNotes()
        self.metrics = FakeMetrics()
        self.health = FakeHealthIndex()
        self.progress = FakeProgress()
        self.bus, self.topic = FakeEvents(), FakeWords()
        self.ways: dict[str, FakeEvents | FakeWords] = {"bus": self.bus, "topic": self.topic}
        self.rules = FakeRules()
        self.token_key = FakeTokenKey()
        self.outbox, self.claims = FakeOutbox(), FakeClaims()
        self._runs = itertools.count()
        for index in indices_ahead(int(self.clock.now()), self.settings.index_period):
            self.index.ensure(index)  # as the installer does at deploy

    # The world's changes

    def add_table(self, name: str, shards: int = 1) -> str:
        """A tagged table with a stream; returns the stream's ARN."""
        view = self.tables.add(make_table(name, stream="2027-01-14T07:00:00.000"))
        assert view.stream_arn is not None
        if view.stream_arn not in self.stream.streams:
            self.stream.add_stream(view.stream_arn)
        for number in range(shards):
            self.stream.add_shard(view.stream_arn, f"shard-{number}")
        return view.stream_arn

    def replace_stream(self, name: str) -> str:
        """The table's stream was switched off and on: it has another one, with a shard, now."""
        arn = make_table(name).arn
        view = self.tables.tables[arn]
        new = f"{arn}/stream/2027-01-15T08:00:30.000"
        self.stream.add_stream(new)
        self.stream.add_shard(new, "shard-0")
        self.tables.tables[arn] = replace(view, stream_arn=new)
        return new

    def rows_table(self, stream_arn: str) -> str:
        """The ARN of a stream's table."""
        return stream_arn.split("/stream/", maxsplit=1)[0]

    def checkpoints(self) -> FakeCheckpoints:
        """The tables, without faults."""
        return FakeCheckpoints(self.rows, self.clock)

    def write(self, stream_arn: str, shard_id: str, count: int = 1, **record: Any) -> None:
        self.written[stream_arn, shard_id] += self.stream.write(stream_arn, shard_id, count, **record)

    # The product's runs

    def run(self) -> list[CaptureResult]:
        """One minute: a run of audit_run, then the clock moves on."""
        run_id = f"run{next(self._runs)}"
        plan = self.planner(run_id).run(run_id)
        results = [self.capture_until_done(group) for group in plan["groups"]]
        if plan["acquired"]:
            groups = [asdict(result) | {"group_id": "g"} for result in results]
            self.reporter().run(run_id, plan["report"], groups)
        self.clock.advance(60)
        return results

    def capture_until_done(self, group: dict[str, Any]) -> CaptureResult:
        """As the state machine does: again while more is waiting."""
        task = CaptureTask(group["run_id"], group["group_id"], group["deadline"])
        result = self.capture().run(task)
        while result.more:
            again = self.capture().run(task)
            again.add(asdict(result))
            result = again
        return result

    def drain(self) -> BacklogResult:
        """One run of index_backlog, late enough that nothing is too young for it."""
        self.clock.advance(self.settings.backlog_delay_seconds + 1)
        return self.backlog().run(f"backlog{next(self._runs)}")

    # The product's processes, each new

    def _ports(self) -> dict[str, Any]:
        wrap = self.faults.wrap
        return {
            "checkpoints": wrap(FakeCheckpoints(self.rows, self.clock), "checkpoints"),
            "segments": wrap(FakeSegments(self.rows, self.clock), "segments"),
            "stream": wrap(self.stream, "stream"),
            "store": wrap(self.store, "store"),
            "index": wrap(self.index, "index"),
            "tables": wrap(self.tables, "tables"),
            "leases": wrap(self.leases, "leases"),
            "notes": wrap(self.notes, "notes"),
            "stamps": wrap(FakeStamps(self.mark), "stamps"),
            "listing": wrap(FakeListing(self.store, self.clock), "listing"),
            "rules": wrap(self.rules, "rules"),
            "token_key": wrap(self.token_key, "token_key"),
            "outbox": wrap(self.outbox, "outbox"),
            "claims": wrap(self.claims, "claims"),
        }

    def indexer(self, ports: dict[str, Any]) -> Indexer:
        return Indexer(ports["index"], Breaker(self.clock), self.settings.bulk_bytes)

    def capture(self) -> Capture:
        ports = self._ports()
        conversions = self.conversions(ports)
        evidence = EvidenceFinder(ports["outbox"], ports["claims"], self.clock, conversions)
        return Capture(
            ports["checkpoints"],
            ports["segments"],
            ports["stream"],
            Stager(ports["store"], self.clock),
            self.indexer(ports),
            PartMaker(ports["stream"], self.clock, self.settings, conversions, evidence),
            self.clock,
            self.settings,
        )

    def coverage(self, ports: dict[str, Any], run_id: str) -> Coverage:
        stager, indexer = Stager(ports["store"], self.clock), self.indexer(ports)
        return Coverage(ports["checkpoints"], ports["segments"], stager, indexer, self.clock, self.conversion(), run_id)

    def planner(self, run_id: str) -> Plan:
        ports = self._ports()
        coverage = self.coverage(ports, run_id)
        membership = Membership(
            ports["tables"], ports["checkpoints"], coverage, ports["notes"], self.clock, self.settings
        )
        walker = Walker(ports["stream"], ports["checkpoints"], coverage, self.clock, self.settings, {})
        return Plan(
            ports["checkpoints"],
            membership,
            walker,
            ports["leases"],
            ports["notes"],
            self.clock,
            self.settings,
            self.stamping(ports),
            RulesChange(ports["rules"], ports["notes"]),
        )

    def stamping(self, ports: dict[str, Any]) -> Stamping:
        return Stamping(ports["stamps"], ports["listing"], ports["checkpoints"], ports["segments"], self.clock)

    def reporter(self) -> Report:
        ports = self._ports()
        return Report(
            ports["segments"],
            self.faults.wrap(self.index, "keeper"),
            ports["leases"],
            ports["notes"],
            self.metrics,
            self.clock,
            self.settings,
            Health(self.faults.wrap(self.health, "health"), ports["segments"], self.progress),
        )

    def backlog(self) -> Backlog:
        ports = self._ports()
        return Backlog(
            ports["segments"],
            ports["store"],
            self.indexer(ports),
            ports["leases"],
            ports["notes"],
            self.clock,
            self.settings,
            alerter=self.alerter(ports),
        )

    def alerter(self, ports: dict[str, Any]) -> Alerter:
        wrap, ways = self.faults.wrap, self.ways.items()
        events = {name: wrap(way, name) for name, way in ways if isinstance(way, FakeEvents)}
        words = {name: wrap(way, name) for name, way in ways if isinstance(way, FakeWords)}
        form = AlertForm(dashboards="https://search.example/_dashboards")
        return Alerter(ports["segments"], ports["store"], Ways(events, words), self.clock, form)

    def conversions(self, ports: dict[str, Any]) -> Conversions:
        settings = self.settings
        return Conversions(ports["rules"], ports["token_key"].read, settings.index_period, settings.actor_attribute)

    def publish(self, *files: tuple[str, str]) -> str:
        """One deployment's rules, by name and text; returns what it says."""
        ports = self._ports()
        return publish(taken(check(files)), ports["rules"], ports["notes"], self.clock)

    def conversion(self) -> Conversion:
        return Conversion(self.settings.index_period, self.settings.actor_attribute)

    def statuses(self, stream_arn: str) -> dict[str, ShardStatus]:
        return {key.shard_id: row.status for key, row in self.rows.shards.items() if key.stream_arn == stream_arn}


def dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
