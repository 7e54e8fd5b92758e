"""ReportRun: what the run did, the indices ahead, the lease freed."""

from __future__ import annotations

from typing import Any

from tabletrail.aws.wiring import Wiring
from tabletrail.report import Report

WIRING = Wiring()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """In: {run_id, plan, groups}. Out: the note `last_run`."""
    report: Report = WIRING.report()
    return report.run(str(event["run_id"]), event.get("plan") or {}, event.get("groups") or ())
