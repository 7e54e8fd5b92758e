"""A clock that only the test moves: sleeping takes no time and is remembered."""

from __future__ import annotations


class FakeClock:
    """`Clock`. Starts at `start`; `sleep` and `advance` move it. `sleeps` holds what was slept, in order."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self._now += seconds

    def advance(self, seconds: float) -> None:
        self._now += seconds
