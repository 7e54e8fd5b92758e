"""Which index an entry belongs to. It follows from the entry's own time alone, at conversion: an id is unique only
within an index, so an entry that could land in two could be there twice.

Called by the conversion and by whoever makes indices ahead of time or closes them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

PREFIX = "tabletrail-v1-"
ALIAS = "tabletrail"
PATTERN = PREFIX + "*"
_NAMED = re.compile(
    re.escape(PREFIX) + r"(?P<year>\d{4})\.(?:w(?P<week>\d\d)|(?P<month>\d\d)(?:\.(?P<day>\d\d))?)", re.ASCII
)


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


def span_of(name: str) -> tuple[int, int] | None:
    """From when on and until when an index's period lasts, in seconds since the epoch: the end is the next one's start.

    None for a name that `index_of` does not give.
    """
    match = _NAMED.fullmatch(name)
    if match is None:
        return None
    year = int(match["year"])
    try:
        if match["week"]:
            start = datetime.fromisocalendar(year, int(match["week"]), 1).replace(tzinfo=UTC)
            end = start + timedelta(days=7)
        elif match["day"]:
            start = datetime(year, int(match["month"]), int(match["day"]), tzinfo=UTC)
            end = start + timedelta(days=1)
        else:
            start = datetime(year, int(match["month"]), 1, tzinfo=UTC)
            end = (start + timedelta(days=32)).replace(day=1)
    except (ValueError, OverflowError):
        return None
    return int(start.timestamp()), int(end.timestamp())
