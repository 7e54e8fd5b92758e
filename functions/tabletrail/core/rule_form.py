"""Whether a policy has the form that mappings/schema/rules.v1.schema.json describes, told in words.

Rules
- Every problem is told, each with the JSON pointer of its place.
- Written by hand, because the functions of each minute cannot afford to import a validation. A test holds it against
  the schema: both accept the same documents.
- What a schema cannot say (does a pattern parse, is there such a zone) is `rules`' and `policy`'s to check.

Called by `policy`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tabletrail.core.canonical import LARGEST
from tabletrail.core.conditions import DECIMAL
from tabletrail.core.hours import CLOCK, DAYS
from tabletrail.core.text_syntax import MOST_CHARACTERS

SEVERITIES = ("low", "medium", "high", "critical")
ACTIONS = ("insert", "modify", "remove", "expire")
ACTOR_TYPES = ("user", "service", "system")
DELETES = ("any", "marked")
ACTORS = ("any", "self")
MOST_RULES = 500
MOST_LISTED = 1_000
MOST_GLOBS = 200
LONGEST_TEXT = 1_000
NAME = r"[a-z0-9][a-z0-9-]{0,63}"
TAG = r"[a-z0-9][a-z0-9_.:-]{0,63}"
TABLES = r"[A-Za-z0-9_.*-]{1,255}"
PRINCIPAL = r"(arn:|\*)[ -~]{0,999}"

Problem = tuple[str, str]
"""(JSON pointer, what is wrong there)"""
Form = Callable[[Any, str], Iterator[Problem]]


def form_problems(document: Any) -> Iterator[Problem]:
    """All that is wrong with the form of a policy or of one of its files."""
    return _POLICY(document, "")


def pointer(where: str, step: str | int) -> str:
    """The JSON pointer (RFC 6901) of a member or an element of what lies at `where`."""
    return f"{where}/{str(step).replace('~', '~0').replace('/', '~1')}"


def _object(fields: dict[str, Form], required: tuple[str, ...] = (), one_of: tuple[str, ...] = ()) -> Form:
    def problems(value: Any, where: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield where, "must be an object in braces"
            return
        for name in required:
            if name not in value:
                yield where, f"lacks `{name}`"
        if one_of and not any(name in value for name in one_of):
            yield where, f"needs at least one of {', '.join(one_of)}"
        for name, inner in value.items():
            form = fields.get(name)
            if form is None:
                yield pointer(where, name), f"is not known here; known are {', '.join(fields)}"
            else:
                yield from form(inner, pointer(where, name))

    return problems


def _list(item: Form, most: int, least: int = 0) -> Form:
    def problems(value: Any, where: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield where, "must be a list in brackets"
            return
        if not least <= len(value) <= most:
            yield where, f"must hold {least} to {most} elements, not {len(value)}"
        for place, inner in enumerate(value):
            yield from item(inner, pointer(where, place))

    return problems


def _one_or_list(item: Form, most: int) -> Form:
    several = _list(item, most, least=1)
    return lambda value, where: (several if isinstance(value, list) else item)(value, where)


def _text(what: str, pattern: str = "", least: int = 0, most: int = LONGEST_TEXT) -> Form:
    fits = re.compile(pattern, re.ASCII).fullmatch if pattern else None

    def problems(value: Any, where: str) -> Iterator[Problem]:
        if not isinstance(value, str) or not least <= len(value) <= most or (fits is not None and not fits(value)):
            yield where, f"must be {what}"

    return problems


def _word(*words: str) -> Form:
    def problems(value: Any, where: str) -> Iterator[Problem]:
        if not isinstance(value, str) or value not in words:
            yield where, f"must be one of {', '.join(words)}"

    return problems


def _truth(value: Any, where: str) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield where, "must be true or false"


def _version(value: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, bool) or value != 1:
        yield where, "must be 1: this release knows no other form of rules"


def _scalar(value: Any, where: str) -> Iterator[Problem]:
    is_short_text = isinstance(value, str) and len(value) <= LONGEST_TEXT
    if not (value is None or isinstance(value, bool) or is_short_text or _is_whole(value)):
        yield where, f"must be a text of at most {LONGEST_TEXT} characters, a whole number, true, false or null"


def _bound(value: Any, where: str) -> Iterator[Problem]:
    if not _is_whole(value) and not (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        yield where, 'must be a decimal: a whole number, or digits in quotes such as "99.95"'


def _is_whole(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and -LARGEST <= value <= LARGEST and value == int(value)


def _actors(value: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, str) and value not in ACTORS:
        yield where, f"must be one of {', '.join(ACTORS)}, or a list of names in brackets"
    elif not isinstance(value, str):
        yield from _list(_WORDS, MOST_GLOBS, least=1)(value, where)


_DECIMAL = re.compile(DECIMAL)
_WORDS = _text("a text of 1 to 1,000 characters", least=1)
_DESCRIPTION = _text("a text of at most 1,000 characters")
_TABLES = _one_or_list(_text("a table's name, in which `*` stands for any characters", TABLES), MOST_GLOBS)
_PATHS = _one_or_list(_text("a path of 1 to 512 characters", least=1, most=512), MOST_GLOBS)
_SCALARS = _list(_scalar, MOST_LISTED, least=1)
_PATTERN = _text(f"a pattern of 1 to {MOST_CHARACTERS} characters", least=1, most=MOST_CHARACTERS)
_MEMBER = _text("a text of at most 1,000 characters: a member of a set")


def _any_of(fields: dict[str, Form]) -> Form:
    """An object that has at least one of these."""
    return _object(fields, one_of=tuple(fields))


_VALUE = _any_of(
    {
        "equals": _scalar,
        "in": _SCALARS,
        "not_in": _SCALARS,
        "exists": _truth,
        "above": _bound,
        "at_least": _bound,
        "below": _bound,
        "at_most": _bound,
        "contains": _MEMBER,
        "lacks": _MEMBER,
        "pattern": _PATTERN,
        "not_pattern": _PATTERN,
    }
)
_CHANGE = _any_of(
    {
        "rises_by_more_than": _bound,
        "falls_by_more_than": _bound,
        "rises_by_more_than_percent": _bound,
        "falls_by_more_than_percent": _bound,
    }
)
_ACTOR = _any_of(
    {
        "id": _one_or_list(_WORDS, MOST_GLOBS),
        "not_id": _one_or_list(_WORDS, MOST_GLOBS),
        "type": _one_or_list(_word(*ACTOR_TYPES), 3),
        "confidence": _one_or_list(_word("certain", "likely", "probable", "possible"), 4),
        "known": _truth,
    }
)
_WINDOW = _any_of(
    {
        "from": _text("a time of day such as 08:30", CLOCK),
        "to": _text("a time of day such as 17:00, or 24:00", f"{CLOCK}|24:00"),
        "days": _list(_word(*DAYS), 7, least=1),
    }
)
_WINDOWS = _list(_WINDOW, 50, least=1)
_TIME = _object(
    {"zone": _text("a zone such as Europe/Berlin", least=1, most=64), "within": _WINDOWS, "outside": _WINDOWS},
    required=("zone",),
    one_of=("within", "outside"),
)
_WHEN = _any_of(
    {
        "table": _TABLES,
        "action": _one_or_list(_word(*ACTIONS), 4),
        "path": _PATHS,
        "before": _VALUE,
        "after": _VALUE,
        "change": _CHANGE,
        "actor": _ACTOR,
        "time": _TIME,
    }
)
_RULE = _object(
    {
        "name": _text("small letters, digits and hyphens, at most 64", NAME),
        "description": _DESCRIPTION,
        "when": _WHEN,
        "tags": _list(_text("small letters, digits and _ . : -, at most 64", TAG), 20),
        "severity": _word(*SEVERITIES),
    },
    required=("name", "when", "severity"),
)
_SENSITIVE = _object(
    {"description": _DESCRIPTION, "table": _TABLES, "path": _PATHS, "names": _truth}, required=("table", "path")
)
_ATTRIBUTE = _text("an attribute's name, or an empty text for none", most=512)
_CLAIM = _object(
    {
        "description": _DESCRIPTION,
        "principal": _one_or_list(_text("an ARN, in which `*` stands for any characters", PRINCIPAL), MOST_GLOBS),
        "actors": _actors,
    },
    required=("principal", "actors"),
)
_CLAIMS = _list(_CLAIM, MOST_RULES)
_ATTRIBUTED = _object(
    {
        "description": _DESCRIPTION,
        "table": _TABLES,
        "attribute": _ATTRIBUTE,
        "type": _word(*ACTOR_TYPES),
        "outbox": _truth,
        "deletes": _word(*DELETES),
        "claims": _CLAIMS,
    },
    required=("table",),
)
_ATTRIBUTION = _any_of({"tables": _list(_ATTRIBUTED, MOST_RULES), "claims": _CLAIMS})
_POLICY = _object(
    {
        "schema": _version,
        "rules": _list(_RULE, MOST_RULES),
        "sensitive": _list(_SENSITIVE, MOST_RULES),
        "attribution": _ATTRIBUTION,
    },
)
