"""Several runs at once, one call at a time: every interleaving of their calls through ports, again by its seed.

Rules
- Each actor is a thread that stops before each call through a port until it is its turn. Between two turns only one
  actor moves, so the same seed gives the same story.
- A call may lose its reply (it happened, and the caller is told that it failed) or be the actor's last (a crash).
- A sleeper stops before one of its calls until all others have ended, and until `wake` has been called.
- Threads that an actor starts itself are not held up: a call of theirs belongs to no turn.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from tabletrail.errors import CommitUnknownError, TransientError
from tests.fakes.faulty import Crash

Port = TypeVar("Port")


@dataclass(frozen=True, slots=True)
class Sleeper:
    """`actor` stops before its call number `call`, from 0."""

    actor: str
    call: int


@dataclass(slots=True)
class _Actor:
    name: str
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    stopped: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    calls: int = 0
    is_done: bool = False
    failure: BaseException | None = None


class Turns:
    """`lost` and `dies` are the chances of each call to lose its reply, or to be its actor's last."""

    def __init__(self, seed: int, *, lost: float = 0.0, dies: float = 0.0) -> None:
        self._random = random.Random(seed)
        self._chances = (lost, dies)
        self._here = threading.local()
        self.calls: list[str] = []
        """`actor port.method` of each turn, in order."""

    def wrap(self, port: Port, name: str) -> Port:
        return cast(Port, _Turned(port, self, name))

    def run(
        self,
        programs: Mapping[str, Callable[[], object]],
        sleeper: Sleeper | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        """Returns when every program has ended. Raises what a program raised that no failed call explains."""
        actors = [_Actor(name) for name in programs]
        threads = [
            threading.Thread(target=self._play, args=(actor, programs[actor.name]), daemon=True) for actor in actors
        ]
        for thread, actor in zip(threads, actors, strict=True):
            thread.start()
            actor.stopped.acquire()
        while moving := [actor for actor in actors if not actor.is_done]:
            ready = [
                actor
                for actor in moving
                if sleeper is None or (actor.name, actor.calls) != (sleeper.actor, sleeper.call)
            ]
            if not ready:
                sleeper = None
                if wake is not None:
                    wake()
                continue
            actor = self._random.choice(ready)
            actor.go.release()
            actor.stopped.acquire()
        for actor in actors:
            if actor.failure is not None:
                raise actor.failure

    def call(self, name: str, target: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        actor: _Actor | None = getattr(self._here, "actor", None)
        if actor is None:
            return target(*args, **kwargs)
        actor.stopped.release()
        actor.go.acquire()
        actor.calls += 1
        self.calls.append(f"{actor.name} {name}")
        reply = target(*args, **kwargs)
        lost, dies = self._chances
        chance = self._random.random()
        if chance < dies:
            raise Crash
        if chance < dies + lost:
            raise CommitUnknownError("lost") if name.endswith(".commit") else TransientError("lost")
        return reply

    def _play(self, actor: _Actor, program: Callable[[], object]) -> None:
        self._here.actor = actor
        try:
            program()
        except Crash:
            pass
        except TransientError as error:
            if not any(self._chances):
                actor.failure = error
        except BaseException as error:
            actor.failure = error
        actor.is_done = True
        actor.stopped.release()


class _Turned:
    def __init__(self, port: object, turns: Turns, name: str) -> None:
        self._port, self._turns, self._name = port, turns, name

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._port, method)
        if not callable(target):
            return target
        return lambda *args, **kwargs: self._turns.call(f"{self._name}.{method}", target, args, kwargs)
