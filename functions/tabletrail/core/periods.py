"""Which index an entry belongs to. It follows from the entry's own time alone, at conversion: an id is unique only
within an index, so an entry that could land in two could be there twice.

Called by the conversion and by whoever makes indices ahead of time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

PREFIX = "tabletrail-v1-"
ALIAS = "tabletrail"
PATTERN = PREFIX + "*"


def index_of(epoch_seconds: int, period: str) -> str:
    """`tabletrail-v1-2026.11` (month), `-2026.w47` (ISO week) or `-2026.11.24` (day), in UTC."""
    moment = datetime.fromtimestamp(epoch_seconds, UTC)
    if period == "month":
        return f"{PREFIX}{moment:%Y.%m}"
    if period == "week":
        year, week, _ = moment.isocalendar()
        return f"{PREFIX}{year}.w{week:02d}"
    return f"{PREFIX}{moment:%Y.%m.%d}"


def indices_ahead(now: int, period: str) -> tuple[str, str]:
    """The index of the present period and of the next one."""
    moment = datetime.fromtimestamp(now, UTC)
    if period == "month":
        following = (moment.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        following = moment + timedelta(days=7 if period == "week" else 1)
    return index_of(now, period), index_of(int(following.timestamp()), period)
