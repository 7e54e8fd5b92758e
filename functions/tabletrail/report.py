"""ReportRun: what a run did, for people and alarms; indices made in time; the lease freed.

Rules
- The lease is freed even if everything else here fails.
- The present and the next period's index exist before anything needs them, and so does any that a waiting segment
  needs. Only this role makes indices.
- An index that refuses all that it is offered is looked at: defined as this release defines it, it refuses for the
  documents' own fault, and IndexSegments parks them; otherwise they wait, and a failure says where it departs.
- Periods that ended are closed, and the health index gets its document, when all else is done and the lease is free:
  either may fail, and delays nothing. Where OpenSearch was in trouble already, no period is looked at.
- Metrics are totals, and few, since each costs money: none has a table as its dimension. All else is for
  `tabletrail status`.

Called by `handlers.report_run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail.attribution_result import NOTE as ATTRIBUTION_NOTE
from tabletrail.attribution_result import told
from tabletrail.closing import Closing
from tabletrail.core.periods import indices_ahead
from tabletrail.core.waits import is_refusal
from tabletrail.errors import TabletrailError
from tabletrail.health import Health
from tabletrail.ports import Clock, Leases, Metrics, ReleaseKeeper, RunNotes, Segments
from tabletrail.settings import Settings

LEASE = "audit_run"
NOTE = "last_run"
BACKLOG_NOTE = "backlog"
"""What the last call of IndexSegments met: {damaged, blocked: {index: {why, since}}, trouble, since, place, alerts}."""
DEFINITIONS_NOTE = "definitions"
"""What was found about the indices that refuse everything: {index: {at, departure}}."""
COUNTS = ("records", "entries", "segments", "gaps", "parked", "pages")


@dataclass(frozen=True, slots=True)
class Report:
    """Ports of one call."""

    segments: Segments
    keeper: ReleaseKeeper
    leases: Leases
    notes: RunNotes
    metrics: Metrics
    clock: Clock
    settings: Settings
    health: Health
    closing: Closing | None = None
    """None where the ends of periods are not this one's work: in tests of capture, say."""

    def run(self, run_id: str, plan: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Writes the note `last_run`, emits metrics, returns the note. `groups` are CaptureShards' results."""
        try:
            note = self._note(run_id, plan, groups)
            self.notes.write(NOTE, note)
            self._emit(note)
        finally:
            self.leases.release(LEASE, run_id)
        self.health.record(note, plan)
        if self.closing is not None and "Error: " not in note["indices"]:
            self.closing.run(run_id, is_urgent=bool(note["waiting_segments"]), holds=int(plan.get("holds", -1)))
        return note

    def _note(self, run_id: str, plan: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        # A group that failed in a later call of the run brings what its earlier calls committed.
        groups = [{**(group.get("so_far") or {}), **group} for group in groups]
        waiting, oldest = self.segments.count_waiting()
        now = int(self.clock.now())
        counts = {name: sum(int(group.get(name, 0)) for group in groups) for name in COUNTS}
        counts["gaps"] += int(plan.get("gaps", 0))
        backlog = self.notes.read(BACKLOG_NOTE)
        failures = list(plan.get("failures", ()))
        failures += [f"segment {segment_id} is missing or altered" for segment_id in backlog.get("damaged", ())]
        failures += _alert_failures(backlog.get("alerts", {}), now)
        failures += self._look_at_refusals(backlog.get("blocked", {}), now)
        # Where no trail is asked there is no note, and each read is charged.
        attribution = told(self.notes.read(ATTRIBUTION_NOTE) if self.settings.trail_tables else {}, now)
        failures += attribution.pop("failures", ())
        failures += [f"{group.get('group_id')}: {text}" for group in groups for text in group.get("failures", ())]
        failures += [f"{group.get('group_id')}: {group['error']}" for group in groups if group.get("error")]
        return {
            "run_id": run_id,
            "finished_at": now,
            "groups": len(groups),
            **counts,
            "lag_seconds": max((int(group.get("lag_seconds", 0)) for group in groups), default=0),
            "waiting_segments": waiting,
            "waiting_seconds": now - oldest if waiting else 0,
            "problems": [*plan.get("problems", ()), *attribution.pop("problems", ())],
            "failures": failures[:50],
            "indices": self._make_indices(now, waiting),
            **({"attribution": attribution} if attribution else {}),
        }

    def _make_indices(self, now: int, waiting: int) -> str:
        """`ok`, what was made, or why not: trouble with OpenSearch must not fail the report."""
        try:
            wanted = self.segments.waiting_indices() if waiting else frozenset()
            needed = {*indices_ahead(now, self.settings.index_period), *wanted}
            made = [index for index in sorted(needed - self.keeper.existing()) if self.keeper.ensure(index)]
        except TabletrailError as error:
            return f"{type(error).__name__}: {error}"
        return "made " + ", ".join(made) if made else "ok"

    def _look_at_refusals(self, blocked: Mapping[str, Any], now: int) -> list[str]:
        """Compares each index that refuses everything with the release's definition; returns what a person must do."""
        refusing = sorted(index for index, fact in blocked.items() if is_refusal(str(fact["why"])))
        if not refusing:
            return []
        try:
            found = {index: self.keeper.departure(index) for index in refusing}
        except TabletrailError as error:
            return [f"{', '.join(refusing)}: refuses entries, and cannot be looked at: {error}"]
        facts = {index: {"at": now, "departure": departure} for index, departure in found.items()}
        self.notes.write(DEFINITIONS_NOTE, facts)
        return [
            f"{index} refuses entries, which wait: it is not as this release defines it ({departure}); make it anew"
            for index, departure in found.items()
            if departure
        ]

    def _emit(self, note: Mapping[str, Any]) -> None:
        self.metrics.emit(
            {
                "Entries": note["entries"],
                "LagSeconds": note["lag_seconds"],
                "WaitingSeconds": note["waiting_seconds"],
                "Gaps": note["gaps"],
                "Failures": len(note["failures"]),
            }
        )


def _alert_failures(note: Mapping[str, Any], now: int) -> list[str]:
    damaged = [f"segment {one} is missing or altered: its alerts are not sent" for one in note.get("damaged", ())]
    if not note.get("trouble"):
        return damaged
    return [*damaged, f"alerts do not leave, for {now - int(note['since'])} s ({note['trouble']})"]
