"""The intervals of time that Dashboards chooses for bars.

Pure. As in OpenSearch-Dashboards, src/plugins/data/common/search/aggs/buckets/lib/time_buckets: about BARS bars over
the time range where the interval is `auto`, never more than MOST_BARS.

Called by `aggregations` and `search_body`.
"""

from __future__ import annotations

import re
from typing import Any

from tabletrail_dashboards.errors import SavedObjectError

BARS = 50
"""Dashboards' setting histogram:barTarget."""
MOST_BARS = 100
"""Dashboards' setting histogram:maxBars."""

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
# moment.js takes a month for 30 days and a year for 365 where it has to compare them.
_UNITS = {"y": 365 * _DAY, "M": 30 * _DAY, "w": 7 * _DAY, "d": _DAY, "h": _HOUR, "m": _MINUTE, "s": _SECOND, "ms": 1}
_CALENDAR = {"y", "M", "w"}
_MIXED = {"d", "h", "m"}

_STEPS = (
    (365 * _DAY, "1M"),
    (21 * _DAY, "1w"),
    (7 * _DAY, "1d"),
    (_DAY, "12h"),
    (6 * _HOUR, "3h"),
    (2 * _HOUR, "1h"),
    (45 * _MINUTE, "30m"),
    (20 * _MINUTE, "10m"),
    (9 * _MINUTE, "5m"),
    (3 * _MINUTE, "1m"),
    (45 * _SECOND, "30s"),
    (15 * _SECOND, "10s"),
    (7500, "5s"),
    (5000, "1s"),
    (500, "100ms"),
)
"""From long to short: a bar that would last at least the bound lasts the interval of the line before."""
_NAMED = {"year": "1y", "month": "1M", "week": "1w", "day": "1d", "hour": "1h", "minute": "1m", "second": "1s"}


def interval_for(wanted: str, range_ms: int) -> str:
    """`wanted` is auto or an interval like 1h; the result one like 30m, longer where there would be too many bars."""
    if wanted == "auto":
        return _near(range_ms / BARS)
    chosen = _NAMED.get(wanted, wanted)
    if range_ms / milliseconds(chosen) <= MOST_BARS:
        return chosen
    return next(
        (one for one in ("1y", *(step for _, step in _STEPS)) if milliseconds(one) <= range_ms / MOST_BARS), "1ms"
    )


def _near(bar_ms: float) -> str:
    longer = "1y"
    for bound, interval in _STEPS:
        if bound <= bar_ms:
            return longer
        longer = interval
    return f"{max(int(bar_ms), 1)}ms"


def milliseconds(interval: str) -> int:
    match = re.fullmatch(r"(\d+)(ms|[yMwdhms])", interval)
    if not match:
        raise SavedObjectError(f"{interval!r} is no interval such as 30m, 1h or auto")
    return int(match[1]) * _UNITS[match[2]]


def as_parameter(interval: str) -> dict[str, Any]:
    """What date_histogram takes: one unit of the calendar's, or a fixed time."""
    number, unit = re.fullmatch(r"(\d+)(\w+)", interval).groups()  # type: ignore[union-attr]
    is_calendar = unit in _CALENDAR or (unit in _MIXED and number == "1")
    return {"calendar_interval" if is_calendar else "fixed_interval": interval}
