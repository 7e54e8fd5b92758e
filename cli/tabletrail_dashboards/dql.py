"""Dashboards Query Language as a tree.

    event.action: (remove or expire) and not actor.id: *
    numbers: { path: "price" and after > 100 }

Pure. The grammar is that of OpenSearch-Dashboards, src/plugins/data/common/opensearch_query/kuery/ast/kuery.peg.
Rules
- `or` binds weakest, then `and`, then `not`; words of the language in any case.
- Refused, where Dashboards takes it: a wildcard in a field's name, and a cursor of its editor.
- The tree says what was written, not what it means: that is `dql_query`.

Called by `dql_query`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tabletrail_dashboards.errors import DqlError

_SPACE = " \t\r\n"
_SPECIAL = '\\():<>"*{}'
_KEYWORD = re.compile(r"[ \t\r\n]+(?:or|and)[ \t\r\n]+|not[ \t\r\n]+", re.IGNORECASE)
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}
_ESCAPED_WORD = re.compile(r"or|and|not", re.IGNORECASE)
_NUMBER = re.compile(r"-?[1-9]+\d*([.]\d+)?|-?0[.]\d*[1-9]+|0|0.0|[.]\d{1,}")
_RANGES = (("<=", "lte"), (">=", "gte"), ("<", "lt"), (">", "gt"))


@dataclass(frozen=True, slots=True)
class Literal:
    """A value or a field's name. `pieces` of a wildcard are the texts between its stars; else there is one.

    `value` is what was meant: `true`, `false`, `null` and numbers are such, if they had no quotes.
    """

    value: str | float | bool | None
    is_quoted: bool = False
    pieces: tuple[str, ...] = ()

    @property
    def is_wildcard(self) -> bool:
        return len(self.pieces) > 1


@dataclass(frozen=True, slots=True)
class Is:
    """`field: value`; without a field, any field."""

    field: str | None
    value: Literal


@dataclass(frozen=True, slots=True)
class Range:
    """`field > value`; `operator` is gt, gte, lt or lte."""

    field: str
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Nested:
    """`path: { query }`: all of it holds in one and the same element."""

    path: str
    query: Node


@dataclass(frozen=True, slots=True)
class Not:
    query: Node


@dataclass(frozen=True, slots=True)
class And:
    queries: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    queries: tuple[Node, ...]


Node = Is | Range | Nested | Not | And | Or

EVERYTHING = Is("*", Literal("*", pieces=("", "")))
"""What an empty text means."""


def parse(text: str) -> Node:
    """DqlError shows the place where the text is not of the language."""
    parser = _Parser(text)
    parser.skip_space()
    if parser.at_end():
        return EVERYTHING
    node = parser.disjunction(parser.query)
    parser.skip_space()
    if not parser.at_end():
        raise parser.error("the end of the query, `and` or `or`")
    return node


class _Parser:
    """Goes over the text once, from left to right; `place` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def at_end(self) -> bool:
        return self.place >= len(self.text)

    def error(self, expected: str) -> DqlError:
        before, rest = self.text[: self.place], self.text[self.place :]
        return DqlError(f"no Dashboards Query Language: expected {expected} at {before!r} <here> {rest!r}")

    def skip_space(self) -> None:
        while not self.at_end() and self.text[self.place] in _SPACE:
            self.place += 1

    def take(self, token: str) -> bool:
        """Goes over `token` and the space before it, if they are next."""
        start = self.place
        self.skip_space()
        if self.text.startswith(token, self.place):
            self.place += len(token)
            return True
        self.place = start
        return False

    def word(self, pattern: str) -> bool:
        match = re.compile(pattern, re.IGNORECASE).match(self.text, self.place)
        if match:
            self.place = match.end()
        return match is not None

    def disjunction(self, part: Callable[[], Node]) -> Node:
        parts = [self.conjunction(part)]
        while self.word(r"[ \t\r\n]+or[ \t\r\n]+"):
            parts.append(self.conjunction(part))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self, part: Callable[[], Node]) -> Node:
        parts = [self.negation(part)]
        while self.word(r"[ \t\r\n]+and[ \t\r\n]+"):
            parts.append(self.negation(part))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, part: Callable[[], Node]) -> Node:
        return Not(part()) if self.word(r"not[ \t\r\n]+") else part()

    def within(self, part: Callable[[], Node], closing: str) -> Node:
        self.skip_space()
        node = self.disjunction(part)
        if not self.take(closing):
            raise self.error(f"`{closing}`, `and` or `or`")
        return node

    def query(self) -> Node:
        """A group in parentheses, a nested group, a range, `field: value` or a value alone."""
        if self.text.startswith("(", self.place):
            self.place += 1
            return self.within(self.query, ")")
        literal = self.literal()
        if self.take(":"):
            return self.after_colon(self.field_name(literal))
        for token, operator in _RANGES:
            if self.take(token):
                self.skip_space()
                return Range(self.field_name(literal), operator, self.literal())
        return Is(None, literal)

    def after_colon(self, field: str) -> Node:
        if self.take("{"):
            return Nested(field, self.within(self.query, "}"))
        self.skip_space()
        return self.values(field)

    def values(self, field: str) -> Node:
        """One value, or a group of values in parentheses that all belong to `field`."""
        if self.text.startswith("(", self.place):
            self.place += 1
            return self.within(lambda: self.values(field), ")")
        return Is(field, self.literal())

    def field_name(self, literal: Literal) -> str:
        if literal.is_wildcard:
            raise self.error("a field's whole name before this (a wildcard in it is not translated here)")
        return str(literal.value)

    def literal(self) -> Literal:
        if self.text.startswith('"', self.place):
            return self.quoted()
        pieces = [""]
        start = self.place
        while not self.at_end():
            character = self.unquoted_character()
            if character is None:
                break
            if character == "*":
                pieces.append("")
            else:
                pieces[-1] += character[-1:] if character.startswith("*") else character
        if self.place == start:
            raise self.error("a value")
        return _literal_of(pieces)

    def unquoted_character(self) -> str | None:
        """The next one, `*` alone for a wildcard, `**` for a star that stands for itself; None at the value's end."""
        character = self.text[self.place]
        if character == "\\":
            return self.escaped()
        if character == "*":
            self.place += 1
            return "*"
        if character in _SPECIAL or _KEYWORD.match(self.text, self.place):
            return None
        self.place += 1
        return character

    def escaped(self) -> str:
        following = self.text[self.place + 1 : self.place + 2]
        if following and following in _SPECIAL:
            self.place += 2
            return "**" if following == "*" else following
        if following in _ESCAPED and following:
            self.place += 2
            return _ESCAPED[following]
        word = _ESCAPED_WORD.match(self.text, self.place + 1)
        if not word:
            raise self.error("after a backslash one of t r n or and not " + _SPECIAL)
        self.place = word.end()
        return word.group()

    def quoted(self) -> Literal:
        self.place += 1
        value = ""
        while not self.at_end():
            character = self.text[self.place]
            following = self.text[self.place + 1 : self.place + 2]
            if character == '"':
                self.place += 1
                return Literal(value, is_quoted=True)
            if character == "\\" and following and following in '\\"trn':
                value += _ESCAPED.get(following, following)
                self.place += 2
            else:
                value += character
                self.place += 1
        raise self.error('a closing `"`')


def _literal_of(pieces: list[str]) -> Literal:
    """Without white space around it, as Dashboards takes it."""
    pieces = [pieces[0].lstrip(), *pieces[1:]]
    pieces[-1] = pieces[-1].rstrip()
    if len(pieces) > 1:
        return Literal("*".join(pieces), pieces=tuple(pieces))
    text = pieces[0]
    named: dict[str, bool | None] = {"null": None, "true": True, "false": False}
    if text in named:
        return Literal(named[text], pieces=(text,))
    if _NUMBER.fullmatch(text):
        number = float(text)
        return Literal(int(text) if re.fullmatch(r"-?\d+", text) else number, pieces=(text,))
    return Literal(text, pieces=(text,))
