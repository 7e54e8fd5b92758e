"""The laboratory's clock: it runs with the computer's, faster if asked, or stands still until it is driven.

Rules
- `now` is a function of the computer's time, of the start and of what was advanced, so that a laboratory that starts
  again from its journal has the same time.
- It never goes back, whatever the computer's clock does.

Called by `laboratory`.
"""

from __future__ import annotations

import time
from typing import Protocol

DRIVEN_START = 1_800_000_000.0
"""Where a driven clock starts if it is not told: a time that no test can take for the present."""


class LabClock(Protocol):
    runs: bool
    """Whether it moves by itself."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def advance(self, seconds: float) -> None:
        """Moves it forward by so many laboratory seconds."""


class RunningClock:
    """The computer's time, times `speed` from `start` on (computer's seconds since the epoch), plus what was
    advanced."""

    runs = True

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        self.start = time.time() if start is None else start
        self.speed = speed
        self._advanced = 0.0
        self._latest = 0.0

    def now(self) -> float:
        moment = self.start + (time.time() - self.start) * self.speed + self._advanced
        self._latest = max(self._latest, moment)
        return self._latest

    def advance(self, seconds: float) -> None:
        self._advanced += seconds


class DrivenClock:
    """Stands at `start` and moves by `advance` alone."""

    runs = False

    def __init__(self, start: float = DRIVEN_START) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
