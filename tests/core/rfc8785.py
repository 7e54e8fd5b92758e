"""RFC 8785 written down as slowly and plainly as its text, to hold the fast one against.

Called by the tests of canonical JSON. Knows nothing of tabletrail.
"""

from __future__ import annotations

from typing import Any

SHORT_ESCAPES = {0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}


def canonicalize(value: Any) -> bytes:
    """The canonical bytes of a value without floats (clause 3.2.4: UTF-8)."""
    return _serialize(value).encode("utf-8")


def _serialize(value: Any) -> str:
    for literal, written in ((None, "null"), (True, "true"), (False, "false")):  # clause 3.2.2.1
        if value is literal:
            return written
    if isinstance(value, int):
        return str(value)  # clause 3.2.2.3: below 2^53 ECMAScript writes plain digits
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list):
        return "[" + ",".join(_serialize(one) for one in value) + "]"
    assert isinstance(value, dict)
    names = sorted(value, key=_code_units)  # clause 3.2.3
    return "{" + ",".join(_string(name) + ":" + _serialize(value[name]) for name in names) + "}"


def _string(text: str) -> str:
    """Clause 3.2.2.2."""
    written = []
    for character in text:
        code = ord(character)
        if code in SHORT_ESCAPES:
            written.append(SHORT_ESCAPES[code])
        elif code < 0x20:
            written.append(f"\\u{code:04x}")
        else:
            written.append(character)
    return '"' + "".join(written) + '"'


def _code_units(text: str) -> list[int]:
    units = []
    for character in text:
        code = ord(character)
        if code < 0x10000:
            units.append(code)
        else:
            units.append(0xD800 + ((code - 0x10000) >> 10))
            units.append(0xDC00 + ((code - 0x10000) & 0x3FF))
    return units
