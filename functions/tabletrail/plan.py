"""PlanRun: which tables are audited, which shards may be read, in which groups.

Rules
- One run at a time, by a lease; a second start is told so and ends.
- Nothing is planned where the tables do not belong together (`tabletrail.stamping`): that is a failure in the report.
- Nothing here depends on all shards ever seen, only on streams, live shards and what a due walk lists.
- A table or stream that makes trouble is a problem in the report; the others go on.
- A stream joins under the published rules, and is moved to them before its shards are read.

Called by `handlers.plan_run`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tabletrail.core.checkpoint import ShardRow, ShardStatus, StreamRow, StreamState
from tabletrail.core.grouping import group_name
from tabletrail.core.holds import Holds
from tabletrail.core.stamps import stamped_run
from tabletrail.deadline import Deadline
from tabletrail.errors import RestoredError, TabletrailError
from tabletrail.hold_entries import HoldEntries
from tabletrail.membership import Membership
from tabletrail.ports import Checkpoints, Clock, Leases, RunNotes
from tabletrail.report import LEASE
from tabletrail.rules_change import RulesChange
from tabletrail.settings import Settings
from tabletrail.stamping import Stamping
from tabletrail.walking import Walker

NOTE = "groups"
PLAN_SECONDS = 40
"""Time for joins and walks; what is left over is done by the next run."""


@dataclass(slots=True)
class Plan:
    """One run's planning. Make a new one for each call."""

    checkpoints: Checkpoints
    membership: Membership
    walker: Walker
    leases: Leases
    notes: RunNotes
    clock: Clock
    settings: Settings
    stamping: Stamping
    rules: RulesChange
    problems: list[str] = field(default_factory=list)
    holds: HoldEntries | None = None
    """None where there is no book of holds: in tests of capture, say."""

    def run(self, run_id: str) -> dict[str, Any]:
        """The run's plan as the state machine reads it: acquired, groups (run, group, deadline), report."""
        now = int(self.clock.now())
        if not self.leases.acquire(LEASE, run_id, self.settings.lease_seconds, now):
            return {"acquired": False, "run_id": run_id, "deadline": now, "groups": [], "report": {}}
        try:
            name = self._begin(run_id)
        except RestoredError as error:
            report = {"failures": [str(error)]}
            return {"acquired": True, "run_id": run_id, "deadline": now, "groups": [], "report": report}
        known = int(self.notes.read(NOTE).get("count", 0))
        self._find_live(known)
        streams = self._plan(Deadline.after(self.clock, PLAN_SECONDS))
        deadline = now + self.settings.run_seconds
        groups = self._groups(known)
        return {
            "acquired": True,
            "run_id": run_id,
            "deadline": deadline,
            "groups": [{"run_id": name, "group_id": group, "deadline": deadline} for group in groups],
            "report": {
                "streams": len(streams),
                "live_shards": len(self.walker.live),
                "holds": self.membership.holds_told,
                "gaps": self.membership.gaps + self.walker.gaps,
                "problems": [*self.problems, *self.rules.problems, *self.membership.problems][:50],
            },
        }

    def _begin(self, run_id: str) -> str:
        """Moves the stamp. The name under which this run's segments are staged, its coverage entries among them."""
        name = stamped_run(self.stamping.advance(), run_id)
        self.membership.coverage = self.walker.coverage = replace(self.membership.coverage, run_id=name)
        return name

    def _find_live(self, known: int) -> None:
        """The note may be behind the rows: a run that died between the two left groups that no note names. They follow
        the noted ones, so one look further finds them."""
        rows = self.checkpoints.live_shards(group_name(number) for number in range(known))
        while beyond := self.checkpoints.group(group_name(known)):
            rows += beyond
            known += 1
        for row in rows:
            if row.status is not ShardStatus.CLOSED_AND_PROCESSED:
                self.walker.live[row.stream_arn, row.shard_id] = row

    def _plan(self, deadline: Deadline) -> list[StreamRow]:
        rows = self.checkpoints.streams()
        self.membership.rules_version = self.rules.look(rows)
        holds = self.holds.look() if self.holds else Holds()
        self.membership.holds_told = holds.number
        try:
            rows = self.membership.update(rows, deadline)
        except TabletrailError as error:
            self.problems.append(f"tables could not be compared: {error}")
        rows = self.rules.move(rows, self.membership.coverage, deadline)
        if self.holds is not None:
            rows = self.holds.tell(holds, rows, self.membership.coverage, deadline)
            self.problems += self.holds.problems
        for row in sorted(rows, key=lambda row: row.last_walk_at):
            if deadline.passed():
                break
            if self.walker.is_due(row):
                self._walk(row)
        return rows

    def _walk(self, row: StreamRow) -> None:
        try:
            is_checked = row.state is StreamState.ACTIVE and row.last_walk_at
            current = self.membership.check(row) if is_checked else {row.stream_arn: row}
            for each in current.values():
                self.walker.walk(each)
        except TabletrailError as error:
            self.problems.append(f"{row.table_name}: its shards could not be listed: {error}")

    def _groups(self, known: int) -> list[str]:
        """Groups with at least one shard to read, in order; remembers how many group names are in use."""
        live: list[ShardRow] = list(self.walker.live.values())
        used = {row.group_id for row in live if row.group_id}
        # One fewer at most: the index may not show yet what moved into the last group, and the next run looks there.
        count = max((int(group[1:]) + 1 for group in used), default=0)
        count = max(count, known - 1)
        if count != known:
            self.notes.write(NOTE, {"count": count})
        waiting: dict[str, int] = {}
        for row in live:
            if row.group_id and row.is_readable:
                waiting[row.group_id] = min(
                    row.iterator_obtained_at, waiting.get(row.group_id, row.iterator_obtained_at)
                )
        # The group that waits longest first: where not all can be reached in one run, none is left behind for ever.
        return sorted(waiting, key=lambda group: (waiting[group], group))
