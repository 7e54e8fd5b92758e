"""PlanRun: takes the lease and says which groups of shards this run reads."""

from __future__ import annotations

from typing import Any

from tabletrail.aws.wiring import Wiring
from tabletrail.plan import Plan

WIRING = Wiring()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """In: {run_id}. Out: {acquired, run_id, deadline, groups, report}."""
    run_id = str(event["run_id"])
    plan: Plan = WIRING.plan(run_id)
    return plan.run(run_id)
