"""The outbox: rows that writers put beside a change, in one transaction with it, to say who made it.

    item        SHA-256 over "tabletrail/v1/outbox", the table's name and the key, each part length-prefixed
    id          the mark's id where the change carries one, else a UUIDv7 of its own
    action      put | update | delete ; table, key: what was written
    actor, type, service, request_id, reason; context: a JSON object as text

Rules
- A row speaks of one item: what it says of table and key must give its `item`, or it is no row.
- Whatever else lies in the table is no row, and no trouble. Nothing here raises for what a writer may put there.
- A row says that a write was made, not which record it became. A record that is said to be it claims it, under a name
  that no second one gets: `claim_key`. There is one for each way in which a record is joined with a row, so that a
  guess by time never takes it from the record that has its mark.

Called by `evidence` (joins records and rows) and by the conversion (shows what a row says).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from tabletrail.core.diff import Hide, shown_name
from tabletrail.core.marks import LONGEST_NAME, LONGEST_REASON, TYPES, Mark, is_mark_id, key_digest
from tabletrail.core.paths import cut_path, cut_text, member
from tabletrail.core.places import Place

DOMAIN = "tabletrail/v1/outbox"
PUT, UPDATE, DELETED = "put", "update", "delete"
ACTIONS = frozenset({PUT, UPDATE, DELETED})
CONTEXT_BYTES = 8_192
MOST_PATHS = 100
"""Of a context, in an entry."""
MOST_CANDIDATES = 10
"""In an entry, where several may have done it."""
LARGEST_ROW = 32_768
"""Characters of JSON: what the longest texts that a row may have, and the longest key, come to where each of their
characters has to be escaped."""

_LONGEST_TABLE = 255
_EMPTY = {"S": ""}


class Way(StrEnum):
    """How a record is joined with a row: by the mark that it wrote, by the mark of the item that it removed, or by
    being a removal near the row's time."""

    WRITTEN = "written"
    REMOVED = "removed"
    NEAR = "near"


class RowKey(NamedTuple):
    """Where one row lies: the hash and the range key of the outbox."""

    item: str
    id: str


class Span(NamedTuple):
    """Rows of one item by their ids, both bounds included. The ids of rows begin with the time at which they were
    made, so this is a span of time."""

    item: str
    first_id: str
    last_id: str


class RowClaim(NamedTuple):
    """That the record `claimant` is the write which a row tells of: at most one record is."""

    key: str
    claimant: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row of the right form. `context` is the writer's JSON object, empty where there is none that can be read;
    empty texts were not there."""

    item: str
    id: str
    action: str
    actor: str
    type: str = "user"
    service: str = ""
    request_id: str = ""
    reason: str = ""
    context: str = ""

    @property
    def author(self) -> tuple[str, str, str]:
        """Who is named: (actor, type, service)."""
        return self.actor, self.type, self.service


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the outbox tells of one record.

    `row`: whom it names made the change, `confidence` says how sure; "" where there is no row. `candidates`: each may
    have, and nobody knows who. `is_copy`: another record is the write that its mark was made for. `is_unread`: the
    outbox could not be read for too long, and this is what is known without it.
    """

    row: OutboxRow | None = None
    confidence: str = ""
    candidates: tuple[tuple[str, str, str], ...] = ()
    is_copy: bool = False
    is_unread: bool = False


NO_EVIDENCE = Evidence()


def item_digest(table: str, keys: Any) -> str:
    """`item` of the rows of one item; empty, which no row has, if `keys` is no key that DynamoDB sends."""
    return key_digest((DOMAIN, table), keys)


