"""Troubles that were ordered: which call of which operation meets which, and the limits of an account.

Rules
- A fault with a count hits the next so many calls; one with a rate hits each call with that probability, by a row of
  numbers that the laboratory's seed fixes.
- Faults and what is left of them are not kept over a restart.
- Limits count by the laboratory's clock: a clock that stands still lets no second pass.

Called by `laboratory` before (and, for lost replies, after) an operation has its effect.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from tabletrail_lab.errors import ApiError, LabError, internal, limit_exceeded, throttled

OPERATIONS = ("ListStreams", "DescribeStream", "GetShardIterator", "GetRecords")
KINDS = ("throttle", "limit", "internal", "timeout", "close", "lost_reply")
"""throttle, limit, internal: an error reply. timeout: the connection is held and nothing happens. close: closed at
once, nothing happens. lost_reply: it happens, then the connection is closed."""

DESCRIBES = 10
"""DescribeStream calls a second of an account."""
GETS, GET_BYTES = 5, 2_000_000
"""GetRecords calls, and bytes of records, a second of a shard."""


@dataclass
class Fault:
    operation: str
    kind: str
    count: int | None
    rate: float | None
    shard_id: str | None
    seconds: float

    def error(self) -> ApiError | None:
        """The error reply, None for kinds that give no reply."""
        if self.kind == "throttle":
            return throttled()
        if self.kind == "limit":
            return limit_exceeded("More than 2 processes are reading from the same streams shard at the same time.")
        return internal() if self.kind == "internal" else None


class Faults:
    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        if fault.operation not in (*OPERATIONS, "*"):
            raise LabError(f"an operation is one of {', '.join(OPERATIONS)}, or * for all")
        if fault.kind not in KINDS:
            raise LabError(f"a fault's kind is one of {', '.join(KINDS)}")
        if (fault.count is None) == (fault.rate is None):
            raise LabError("a fault has either a count or a rate")
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def next(self, operation: str, shard_id: str | None) -> Fault | None:
        """The fault that this call meets, used up by one."""
        for fault in self._faults:
            if fault.operation not in (operation, "*") or fault.shard_id not in (None, shard_id):
                continue
            if fault.rate is not None:
                if self._rng.random() < fault.rate:
                    return fault
            elif fault.count:
                fault.count -= 1
                return fault
        return None


class Rate:
    """At most `most` a second, each weighing `amount`."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def allows(self, most: float, now: float) -> bool:
        while self._seen and self._seen[0][0] <= now - 1.0:
            self._sum -= self._seen.popleft()[1]
        return self._sum < most

    def add(self, amount: float, now: float) -> None:
        self._seen.append((now, amount))
        self._sum += amount


@dataclass
class Limits:
    """None: no limit. `describe`: DescribeStream calls a second of the account. `get` and `get_bytes`: GetRecords calls
    and bytes a second of a shard. `readers`: GetRecords of one shard at one moment."""

    describe: float | None = DESCRIBES
    get: float | None = GETS
    get_bytes: float | None = GET_BYTES
    readers: int | None = None

    def __post_init__(self) -> None:
        self._describes = Rate()
        self._gets: dict[str, tuple[Rate, Rate]] = {}

    def before_describe(self, now: float) -> None:
        if self.describe is None:
            return
        if not self._describes.allows(self.describe, now):
            raise throttled()
        self._describes.add(1, now)

    def before_get(self, shard_id: str, readers: int, now: float) -> None:
        if self.readers is not None and readers > self.readers:
            raise limit_exceeded("More than 2 processes are reading from the same streams shard at the same time.")
        if self.get is None and self.get_bytes is None:
            return
        calls, sizes = self._gets.setdefault(shard_id, (Rate(), Rate()))
        if self.get is not None and not calls.allows(self.get, now):
            raise throttled()
        if self.get_bytes is not None and not sizes.allows(self.get_bytes, now):
            raise throttled()
        calls.add(1, now)

    def after_get(self, shard_id: str, size: int, now: float) -> None:
        if self.get_bytes is not None and size:
            self._gets.setdefault(shard_id, (Rate(), Rate()))[1].add(size, now)
