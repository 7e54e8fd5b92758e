"""JSON in one form only: RFC 8785 (JCS), for the values that entries are made of.

Rules
- Strings, whole numbers below 2^53 in size, true, false, null, lists and maps. A float is refused: none is ever made
  from a DynamoDB number, and its canonical form is the one hard part of the RFC.
- Keys are sorted by UTF-16 code units (clause 3.2.3); output is UTF-8.
- A lone surrogate has no UTF-8 form: refused.

Called by the makers of entries and by whoever verifies a hash.
"""

from __future__ import annotations

import re
from json.encoder import JSONEncoder
from typing import Any

from tabletrail.errors import EntryError

LARGEST = 2**53 - 1

# json's C encoder writes strings as clause 3.2.2.2 wants them: short escapes, lower-case \u00xx, all else as it is.
_sorted_by_code_point = JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode
_scalar = _sorted_by_code_point
_SUPPLEMENTARY = re.compile(rb"[\xf0-\xf4]")


def canonical(value: Any) -> bytes:
    """The canonical UTF-8 bytes of `value`. EntryError if it holds what the rules above refuse."""
    _check(value)
    return canonical_unchecked(value)


def canonical_unchecked(value: Any) -> bytes:
    """The same for a value whose maker has already let in nothing but texts, small whole numbers, lists and maps.

    The conversion of a page spends its time here, so the walk over every value is left to the maker.
    """
    try:
        text = _sorted_by_code_point(value)
        data = text.encode()
        # Code points and UTF-16 code units sort alike unless a supplementary character (4 bytes in UTF-8) takes part.
        # `isascii` is a flag's look-up and spares most entries the search.
        if not text.isascii() and _SUPPLEMENTARY.search(data) is not None:
            data = _sorted_by_code_unit(value).encode()
    except UnicodeEncodeError:
        raise EntryError("a text holds half of a surrogate pair, which no UTF-8 can carry") from None
    return data


def _sorted_by_code_unit(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_scalar(key)}:{_sorted_by_code_unit(value[key])}" for key in keys) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_sorted_by_code_unit, value)) + "]"
    return _scalar(value)


def _check(value: Any) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if not all(isinstance(key, str) for key in one):
                raise EntryError("a map has a key that is not a text")
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple)):
            waiting.extend(one)
        elif isinstance(one, int):
            if not -LARGEST <= one <= LARGEST:
                raise EntryError("a whole number is 2^53 or larger: write it as a text")
        elif one is not None and not isinstance(one, str):
            raise EntryError(f"canonical JSON here has no {type(one).__name__}")
