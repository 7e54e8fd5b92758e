"""Entries of every kind: the face of the conversion.

Rules
- `convert` never raises for a bad record and never drops one: what cannot be converted becomes an entry of kind
  `unreadable` that carries the whole record.
- The same record, source and conversion give the same bytes. Times of entries that have no record are passed in.
- Kinds: change | unreadable | gap | coverage | parked.

Called by the capture and by the index (for `reduced_entry`, `retried_entry`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tabletrail.core.canonical import canonical
from tabletrail.core.change import change_entry, item_of, seconds_of, sequence_of
from tabletrail.core.document import (
    SCHEMA,
    SEVERITY_CRITICAL,
    SEVERITY_HIGH,
    SEVERITY_LOW,
    Conversion,
    Entry,
    Source,
    fixed_fields,
    hash_of_document,
    moment_of,
    seal,
    sequence_key,
    with_hash,
)
from tabletrail.core.identity import coverage_id, gap_id, retry_id, unreadable_id
from tabletrail.core.message import short
from tabletrail.core.paths import cut_text, cut_with_hash
from tabletrail.errors import EntryError

__all__ = [
    "Conversion",
    "Entry",
    "Source",
    "convert",
    "coverage_entry",
    "gap_entry",
    "hash_of_document",
    "reduced_entry",
    "retried_entry",
]

NO_IMAGES = b'{"form":"none"}'
ITEM_ID_BYTES = 512

COVERAGE = {
    "joined": "is audited from now on",
    "left": "is no longer audited",
    "stream_replaced": "has a new stream; the old one is read to its end",
    "stream_disabled": "has its stream switched off: changes are no longer seen",
    "stream_gone": "has lost its stream: changes are no longer seen",
    "stream_ended": "had an old stream, which was read to its end",
    "table_deleted": "was deleted; its stream is read to its end",
    "view_type": "has a stream without both images: what changed is not seen",
    "rules_changed": "is audited under other rules from now on",
}
"""Known answers to `what` of a coverage entry; others are legal."""

GAP = {
    "trimmed": "shard {shard} was trimmed {after} before it was read",
    "vanished": "shard {shard} was forgotten by its stream {after} before its end was read",
    "stream_replaced": "no stream saw the time between the old stream's end and this one's beginning",
}
"""Why records may be missing."""


def convert(record: dict[str, Any], source: Source, conversion: Conversion, fallback_time: int = 0) -> Entry:
    """The entry of one record of a GetRecords reply, as `json.loads` gave it.

    `fallback_time` (seconds) is the time and period of an unreadable entry whose record has no usable time.
    """
    try:
        return change_entry(record, source, conversion)
    except EntryError as error:
        reason = str(error)
    except UnicodeEncodeError:
        reason = "a text holds half of a surrogate pair"
    except Exception as error:
        # Whatever is wrong with a record, or with our reading of it, must not stop the shard and must not be lost.
        reason = f"the conversion failed with {type(error).__name__}"
    return _unreadable(record, source, conversion, fallback_time, reason)


def gap_entry(
    source: Source,
    conversion: Conversion,
    last_position: str | None,
    certainty: str,
    observed_at: int,
    reason: str = "trimmed",
) -> Entry:
    """Records behind `last_position` (None: from the beginning) are lost. `certainty`: certain | possible.

    `reason` is one of GAP. `source.shard_id` is empty where no shard could have held the records.
    """
    entry_id = gap_id(source.stream_arn, source.shard_id, last_position, certainty)
    after = f"after {last_position}" if last_position else "from its beginning"
    are = "are" if certainty == "certain" else "may be"
    why = GAP[reason].format(shard=source.shard_id, after=after)
    message = f"changes of {source.table_name} {are} missing: {why}"
    document = _document(source, conversion, "gap", entry_id, observed_at, message)
    document["event"] |= {
        "sequence_key": sequence_key(last_position or "0"),
        "severity": SEVERITY_CRITICAL if certainty == "certain" else SEVERITY_HIGH,
        "type": ["error"],
    }
    document["tabletrail"]["gap"] = {"certainty": certainty}
    if last_position:
        document["tabletrail"]["gap"]["last_position"] = last_position
        document["stream"]["sequence"] = last_position
    return _entry(document, conversion, observed_at, None, NO_IMAGES)


def coverage_entry(
    source: Source, conversion: Conversion, what: str, number: int, observed_at: int, detail: str = ""
) -> Entry:
    """What is audited has changed. `what` is one of COVERAGE or a word like it, `number` the stream's count of these.

    `source.shard_id` may be empty. `detail` is a few words for a person, without item data.
    """
    entry_id = coverage_id(source.table_arn, source.stream_arn, what, number)
    message = f"{source.table_name} {COVERAGE.get(what, 'is audited otherwise from now on: ' + what)}"
    document = _document(source, conversion, "coverage", entry_id, observed_at, message)
    kind = {"joined": "start", "left": "end", "stream_gone": "end", "stream_disabled": "end"}.get(what, "change")
    document["event"] |= {
        "action": what,
        "category": ["configuration"],
        "kind": "event",
        "sequence_key": sequence_key(str(number)),
        "severity": SEVERITY_LOW if what in ("joined", "rules_changed") else SEVERITY_HIGH,
        "type": [kind],
    }
    document["tabletrail"]["coverage"] = {"number": number, "what": what}
    if detail:
        document["tabletrail"]["coverage"]["detail"] = cut_text(detail)
        document["message"] += f" ({short(detail)})"
    return _entry(document, conversion, observed_at, None, NO_IMAGES)


def reduced_entry(document: Mapping[str, Any] | bytes, reason: str, log: Mapping[str, Any] | None = None) -> bytes:
    """The small entry of kind `parked` that takes the place of one which the index refused; same `event.id`.

    `reason` is an error's type, never item data. `log` is the full entry's place; without it, `document` holds it.
    """
    full = _parsed(document)
    place = dict(log if log is not None else full["log"])
    event = {name: value for name, value in full["event"].items() if name != "hash"}
    parked = {"hash": full["event"]["hash"], "kind": full["tabletrail"]["kind"], "reason": cut_text(reason)}
    item = cut_with_hash(full.get("item", {}).get("id", ""), ITEM_ID_BYTES)
    line = f"line {place['line']} of segment {place['segment']}"
    reduced: dict[str, Any] = {
        "@timestamp": full["@timestamp"],
        "event": {**event, "dataset": "tabletrail.parked"},
        "message": short(f"the index refused an entry of {full['table']['name']}: the full one is {line}", 1000),
        "stream": full["stream"],
        "table": full["table"],
        "tabletrail": {"kind": "parked", "parked": parked, "schema": SCHEMA},
    }
    if item:
        reduced["item"] = {"id": item}
    return _with_place(reduced, place)


def retried_entry(document: Mapping[str, Any] | bytes) -> bytes:
    """The full entry under an id derived from its own, for when the index takes it after all.

    It says which entry's place it takes (`tabletrail.supersedes`). `document` has `log`.
    """
    full = dict(_parsed(document))
    place = full.pop("log")
    original = full["event"]["id"]
    full["event"] = {name: value for name, value in full["event"].items() if name != "hash"}
    full["event"]["id"] = retry_id(original)
    full["tabletrail"] = {**full["tabletrail"], "supersedes": original}
    return _with_place(full, place)


def _unreadable(record: Any, source: Source, conversion: Conversion, fallback_time: int, reason: str) -> Entry:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
    data = record.get("dynamodb") if type(record) is dict else None
    data = data if type(data) is dict else {}
    try:
        sequence_no: str | None = sequence_of(data)
    except EntryError:
        sequence_no = None
    try:
        seconds = seconds_of(data)
    except EntryError:
        seconds = fallback_time
    position = sequence_no or sha256(text.encode()).hexdigest()
    entry_id = unreadable_id(source.stream_arn, source.shard_id, position)
    message = f"a record of {source.table_name} could not be read: {reason}; it is kept whole in its segment"
    document = _document(source, conversion, "unreadable", entry_id, seconds, message)
    document["event"] |= {
        "sequence_key": sequence_key(sequence_no or "0"),
        "severity": SEVERITY_HIGH,
        "type": ["error"],
    }
    document["tabletrail"]["unreadable"] = {"reason": reason}
    if sequence_no:
        document["stream"]["sequence"] = sequence_no
    _add_item(document, data)
    images = json.dumps({"form": "record", "record": text}, separators=(",", ":")).encode()
    return _entry(document, conversion, seconds, sequence_no, images)


def _add_item(document: dict[str, Any], data: dict[str, Any]) -> None:
    try:
        item_id, item_key = item_of(data.get("Keys"))
        canonical([item_id, item_key])
    except (EntryError, UnicodeEncodeError):
        return
    document["item"] = {"id": item_id, "key": item_key}


def _document(
    source: Source, conversion: Conversion, kind: str, entry_id: str, seconds: int, message: str
) -> dict[str, Any]:
    stream = {"arn": source.stream_arn, "shard": source.shard_id}
    return {
        "@timestamp": moment_of(seconds, conversion.index_period)[0],
        "event": {
            "action": kind,
            "category": ["database"],
            "dataset": f"tabletrail.{kind}",
            "id": entry_id,
            "kind": "pipeline_error",
        },
        "message": message,
        "stream": {name: value for name, value in stream.items() if value},
        "tabletrail": {"kind": kind, "rules_version": conversion.rules_version, "schema": SCHEMA},
        **fixed_fields(source),
    }


def _entry(
    document: dict[str, Any], conversion: Conversion, seconds: int, sequence_no: str | None, images: bytes
) -> Entry:
    index = moment_of(seconds, conversion.index_period)[1]
    return Entry(document["event"]["id"], document["tabletrail"]["kind"], index, sequence_no, seal(document), images)


def _parsed(document: Mapping[str, Any] | bytes) -> Mapping[str, Any]:
    return json.loads(document) if isinstance(document, bytes) else document


def _with_place(document: dict[str, Any], place: Mapping[str, Any]) -> bytes:
    hashed = json.loads(with_hash(canonical(document)))
    return canonical({**hashed, "log": dict(place)})
