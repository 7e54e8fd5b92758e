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
_INSIDES = {"M": dict, "L": list}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def view(value: Any) -> tuple[Leaf | None, Any]:
    """(leaf, None), or (None, content) for a map or list with something in it; (None, None) for None, an absence.

    EntryError if it is no typed value, or its content does not fit its type.
    """
    if value is None:
        return None, None
    if type(value) is not dict or len(value) != 1:
        raise EntryError("an attribute's value is not one type with its content")
    [(kind, content)] = value.items()
    if kind in SCALARS and type(content) is str:
        return (kind, content), None
    if content and type(content) is _INSIDES.get(kind):
        return None, content
    return (kind, _other_text(kind, content)), None


def _other_text(kind: str, content: Any) -> str:
    """The text of a leaf that is not simply a text."""
    if kind in _SETS and type(content) is list and all(type(one) is str for one in content):
        return json.dumps(sorted(content), ensure_ascii=False, separators=(",", ":"))
    if kind == "BOOL" and type(content) is bool:
        return "true" if content else "false"
    if kind == "NULL" and type(content) is bool:
        return "null"
    if kind in _INSIDES and type(content) is _INSIDES[kind]:
        return "{}" if kind == "M" else "[]"
    raise EntryError("an attribute has an unknown type or a content that does not fit it")


def is_searchable_number(text: str) -> bool:
    """True if an index's `double` takes it. The float made here is thrown away."""
    return _NUMBER.fullmatch(text) is not None and isfinite(float(text))
