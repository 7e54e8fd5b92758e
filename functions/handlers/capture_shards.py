"""CaptureShards: the commit protocol for one group of shards."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tabletrail.aws.wiring import Wiring
from tabletrail.capture import CaptureTask

WIRING = Wiring()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """In: {run_id, group_id, deadline, so_far}. Out: this run's counts of the group, and whether more waits."""
    task = CaptureTask(str(event["run_id"]), str(event["group_id"]), int(event["deadline"]))
    result = WIRING.capture().run(task)
    result.add(event.get("so_far") or {})
    return {"group_id": task.group_id, "status": "failing" if result.failures else "ok", **asdict(result)}
