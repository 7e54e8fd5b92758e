"""Breadth-first search over every state that a configuration can reach.

It stops at the first state that breaks an invariant and gives the shortest way to it. When all states are known it asks
`live`: from each of them some continuation without faults leads to a complete one. That is computed backwards from the
complete states, over the steps that are no faults.

Called by `tests.model.__main__` and by the tests.
"""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass, field

from tests.model.invariants import INVARIANTS, is_complete, step_is_monotone
from tests.model.machine import steps
from tests.model.sizes import Sizes, State


@dataclass
class Violation:
    invariant: str
    what: str
    trace: list[str]
    """The steps from the first state, the shortest there are."""


@dataclass
class Result:
    sizes: Sizes
    states: int = 0
    transitions: int = 0
    diameter: int = 0
    """Steps to the farthest state."""
    seconds: float = 0.0
    checked: dict[str, int] = field(default_factory=dict)
    """By invariant, in how many states it held (`monotone`: in how many steps)."""
    violation: Violation | None = None
    complete: int = 0
    steps: set[str] = field(default_factory=set)
    """Every kind of step that was taken."""


class Explorer:
    """One search. `limit` bounds it for searches that are to find something, and `only` says what."""

    def __init__(self, sizes: Sizes, limit: int | None = None, only: str = "") -> None:
        self.sizes, self.limit = sizes, limit
        self.invariants = {name: each for name, each in INVARIANTS.items() if only in ("", name)}
        self.asks_monotone = only in ("", "monotone")
        self.result = Result(sizes, checked=dict.fromkeys((*self.invariants, "monotone", "live"), 0))
        self.numbers: dict[State, int] = {}
        self.states: list[State] = []
        self.came_from = array("l")
        self.labels: list[str] = []
        self.fair_from, self.fair_to = array("l"), array("l")
        self.held: dict[tuple[object, ...], bool] = {}

    def explore(self) -> Result:
        started = time.monotonic()
        self._reach(self.sizes.initial(), -1, "")
        level_end, at = 1, 0
        while at < len(self.states) and self.result.violation is None:
            if at == level_end:
                level_end = len(self.states)
                self.result.diameter += 1
            self._expand(at)
            at += 1
            if self.limit is not None and len(self.states) > self.limit:
                break
        else:
            if self.result.violation is None:
                self._check_live()
        self.result.states = len(self.states)
        self.result.seconds = time.monotonic() - started
        return self.result

    def _expand(self, at: int) -> None:
        """All that may follow. Steps without a fault are kept for `live`."""
        state = self.states[at]
        for label, is_fair, after in steps(self.sizes, state):
            self.result.transitions += 1
            self.result.steps.add(label)
            if self.asks_monotone and after[0] is not state[0]:
                wrong = step_is_monotone(state[0], after[0])
                if wrong:
                    self.result.violation = Violation("monotone", wrong, [*self._trace(at), label])
                    return
            self.result.checked["monotone"] += 1
            number = self.numbers.get(after)
            if number is None:
                number = self._reach(after, at, label)
                if self.result.violation is not None:
                    return
            if is_fair and number != at:
                self.fair_from.append(at)
                self.fair_to.append(number)

    def _reach(self, state: State, came_from: int, label: str) -> int:
        number = len(self.states)
        self.numbers[state] = number
        self.states.append(state)
        self.came_from.append(came_from)
        self.labels.append(label)
        durable = state[:5]
        if durable not in self.held:
            for name, invariant in self.invariants.items():
                wrong = invariant(self.sizes, state)
                if wrong:
                    self.result.violation = Violation(name, wrong, self._trace(number))
                    return number
            self.held[durable] = True
        for name in self.invariants:
            self.result.checked[name] += 1
        return number

    def _trace(self, number: int) -> list[str]:
        found: list[str] = []
        while number > 0:
            found.append(self.labels[number])
            number = self.came_from[number]
        return found[::-1]

    def _check_live(self) -> None:
        before: list[list[int]] = [[] for _ in self.states]
        for source, target in zip(self.fair_from, self.fair_to, strict=True):
            before[target].append(source)
        leads = bytearray(len(self.states))
        waiting = [number for number, state in enumerate(self.states) if is_complete(self.sizes, state)]
        self.result.complete = len(waiting)
        for number in waiting:
            leads[number] = 1
        while waiting:
            for source in before[waiting.pop()]:
                if not leads[source]:
                    leads[source] = 1
                    waiting.append(source)
        self.result.checked["live"] = sum(leads)
        stuck = leads.find(0)
        if stuck >= 0:
            what = "no continuation without faults captures and indexes everything"
            self.result.violation = Violation("live", what, self._trace(stuck))


def explore(sizes: Sizes, limit: int | None = None, only: str = "") -> Result:
    return Explorer(sizes, limit, only).explore()
