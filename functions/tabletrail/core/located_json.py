"""JSON that knows its lines: what a person wrote, and where each part of it stands.

Pure. Rules
- Strict JSON, and stricter in one thing: a name that stands twice in an object is an error, for the first is lost.
- A place is a JSON pointer (RFC 6901): `/rules/2/when`; the whole text is the empty pointer.
- Only values are taken from here that `json` itself would give.

Called by `tabletrail.policy_files`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, cast

MOST_DEPTH = 64
"""Rules nest a handful of levels: beyond this a file is something else, and the stack is not to be had with it."""

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")


class LocatedJsonError(ValueError):
    """`str(error)` is the reason; `line` and `column` count from 1."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(reason)
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Located:
    """`value`, and by JSON pointer the line (from 1) on which each part of it begins: a member, at its name."""

    value: Any
    lines: dict[str, int]

    def line_of(self, pointer: str) -> int:
        """Of the part, or of the nearest part around it that is there: a missing member has no line of its own."""
        while pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines[pointer]


def read(text: str) -> Located:
    """LocatedJsonError where the text stops being JSON."""
    reader = _Reader(text)
    value = reader.value(reader.space(0), "", 0)
    end = reader.space(reader.at)
    if end != len(text):
        raise reader.error("something follows the end", end)
    return Located(value, reader.lines)


def member(pointer: str, name: str) -> str:
    """The pointer of a member (or, by its number, of a list's item)."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


@dataclass(slots=True)
class _Reader:
    """`at` is behind what was read last."""

    text: str
    at: int = 0
    lines: dict[str, int] = field(default_factory=dict)

    def value(self, at: int, pointer: str, depth: int) -> Any:
        """The value that begins at `at`."""
        self.lines.setdefault(pointer, self._line(at))
        if depth > MOST_DEPTH:
            raise self.error(f"nested deeper than {MOST_DEPTH} levels", at)
        first = self.text[at : at + 1]
        if first == "{":
            return self._object(at, pointer, depth)
        if first == "[":
            return self._list(at, pointer, depth)
        if first == '"':
            return self._string(at)
        found = _SCALAR.match(self.text, at)
        if found is None:
            raise self.error("a value is expected: an object, a list, a text in double quotes, a number, true, ...", at)
        self.at = found.end()
        try:
            return json.loads(found[0])
        except ValueError:
            raise self.error("a number with so many digits is not taken", at) from None

    def space(self, at: int) -> int:
        """Where the space that begins at `at` ends."""
        return cast(re.Match[str], _SPACE.match(self.text, at)).end()

    def error(self, reason: str, at: int) -> LocatedJsonError:
        return LocatedJsonError(reason, self._line(at), at - self.text.rfind("\n", 0, at))

    def _object(self, at: int, pointer: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        at = self.space(at + 1)
        if self.text[at : at + 1] == "}":
            self.at = at + 1
            return found
        while True:
            if self.text[at : at + 1] != '"':
                raise self.error("a name in double quotes is expected (is there a comma too many?)", at)
            name = self._string(at)
            if name in found:
                raise self.error(f"the name {name!r} stands here for the second time", at)
            place = member(pointer, name)
            self.lines[place] = self._line(at)
            colon = self.space(self.at)
            if self.text[colon : colon + 1] != ":":
                raise self.error("a colon is expected", colon)
            found[name] = self.value(self.space(colon + 1), place, depth + 1)
            at = self._next("}")
            if not at:
                return found

    def _list(self, at: int, pointer: str, depth: int) -> list[Any]:
        found: list[Any] = []
        at = self.space(at + 1)
        if self.text[at : at + 1] == "]":
            self.at = at + 1
            return found
        while at:
            found.append(self.value(at, member(pointer, str(len(found))), depth + 1))
            at = self._next("]")
        return found

    def _next(self, end: str) -> int:
        """Where the next part begins; 0 behind `end`."""
        at = self.space(self.at)
        if self.text[at : at + 1] == end:
            self.at = at + 1
            return 0
        if self.text[at : at + 1] != ",":
            raise self.error(f"a comma or {end} is expected", at)
        return self.space(at + 1)

    def _string(self, at: int) -> str:
        try:
            text, self.at = _DECODER.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise self.error(f"this text is damaged: {error.msg}", error.pos) from None
        return str(text)

    def _line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1
