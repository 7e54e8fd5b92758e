"""Paths of an entry taken apart, and held against the paths of a declaration, as docs/format.md and docs/rules.md have
them.

Rules
- Written from the pages, not from the code that writes the log: a mistake there must show here.
- A path that was cut is not taken apart: nothing is said of it.

Called by `shown_values` and `published_rules`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache

Step = str | int
"""A name, or a position in a list."""

DEEP = "**"
_PLAIN = r'[^.\[\]"=…]+'
_STEP = re.compile(rf'\.?({_PLAIN})|\[("(?:[^"\\]|\\.)*")\]|\[(\d+)\]')
_PATTERN = re.compile(rf'\.?({_PLAIN})|\[("(?:[^"\\]|\\.)*")(?:#[0-9a-f]{{64}})?\]|(\[\])')


@lru_cache(maxsize=16_384)
def steps_of(path: str) -> tuple[Step, ...] | None:
    """None for what cannot be taken apart, a cut path or a cut name among it."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return None
        plain, written, position = found.groups()
        if plain is not None:
            steps.append(plain)
        else:
            steps.append(int(position) if position is not None else str(json.loads(written)))
        at = found.end()
    return tuple(steps)


class Pattern:
    """One path of a declaration: it covers the place that it names and all below it."""

    def __init__(self, text: str) -> None:
        """ValueError for what is no pattern."""
        self._steps: list[re.Pattern[str] | str | None] = []
        at = 0
        while at < len(text):
            found = _PATTERN.match(text, at)
            if found is None:
                raise ValueError("no pattern of a path")
            plain, written, position = found.groups()
            if position:
                self._steps.append(None)
            elif plain == DEEP:
                self._steps.append(DEEP)
            else:
                self._steps.append(glob(plain) if plain is not None else re.compile(re.escape(json.loads(written))))
            at = found.end()
        if self._steps and self._steps[-1] is None:
            while len(self._steps) > 1 and self._steps[-1] in (None, DEEP):
                self._steps.pop()
        self._needs_more = bool(self._steps) and self._steps[-1] == DEEP

    def covers(self, steps: Sequence[Step]) -> bool:
        """True if the place, or one above it, is what the pattern names."""
        return self._fits(0, steps, 0)

    def _fits(self, number: int, steps: Sequence[Step], at: int) -> bool:
        if number == len(self._steps):
            return True
        wanted = self._steps[number]
        if wanted == DEEP:
            if number + 1 == len(self._steps):
                return at < len(steps)
            return any(self._fits(number + 1, steps, later) for later in range(at, len(steps)))
        if at == len(steps):
            return False
        step = steps[at]
        if wanted is None or isinstance(step, int):
            return wanted is None and isinstance(step, int) and self._fits(number + 1, steps, at + 1)
        assert isinstance(wanted, re.Pattern)
        return wanted.fullmatch(step) is not None and self._fits(number + 1, steps, at + 1)


def glob(text: str) -> re.Pattern[str]:
    """`*` is any run of characters, everything else itself."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
