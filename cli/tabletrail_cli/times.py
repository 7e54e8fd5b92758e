"""Points in time as people write them, and as they read them.

Pure but for the zone `local`: the present moment and the zone are arguments.

Rules
- Written: RFC 3339 (`2026-11-24T10:00:00Z`), without an offset in the given zone (`2026-11-24T10:00`, `2026-11-24`),
  relative (`90s`, `30m`, `2h`, `3d`, `2w` ago; a day is 24 hours), `now`.
- A time that the zone skips is refused. One that the zone has twice means the earlier as a start and the later as an
  end, so that nothing falls out; as a single moment it is refused, since no answer would be the right one.
- A date as an end means that day's end, so that `--since D --until D` is the day D.

Called by the commands and by `queries`.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

from tabletrail.errors import QueryError

_RELATIVE = re.compile(r"(\d{1,9})([smhdw])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LEGAL = "RFC 3339 (2026-11-24T10:00:00Z), a date (2026-11-24), a time ago (90s, 30m, 2h, 3d, 2w) or now"


class Role(Enum):
    """What a point in time is for; decides dates and ambiguous local times."""

    START = "start"
    END = "end"
    MOMENT = "moment"


def zone_of(name: str) -> tzinfo:
    """`UTC`, an IANA name, or `local` for this machine's own zone. QueryError names the legal forms."""
    if name.lower() == "local":
        return _local_zone()
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise QueryError(f"no time zone {name!r}: give an IANA name such as Europe/Berlin, UTC or local") from None


def _local_zone() -> tzinfo:
    name = os.environ.get("TZ")
    if name:
        return zone_of(name)
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError):
        raise QueryError("this machine does not say its time zone: give an IANA name such as Europe/Berlin") from None


def parse_time(text: str, zone: tzinfo, now: datetime, role: Role) -> datetime:
    """The moment that `text` means, in UTC. QueryError shows the legal forms."""
    word = text.strip()
    if word.lower() == "now":
        return now.astimezone(UTC)
    relative = _RELATIVE.fullmatch(word)
    try:
        if relative:
            ago = timedelta(seconds=int(relative[1]) * _UNIT_SECONDS[relative[2]])
            return now.astimezone(UTC) - ago
        if _DATE.fullmatch(word):
            return _start_of_day(date.fromisoformat(word), zone, role)
        moment = datetime.fromisoformat(word)
    except (ValueError, OverflowError):
        raise QueryError(f"not a time: {text!r}. Legal: {LEGAL}") from None
    if moment.tzinfo is None:
        return _in_zone(moment, zone, role)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise QueryError(f"not a time: {text!r} lies outside the years 1 to 9999") from None


def _start_of_day(day: date, zone: tzinfo, role: Role) -> datetime:
    if role is Role.END:
        day += timedelta(days=1)
    midnight = datetime.combine(day, time())
    # Some zones change their clocks at midnight: then the day begins with the first time that exists.
    while not _exists(midnight, zone):
        midnight += timedelta(minutes=15)
    # Where midnight comes twice, the day begins with the first; so the day before ends there too.
    return midnight.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _in_zone(moment: datetime, zone: tzinfo, role: Role) -> datetime:
    if not _exists(moment, zone):
        raise QueryError(f"{moment.isoformat()} does not exist in {zone}: its clocks skip it. Give an offset (+01:00)")
    earlier = moment.replace(tzinfo=zone, fold=0).astimezone(UTC)
    later = moment.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if earlier != later and role is Role.MOMENT:
        raise QueryError(
            f"{moment.isoformat()} comes twice in {zone}: give an offset ({as_stored(earlier)} or {as_stored(later)})"
        )
    return later if role is Role.END else earlier


def _exists(moment: datetime, zone: tzinfo) -> bool:
    """A local time that the zone skips does not survive the way to UTC and back."""
    there = moment.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None, fold=0) == moment.replace(fold=0)


def as_stored(moment: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds only if there are any: the form of `@timestamp`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def shown(stored: str, zone: tzinfo) -> str:
    """A stored `@timestamp` for reading: `2026-11-24 11:00:00 +01:00`; what is no time comes back as it is."""
    try:
        moment = datetime.fromisoformat(stored).astimezone(zone)
    except (ValueError, OverflowError):
        return stored
    offset = " " + moment.isoformat(timespec="seconds")[19:] if moment.utcoffset() else "Z"
    return f"{moment:%Y-%m-%d %H:%M:%S}{offset}"


def age(seconds: float) -> str:
    """A duration to be read at a glance: `42 s`, `17 min`, `5.2 h`, `3.1 d`."""
    if seconds < 120:
        return f"{max(0, int(seconds))} s"
    if seconds < 7200:
        return f"{int(seconds // 60)} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} d"
