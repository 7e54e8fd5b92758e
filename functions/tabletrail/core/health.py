"""What a run leaves in the health index: one document of numbers, for graphs and monitors in OpenSearch.

Rules
- It is no part of the log and is made of nothing that the log does not hold elsewhere: it may be lost.
- Numbers only. No name of a table, no text of a failure: to see that the log is well is not to see what is in it.
- A run has one document id, however often it is reported.

Called by `tabletrail.health` and by the adapter of OpenSearch.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tabletrail.core.digest import hash_of

HEALTH_ALIAS = "tabletrail-health"
HEALTH_PREFIX = "tabletrail-health-v1-"
HEALTH_PATTERN = HEALTH_PREFIX + "*"
HEALTH_TEMPLATE = "tabletrail-health-v1"
"""The index template's name (mappings/health_template.v1.json). No index is made while it is not there."""

OF_NOTE = ("lag_seconds", "waiting_segments", "waiting_seconds", "records", "entries", "gaps", "parked", "groups")
"""As the note `last_run` has them."""
OF_PLAN = {"tables": "streams", "shards": "live_shards"}
"""From PlanRun's report. Left out if the plan failed: 0 would say that nothing is audited."""


def health_index(epoch_seconds: int) -> str:
    """`tabletrail-health-v1-2026.11`: by month in UTC, whatever the period of entries is."""
    return f"{HEALTH_PREFIX}{datetime.fromtimestamp(epoch_seconds, UTC):%Y.%m}"


def health_id(run_id: str) -> str:
    """64 hex digits: safe in a path whatever the run is called."""
    return hash_of(("tabletrail/v1/health", run_id))


def health_document(note: Mapping[str, Any], plan: Mapping[str, Any], alerts_waiting: int) -> dict[str, Any]:
    """`note` is the run's note, `plan` PlanRun's report, `alerts_waiting` how many segments still owe alerts.

    `tables` counts streams: a table whose stream was replaced counts twice until the old one is read to its end.
    """
    moment = datetime.fromtimestamp(int(note["finished_at"]), UTC)
    return {
        "@timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "run_id": str(note["run_id"]),
        **{name: int(note[name]) for name in OF_NOTE},
        **{ours: int(plan[theirs]) for ours, theirs in OF_PLAN.items() if theirs in plan},
        "alerts_waiting_segments": alerts_waiting,
        "failures": len(note["failures"]),
    }
