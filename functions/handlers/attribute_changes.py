"""AttributeChanges: who made the changes that the log has, by CloudTrail's events."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tabletrail.aws.attribution_wiring import AttributionWiring

WIRING = AttributionWiring()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """In: {run_id, so_far}. Out: the counts of this execution so far, and whether more is due."""
    result = WIRING.attribution().run(str(event["run_id"]))
    if result.acquired and not result.failures:
        # A call in trouble says nothing, and the alarm takes silence for the worst lag.
        lag = result.behind_seconds - WIRING.settings.trail_settled_seconds
        WIRING.metrics.emit({"AttributionLagSeconds": max(0, lag)})
    result.add(event.get("so_far") or {})
    return asdict(result)
