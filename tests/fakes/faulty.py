"""Makes any call through any port fail, in both ways: nothing happened, or it happened and the reply was lost.

Rules
- One `Plan` numbers the calls through all ports that it wraps, from 0, in the order in which they are made: so a test
  can run once without faults, learn the number of calls from `plan.calls`, and then run once for each number and way.
- `Way.BEFORE` raises and calls nothing; `Way.AFTER` calls and then raises, whatever the call returned.
- A crash of the process is `Crash`, a BaseException, so that no handler for errors can take it for one.
- Without an error of its own a fault raises what the port promises: CommitUnknownError for a commit, TransientError
  for all else.

    plan = Plan([Fault(Way.AFTER, number=7)])
    checkpoints = plan.wrap(FakeCheckpoints(rows, clock), "checkpoints")
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from tabletrail.errors import CommitUnknownError, ThrottledError, TransientError

Port = TypeVar("Port")


class Way(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Crash(BaseException):
    """The process died here. What is durable stays, everything else is gone."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where to fail. All given conditions must hold; `method` is `port.method` or a bare method's name.

    `nth` counts the calls that `method` matches, from 0. `times` is how often this fault strikes at most.
    """

    way: Way
    number: int | None = None
    method: str | None = None
    nth: int | None = None
    error: Callable[[], BaseException] | None = None
    times: int = 1


def throttle(method: str, times: int = 1) -> Fault:
    """The next `times` calls of `method` are throttled, without an effect."""
    return Fault(Way.BEFORE, method=method, error=lambda: ThrottledError("slow down"), times=times)


class Plan:
    """The faults to come, and what was called so far: `calls` holds `port.method` for each call's number."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.calls: list[str] = []
        self.struck: list[tuple[int, Fault]] = []
        self._faults = list(faults)
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def wrap(self, port: Port, name: str) -> Port:
        """The same port, with every call numbered and failing as planned."""
        return cast(Port, Faulty(port, self, name))

    def count(self, method: str) -> int:
        """How often `port.method`, or a method of this name on any port, was called."""
        return sum(_matches(method, call) for call in self.calls)

    def totals(self) -> Counter[str]:
        return Counter(self.calls)

    def note(self, call: str) -> Fault | None:
        """Numbers the call and returns the fault that strikes it."""
        with self._lock:
            number = len(self.calls)
            self.calls.append(call)
            for fault in self._faults:
                strikes = sum(struck is fault for _, struck in self.struck)
                if strikes < fault.times and self._strikes(fault, call, number):
                    self.struck.append((number, fault))
                    return fault
        return None

    def _strikes(self, fault: Fault, call: str, number: int) -> bool:
        if fault.number is not None and fault.number != number:
            return False
        if fault.method is not None and not _matches(fault.method, call):
            return False
        return fault.nth is None or self.count(fault.method or call) - 1 == fault.nth


class Faulty:
    """A port's calls under a plan. Attributes that are no methods pass through."""

    def __init__(self, port: object, plan: Plan, name: str) -> None:
        self._port, self._plan, self._name = port, plan, name

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._port, method)
        if not callable(target):
            return target

        def call(*args: Any, **kwargs: Any) -> Any:
            fault = self._plan.note(f"{self._name}.{method}")
            if fault is not None and fault.way is Way.BEFORE:
                raise _error_of(fault, method)
            reply = target(*args, **kwargs)
            if fault is not None:
                raise _error_of(fault, method)
            return reply

        return call


def _matches(method: str, call: str) -> bool:
    return method in (call, call.rpartition(".")[2])


def _error_of(fault: Fault, method: str) -> BaseException:
    if fault.error is not None:
        return fault.error()
    if method == "commit":
        return CommitUnknownError("the reply was lost")
    return TransientError("the call failed")
