"""What one entry must be by itself: its hash, its id, its place, its index, its schema.

Rules
- The id of a `change` needs the record's eventID, which the log does not keep: the stream tells (`stream_walk`).
- The index's period is read off its own name: a log keeps the names that its entries were given.
- An entry of kind `attribution` about a change has the change's sequence_key, which is not looked up. Of one about no
  change the id counts the writes of its call, which the entry does not hold: it must be the id of some such write.

Called by `segment_check`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from tabletrail_verify.canonical_form import VERSION, FormError, event_hash, field, hash_of

PREFIX = "tabletrail-v1-"
NUMBERED = ("change", "unreadable")
"""Kinds that stand for a record, and so belong to a shard's chain where they have a sequence number."""

_KINDS = (*NUMBERED, "gap", "coverage", "attribution")
_WRITES_OF_A_CALL = 100
"""DynamoDB takes no more in one call."""

SchemaCheck = Callable[[Any], str]
"""Empty, or the path of the first field that does not fit."""

_HEX = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,40}")
_MONTH = re.compile(r"[0-9]{4}\.[0-9]{2}")
_WEEK = re.compile(r"[0-9]{4}\.w[0-9]{2}")
_DAY = re.compile(r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}")

Problem = tuple[str, str]
"""(code, detail)"""


def problems_of(entry: Any, images: Any, segment_id: str, line: int) -> Iterator[Problem]:
    """All that is wrong with the entry of one line. `entry` and `images` are parsed JSON, and may be anything."""
    kind = field(entry, "tabletrail.kind")
    if not isinstance(entry, dict) or not isinstance(field(entry, "event.id"), str):
        yield "line-form", "the line holds no entry with an id"
        return
    yield from _hash_problems(entry)
    if (field(entry, "log.segment"), field(entry, "log.line")) != (segment_id, line):
        yield "entry-place", "its `log` names another segment or line"
    expected = index_of(field(entry, "@timestamp"), field(entry, "log.index"))
    if expected != field(entry, "log.index"):
        yield "entry-index", f"its time belongs to {expected or 'no index that can be told'}"
    if kind not in _KINDS:
        yield "entry-kind", f"its kind is not one of {', '.join(_KINDS)}"
        return
    yield from _id_problems(entry, images, str(kind))


def sequence_of(entry: Any) -> str | None:
    """The number that the entry adds to its shard's chain; None if it adds none."""
    number = field(entry, "stream.sequence")
    is_record = field(entry, "tabletrail.kind") in NUMBERED
    return number if is_record and isinstance(number, str) else None


def change_id(stream_arn: str, event_id: str, sequence_no: str) -> str:
    return hash_of((VERSION, "change", stream_arn, event_id, sequence_no))


def unreadable_id(stream_arn: str, shard_id: str, position: str) -> str:
    return hash_of((VERSION, "unreadable", stream_arn, shard_id, position))


def retry_id(original: str) -> str:
    return hash_of((VERSION, "retry", original))


def index_of(timestamp: Any, like: Any) -> str | None:
    """The index of that time, for a period like the one that the name `like` has. None if either cannot be read."""
    if not isinstance(timestamp, str) or not isinstance(like, str) or not like.startswith(PREFIX):
        return None
    return _index_of(timestamp, like[len(PREFIX) :])


@lru_cache(maxsize=4096)
def _index_of(timestamp: str, period: str) -> str | None:
    try:
        moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    if _MONTH.fullmatch(period):
        return f"{PREFIX}{moment:%Y.%m}"
    if _DAY.fullmatch(period):
        return f"{PREFIX}{moment:%Y.%m.%d}"
    if _WEEK.fullmatch(period):
        year, week, _ = moment.isocalendar()
        return f"{PREFIX}{year}.w{week:02d}"
    return None


def _hash_problems(entry: dict[str, Any]) -> Iterator[Problem]:
    try:
        if field(entry, "event.hash") != event_hash(entry):
            yield "entry-hash", "its content does not give its event.hash"
    except FormError as error:
        yield "line-form", str(error)


def _id_problems(entry: dict[str, Any], images: Any, kind: str) -> Iterator[Problem]:
    found = field(entry, "event.id")
    if not _HEX.fullmatch(found):
        yield "entry-id", "its id is no hash"
        return
    expected, key = _derived(entry, images, kind)
    if expected is not None and expected != found:
        yield "entry-id", f"the format derives {expected} from its position"
    if field(entry, "event.sequence_key") != key.zfill(40):
        yield "entry-id", "its event.sequence_key is not its position padded to 40 digits"


def _derived(entry: dict[str, Any], images: Any, kind: str) -> tuple[str | None, str]:
    """(the id that follows from the entry, None where it does not follow; the number in its sequence_key)."""
    arn, shard = (str(field(entry, f"stream.{name}") or "") for name in ("arn", "shard"))
    sequence = field(entry, "stream.sequence")
    if kind == "change":
        return None, str(sequence)
    if kind == "unreadable":
        if isinstance(sequence, str) and _DIGITS.fullmatch(sequence):
            return unreadable_id(arn, shard, sequence), sequence
        record = str(field(images, "record"))
        return unreadable_id(arn, shard, sha256(record.encode("utf-8", "surrogatepass")).hexdigest()), "0"
    if kind == "gap":
        return _gap(entry, arn, shard)
    if kind == "attribution":
        return _attribution(entry, arn)
    what, number = field(entry, "tabletrail.coverage.what"), field(entry, "tabletrail.coverage.number")
    table_arn = str(field(entry, "table.arn"))
    return hash_of((VERSION, "coverage", table_arn, arn, str(what), str(number))), str(number)


def _attribution(entry: dict[str, Any], arn: str) -> tuple[str, str]:
    about = field(entry, "tabletrail.about")
    if isinstance(about, str):
        return hash_of((VERSION, "attribution", arn, about)), str(field(entry, "event.sequence_key"))
    call = str(field(entry, "principal.call"))
    ids = [hash_of((VERSION, "unrecorded", arn, call, str(number))) for number in range(_WRITES_OF_A_CALL)]
    found = field(entry, "event.id")
    return found if found in ids else ids[0], "0"


def _gap(entry: dict[str, Any], arn: str, shard: str) -> tuple[str, str]:
    gap = field(entry, "tabletrail.gap")
    position = str(field(gap, "last_position") or "")
    parts = [VERSION, "gap", arn, shard, position, str(field(gap, "certainty"))]
    number = field(gap, "number")
    return hash_of([*parts, str(number)] if number is not None else parts), position or "0"
