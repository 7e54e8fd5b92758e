"""IndexSegments: committed segments that are not indexed yet, oldest first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tabletrail.aws.wiring import Wiring
from tabletrail.backlog import Backlog

WIRING = Wiring()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """In: {run_id, so_far}. Out: the counts of this run so far, and whether more waits."""
    backlog: Backlog = WIRING.backlog()
    result = backlog.run(str(event["run_id"]))
    result.add(event.get("so_far") or {})
    return asdict(result)
