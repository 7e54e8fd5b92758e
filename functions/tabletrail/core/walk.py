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

Called by `tabletrail.reading` and `tabletrail.plan`.
"""

from __future__ import annotations

PAGES_PER_HOUR = 300
"""More than DynamoDB makes: the most that was reported is about 5,000 empty pages in a day."""
RETENTION_SECONDS = 24 * 3600
FRESH_SECONDS = 60
"""A record this young was read at the present: nothing to walk over."""


def debt_after(record_time: float, now: float) -> int:
    """Pages that may lie between a record made at `record_time` and `now` (both seconds since the epoch)."""
    unseen = min(now - record_time, RETENTION_SECONDS)
    return 0 if unseen <= FRESH_SECONDS else -int(-unseen * PAGES_PER_HOUR // 3600)


def allowance(debt: int, quiet: int, walk: int) -> int:
    """Empty pages that this run may read: `quiet` for a shard at the present, at most `walk` for one with a debt."""
    return max(quiet, min(debt, walk))
