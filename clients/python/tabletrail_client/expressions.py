"""One assignment added to an UpdateExpression, and nothing else in it changed.

Rules
- Each clause may stand once: the assignment goes into the SET that is there, or becomes one.
- Keywords are reserved words, so outside of names and values they are nothing else.
- Placeholders are chosen so that none of the caller's own is taken.

Called by `tabletrail_client.editing`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_TOKEN = re.compile(r"[#:]?[A-Za-z0-9_]+|\s+|.", re.DOTALL)


def with_assignment(expression: str, name: str, value: str) -> str:
    """`expression`, which may be empty, with `name = value` in its SET clause. Both are placeholders."""
    assignment = f"{name} = {value}"
    tokens = _TOKEN.findall(expression)
    for place, token in enumerate(tokens):
        if token.upper() == "SET" and not _is_inside_path(tokens, place):
            return "".join([*tokens[: place + 1], f" {assignment},", *tokens[place + 1 :]])
    return f"SET {assignment} {expression}".rstrip()


def mentions(expression: str, names: dict[str, str], attribute: str) -> bool:
    """True if the expression speaks of the top-level attribute, by itself or by a placeholder."""
    tokens = _TOKEN.findall(expression)
    return any(
        names.get(token, token) == attribute and not _is_inside_path(tokens, place)
        for place, token in enumerate(tokens)
    )


def free(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or a name like it that is not taken."""
    name, number = wanted, 0
    while name in taken:
        number += 1
        name = f"{wanted}{number}"
    return name


def _is_inside_path(tokens: list[str], place: int) -> bool:
    """True behind a dot: there it is a name within a map."""
    before = [token for token in tokens[:place] if not token.isspace()]
    return bool(before) and before[-1] == "."
