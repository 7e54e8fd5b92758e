"""The mark of one write: a map that says who made it, bound to the one item that it was made for.

    "_audit": {"id": …, "for": …, "actor": …, "type": …, "service": …, "request_id": …, "reason": …, "intent": …}

Rules
- `id` is a UUIDv7 (RFC 9562) made for this write; in one process each is greater than the one before.
- `for` binds it to a table and a key: the first 32 hex digits of the SHA-256 over length-prefixed parts,
  "tabletrail/v1/mark", the id, the table's name, then each key attribute's name, type and text in the order of their
  names. A mark that is copied to another item does not fit.
- Numbers of keys are hashed as DynamoDB writes them: no exponent, no zeros that say nothing.

Called by `tabletrail_client.editing` and its neighbours.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from tabletrail_client.context import Act
from tabletrail_client.errors import AuditedError

ATTRIBUTE = "_audit"
DELETE = "delete"
DOMAIN = "tabletrail/v1/mark"
BINDING_DIGITS = 32

Typed = Mapping[str, Any]
"""A map of attributes in DynamoDB's typed JSON."""

_EXACT = Context(prec=60)
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7: 48 bits of milliseconds, 12 of a counter within them, 62 of chance."""
    global _last  # noqa: PLW0603 -- the order of ids is this process's own state
    with _lock:
        # 12 bits below the millisecond, as RFC 9562's method 3 has them; never back, whatever the clock does.
        now = time.time_ns()
        tick = (now // 1_000_000 << 12) | (now % 1_000_000 * 4096 // 1_000_000)
        _last = max(_last + 1, tick)
        tick = _last
    chance = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1
    number = (tick >> 12 << 80) | (7 << 76) | ((tick & 0xFFF) << 64) | (2 << 62) | chance
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def binding(mark_id: str, table: str, key: Typed) -> str:
    """`for` of a mark. `key` is the whole key and nothing else. AuditedError if it is none."""
    parts = [DOMAIN, mark_id, table]
    for name in sorted(key):
        kind, text = scalar(key[name])
        parts += [name, kind, text]
    return digest(*parts)[:BINDING_DIGITS]


def digest(*parts: str) -> str:
    """SHA-256 in hex over each part's length in bytes (8 bytes, big-endian) and the part itself (UTF-8)."""
    data = b"".join(len(part).to_bytes(8, "big") + part for part in map(str.encode, parts))
    return hashlib.sha256(data).hexdigest()


def scalar(value: Any) -> tuple[str, str]:
    """(type, text) of a key attribute in typed JSON: S as it is, N as DynamoDB writes it, B as base64."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise AuditedError("audited: a key attribute is neither text nor number nor binary")
    [(kind, content)] = value.items()
    if kind == "N":
        return kind, plain_number(str(content))
    if kind == "B" and isinstance(content, bytes | bytearray):
        return kind, base64.b64encode(content).decode()
    if kind in ("S", "B") and isinstance(content, str):
        return kind, content
    raise AuditedError("audited: a key attribute is neither text nor number nor binary")


def plain_number(text: str) -> str:
    """`1.50` is 1.5, `1E+2` is 100, `-0` is 0: as DynamoDB writes numbers in its streams."""
    number = Decimal(text).normalize(_EXACT)
    return "0" if not number else f"{number:f}"


def mark(act: Act, table: str, key: Typed, intent: str = "", mark_id: str = "") -> dict[str, Any]:
    """The mark in typed JSON, for one write to one item. `act` is a named one."""
    mark_id = mark_id or new_id()
    texts = {
        "id": mark_id,
        "for": binding(mark_id, table, key),
        "actor": act.actor,
        "type": act.type,
        "service": act.service,
        "request_id": act.request_id,
        "reason": act.reason,
        "intent": intent,
    }
    return {"M": {name: {"S": text} for name, text in texts.items() if text}}
