"""Reads a text pattern and lays it out as places, each with the characters it takes and the places that come then.

Rules
- What is not known is refused with a reason, rather than read in a way that its author did not mean.
- Counted repeats are written out, so the size of what is made is bounded, whatever they multiply to.

Called by `text_pattern`, which walks the places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MOST_CHARACTERS = 200
"""Of a pattern."""
MOST_PLACES = 500
MOST_REPEATS = 200
_MOST_BUILT = 5_000
"""Parts laid out, those that take no place included: an empty group can be repeated too."""

FOUND = -1
"""The place where the pattern is found, whatever follows."""
FOUND_AT_END = -2
"""The place where it is found if the text ends."""

Takes = Callable[[str], bool]


@dataclass(slots=True)
class Place:
    """`then` are the places to go on at when a character was taken."""

    takes: Takes
    then: frozenset[int]


@dataclass(frozen=True, slots=True)
class _One:
    takes: Takes


@dataclass(frozen=True, slots=True)
class _Row:
    parts: tuple[_Part, ...] = ()


@dataclass(frozen=True, slots=True)
class _Choice:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: _Part
    least: int
    most: int | None


_Part = _One | _Row | _Choice | _Repeat

_ANY = _One(lambda _: True)
_ANYTHING = _Repeat(_ANY, 0, None)
_DIGITS = frozenset("0123456789")
_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") | _DIGITS
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": frozenset(" \t\n\r\f\v")}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}


def places_of(pattern: str) -> tuple[list[Place], frozenset[int]]:
    """All places of a pattern, and those to begin at. ValueError says what is wrong with it."""
    layout = _Layout()
    start: frozenset[int] = frozenset()
    for part, is_bound_in_front, is_bound_behind in _Reader(pattern).alternatives():
        then = layout.lay(part, frozenset({FOUND_AT_END if is_bound_behind else FOUND}))
        start |= then if is_bound_in_front else layout.lay(_ANYTHING, then)
    return layout.places, start


@dataclass(slots=True)
class _Layout:
    """Lays parts out from the end: each is told where to go on."""

    places: list[Place] = field(default_factory=list)
    built: int = 0

    def lay(self, part: _Part, then: frozenset[int]) -> frozenset[int]:
        """The places to begin at."""
        self.built += 1
        if self.built > _MOST_BUILT or len(self.places) > MOST_PLACES:
            raise ValueError(f"is too large: with its repeats written out it has more than {MOST_PLACES} places")
        if isinstance(part, _One):
            self.places.append(Place(part.takes, then))
            return frozenset({len(self.places) - 1})
        if isinstance(part, _Row):
            for one in reversed(part.parts):
                then = self.lay(one, then)
            return then
        if isinstance(part, _Choice):
            return frozenset().union(*[self.lay(one, then) for one in part.parts])
        return self._lay_repeat(part, then)

    def _lay_repeat(self, repeat: _Repeat, then: frozenset[int]) -> frozenset[int]:
        if repeat.most is None:
            then = self._lay_loop(repeat.part, then)
        else:
            for _ in range(repeat.most - repeat.least):
                then |= self.lay(repeat.part, then)
        for _ in range(repeat.least):
            then = self.lay(repeat.part, then)
        return then

    def _lay_loop(self, part: _Part, then: frozenset[int]) -> frozenset[int]:
        """Any number of times: where the part ends, it may begin again."""
        before = len(self.places)
        mark = frozenset({-2 - self.built})  # a place that is not there yet, another one for each loop
        start = self.lay(part, then | mark)
        for place in self.places[before:]:
            if mark <= place.then:
                place.then = (place.then - mark) | start - mark
        return (start - mark) | then


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._is_caseless = pattern.startswith("(?i)")
        self._rest = pattern[4:] if self._is_caseless else pattern
        self._at = 0

    def alternatives(self) -> list[tuple[_Part, bool, bool]]:
        """Of the whole pattern: each with whether it is bound to the text's beginning and to its end."""
        found = []
        while True:
            is_bound_in_front = self._take("^")
            part = self._row()
            is_bound_behind = self._take("$")
            found.append((part, is_bound_in_front, is_bound_behind))
            if self._at == len(self._rest):
                return found
            if not self._take("|"):
                raise ValueError(self._words_for("$" if is_bound_behind else self._rest[self._at]))

    def _take(self, text: str) -> bool:
        is_next = self._rest.startswith(text, self._at)
        self._at += len(text) * is_next
        return is_next

    def _next(self, what: str) -> str:
        if self._at == len(self._rest):
            raise ValueError(f"ends before {what}")
        self._at += 1
        return self._rest[self._at - 1]

    def _row(self) -> _Part:
        parts: list[_Part] = []
        while self._at < len(self._rest) and self._rest[self._at] not in "|)^$":
            parts.append(self._repeated(self._single()))
        return _Row(tuple(parts))

    def _single(self) -> _Part:
        character = self._next("a part")
        if character == "(":
            return self._group()
        if character == "[":
            return _One(self._class())
        if character == ".":
            return _ANY
        if character == "\\":
            return _One(self._escape())
        if character in "*+?{":
            raise ValueError(self._words_for(character))
        return _One(self._cased(frozenset(character).__contains__))

    def _group(self) -> _Part:
        if not self._take("?:") and self._take("?"):
            raise ValueError("of groups with a question mark only (?: ) is known, and (?i) in front of all")
        parts = [self._row()]
        while self._take("|"):
            parts.append(self._row())
        character = self._next("the group's )")
        if character != ")":
            raise ValueError(self._words_for(character))
        return _Choice(tuple(parts))

    def _repeated(self, part: _Part) -> _Part:
        repeat: _Part | None = None
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(sign):
                repeat = _Repeat(part, least, most)
                break
        if repeat is None and self._take("{"):
            repeat = _Repeat(part, *self._counts())
        if repeat is None:
            return part
        self._take("?")  # the shortest or the longest match: it is found either way
        if self._at < len(self._rest) and self._rest[self._at] in "*+?{":
            raise ValueError("a repeat stands directly behind a repeat")
        return repeat

    def _counts(self) -> tuple[int, int | None]:
        text = ""
        while (character := self._next("the repeat's }")) != "}":
            text += character
        least, comma, most = text.partition(",")
        digits = [one for one in (least, most) if one]
        if not least or not all(one.isascii() and one.isdigit() and len(one) <= 3 for one in digits):
            raise ValueError(f"the repeat {{{text}}} is none of {{2}}, {{2,}}, {{2,5}}; a brace itself is written \\{{")
        counts = (int(least), int(most) if most else None if comma else int(least))
        if max(counts[0], counts[1] or 0) > MOST_REPEATS or (counts[1] is not None and counts[0] > counts[1]):
            raise ValueError(f"the repeat {{{text}}} must rise, to {MOST_REPEATS} at most")
        return counts

    def _escape(self) -> Takes:
        character = self._next("what the backslash is for")
        if character.lower() in _CLASSES:
            members = _CLASSES[character.lower()]
            return members.__contains__ if character.islower() else lambda one: one not in members
        if character in _CONTROLS:
            return frozenset(_CONTROLS[character]).__contains__
        if character.isalnum():
            raise ValueError(f"\\{character} is not known; known are \\d \\w \\s \\D \\W \\S \\n \\r \\t \\f \\v")
        return frozenset(character).__contains__

    def _class(self) -> Takes:
        is_negated = self._take("^")
        tests: list[Takes] = []
        while True:
            character = self._next("the bracket's ]")
            if character == "]" and tests:
                break
            if character == "\\":
                tests.append(self._escape())
            elif self._rest[self._at : self._at + 1] == "-" and self._rest[self._at + 1 : self._at + 2] != "]":
                tests.append(self._cased(self._range(character)))
            else:
                tests.append(self._cased(frozenset(character).__contains__))
        return lambda one: any(test(one) for test in tests) is not is_negated

    def _range(self, first: str) -> Takes:
        self._next("the range's end")
        last = self._next("the range's end")
        if last in "\\[" or first > last:
            raise ValueError(f"{first}-{last} in brackets is no range from a lower character to a higher one")
        return lambda one: first <= one <= last

    def _cased(self, takes: Takes) -> Takes:
        """For what takes letters that were written; a class like \\w has both cases, and what is negated stays out."""
        if not self._is_caseless:
            return takes
        return lambda one: takes(one) or takes(one.lower()) or takes(one.upper())

    def _words_for(self, character: str) -> str:
        if character in "^$":
            return f"{character} stands inside; only the ends of an alternative of the whole pattern can be bound"
        if character == ")":
            return "a ) closes no group"
        return f"{character} repeats nothing; the character itself is written \\{character}"
