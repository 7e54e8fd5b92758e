"""One absolute deadline for one call: every loop asks it before it starts anything new.

Called by the use cases.
"""

from __future__ import annotations

from dataclasses import dataclass

from tabletrail.ports import Clock


@dataclass(frozen=True, slots=True)
class Deadline:
    clock: Clock
    at: float
    """On the monotonic clock, seconds."""

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> Deadline:
        return cls(clock, clock.monotonic() + seconds)

    @classmethod
    def earliest(cls, clock: Clock, seconds: float, epoch: float) -> Deadline:
        """`seconds` from now, or the wall-clock time `epoch` if that is sooner."""
        return cls.after(clock, min(seconds, epoch - clock.now()))

    def passed(self) -> bool:
        return self.clock.monotonic() >= self.at

    def left(self) -> float:
        return max(0.0, self.at - self.clock.monotonic())
