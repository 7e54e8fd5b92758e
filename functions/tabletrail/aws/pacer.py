"""Keeps the calls of one process below a rate that the service counts for the whole account.

Called by the adapters of streams and tables.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from tabletrail.ports import Clock


@dataclass(slots=True)
class Pacer:
    """Lets `per_second` callers through, evenly, in the order of their coming; the first at once. Thread-safe."""

    clock: Clock
    per_second: float
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Returns when this caller's turn has come."""
        with self._lock:
            now = self.clock.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / self.per_second
        if turn > now:
            # Outside the lock: others may take their turns meanwhile.
            self.clock.sleep(turn - now)
