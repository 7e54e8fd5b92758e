"""Does each run leave one document in the health index, and does a report stand whatever becomes of it?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.health import HEALTH_PATTERN, HEALTH_PREFIX, HEALTH_TEMPLATE, health_document
from tabletrail.errors import ThrottledError, TransientError
from tabletrail.report import LEASE, NOTE
from tests.fakes.faulty import Fault, Way
from tests.faults.world import World

TEMPLATE = json.loads((Path(__file__).parents[2] / "mappings" / "health_template.v1.json").read_text())
FIELDS: dict[str, Any] = TEMPLATE["template"]["mappings"]["properties"]


def figures(world: World) -> list[dict[str, Any]]:
    return list(world.health.documents.values())


def test_a_runs_figures_are_those_of_its_note() -> None:
    world = World()
    arn = world.add_table("orders", shards=2)
    world.run()  # joins the table
    world.write(arn, "shard-1", 7)
    world.run()
    (index, _), document = list(world.health.documents.items())[-1]
    note = world.notes.read(NOTE)
    assert index == HEALTH_PREFIX + "2027.01"
    assert document["run_id"] == note["run_id"]
    assert document["@timestamp"] == "2027-01-15T08:01:00Z"
    assert (document["records"], document["entries"], document["tables"], document["shards"]) == (7, 7, 1, 2)
    assert (document["groups"], document["waiting_segments"], document["failures"]) == (1, 0, 0)
    assert len(figures(world)) == 2


def test_every_field_is_in_the_template_and_holds_what_it_says() -> None:
    world = World()
    world.add_table("orders")
    world.run()
    (document,) = figures(world)
    assert set(document) == set(FIELDS)
    numbers = {name for name, mapping in FIELDS.items() if mapping == {"type": "long"}}
    assert {name for name, value in document.items() if type(value) is int} == numbers
    assert TEMPLATE["index_patterns"] == [HEALTH_PATTERN]
    assert HEALTH_PREFIX.startswith(HEALTH_TEMPLATE)


def test_no_name_of_a_table_and_no_text_of_a_failure_is_told() -> None:
    world = World()
    world.add_table("payroll")
    note = {"run_id": "r", "finished_at": 1_800_000_000, "failures": ["payroll: on fire", "payroll: again"]}
    numbers = dict.fromkeys(("lag_seconds", "waiting_segments", "waiting_seconds", "records"), 0)
    numbers |= dict.fromkeys(("entries", "gaps", "parked", "groups"), 0)
    document = health_document({**note, **numbers}, {"problems": ["payroll has a wrong view"]}, 0)
    assert document["failures"] == 2
    assert "payroll" not in json.dumps(document)


def test_a_plan_that_failed_does_not_say_that_nothing_is_audited() -> None:
    world = World()
    world.reporter().run("run0", {}, [{"group_id": "PlanRun", "status": "failed", "error": "Runtime.HandlerError"}])
    (document,) = figures(world)
    assert document["failures"] == 1
    assert "tables" not in document
    assert "shards" not in document


def test_a_repeated_report_is_one_document() -> None:
    world = World()
    world.reporter().run("run0", {"streams": 1}, [])
    world.clock.advance(5)
    world.reporter().run("run0", {"streams": 2}, [])
    (document,) = figures(world)
    assert document["tables"] == 1, "the first one stays"


@pytest.mark.parametrize("method", ["health.record", "segments.count_unalerted"])
@pytest.mark.parametrize("error", [TransientError, ThrottledError])
@pytest.mark.parametrize("way", [Way.BEFORE, Way.AFTER])
def test_a_broken_write_leaves_the_report_whole(method: str, error: type[Exception], way: Way) -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.write(arn, "shard-0", 3)
    world.faults.add(Fault(way, method=method, error=lambda: error("no reply")))
    world.run()
    note = world.notes.read(NOTE)
    assert (note["entries"], note["failures"], note["indices"]) == (3, [], "ok")
    assert world.metrics.emitted[-1]["Entries"] == 3
    assert LEASE not in world.leases.held
    ((event, facts),) = world.progress.lines
    assert event == "health_not_recorded"
    assert error.__name__ in str(facts["why"])


def test_the_lease_is_free_and_the_note_written_before_it_begins() -> None:
    """So that an index that hangs holds up no run."""
    world = World()
    world.add_table("orders")
    world.run()
    calls = world.faults.calls
    record = calls.index("health.record")
    assert {"leases.release", "notes.write"} <= set(calls[:record])
    assert calls[record + 1 :] == []
