"""PlanRun: takes the lease and says which groups of shards this run reads."""

from __future__ import annotations

from typing import Any

from tabletrail.aws.wiring import Wiring

WIRING = Wiring()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """In: {run_id}. Out: {acquired, run_id, deadline, groups, report}."""
    run_id = str(event["run_id"])
    return WIRING.plan(run_id).run(run_id)
