r"""What a person's `*` and `\` mean, turned into OpenSearch's terms and wildcards.

Pure. Rules
- `*` stands for any text, `\*` for a star, `\\` for a backslash; every other character, `?` included, is itself.
- Nothing a person writes reaches OpenSearch's own pattern syntax unescaped.
- Without a star the query is a `term`: exact, and cheap.

Called by `queries` and `number_terms`.
"""

from __future__ import annotations

import re
from typing import Any

Clause = dict[str, Any]

_OPEN_INDEX = re.compile(r'\[\](?![^"]*"[^"]*(?:"[^"]*"[^"]*)*$)')
"""`[]` with an even number of quotes behind it: not inside a quoted name."""


def pieces(text: str) -> list[str]:
    r"""The literal texts between the stars: `a*b\*` -> ["a", "b*"]; one piece means that there was no star."""
    found = [""]
    escaped = False
    for character in text:
        if escaped:
            found[-1] += character if character in "*\\" else "\\" + character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "*":
            found.append("")
        else:
            found[-1] += character
    if escaped:
        found[-1] += "\\"
    return found


def escape(literal: str) -> str:
    """`literal` as an OpenSearch wildcard pattern that matches it alone."""
    return "".join("\\" + character if character in "*?\\" else character for character in literal)


def escape_regexp(literal: str) -> str:
    """`literal` as a Lucene regular expression that matches it alone. Letters and digits mean themselves."""
    return "".join(c if c.isalnum() or not c.isascii() else "\\" + c for c in literal)


def has_any_index(path: str) -> bool:
    """True for a normalised path such as `lines[].qty`; brackets inside a quoted name do not count."""
    return len(_OPEN_INDEX.split(path)) > 1


def every_index(path: str) -> str:
    """A normalised path (`lines[].qty`) as a Lucene regular expression for its exact ones (`lines[2].qty`)."""
    return r"\[[0-9]+\]".join(escape_regexp(part) for part in _OPEN_INDEX.split(path))


def matching(field: str, text: str) -> Clause:
    """`field` (a keyword) equals `text`, or matches it where it has a star."""
    parts = pieces(text)
    if len(parts) == 1:
        return {"term": {field: parts[0]}}
    return {"wildcard": {field: {"value": "*".join(escape(part) for part in parts)}}}


def any_of(clauses: list[Clause]) -> Clause:
    """At least one of them holds."""
    if len(clauses) == 1:
        return clauses[0]
    return {"bool": {"should": clauses, "minimum_should_match": 1}}
