"""What a PartiQL statement of a CloudTrail record writes.

CloudTrail shows the statement's text with values in it as `***(Redacted)`: those of attributes outside the key
always, and in the documented INSERT those of the key too ("Understanding DynamoDB log file entries", Amazon DynamoDB
Developer Guide). Values bound to `?` do not show.

Rules
- DynamoDB takes an UPDATE or DELETE only with an equality for each key attribute in its WHERE: so the equalities that
  show are the item's key, as far as they show. Anything else in WHERE (OR, NOT, IN, parentheses) and none is
  believed.
- What is not understood is a write of an unknown kind to an unknown item: never no write.

Called by `cloudtrail_writes`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STATEMENT_CHARACTERS = 8192
"""The longest statement that DynamoDB takes; a longer text is not looked into."""

_TOKEN = re.compile(
    r"""(?P<hidden>\*+\(Redacted\)|\?)
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*")
    |(?P<number>[+-]?\d[\w.+-]*)
    |(?P<word>[\w.$-]+)
    |(?P<sign><=|>=|<>|[^\s\w])""",
    re.VERBOSE,
)
_READS = frozenset({"SELECT", "EXISTS"})
_VERBS = {"INSERT": "insert", "UPDATE": "change", "DELETE": "delete"}
_UNSURE = frozenset({"OR", "NOT", "IN", "(", ")", "[", "]"})
_COMPARISONS = tuple([name, "sign", literal] for name in ("word", "name") for literal in ("text", "number"))

Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """`operation`: insert, change, delete, none (it reads), unknown. `table` is empty and `key` has less than the whole
    where the text does not show it."""

    operation: str
    table: str = ""
    key: tuple[tuple[str, str], ...] = ()


def statement_of(text: str) -> Statement:
    """What `text` writes. It never raises."""
    tokens = _tokens(text)
    if not tokens:
        return Statement("unknown")
    verb = tokens[0][1].upper()
    if verb in _READS:
        return Statement("none")
    operation = _VERBS.get(verb)
    if operation is None:
        return Statement("unknown")
    rest = tokens[1:]
    if rest and rest[0][0] == "word" and rest[0][1].upper() in ("INTO", "FROM"):
        rest = rest[1:]
    table = rest[0][1] if rest and rest[0][0] in ("word", "name") else ""
    return Statement(operation, table, () if operation == "insert" else _equalities(_where(rest)))


def _tokens(text: str) -> list[Token]:
    if len(text) > STATEMENT_CHARACTERS:
        return []
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match.group()
        if kind in ("text", "name"):
            quote = token[0]
            token = token[1:-1].replace(quote * 2, quote)
        found.append((kind, token))
    return found


def _where(tokens: list[Token]) -> list[Token]:
    """The tokens between WHERE and RETURNING."""
    places = [number for number, (kind, word) in enumerate(tokens) if kind == "word" and word.upper() == "WHERE"]
    if len(places) != 1:
        return []
    condition = tokens[places[0] + 1 :]
    ends = [number for number, (kind, word) in enumerate(condition) if kind == "word" and word.upper() == "RETURNING"]
    return condition[: ends[0]] if ends else condition


def _equalities(condition: list[Token]) -> tuple[tuple[str, str], ...]:
    """(attribute, text) of each `attribute = literal` of a plain conjunction; none if it is no plain conjunction."""
    if any(kind in ("word", "sign") and word.upper() in _UNSURE for kind, word in condition):
        return ()
    parts: list[list[Token]] = [[]]
    for token in condition:
        if token[0] == "word" and token[1].upper() == "AND":
            parts.append([])
        else:
            parts[-1].append(token)
    shown: dict[str, str] = {}
    for part in parts:
        if [kind for kind, _ in part] not in _COMPARISONS:
            continue
        name, sign, literal = (word for _, word in part)
        if sign != "=" or name in shown:
            return ()
        shown[name] = literal
    return tuple(sorted(shown.items()))
