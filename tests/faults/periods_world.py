"""A cluster with ISM or without, runs that close its periods, and time: what the tests of closing work with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabletrail.aws.opensearch_periods import OpenSearchPeriods
from tabletrail.closing import NOTE, Closing
from tabletrail.core.holds import ALL, PERIOD, Hold
from tabletrail.core.ism_policies import for_repository
from tabletrail.core.lifecycle import CLOSE_AFTER_SECONDS, DAY
from tabletrail.core.periods import PREFIX, span_of
from tabletrail.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.faulty import Plan
from tests.fakes.holds import FakeHoldBook
from tests.fakes.ism import FakeCluster
from tests.fakes.ism_server import client_of
from tests.fakes.runs import FakeLeases, FakeRunNotes

ISM_FILES = Path(__file__).parents[2] / "mappings" / "ism"
NAME = PREFIX + "2026.09"
NEXT = PREFIX + "2026.10"
SPAN = span_of(NAME)
assert SPAN is not None
START, END = SPAN
DUE = END + CLOSE_AFTER_SECONDS
ISM_MINUTES = 5
YEAR_DAYS = 365


@dataclass
class Waiting:
    """What committed segments wait for, as far as closing asks."""

    names: set[str] = field(default_factory=set)
    more: int = 0

    def count_waiting(self) -> tuple[int, int]:
        return len(self.names) + self.more, 1

    def waiting_indices(self) -> frozenset[str]:
        return frozenset(self.names)


@dataclass
class PeriodsWorld:
    """Begins at the moment from which on the period NAME may be closed."""

    has_ism: bool = False
    retention_days: int = 0
    repository: str = ""
    clock: FakeClock = field(default_factory=lambda: FakeClock(DUE))
    cluster: FakeCluster = field(default_factory=FakeCluster)
    waiting: Waiting = field(default_factory=Waiting)
    book: FakeHoldBook = field(default_factory=FakeHoldBook)
    notes: FakeRunNotes = field(default_factory=FakeRunNotes)
    leases: FakeLeases = field(default_factory=FakeLeases)
    runs: int = 0

    def __post_init__(self) -> None:
        self.cluster.offers = "yes" if self.has_ism else "no"
        for path in sorted(ISM_FILES.glob("*.json")):
            document = for_repository(json.loads(path.read_text()), self.repository)
            self.cluster.policies[document["policy_id"]] = (document["policy"], 0)
        for name in (NAME, NEXT):
            self.cluster.make(name, START - 30 * DAY)

    def run(self, plan: Plan | None = None, **how: Any) -> dict[str, Any]:
        """One run of ReportRun's part; returns its note. `how`: as `Closing.run` takes it, urgent without."""
        plan = plan or Plan()
        self.runs += 1
        closing = Closing(
            plan.wrap(OpenSearchPeriods(client_of(self.cluster)), "periods"),
            plan.wrap(self.book, "book"),
            plan.wrap(self.waiting, "segments"),  # type: ignore[arg-type]
            plan.wrap(self.leases, "leases"),
            plan.wrap(self.notes, "notes"),
            self.clock,
            self.settings,
        )
        closing.run(f"run-{self.runs}", **how)
        return self.notes.read(NOTE)

    @property
    def settings(self) -> Settings:
        return Settings(
            "s",
            "h",
            "g",
            "r",
            "b",
            opensearch_endpoint="https://opensearch",
            retention_days=self.retention_days,
            snapshot_repository=self.repository,
        )

    def minutes(self, count: int) -> dict[str, Any]:
        """A run each minute, and each fifth minute a turn of ISM's jobs."""
        note: dict[str, Any] = {}
        for minute in range(count):
            self.clock.sleep(60)
            if minute % ISM_MINUTES == 0:
                self.cluster.turn()
            note = self.run()
        return note

    def hold(self, target: str = "") -> str:
        before = self.book.read()
        hold_id = f"h{before.number + 1}"
        kind = PERIOD if target else ALL
        hold = Hold(hold_id, kind, target, "a lawsuit", "arn:aws:iam::123456789012:user/ann", int(self.clock.now()))
        assert self.book.write(before, before.with_new(hold))
        return hold_id

    def release(self, hold_id: str) -> None:
        before = self.book.read()
        assert self.book.write(before, before.released(hold_id, int(self.clock.now()), "bob", "settled"))

    def is_blocked(self, name: str = NAME) -> bool:
        return self.cluster.indices[name].is_blocked

    def stage(self, name: str = NAME) -> str:
        return str(self.notes.read(NOTE)["periods"][name]["stage"])


def deletion_world(**values: object) -> PeriodsWorld:
    """Long after the retention has passed: the index is closed, and about to be put under the policy of deletion."""
    world = PeriodsWorld(has_ism=True, retention_days=YEAR_DAYS, **values)  # type: ignore[arg-type]
    world.minutes(80)
    assert world.stage() == "merged"
    world.clock.sleep(END + YEAR_DAYS * DAY - world.clock.now() - 120)
    return world
