"""Each change of a legal hold becomes an entry in the log of the tables that it is about.

The crash argument. The change is in the book before anything is said of it. A stream's row says up to which change the
log tells; entry and row move in one transaction. A run that died told some streams and some not, and each row says
which. Two runs at once: a row moves by compare-and-swap, the loser finds it moved.

Rules
- A hold on all or on a period is about every audited table. One on a table is about that table, if it is audited.
- A stream that joins hears of changes from then on. One whose row was rebuilt after a loss hears of all once more.
- A run tells so much at most: the rest is told by the next ones.

Called by `tabletrail.plan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tabletrail.core.checkpoint import StreamRow, StreamState
from tabletrail.core.holds import HoldChange, Holds
from tabletrail.coverage import Coverage
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.holding import HoldBook

ENTRIES = 50
"""Told by one run: each costs an object and a transaction, some 100 ms, and PlanRun has other work."""


@dataclass(slots=True)
class HoldEntries:
    """One run's look at the holds. `problems` are sentences for the report."""

    book: HoldBook
    problems: list[str] = field(default_factory=list)
    _left: int = ENTRIES

    def look(self) -> Holds:
        """None are known while they cannot be read: nothing is told then."""
        try:
            return self.book.read()
        except TabletrailError as error:
            self.problems.append(f"changes of holds are not told yet: {error}")
            return Holds()

    def tell(self, holds: Holds, rows: Sequence[StreamRow], coverage: Coverage, deadline: Deadline) -> list[StreamRow]:
        """The rows as they are afterwards, in their order."""
        return [self._told(holds, row, coverage, deadline) for row in rows]

    def _told(self, holds: Holds, row: StreamRow, coverage: Coverage, deadline: Deadline) -> StreamRow:
        """One stream in trouble is a problem in the report, and nothing to the others."""
        if row.state is not StreamState.ACTIVE:
            return row
        for change in holds.changes_after(row.holds_told):
            if not change.is_about(row.table_name, row.table_arn):
                continue
            if self._left <= 0 or deadline.passed():
                break
            self._left -= 1
            try:
                moved = coverage.move(row, replace(row, holds_told=change.number), change.what, detail=_detail(change))
            except TabletrailError as error:
                self.problems.append(f"{row.table_name}: a change of its holds is not told yet: {error}")
                break
            if moved is None:
                break
            row = moved
        return row


def _detail(change: HoldChange) -> str:
    hold = change.hold
    by, reason = (hold.released_by, hold.release_reason) if change.is_release else (hold.by, hold.reason)
    return f"{hold.id} on {hold.words()}, by {by}: {reason}"
