"""The demo's waits on the scheduler, each with a limit and a text that says where to look.

Rules
- Nothing here starts a run: that the scheduler does is part of what the demo shows.
- OpenSearch or the local AWS may be out of breath for a moment; that only lasts until the limit.
- What the log has of the workload is final when a run has finished that began after the workload's end. Runs come one
  at a time, so the second one that finishes afterwards is such a one.

Called by the demo and its tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tabletrail.errors import TransientError
from tabletrail_local.demo_compare import Comparison, compare
from tabletrail_local.demo_display import waiting
from tabletrail_local.demo_errors import WaitedTooLongError
from tabletrail_local.demo_log import DemoLog
from tabletrail_local.demo_tables import DemoTables, current_streams
from tabletrail_local.workload_truth import Truth

Found = TypeVar("Found")

# Runs start each minute and take seconds; on a busy machine each may take minutes.
WAIT_SECONDS = 600.0
_INTERVAL = 2.0  # seconds between two looks
_FINAL_RUNS = 2


def wait_until_audited(client: Any, log: DemoLog, tables: DemoTables, logs: Path) -> None:
    """Returns when each table's present stream is audited; changes made before that may be seen by nobody."""

    def look() -> tuple[bool | None, str]:
        joined = log.joined(current_streams(client, tables))
        return (True if len(joined) == len(tables.keys()) else None), f"{len(joined)} of {len(tables.keys())} tables"

    wait_for("waiting for the scheduler's next run to join the tables", look, logs)


def wait_until_caught_up(log: DemoLog, run: str, truth: Truth, logs: Path) -> tuple[Comparison, list[dict[str, Any]]]:
    """The comparison, equal or final, and the run's entries that it was made of."""
    ended_at = int(time.time())
    finished: set[str] = set()

    def look() -> tuple[tuple[Comparison, list[dict[str, Any]]] | None, str]:
        note = log.last_run()
        entries = log.of_run(run)
        comparison = compare(truth, entries)
        if note.get("finished_at", 0) > ended_at and not note.get("waiting_segments"):
            finished.add(str(note["run_id"]))
        is_final = comparison.is_equal or len(finished) >= _FINAL_RUNS
        return ((comparison, entries) if is_final else None), f"{len(entries)} of {len(truth.changes)} changes"

    return wait_for("waiting for the log to catch up", look, logs)


def wait_for(title: str, look: Callable[[], tuple[Found | None, str]], logs: Path) -> Found:
    """Looks until something is found; `look` also says how far it is. WaitedTooLongError."""
    deadline = time.monotonic() + WAIT_SECONDS
    with waiting(title) as tell:
        while True:
            try:
                found, state = look()
            except TransientError as error:
                found, state = None, str(error)
            tell(state)
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise WaitedTooLongError(title, WAIT_SECONDS, state, logs)
            time.sleep(_INTERVAL)
