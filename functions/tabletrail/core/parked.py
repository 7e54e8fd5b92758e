"""What takes an entry's place in the index when the index refuses it, and what comes after.

Rules
- The log keeps the full entry in its segment: nothing here replaces it.
- A reduced entry holds nothing that an item's writer could make large or odd, except its key, cut.
- Both name the other: the reduced one by `log` and the full one's hash, the retried one by `tabletrail.supersedes`.

Called by `entry`, which shows them to the index.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tabletrail.core.canonical import canonical
from tabletrail.core.document import SCHEMA, with_hash
from tabletrail.core.identity import retry_id
from tabletrail.core.message import short
from tabletrail.core.paths import cut_text, cut_with_hash

ITEM_ID_BYTES = 512


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
        "tabletrail": {
            "kind": "parked",
            "parked": parked,
            "rules_version": full["tabletrail"]["rules_version"],
            "schema": SCHEMA,
        },
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


def _parsed(document: Mapping[str, Any] | bytes) -> Mapping[str, Any]:
    return json.loads(document) if isinstance(document, bytes) else document


def _with_place(document: dict[str, Any], place: Mapping[str, Any]) -> bytes:
    hashed = json.loads(with_hash(canonical(document)))
    return canonical({**hashed, "log": dict(place)})
