"""The begin of a run: do the tables belong together, and to this log?

A table that was restored, or made anew, holds checkpoints older than the log: what lies between would be read again,
and would stand in the log twice. So each run first moves the stamp in all tables (see `tabletrail.core.stamps`), and
ends there if it cannot.

The crash argument: the stamp moves in one transaction. Where its reply is lost, or the run dies behind it, all tables
hold the next number, and the next run goes on from that.

Rules
- No stamp anywhere: a new deployment if the log is empty, an older release's if the log's first segments and their
  streams have rows. Else all tables were lost.
- The log is asked for later stamps only when no run has begun for a while: a restore takes longer than that.
- It is only told here, never mended: `tabletrail recover` is a person's decision.

Called by `tabletrail.plan`, `tabletrail.recovery` and the command line's `status`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tabletrail.core.staged_names import PREFIX, day_of, segment_of
from tabletrail.core.stamps import TABLES, Stamp, Stamped, behind_stamp, stamp_of
from tabletrail.errors import RestoredError, TransientError
from tabletrail.ports import Checkpoints, Clock, LogListing, Segments, Stamps

QUIET_SECONDS = 180
"""Without a run for so long, the log is looked at. Three runs a minute apart fail to begin only in trouble."""
ATTEMPTS = 3
FIRST = 50
"""Segments of an unstamped log that are looked up."""
WHAT_TO_DO = (
    "No run captures anything; streams keep records for 24 hours. Ask `tabletrail recover`, which only looks at first"
)


@dataclass(frozen=True, slots=True)
class Stamping:
    """Holds nothing of a run."""

    stamps: Stamps
    listing: LogListing
    checkpoints: Checkpoints
    segments: Segments
    clock: Clock

    def advance(self) -> int:
        """The stamp of this run, now in all tables. RestoredError: they do not belong together, nothing was written."""
        for _ in range(ATTEMPTS):
            found = self.stamps.read()
            trouble = self.trouble(found)
            if trouble:
                raise RestoredError(f"tables of checkpoints were restored or made anew ({trouble}). {WHAT_TO_DO}")
            if self.stamps.write(found, Stamp(found.number + 1, int(self.clock.now()), found.ids)):
                return found.number + 1
        raise TransientError("other runs move the stamp at the same time: the next run tries again")

    def trouble(self, found: Stamped) -> str:
        """Empty if all is well, else a sentence without its full stop."""
        tables: dict[str, list[str]] = {}
        for table, words in self.behind(found).items():
            tables.setdefault(words, []).append(table)
        return "; ".join(f"{', '.join(names)}: {words}" for words, names in tables.items())

    def behind(self, found: Stamped) -> dict[str, str]:
        """The tables that are not as the last run left them, each with the words for it; empty if all is well."""
        newest = found.newest
        if newest is None:
            is_known = self._is_empty() or self._is_of_older_release()
            return {} if is_known else dict.fromkeys(TABLES, "made anew, while the log has segments")
        behind = found.behind()
        if not behind and self.clock.now() - newest.at > QUIET_SECONDS and (later := self.later_stamp(newest)):
            return dict.fromkeys(TABLES, f"as at stamp {newest.number}, while the log has segments of stamp {later}")
        return behind

    def later_stamp(self, stamp: Stamp) -> int:
        """A stamp in the log later than `stamp`; 0 if there is none. One call, or one more for each later day."""
        after = behind_stamp(stamp.number, stamp.at)
        while keys := self.listing.keys(after, 1):
            (key,) = keys
            if stamp_of(key) > stamp.number:
                return stamp_of(key)
            # Staged by the stamp's own run after midnight, or by an older release.
            after = max(key, day_of(key) + after.rpartition("/")[2])
        return 0

    def _is_empty(self) -> bool:
        return not self.listing.keys(PREFIX, 1)

    def _is_of_older_release(self) -> bool:
        """Rows of the log's first segments, of the streams they name, and of the shards of those that are read."""
        rows = [self.segments.get(segment_of(key)) for key in self.listing.keys(PREFIX, FIRST)]
        known = [row for row in rows if row is not None]
        arns = {link.stream_arn for row in known for link in row.links}
        active = [row.stream_arn for row in self.checkpoints.streams() if row.last_walk_at]
        has_streams = not arns or any(self.checkpoints.stream(arn) for arn in arns)
        has_shards = not active or any(self.checkpoints.shards_of(arn) for arn in active)
        return bool(known) and has_streams and has_shards
