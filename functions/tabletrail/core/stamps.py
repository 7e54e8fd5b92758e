"""The stamp that all tables share, by which a table that was restored or made anew is told from the others.

Each run writes the same, next number into all four tables at once, with the ids of the tables. DynamoDB gives a table
an id of its own when it is made, also when it is made by a restore.

Rules
- Tables that belong together hold the same stamp, and each is the very table that the stamp names. Anything else means
  that one was restored or made anew: then its rows are older than the log.
- A run's name begins with its stamp, so the keys of its segments tell it, in the order of the bucket's listing: a log
  that has a later stamp than the tables shows that all of them are old.

Pure. Called by `tabletrail.stamping`, `tabletrail.recovery` and the adapter of the stamps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tabletrail.core.staged_names import PREFIX, day_prefix

TABLES = ("streams", "streams_shards", "segments", "runs")
"""The tables, by the end of their names."""
_STAMPED = re.compile(re.escape(PREFIX) + r"\d{4}/\d\d/\d\d/s(\d{10})-")
_BEHIND_ALL = "~"
"""Sorts behind everything that may follow a stamp in a key."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """`at`: when it was written, seconds since the epoch. `ids`: of all tables, by their names in TABLES."""

    number: int
    at: int
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stamped:
    """What the tables show, by their names in TABLES: each one's stamp, None where it has none, and its present id."""

    stamps: Mapping[str, Stamp | None]
    ids: Mapping[str, str]

    @property
    def newest(self) -> Stamp | None:
        return max((stamp for stamp in self.stamps.values() if stamp), key=lambda stamp: stamp.number, default=None)

    @property
    def number(self) -> int:
        """The highest stamp, 0 if there is none."""
        return self.newest.number if self.newest else 0

    def behind(self) -> dict[str, str]:
        """The tables that are not as the last run left them, each with the words for it."""
        newest = self.newest
        if newest is None:
            return {}
        found = {table: _trouble(self.stamps[table], self.ids[table], newest, table) for table in TABLES}
        return {table: words for table, words in found.items() if words}


def _trouble(stamp: Stamp | None, table_id: str, newest: Stamp, table: str) -> str:
    if stamp is None:
        return "made anew, it has no stamp"
    if stamp.number < newest.number:
        return f"as at {_moment(stamp.at)}, with stamp {stamp.number} and not {newest.number}"
    if table_id != newest.ids.get(table):
        return f"made anew or restored since it was stamped at {_moment(stamp.at)}"
    return ""


def stamped_run(number: int, run_id: str) -> str:
    """The name under which a run's segments are staged."""
    return f"s{number:010d}-{run_id}"


def stamp_of(key: str) -> int:
    """The stamp in a segment's key; 0 if it was staged before there were stamps."""
    match = _STAMPED.match(key)
    return int(match[1]) if match else 0


def behind_stamp(number: int, seconds: float) -> str:
    """A key behind all that runs of this stamp, and runs before it, have staged on the day of `seconds`."""
    return f"{day_prefix(seconds)}s{number:010d}{_BEHIND_ALL}"


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
