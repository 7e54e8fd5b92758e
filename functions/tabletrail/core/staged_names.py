"""The names of the log's objects: `segments/v1/YYYY/MM/DD/<segment id>.ndjson.gz`.

The day is that of staging, UTC. A bucket lists its keys in their order, so by days.

Pure. Called by the staging, and by whoever lists the log.
"""

from __future__ import annotations

from datetime import UTC, datetime

PREFIX = "segments/v1/"
SUFFIX = ".ndjson.gz"


def day_prefix(seconds: float) -> str:
    """What all keys of that day begin with."""
    return f"{PREFIX}{datetime.fromtimestamp(seconds, UTC):%Y/%m/%d}/"


def key_of(segment_id: str, seconds: float) -> str:
    """The key of a segment that is staged at `seconds`."""
    return f"{day_prefix(seconds)}{segment_id}{SUFFIX}"


def day_of(key: str) -> str:
    """What the keys of the same day begin with."""
    return key[: key.rindex("/") + 1]


def segment_of(key: str) -> str:
    """The id of the segment that lies at `key`; empty if no segment can."""
    name = key.rpartition("/")[2]
    is_ours = key.startswith(PREFIX) and name.endswith(SUFFIX)
    return name.removesuffix(SUFFIX) if is_ours else ""
