"""Coverage: auditing never begins, changes or ends quietly. Each such moment is an entry in the log.

Rules
- The entry and the row's move are one transaction: no stream is audited without an entry that says since when.
- A move that loses has another run at work on the same row: it is left to that run.

Called by `tabletrail.membership` and `tabletrail.walking`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from tabletrail.core.checkpoint import Commit, Committed, StreamMove, StreamRow
from tabletrail.core.entry import Conversion, Entry, coverage_entry, gap_entry
from tabletrail.core.policy import Policy
from tabletrail.core.sources import source_of
from tabletrail.errors import CommitUnknownError, TabletrailError
from tabletrail.index import Indexer
from tabletrail.ports import Checkpoints, Clock, Segments
from tabletrail.staging import Stager

GROUP = "plan"
"""Stands in a segment's name where no group of shards does."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Commits moves of streams' rows, each with its entry."""

    checkpoints: Checkpoints
    segments: Segments
    stager: Stager
    indexer: Indexer
    clock: Clock
    conversion: Conversion
    run_id: str

    def move(
        self, before: StreamRow | None, after: StreamRow, what: str, *, gap: str = "", detail: str = ""
    ) -> StreamRow | None:
        """The row as it is now, or None if the move lost.

        `what` and `detail` are the coverage entry's; `gap` names why changes before `after` may be missing.
        """
        number = after.coverage_no + 1
        version = (before.version if before else 0) + 1
        after = replace(after, coverage_no=number, version=version, gaps=after.gaps + bool(gap))
        entries = [self._entry(after, what, number, detail)]
        if gap:
            entries.append(self._gap(after, gap))
        staged = self.stager.stage(self.run_id, GROUP, (), entries)
        commit = Commit(staged.token, staged.row, streams=(StreamMove(before, after),))
        try:
            committed = isinstance(self.checkpoints.commit(commit), Committed)
        except CommitUnknownError:
            committed = self.segments.get(staged.row.segment_id) is not None
        if not committed:
            return None
        if not self.indexer.offer(staged.documents).waiting:
            with suppress(TabletrailError):  # committed: the backlog marks what is not marked here
                self.segments.mark_indexed(staged.row.segment_id, int(self.clock.now()), 0)
        return after

    def _entry(self, row: StreamRow, what: str, number: int, detail: str) -> Entry:
        now = int(self.clock.now())
        return coverage_entry(source_of(row, ""), terms_of(self.conversion, row), what, number, now, detail)

    def _gap(self, row: StreamRow, reason: str) -> Entry:
        return gap_entry(
            source_of(row, ""),
            terms_of(self.conversion, row),
            last_position=None,
            certainty="possible",
            observed_at=int(self.clock.now()),
            reason=reason,
            number=row.coverage_no,
        )


def terms_of(conversion: Conversion, row: StreamRow) -> Conversion:
    """What makes entries about a stream itself: they name the rules that its row names, and hold nothing to judge or
    to hide. So the log says under which rules a stream is, also to who rebuilds its row."""
    return replace(conversion, policy=Policy(row.rules_version), tokens=None)
