"""Texts with `*` for any run of characters, matched in one pass.

Rules
- Only `*` is special: no question mark, no brackets. Upper and lower case differ.
- The cost is that of a few searches in the text, whatever the pattern and the text are.

Called by `conditions`, `places` and `policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


def glob(pattern: str) -> Callable[[str], bool]:
    """A test of whole texts."""
    pieces = pattern.split("*")
    if len(pieces) == 1:
        return pattern.__eq__
    first, *middle, last = pieces
    shortest = sum(map(len, pieces))

    def fits(text: str) -> bool:
        if len(text) < shortest or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            # The leftmost place leaves the most to the pieces behind it, so there is nothing to try again.
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end

    return fits


def any_glob(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether one of them fits."""
    tests = [glob(pattern) for pattern in patterns]
    return lambda text: any(test(text) for test in tests)
