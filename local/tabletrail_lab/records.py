"""Records as GetRecords' JSON has them, kept as bytes.

Rules
- Members and their order are the service's; `userIdentity` is written with the capitals that the API has.
- Images follow the stream's view type.
- A record is encoded once, when it is written: each read gives the same bytes.

Called by `laboratory`.
"""

from __future__ import annotations

import json
from typing import Any

from tabletrail_lab.errors import LabError

EVENT_NAMES = ("INSERT", "MODIFY", "REMOVE")
VIEW_TYPES = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
TTL_IDENTITY = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)  # kept: making one costs more than using it
_OLD, _NEW = ("NEW_AND_OLD_IMAGES", "OLD_IMAGE"), ("NEW_AND_OLD_IMAGES", "NEW_IMAGE")


def check_change(change: Any) -> None:
    """LabError if a change to write lacks what each record has."""
    if not isinstance(change, dict):
        raise LabError("a record to write is an object with eventName and Keys")
    if change.get("eventName") not in EVENT_NAMES:
        raise LabError(f"eventName is one of {', '.join(EVENT_NAMES)}")
    if not isinstance(change.get("Keys"), dict) or not change["Keys"]:
        raise LabError("Keys holds at least the partition key, in typed JSON")
    for name in ("OldImage", "NewImage", "userIdentity"):
        if not isinstance(change.get(name), dict | None):
            raise LabError(f"{name} is an object, or left out")
    if not isinstance(change.get("created", 0), int | float):
        raise LabError("created is a number of seconds since the epoch")
    unknown = change.keys() - {"eventName", "Keys", "OldImage", "NewImage", "created", "userIdentity"}
    if unknown:
        raise LabError(f"a record to write has no {', '.join(sorted(unknown))}; write_poison takes records as they are")


def service_record(
    change: dict[str, Any], sequence: str, event_id: str, created: int, view_type: str, region: str
) -> dict[str, Any]:
    """A change as the service's record."""
    body: dict[str, Any] = {"ApproximateCreationDateTime": created, "Keys": change["Keys"]}
    if view_type in _NEW and change.get("NewImage") is not None:
        body["NewImage"] = change["NewImage"]
    if view_type in _OLD and change.get("OldImage") is not None:
        body["OldImage"] = change["OldImage"]
    size = sum(len(json.dumps(part)) for part in body.values() if isinstance(part, dict))
    body |= {"SequenceNumber": sequence, "SizeBytes": size, "StreamViewType": view_type}
    record: dict[str, Any] = {
        "eventID": event_id,
        "eventName": change["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": body,
    }
    if change.get("userIdentity"):
        record["userIdentity"] = _identity(change["userIdentity"])
    return record


def encoded(record: Any) -> bytes:
    """Compact JSON in UTF-8; text that UTF-8 cannot hold stays escaped."""
    try:
        return _ENCODER.encode(record).encode()
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode()


def _identity(given: dict[str, Any]) -> dict[str, Any]:
    """With the names as the API writes them; Lambda's events have them in small letters."""
    return {
        "PrincipalId": given.get("PrincipalId", given.get("principalId")),
        "Type": given.get("Type", given.get("type")),
    }