def row_in(item: dict[str, Any]) -> OutboxRow | None:
    """The row that an item of the outbox, in typed JSON, is; None if it is none."""
    found = [_text(item.get(name, _EMPTY), longest) for name, longest in _FIELDS.items()]
    texts = [text for text in found if text is not None]
    if len(texts) < len(found):
        return None
    digest, row_id, action, table, actor, kind, service, request_id, reason, context = texts
    keys = item.get("key")
    keys = keys.get("M") if type(keys) is dict and len(keys) == 1 else None
    if not digest or digest != item_digest(table, keys):
        return None
    if not is_mark_id(row_id) or action not in ACTIONS or not actor or (kind or "user") not in TYPES:
        return None
    is_read = _object(context) is not None
    return OutboxRow(
        digest, row_id, action, actor, kind or "user", service, request_id, reason, context if is_read else ""
    )


def is_row_sized(item: dict[str, Any]) -> bool:
    """False if an item of the outbox, in typed JSON, is too large for a row. It may have 400 KB, and be one of many."""
    return len(json.dumps(item, ensure_ascii=False)) <= LARGEST_ROW


def author_of(mark: Mark) -> tuple[str, str, str]:
    """As `OutboxRow.author`."""
    return mark.actor, mark.type, mark.service


def claim_key(row: RowKey, way: Way) -> str:
    """The name of the claim on a row.

    It has the item in it: whoever makes a mark with the same id for an item of his own takes nobody else's row.
    """
    return f"{row.id}#{row.item}#{way}"


def id_span(from_ms: int, until_ms: int) -> tuple[str, str]:
    """The least and the greatest UUIDv7 of these milliseconds since the epoch, both included."""
    first, last = f"{max(from_ms, 0):012x}", f"{max(until_ms, 0):012x}"
    return f"{first[:8]}-{first[8:]}-7000-8000-000000000000", f"{last[:8]}-{last[8:]}-7fff-bfff-ffffffffffff"


def context_of(row: OutboxRow, place: Place[Any], hide: Hide) -> dict[str, str]:
    """The entry's `context`: the text of each leaf by its path, the first `MOST_PATHS` in the order of the row.

    `place` is that of `context` in a mark: what is declared sensitive there is hidden.
    """
    found: dict[str, str] = {}
    for path, inner, text in _leaves(_object(row.context) or {}, place, hide):
        if len(found) == MOST_PATHS:
            break
        found[cut_path(path)] = hide("S", text) if inner.hides else cut_text(text)
    return found


def _leaves(content: dict[str, Any], place: Place[Any], hide: Hide) -> Iterator[tuple[str, Place[Any], str]]:
    """(path, place, text). No recursion: how deep a context is, is the writer's choice."""
    waiting: list[tuple[str, Place[Any], Any]] = [("", place, content)]
    while waiting:
        path, outside, value = waiting.pop()
        inside: list[tuple[str, Place[Any], Any]] = []
        if type(value) is dict:
            for name, one in value.items():
                inner = outside.into(name)
                inside.append((member(path, shown_name(name, outside, inner, hide)), inner, one))
        elif type(value) is list:
            inner = outside.position()
            inside = [(f"{path}[{number}]", inner, one) for number, one in enumerate(value)]
        if inside:
            waiting += reversed(inside)
        elif path:
            yield path, outside, value if type(value) is str else json.dumps(value)


def _object(text: str) -> dict[str, Any] | None:
    """What a JSON object's text holds; numbers as they are written. None for every other text."""
    try:
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None  # half of a surrogate pair is one of the ValueErrors: no entry could hold it
    return found if type(found) is dict else None


def _text(value: Any, longest: int) -> str | None:
    text = value.get("S") if type(value) is dict and len(value) == 1 else None
    if type(text) is not str or len(text) > longest:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text


_FIELDS = {
    "item": 64,
    "id": 36,
    "action": 6,
    "table": _LONGEST_TABLE,
    "actor": LONGEST_NAME,
    "type": LONGEST_NAME,
    "service": LONGEST_NAME,
    "request_id": LONGEST_NAME,
    "reason": LONGEST_REASON,
    "context": CONTEXT_BYTES,
}
"""Each with its most characters."""
