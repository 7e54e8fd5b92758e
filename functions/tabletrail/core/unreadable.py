"""A record that cannot be converted, kept whole.

Rules
- `images` carries the record as ASCII JSON text, so that half surrogate pairs and numbers of any form survive.
- Its key is shown where it can be read. Its time is the record's where usable, else the one passed in.
- The reason never holds item data.

Called by `entry`.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from tabletrail.core.canonical import canonical
from tabletrail.core.change import item_of, seconds_of, sequence_of
from tabletrail.core.document import SEVERITY_HIGH, Conversion, Entry, Source, sequence_key
from tabletrail.core.identity import unreadable_id
from tabletrail.core.notices import notice, sealed
from tabletrail.errors import EntryError

_NOTHING = object()


def unreadable_entry(record: Any, source: Source, conversion: Conversion, fallback_time: int, reason: str) -> Entry:
    text = _ascii_json(record)
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
    document = notice(source, conversion, "unreadable", entry_id, seconds, message)
    document["event"] |= {
        "sequence_key": sequence_key(sequence_no or "0"),
        "severity": SEVERITY_HIGH,
        "type": ["error"],
    }
    document["tabletrail"]["unreadable"] = {"reason": reason}
    if sequence_no:
        document["stream"]["sequence"] = sequence_no
    _add_item(document, data, source, conversion)
    images = json.dumps({"form": "record", "record": text}, separators=(",", ":")).encode()
    return sealed(document, conversion, seconds, sequence_no, images)


def _ascii_json(record: Any) -> str:
    """JSON with sorted keys in ASCII: a lone surrogate and a NaN stay what they were."""
    try:
        return json.dumps(record, sort_keys=True, separators=(",", ":"), default=str)
    except RecursionError:
        # DynamoDB nests 32 levels and this takes hundreds, but nothing is dropped on the strength of that.
        return _ascii_json_without_recursion(record)


def _ascii_json_without_recursion(record: Any) -> str:
    pieces: list[str] = []
    waiting: list[tuple[str, Any]] = [("", record)]
    while waiting:
        before, value = waiting.pop()
        pieces.append(before)
        if value is _NOTHING:
            continue
        if isinstance(value, dict):
            inner = [(json.dumps(name) + ":", value[name]) for name in sorted(value)]
        elif isinstance(value, list):
            inner = [("", one) for one in value]
        else:
            pieces.append(json.dumps(value, default=str))
            continue
        start, end = "{}" if isinstance(value, dict) else "[]"
        pieces.append(start)
        waiting.append((end, _NOTHING))
        waiting += [("," * (place > 0) + name, one) for place, (name, one) in reversed(list(enumerate(inner)))]
    return "".join(pieces)


def _add_item(document: dict[str, Any], data: dict[str, Any], source: Source, conversion: Conversion) -> None:
    root = conversion.policy.of(source.table_name).root
    try:
        item_id, item_key = item_of(data.get("Keys"), source.partition_key, root, conversion.hide)
        canonical([item_id, item_key])
    except (EntryError, UnicodeEncodeError):
        return
    document["item"] = {"id": item_id, "key": item_key}
