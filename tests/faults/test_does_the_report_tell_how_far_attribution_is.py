"""Do the run's report and `tabletrail status` say how far CloudTrail was asked, and what it could not tell?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tabletrail.attribution_result import NEWS_SECONDS, AttributionResult
from tabletrail_cli.status import _attribution_line
from tests.core.trail import table_arn
from tests.fakes.tables import ACCOUNT
from tests.faults.attributing import ALICE, TrailWorld, quiet


@pytest.fixture
def world() -> TrailWorld:
    world = quiet()
    world.settings = replace(world.settings, trail_tables=table_arn("orders", ACCOUNT))
    orders = next(arn for arn in world.rows.streams if ":table/orders/" in arn)
    world.call(orders, "order-1", ALICE)
    world.deliver()
    world.trail.deliver(b"no JSON")
    world.settle()
    return world


def test_does_the_report_tell_it_while_it_is_news(world: TrailWorld) -> None:
    result = world.attribute()
    world.run()
    note = world.notes.read("last_run")
    assert note["attribution"]["uncovered"] == ["stock"]
    assert note["attribution"]["behind_seconds"] == result.behind_seconds == 3610
    assert [one for one in note["failures"] if "CloudTrail's records cannot be read" in one]
    assert world.metrics.emitted[-1]["Failures"] == len(note["failures"]) == 1
    world.clock.advance(NEWS_SECONDS)
    world.run()
    note = world.notes.read("last_run")
    assert "attribution" not in note
    assert not note["failures"], "a trail that is asked no longer is no trouble"


def test_does_status_tell_it_in_a_line(world: TrailWorld) -> None:
    world.attribute()
    world.run()
    note = world.notes.read("last_run")["attribution"]
    line = _attribution_line(note, note["at"] + 240)
    assert line == (
        "CloudTrail was asked 4 min ago: changes up to 64 min ago are attributed; the trail does not tell of stock"
    )
    assert "no table is attributed yet" in _attribution_line({"at": 0, "behind_seconds": 0}, 60)


def test_are_the_counts_of_several_calls_added_up() -> None:
    result = AttributionResult(acquired=True, attributed=3, late=1, problems=["b", "b"])
    result.add(AttributionResult(attributed=4, bad=2, problems=["a"], failures=["f"]).facts())
    assert (result.attributed, result.late, result.bad) == (7, 1, 2)
    assert (result.problems, result.failures) == (["a", "b"], ["f"])
    result.add({})
    assert result.attributed == 7
