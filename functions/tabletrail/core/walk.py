"""How many empty pages a shard may cost one run.

An open shard's iterators never end, and an empty page does not tell whether the present was reached: records may lie
behind thousands of empty pages. Walking on for ever is the bill of every run; stopping at the first empty page may
leave a record unread until the stream forgets it.

Rules
- The empty pages ahead of an iterator are bounded by the time that it has not seen: from the last record's time (or
  the stream's birth, or the retention of 24 hours) to the present. That bound is the shard's debt.
- Each empty page pays one off. A page with records sets the debt by the last record's age.
- The debt is kept with the iterator, so a walk goes on where the last run put it down, and each page is read once.
- A shard without debt costs `quiet` pages a run.
- The same bound says up to which moment a shard was read (`read_until`), and so whether the stream may have forgotten
  something unread. A shard that was never read carries the moment before which nothing of it is missed: its parent was
  seen open then, or a walk did not list it yet.

Called by `tabletrail.reading`, `tabletrail.parts` and `tabletrail.walking`.
"""

from __future__ import annotations

from tabletrail.core.checkpoint import ShardRow

PAGES_PER_HOUR = 300
"""More than DynamoDB makes: the most that was reported is about 5,000 empty pages in a day."""
RETENTION_SECONDS = 24 * 3600
LISTED_LATE_SECONDS = 600
"""How long after its first record a shard may still be missing from a complete listing: far more than was reported."""
FRESH_SECONDS = 60
"""A record this young was read at the present: nothing to walk over."""


def debt_after(record_time: float, now: float) -> int:
    """Pages that may lie between a record made at `record_time` and `now` (both seconds since the epoch)."""
    unseen = min(now - record_time, RETENTION_SECONDS)
    return 0 if unseen <= FRESH_SECONDS else -int(-unseen * PAGES_PER_HOUR // 3600)


def allowance(debt: int, quiet: int, walk: int) -> int:
    """Empty pages that this run may read: `quiet` for a shard at the present, at most `walk` for one with a debt."""
    return max(quiet, min(debt, walk))


def is_unread(row: ShardRow) -> bool:
    """True if nothing was read of it yet, or nothing since a gap at its very beginning."""
    return row.iterator is None and row.sequence_no is None


def read_until(row: ShardRow) -> int:
    """The moment (seconds since the epoch) up to which nothing of the shard is unread; 0 where all that may be missing
    is in the log as a gap, or where the row is of a release that did not know.

    A debt makes the place that much older than its iterator: each page of it stands for the time in which DynamoDB
    makes one.
    """
    debt = 0 if is_unread(row) else row.walk_debt
    return row.iterator_obtained_at - debt * 3600 // PAGES_PER_HOUR


def may_have_lost(row: ShardRow, now: float) -> bool:
    """True if the stream may have forgotten something of the shard that was neither read nor said to be lost."""
    return bool(row.iterator_obtained_at) and read_until(row) <= now - RETENTION_SECONDS


def debt_at_horizon(row: ShardRow, now: float) -> int:
    """Pages that may lie between a shard's horizon and `now`: a day's, or those since a new shard can have begun."""
    if not row.iterator_obtained_at:
        return row.walk_debt
    if is_unread(row):
        return min(debt_after(0, now), row.walk_debt + debt_after(row.iterator_obtained_at, now))
    return debt_after(0, now)
