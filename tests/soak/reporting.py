"""A soak's report: as text for people, as JSON for whoever compares two of them.

Called by `__main__`.
"""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter
from typing import Any

from tests.soak.checking import Verdict, named
from tests.soak.story import Soak

DOLLARS_A_GET = 0.02 / 100_000
"""List price of a GetRecords request, without the 2.5 million a month that are free."""


def report(soak: Soak, verdict: Verdict) -> dict[str, Any]:
    return {
        "seed": soak.seed,
        "laboratory_hours": soak.hours,
        "tables": soak.tables,
        "shards_open": {"least": min(soak.open_shards), "most": max(soak.open_shards)},
        "shards_ever": verdict.shards,
        "runs": soak.runs - soak.runs_before,
        **_found(soak, verdict),
        "requests": _requests(soak),
        "faults": {
            "streams": soak.counts["faults"],
            "streams_throttled": soak.counts["throttles"],
            "ports": dict(sorted(soak.world.strikes.struck.items())),
        },
        "story": {what: number for what, number in sorted(soak.events.items()) if number},
        "runs_ended": dict(sorted(soak.world.outcomes.items())),
        "seconds": round(soak.seconds),
        "seconds_of_a_core": dict(zip(("product", "laboratory"), map(round, soak.cpu), strict=True)),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "machine": f"{platform.machine()}, Python {platform.python_version()}, {sys.platform}",
        "differences": {kind: len(texts) for kind, texts in verdict.differences.items()},
        "named": list(named(verdict)),
    }


def _found(soak: Soak, verdict: Verdict) -> dict[str, Any]:
    log, kept = verdict.log, soak.world.soak_index.kept
    return {
        "records": {
            "written": verdict.written,
            "captured": len(log.places),
            "forgotten_and_said": verdict.lost,
            "written_after_their_table_left": verdict.not_promised,
            "items": verdict.items,
        },
        "log": {
            "entries": log.lines,
            "segments": log.segments,
            "bytes": log.compressed,
            "kinds": dict(sorted(log.kinds.items())),
            "documents": len(kept),
            "parked": sum(document.kind == "parked" for document in kept.values()),
            "shards_listed_late": len(log.late),
        },
        "duplicates": len(verdict.differences.get("doubled", [])),
        "gaps": {
            "expected": verdict.expected_gaps,
            "found": len(log.gaps),
            "by_reason": dict(Counter(gap.reason for gap in log.gaps)),
            "unjustified": len(verdict.differences.get("gap", [])),
        },
        "verify": verdict.verified,
    }


def _requests(soak: Soak) -> dict[str, Any]:
    operations, runs = soak.counts["operations"], soak.runs - soak.runs_before
    gets = operations.get("GetRecords", 0)
    return {
        **operations,
        "empty_pages": soak.counts["empty_pages"],
        "get_records_per_run": round(gets / max(1, runs), 1),
        "get_records_per_open_quiet_shard_and_run": round(_quiet_gets(soak) / max(1, soak.quiet_shard_runs), 2),
        "get_records_dollars": round(gets * DOLLARS_A_GET, 2),
    }


def as_text(found: dict[str, Any]) -> str:
    lines: list[str] = []
    for name, value in found.items():
        title = name.replace("_", " ")
        if isinstance(value, dict):
            lines.append(f"{title}:")
            lines += [f"    {what.replace('_', ' ')}: {_text(one)}" for what, one in value.items()] or ["    none"]
        elif name == "named":
            lines += value
        else:
            lines.append(f"{title}: {_text(value)}")
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _quiet_gets(soak: Soak) -> int:
    """GetRecords of all shards of the quiet tables that stayed."""
    quiet = {size.name for size in soak.sizes if not size.is_hot and soak.arns.get(size.name) not in soak.left_at}
    gets = soak.counts["shards"]
    return sum(
        gets.get(shard["shard_id"], 0)
        for stream in soak.client.streams()
        if stream["table_name"] in quiet
        for shard in soak.client.shards(stream["stream_arn"])
    )
