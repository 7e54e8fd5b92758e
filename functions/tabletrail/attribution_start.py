"""Which streams are attributed: from when on, until when, and what was passed over. Each such moment is in the log.

Rules
- A stream begins when it is first seen with a trail that tells of its table, at that second; before it nobody promised
  calls. It ends when the trail is no longer to tell of the table, or it would look as if no call fitted its changes.
- Where AttributeChanges was switched off and is on again it begins anew: nobody promised calls for the time between.
- What is too old is passed over: its index may be closed when the entries come.
- Entry and row move in one transaction (`tabletrail.coverage`). A move that loses is made by the next call.

Called by `tabletrail.attribute`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tabletrail.attribution_result import MOST_SENTENCES, AttributionResult
from tabletrail.core.attribution_windows import PASSED_OVER_SECONDS, TrailTables
from tabletrail.core.checkpoint import StreamRow, StreamState
from tabletrail.core.document import moment_of
from tabletrail.coverage import Coverage
from tabletrail.deadline import Deadline

BEGUN, ENDED, SKIPPED = "attribution_begun", "attribution_ended", "attribution_skipped"
ATTRIBUTION = frozenset({BEGUN, ENDED, SKIPPED})
"""Coverage entries that say nothing of whether the stream itself is read."""
STREAMS = 50
"""Told of by one call: each costs an object and a transaction."""


@dataclass(slots=True)
class AttributionStart:
    """One call's look at the streams."""

    coverage: Coverage
    tables: TrailTables
    result: AttributionResult
    off_at: int = 0
    """See `attribution_past.Past`."""
    _left: int = STREAMS

    def of_all(self, rows: Sequence[StreamRow], deadline: Deadline) -> list[StreamRow]:
        """The rows as they are afterwards. TransientError."""
        after = []
        for row in rows:
            may_move = self._left > 0 and not deadline.passed()
            after.append(self._of_one(row) if may_move else row)
        names = sorted(
            row.table_name for row in after if row.state is StreamState.ACTIVE and not self.tables.covers(row.table_arn)
        )
        self.result.uncovered, self.result.uncovered_count = names[:MOST_SENTENCES], len(names)
        return after

    def skip(self, row: StreamRow, until: int, reason: str) -> StreamRow:
        """Passes over a stream's changes before `until`."""
        detail = f"from {_moment(row.attributed_until)} to {_moment(until)}: {reason}"
        self.result.problems.append(f"{row.table_name}: changes {detail} are not attributed")
        return self._moved(row, until, SKIPPED, detail)

    def is_to_resume(self, row: StreamRow) -> bool:
        """True for a stream that was not judged since AttributeChanges was switched off, and is to begin anew."""
        is_over = row.state is not StreamState.ACTIVE and row.attributed_until >= row.ending_at
        return 0 < row.attributed_until <= self.off_at and not is_over

    def _of_one(self, row: StreamRow) -> StreamRow:
        now = int(self.coverage.clock.now())
        is_covered = self.tables.covers(row.table_arn)
        is_active = row.state is StreamState.ACTIVE
        if not row.attributed_until:
            return self._moved(row, now, BEGUN) if is_covered and is_active else row
        if not is_covered:
            return self._moved(row, 0, ENDED) if is_active else row
        if self.is_to_resume(row):
            if not is_active:
                return self.skip(row, row.ending_at, "CloudTrail was not asked")
            detail = f"from {_moment(row.attributed_until)} to {_moment(now)} CloudTrail was not asked"
            return self._moved(row, now, BEGUN, detail)
        oldest = now - PASSED_OVER_SECONDS
        until = oldest if is_active else min(oldest, row.ending_at)
        return self.skip(row, until, "they waited for too long") if row.attributed_until < until else row

    def _moved(self, row: StreamRow, until: int, what: str, detail: str = "") -> StreamRow:
        self._left -= 1
        return self.coverage.move(row, replace(row, attributed_until=until), what, detail=detail) or row


def judged_by(what: str, at: int) -> int:
    """Before which second nothing is left to be attributed behind a coverage entry `what` of that time; 0 where it says
    nothing of that. What is passed over may be less than was old enough then: the log tells no more."""
    if what == BEGUN:
        return at
    return at - PASSED_OVER_SECONDS if what == SKIPPED else 0


def _moment(seconds: int) -> str:
    return moment_of(seconds, "day")[0]
