"""Times of day in a named zone, as rules speak of them.

Rules
- The moment is the record's own, in whole seconds; nothing here looks at a clock.
- The zone's rules are those of the pinned package `tzdata`, never the machine's: the same policy gives the same entry
  on each machine. Daylight saving is in them: a window is of the clock on the wall.
- A window begins with `from` and ends before `to`. One whose `to` is not later goes over midnight, and its days are
  those on which it begins.

Called by `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
"""How a policy writes a time of day; the end may also be 24:00."""

HoursTest = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes since midnight; `days` are those on which it begins, 0 for Monday."""

    start: int
    end: int
    days: frozenset[int]

    def holds(self, day: int, minute: int) -> bool:
        """True if that minute of that day of the week lies in it."""
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        if minute >= self.start:
            return day in self.days
        return minute < self.end and (day - 1) % 7 in self.days


def hours_test(condition: Mapping[str, Any]) -> HoursTest:
    """The test of a `time`; its argument is seconds since the epoch."""
    zone = zone_of(condition["zone"])
    within = [window_of(one) for one in condition.get("within", ())]
    outside = [window_of(one) for one in condition.get("outside", ())]
    has_within = "within" in condition

    def fits(seconds: int) -> bool:
        local = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
        day, minute = local.weekday(), local.hour * 60 + local.minute
        return (not has_within or _any_holds(within, day, minute)) and not _any_holds(outside, day, minute)

    return fits


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """ValueError if `tzdata` has no zone of this name."""
    # Imported where a rule speaks of hours: a cold function without one need not wait for it.
    from importlib import resources
    from zoneinfo import ZoneInfo

    package = resources.files("tzdata")
    if name not in package.joinpath("zones").read_text("ascii").splitlines():
        raise ValueError(f"there is no time zone {name!r}; names are like Europe/Berlin or UTC")
    with package.joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def window_of(window: Mapping[str, Any]) -> Window:
    """ValueError if it has no minute or its end cannot be told from its beginning."""
    start, end = _minute(window.get("from", "00:00")), _minute(window.get("to", "24:00"))
    if start == end:
        raise ValueError("begins and ends at the same time; a whole day is 00:00 to 24:00")
    days = frozenset(DAYS.index(day) for day in window.get("days", DAYS))
    return Window(start, end, days)


def _any_holds(windows: Iterable[Window], day: int, minute: int) -> bool:
    return any(window.holds(day, minute) for window in windows)


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
