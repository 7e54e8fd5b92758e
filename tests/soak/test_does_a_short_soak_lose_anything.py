"""Two laboratory hours of four tables, with everything that a soak of a day has: does each record become one entry, and
is each loss said?

The day itself is `python -m tests.soak`; docs/reliability.md has its report.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.soak.checking import check
from tests.soak.laboratory_process import laboratory_process
from tests.soak.reporting import as_text, report
from tests.soak.story import Soak

SEED = 3
"""One of those in whose two hours everything below comes up."""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    with laboratory_process(SEED) as client:
        soak = Soak(client, SEED, hours=2, tables=4, shards=30, outage_step=10)
        soak.run()
        return report(soak, check(soak))


def test_is_the_log_what_the_laboratory_wrote(found: dict[str, Any]) -> None:
    assert not found["differences"], as_text(found)


def test_was_there_anything_to_lose(found: dict[str, Any]) -> None:
    """A soak in which nothing happened would show nothing."""
    assert found["records"]["captured"] > 1_000
    assert found["records"]["forgotten_and_said"] > 0
    assert found["gaps"]["by_reason"]["trimmed"] > 0
    assert found["gaps"]["by_reason"]["stream_replaced"] == 1
    assert found["log"]["kinds"]["unreadable"] > 0
    assert found["log"]["parked"] > 0
    story = {"two runs at once", "run asleep for 20 minutes", "minutes without OpenSearch", "roll", "split"}
    story |= {"late children", "parent open", "miss parent", "quiet tip", "add empty pages", "table left"}
    assert story <= found["story"].keys()
    assert found["runs_ended"].keys() & {"run died", "group died"}
    struck = " ".join(found["faults"]["ports"])
    assert {"death", "error", "throttle"} <= set(struck.replace(":", "").split())
    assert {"internal", "lost_reply", "throttle"} <= found["faults"]["streams"].keys()
