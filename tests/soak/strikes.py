"""Faults of a soak's ports: drawn for each minute from the seed, both ways, by the names that the product calls.

Rules
- A minute's faults are drawn before it begins: which method, at which of its calls in that minute, how it fails.
- Before: nothing happened. After: it happened and the reply was lost. A crash is the process's death at that call.
- Streams are struck by the laboratory, over HTTP, and not here.

Called by `soak_world` and `story`.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import Any

from tabletrail.errors import CommitUnknownError, ThrottledError, TransientError
from tests.fakes.faulty import Crash

METHODS = (
    *("checkpoints.commit",) * 6,
    *("store.put",) * 4,
    *("segments.mark_indexed",) * 3,
    *("index.create",) * 3,
    *("checkpoints.move_shard",) * 3,
    *("checkpoints.group",) * 3,
    "checkpoints.streams",
    "checkpoints.live_shards",
    "checkpoints.shards_of",
    "checkpoints.add_shards",
    "checkpoints.move_stream",
    "segments.get",
    "segments.waiting",
    "store.get",
    "tables.tagged",
    "tables.view",
    "stamps.write",
    "leases.acquire",
    "leases.release",
    "notes.write",
    "notes.read",
)
CHANCE, CRASH, THROTTLE = 0.5, 0.12, 0.2
"""Of a minute to have faults; of a fault to be a death, and to be a throttle."""
MOST = 3
CALLS = 14
"""A fault strikes one of the first so many calls of its method in the minute."""


class Strikes:
    """Wraps ports as `tests.fakes.faulty.Plan` does. `struck` counts what struck, by method and kind."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._due: dict[tuple[str, int], str] = {}
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.struck: Counter[str] = Counter()

    def begin(self, minute: int, *, is_calm: bool = False) -> None:
        """What is left of the last minute's faults is forgotten. `is_calm`: this one has none."""
        self._calls.clear()
        self._due.clear()
        rng = random.Random(f"{self._seed} strikes {minute}")
        if is_calm or rng.random() >= CHANCE:
            return
        for _ in range(rng.randint(1, MOST)):
            kind = "death" if (chance := rng.random()) < CRASH else "throttle" if chance < CRASH + THROTTLE else "error"
            way = "before" if kind == "throttle" else rng.choice(("before", "after"))
            self._due[rng.choice(METHODS), rng.randrange(CALLS)] = f"{kind} {way}"

    def wrap(self, port: Any, name: str) -> Any:
        return port if name == "stream" else _Struck(port, self, name)

    def next(self, call: str) -> str:
        """How this call fails, empty if it does not."""
        with self._lock:
            number = self._calls[call]
            self._calls[call] += 1
            fault = self._due.pop((call, number), "")
            if fault:
                self.struck[f"{call}: {fault}"] += 1
            return fault


class _Struck:
    def __init__(self, port: Any, strikes: Strikes, name: str) -> None:
        self._port, self._strikes, self._name = port, strikes, name

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._port, method)
        if not callable(target):
            return target

        def call(*args: Any, **kwargs: Any) -> Any:
            fault = self._strikes.next(f"{self._name}.{method}")
            if fault.endswith("before"):
                raise _error(fault, method)
            reply = target(*args, **kwargs)
            if fault:
                raise _error(fault, method)
            return reply

        return call


def _error(fault: str, method: str) -> BaseException:
    if fault.startswith("death"):
        return Crash()
    if fault.startswith("throttle"):
        return ThrottledError("slow down")
    return CommitUnknownError("the reply was lost") if method == "commit" else TransientError("the call failed")
