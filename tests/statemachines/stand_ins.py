"""Stand-ins for the functions behind the states; their source goes to the local AWS as it is.

A run's name says what happens in it: the word before the first `-`. A group's id says what becomes of the group.
"""

from __future__ import annotations

import json
from typing import Any

GROUPS = {
    "calm": ["quick", "thrice"],
    "mixed": ["quick", "fails", "thrice", "fails-late"],
    "empty": [],
    "many": [f"quick-{number}" for number in range(60)],
}


RUNAWAY = 200
_calls = iter(range(RUNAWAY))


def plan_run(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    run_id = event["run_id"]
    kind = run_id.partition("-")[0]
    if kind == "unplanned":
        raise RuntimeError("the plan failed")
    groups = [{"run_id": run_id, "group_id": group_id, "deadline": 4102444800} for group_id in GROUPS.get(kind, ())]
    acquired = kind != "held"
    return {"acquired": acquired, "run_id": run_id, "deadline": 4102444800, "groups": groups, "report": {"tables": 2}}


def capture_shards(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    if next(_calls, None) is None:
        raise RuntimeError("a loop without end, which the local AWS would go round for ever")
    calls = (event["so_far"] or {"calls": 0})["calls"] + 1
    kind = event["group_id"]
    if kind == "fails" or (kind == "fails-late" and calls == 2):
        raise RuntimeError("this group fails")
    more = calls < 3 if kind in ("thrice", "fails-late") else False
    return {"group_id": kind, "status": "ok", "more": more, "calls": calls, "records": 10 * calls}


def report_run(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    print(json.dumps(event))  # noqa: T201 -- for the test of runs whose output is lost, since they fail
    if event["run_id"].startswith("unreported"):
        raise RuntimeError("the report failed")
    return {"report_saw": event}


def index_segments(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    if event["run_id"].startswith("unindexed") or next(_calls, None) is None:
        raise RuntimeError("the backlog failed")
    segments = (event["so_far"] or {"segments": 0})["segments"] + 5
    acquired = not event["run_id"].startswith("held")
    return {
        "acquired": acquired,
        "more": acquired and (segments < 15 or event["run_id"].startswith("endless")),
        "segments": segments,
    }


def attribute_changes(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    if event["run_id"].startswith("unattributed") or next(_calls, None) is None:
        raise RuntimeError("the attribution failed")
    windows = (event["so_far"] or {"windows": 0})["windows"] + 1
    acquired = not event["run_id"].startswith("held")
    more = acquired and (windows < 3 or event["run_id"].startswith("endless"))
    return {"acquired": acquired, "more": more, "windows": windows}
