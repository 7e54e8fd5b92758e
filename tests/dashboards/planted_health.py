"""The figures of the story's runs: what ReportRun would have left in the health index, and what is true of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tabletrail.core.health import health_document, health_id, health_index
from tests.dashboards.planted_story import END, START

RUNS = 400


@dataclass(frozen=True, slots=True)
class HealthRun:
    """`figures` is what the story says; `document` is what the product makes of the run's note."""

    seconds: int
    figures: dict[str, int]
    id: str
    index: str
    document: dict[str, Any]

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@cache
def health_runs() -> list[HealthRun]:
    chance = random.Random(4)
    return [_run(number, chance) for number in range(RUNS)]


def _run(number: int, chance: random.Random) -> HealthRun:
    seconds = START + 60 + number * ((END - START - 120) // RUNS)
    waiting = chance.choice((0, 0, 0, 1, 5))
    figures = {
        "lag_seconds": chance.randrange(5, 400),
        "waiting_segments": waiting,
        "waiting_seconds": waiting * chance.randrange(10, 90),
        "alerts_waiting_segments": chance.choice((0, 0, 2)),
        "records": chance.randrange(90),
        "entries": chance.randrange(100),
        "gaps": int(number % 97 == 5),
        "parked": 3 * int(number % 131 == 7),
        "failures": 2 * int(number % 89 == 11),
        "tables": 5,
        "shards": chance.randrange(5, 12),
        "groups": 1,
    }
    run_id = f"story-{number:04d}"
    note = {**figures, "finished_at": seconds, "run_id": run_id, "failures": ["x"] * figures["failures"]}
    plan = {"streams": figures["tables"], "live_shards": figures["shards"]}
    document = health_document(note, plan, figures["alerts_waiting_segments"])
    return HealthRun(seconds, figures, health_id(run_id), health_index(seconds), document)
