"""Who made a change, by the rules of docs/attribution.md word for word and slowly. For records without userIdentity.

Shares no code with the product. `uuid_at` makes ids for any moment.

Called by the tests of marks.
"""

from __future__ import annotations

import hashlib
import uuid
from decimal import Decimal
from typing import Any

Item = dict[str, Any]


def uuid_at(milliseconds: int, chance: int = 0) -> str:
    """A UUIDv7 of this moment; `chance` below 2^74 fills what is left, its first 12 bits behind the version."""
    number = milliseconds << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance & (1 << 62) - 1
    return str(uuid.UUID(int=number))


def text_of(field: Any) -> str | None:
    if isinstance(field, dict) and list(field) == ["S"] and isinstance(field["S"], str):
        return str(field["S"])
    return None


def mark_of(image: Item | None) -> dict[str, str] | None:
    """The mark's texts, "" for those that are left out."""
    attribute = (image or {}).get("_audit")
    if not isinstance(attribute, dict) or list(attribute) != ["M"] or not isinstance(attribute["M"], dict):
        return None
    most = {"id": 36, "for": 32, "actor": 256, "type": 256, "service": 256, "request_id": 256, "reason": 1000}
    texts: dict[str, str] = {}
    for name in (*most, "intent"):
        text = text_of(attribute["M"][name]) if name in attribute["M"] else ""
        if text is None or len(text) > most.get(name, 256):
            return None
        texts[name] = text
    known = texts["type"] in ("", "user", "service", "system") and texts["intent"] in ("", "delete")
    return texts if known and is_uuid_7(texts["id"]) and texts["for"] and texts["actor"] else None


def is_uuid_7(text: str) -> bool:
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return False
    return parsed.version == 7 and parsed.variant == uuid.RFC_4122 and str(parsed) == text


def number(text: str) -> str:
    written = format(Decimal(text), "f")
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written in ("-0", "") else written


def bound(mark_id: str, table: str, keys: Item) -> str:
    data = b""
    parts = ["tabletrail/v1/mark", mark_id, table]
    for name in sorted(keys):
        [kind] = keys[name]
        parts += [name, kind, number(keys[name][kind]) if kind == "N" else keys[name][kind]]
    for part in parts:
        data += len(part.encode()).to_bytes(8, "big") + part.encode()
    return hashlib.sha256(data).hexdigest()[:32]


def is_sound(mark: dict[str, str], record: Item, table: str) -> bool:
    """Bound to the item, and near the record's time."""
    data = record["dynamodb"]
    made = uuid.UUID(mark["id"]).int >> 80
    is_near = abs(made - data["ApproximateCreationDateTime"] * 1000) <= 300_000
    return is_near and mark["for"] == bound(mark["id"], table, data["Keys"])


def namer(record: Item, table: str) -> dict[str, str] | None:
    """The mark that names who made the change."""
    old, new = record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")
    if record["eventName"] == "REMOVE":
        mark = mark_of(old)
        return mark if mark and mark["intent"] == "delete" and is_sound(mark, record, table) else None
    mark = mark_of(new)
    if mark is None or not is_sound(mark, record, table):
        return None
    if record["eventName"] == "INSERT":
        return mark if mark["intent"] == "" else None
    if old is None:
        return None
    earlier = text_of((old.get("_audit", {}).get("M") or {}).get("id")) or ""
    if is_uuid_7(earlier) and uuid.UUID(earlier).int >= uuid.UUID(mark["id"]).int:
        return None
    others = [{name: value for name, value in image.items() if name != "_audit"} for image in (old, new)]
    return mark if mark["intent"] == "" or others[0] == others[1] else None


def actor(record: Item, table: str, attribute: str = "updatedBy") -> dict[str, str]:
    """The entry's `actor`, empty if it has none."""
    old, new = record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")
    mark = namer(record, table)
    if mark is not None:
        service = {"service": mark["service"]} if mark["service"] else {}
        kind = mark["type"] or "user"
        return {"id": mark["actor"], "type": kind, "source": "mark", "confidence": "likely"} | service
    lies = mark_of(old if new is None else new)
    name = text_of((old if new is None else new or {}).get(attribute)) if (old if new is None else new) else None
    came_along = new is not None and lies is not None and mark_of(old) != lies
    before = {} if record["eventName"] == "INSERT" else old
    if name and new is not None and before is not None and before.get(attribute) != new[attribute] and not came_along:
        return {"id": name, "type": "user", "source": "attribute", "confidence": "possible"}
    is_ours = lies is not None and lies["for"] == bound(lies["id"], table, record["dynamodb"]["Keys"])
    last = lies["actor"] if is_ours and lies is not None else name
    return {"last_known": last} if last else {}
