"""DynamoDB's typed JSON as text.

Rules
- S, N and B are their own text: a number keeps every digit, binary stays base64. BOOL is true or false, NULL is null.
- A set is a JSON array of its members' texts, sorted by code points: a set has no order, so neither has its text.
- M and L are places to go into, except when they are empty: then they are the leaves {} and [].
- Nothing is turned into a float, ever.

Called by `diff` and by the makers of entries.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

from tabletrail.errors import EntryError

Leaf = tuple[str, str]
"""(type, text): two leaves are the same only if both are."""

SCALARS = frozenset({"S", "N", "B"})
_SETS = frozenset({"SS", "NS", "BS"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def typed(value: Any) -> tuple[str, Any]:
    """(type, content) of a typed value; EntryError if it is none."""
    if type(value) is not dict or len(value) != 1:
        raise EntryError("an attribute's value is not one type with its content")
    return next(iter(value.items()))


def children(kind: str, content: Any) -> bool:
    """True if the value is a map or list with something in it: a place to go into, not a leaf."""
    if kind == "M":
        if type(content) is not dict:
            raise EntryError("a map's content is not a JSON object")
    elif kind == "L":
        if type(content) is not list:
            raise EntryError("a list's content is not a JSON array")
    else:
        return False
    return bool(content)


def leaf_text(kind: str, content: Any) -> str:
    """The text of a leaf. EntryError for an unknown type or a content that does not fit it."""
    if kind in SCALARS:
        if type(content) is str:
            return content
    elif kind in _SETS:
        if type(content) is list and all(type(one) is str for one in content):
            return json.dumps(sorted(content), ensure_ascii=False, separators=(",", ":"))
    elif kind == "BOOL":
        if type(content) is bool:
            return "true" if content else "false"
    elif kind == "NULL":
        if type(content) is bool:
            return "null"
    elif kind in ("M", "L") and not children(kind, content):
        return "{}" if kind == "M" else "[]"
    raise EntryError(f"an attribute of type {kind if kind in KINDS else '(unknown)'} has a content that does not fit")


KINDS = SCALARS | _SETS | {"BOOL", "NULL", "M", "L"}


def is_searchable_number(text: str) -> bool:
    """True if an index's `double` takes it. The float made here is thrown away."""
    return _NUMBER.fullmatch(text) is not None and isfinite(float(text))
