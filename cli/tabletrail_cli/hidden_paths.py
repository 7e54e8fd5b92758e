"""A path in an item as it may stand in the index, where names in paths are data and were declared sensitive.

Rules
- Each name of the path may stand as itself or as its token; which of them is hidden, and since when, is not known here.
- Whoever may not read the key is told so: that a path is in no change would else be said of one whose name is hidden.

Called by `who`.
"""

from __future__ import annotations

import json
import re
from itertools import product
from typing import TYPE_CHECKING

from tabletrail.core.paths import member
from tabletrail.core.tokens import NAME, PREFIX, Tokens
from tabletrail_cli.errors import AccessError
from tabletrail_cli.hidden import tokens_of
from tabletrail_cli.patterns import Clause, pieces

if TYPE_CHECKING:
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.place import Place

MOST_NAMES = 8
"""Names of a path that are asked for as tokens too, the first ones: each doubles the number of paths."""
_PIECE = re.compile(r'\["(?:[^"\\]|\\.)*"(?:#[0-9a-f]{64})?\]|\[\d*\]|\.?[^.\[]+')


def paths_of(index: Entries, item: Clause, path: str, place: Place) -> tuple[list[str], str]:
    """The path in all its readings, and a note: empty, or why it was not asked for as tokens. `item` finds the item's
    entries; only what the index shows of it makes the key needed."""
    hidden: Clause = {"wildcard": {"changed": {"value": f"*{PREFIX}*"}}}
    if not path or PREFIX in path or index.first({"bool": {"filter": [item, hidden]}}, "desc") is None:
        return [path] if path else [], ""
    try:
        readings = readings_of_path(path, tokens_of(place))
    except AccessError as error:
        return [path], f"names in this item stand in the index as tokens, which were not searched for: {error}"
    return readings, "" if len(
        readings
    ) > 1 else "names in this item stand as tokens: a pattern finds them only as such"


def readings_of_path(path: str, tokens: Tokens) -> list[str]:
    """`users.ada`, `users.token:…`, `token:….ada`, `token:….token:…`; of a pattern (see `patterns`) it alone.

    The path is as a person writes it, and so are its readings.
    """
    literal, *others = pieces(path)
    if others:
        return [path]
    found = [""]
    names = 0
    for piece in _PIECE.findall(literal):
        name = _name(piece)
        names += name is not None
        if name is None or names > MOST_NAMES:
            found = [before + piece for before in found]
        else:
            found = [_joined(before, one, piece) for before, one in product(found, ("", tokens(NAME, name)))]
    return [reading.replace("\\", "\\\\").replace("*", "\\*") for reading in found]


def _joined(before: str, token: str, piece: str) -> str:
    return member(before, token) if token else before + piece


def _name(piece: str) -> str | None:
    """The attribute's name that a piece of a path is; None for a position, and for what no one name is."""
    if not piece.startswith("["):
        return piece.removeprefix(".")
    if not piece.endswith('"]'):
        return None
    try:
        return str(json.loads(piece[1:-1]))
    except ValueError:
        return None
