"""The mark `_audit` that a writer puts into an item: who makes this one write.

    "_audit": {"id": …, "for": …, "actor": …, "type": …, "service": …, "request_id": …, "reason": …, "intent": …}

Rules
- A mark lies in the item until the next one takes its place. It tells who made a change only if it came with it: its id
  is a UUIDv7 that the old image did not have, greater than the old image's, made near the record's time, and `for`
  binds it to this table and key. Without the old image nobody can tell that it is new.
- A mark that came with a change and fails was copied, put back, restored or forged: what else came with it, such as
  `updatedBy`, names nobody either.
- A mark for a delete is set by an update that changes nothing else. A removal is its maker's if the removed item holds
  it, and it was made near the removal. No other mark of a removed item tells who removed it.
- Whatever else lies in `_audit` is no mark, and no trouble.

docs/format.md tells what writers write. Called by `actor` and by the conversion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException
from hashlib import sha256
from typing import Any

from tabletrail.core.diff import Image

ATTRIBUTE = "_audit"
DELETE = "delete"
TYPES = frozenset({"user", "service", "system"})
NEAR_SECONDS = 300
"""Between a mark's id and its record: clocks of writers that are wrong, and retries."""
LONGEST_NAME, LONGEST_REASON = 256, 1000
"""Characters, as the writers' package has them."""

_DOMAIN = "tabletrail/v1/mark"
_BINDING_DIGITS = 32
_UUID_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_EXACT = Context(prec=60)
_FARTHEST_EXPONENT = 130
"""Of DynamoDB's numbers. A larger one would be written out in as many digits."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is written in a mark of the right form. `bound` is its `for`; empty texts were not there."""

    id: str
    bound: str
    actor: str
    type: str = "user"
    service: str = ""
    request_id: str = ""
    reason: str = ""
    intent: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """What a mark must fit. `keys` is the record's key in typed JSON; `seconds` its time, since the epoch."""

    action: str
    table: str
    keys: Any
    seconds: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What the marks of one change tell.

    `own` names who made it, with that `confidence`. `last` is another write's, of this very item. `is_foreign`: one
    came with the change that is not its own.
    """

    own: Mark | None = None
    last: Mark | None = None
    is_foreign: bool = False
    confidence: str = "likely"


NO_MARKS = Marks()


def marks_of(deed: Deed, old: Image | None, new: Image | None) -> Marks:
    """What is known by marks of a change between two images; None for one that the record does not have. Never raises
    for what lies in an image."""
    before, after = _read(old), _read(new)
    mark = before if new is None else after
    if mark is None:
        return NO_MARKS
    is_ours = mark.bound == binding(mark.id, deed.table, deed.keys)
    last = mark if is_ours else None
    if deed.action in ("remove", "expire"):
        is_own = deed.action == "remove" and new is None and mark.intent == DELETE
        return Marks(own=mark) if is_own and is_ours and _is_near(mark, deed) else Marks(last=last)
    if before == mark:
        return Marks(last=last)
    if is_ours and _is_near(mark, deed) and _is_new(mark, deed.action, old, new):
        return Marks(own=mark)
    return Marks(last=last, is_foreign=True)


def mark_in(value: Any) -> Mark | None:
    """The mark that an attribute's value, in typed JSON, is; None if it is none."""
    fields = value.get("M") if type(value) is dict and len(value) == 1 else None
    if type(fields) is not dict:
        return None
    found: list[str] = []
    for name, longest in _FIELDS.items():
        text = _text(fields.get(name, _EMPTY), longest)
        if text is None:
            return None
        found.append(text)
    mark_id, bound, actor, kind, *others = found
    if _UUID_7.fullmatch(mark_id) is None or not bound or not actor:
        return None
    mark = Mark(mark_id, bound, actor, kind or "user", *others)
    return mark if mark.type in TYPES and mark.intent in ("", DELETE) else None


def binding(mark_id: str, table: str, keys: Any) -> str:
    """`for` as it must be: 32 hex digits. Empty, which no mark has, if `keys` is no key that DynamoDB sends."""
    return key_digest((_DOMAIN, mark_id, table), keys)[:_BINDING_DIGITS]


def key_digest(parts: tuple[str, ...], keys: Any) -> str:
    """The SHA-256 (hex) over `parts`, then each key attribute's name, type and text in the order of their names, each
    length-prefixed; numbers as DynamoDB writes them. Empty if `keys` is no key that DynamoDB sends."""
    if not keys:
        return ""
    try:
        for name in sorted(keys):
            [(kind, text)] = keys[name].items()
            parts += (name, kind, _plain_number(text) if kind == "N" else text)
        data = b"".join([len(part).to_bytes(8, "big") + part for part in map(str.encode, parts)])
    except (AttributeError, DecimalException, TypeError, ValueError):
        return ""
    return sha256(data).hexdigest()


def is_mark_id(text: str) -> bool:
    """True for a UUIDv7 as writers write it."""
    return _UUID_7.fullmatch(text) is not None


def made_ms(mark_id: str) -> int:
    """When it was made, by its writer's clock: the first 48 bits of a UUIDv7 (RFC 9562, 5.7), in milliseconds since the
    epoch."""
    return int(mark_id[:8] + mark_id[9:13], 16)


def id_in(image: Image | None) -> str:
    """The id that an image's `_audit` has, whatever else is in it; empty if there is none."""
    value = image.get(ATTRIBUTE) if image else None
    fields = value.get("M") if type(value) is dict else None
    text = _text(fields.get("id", _EMPTY), _UUID_CHARACTERS) if type(fields) is dict else None
    return text if text and _UUID_7.fullmatch(text) else ""


_UUID_CHARACTERS = 36
_EMPTY = {"S": ""}
_FIELDS = {
    "id": _UUID_CHARACTERS,
    "for": _BINDING_DIGITS,
    "actor": LONGEST_NAME,
    "type": LONGEST_NAME,
    "service": LONGEST_NAME,
    "request_id": LONGEST_NAME,
    "reason": LONGEST_REASON,
    "intent": LONGEST_NAME,
}
"""In the order of `Mark`, each with its most characters."""


def _read(image: Image | None) -> Mark | None:
    return mark_in(image[ATTRIBUTE]) if image and ATTRIBUTE in image else None


def _text(value: Any, longest: int) -> str | None:
    text = value.get("S") if type(value) is dict and len(value) == 1 else None
    return text if type(text) is str and len(text) <= longest else None


def _is_near(mark: Mark, deed: Deed) -> bool:
    return abs(made_ms(mark.id) - deed.seconds * 1000) <= NEAR_SECONDS * 1000


def _is_new(mark: Mark, action: str, old: Image | None, new: Image | None) -> bool:
    if action == "insert":
        # A mark for a delete on an item that comes to be: the item was read before its delete, and put back.
        return old is None and mark.intent != DELETE
    # Texts of one length in lower-case hex: their order is the numbers'.
    if old is None or new is None or mark.id <= id_in(old):
        return False
    return mark.intent != DELETE or _without_mark(old) == _without_mark(new)


def _without_mark(image: Image) -> Image:
    return {name: value for name, value in image.items() if name != ATTRIBUTE}


def _plain_number(text: str) -> str:
    """`1.50` is 1.5, `1E+2` is 100, `-0` is 0. ValueError for what is no number of DynamoDB's."""
    number = Decimal(text).normalize(_EXACT)
    if not number.is_finite() or abs(number.adjusted()) > _FARTHEST_EXPONENT:
        raise ValueError("no number of DynamoDB's")
    return "0" if not number else f"{number:f}"
