"""Runs that are not alone: two at once, call by call, and one that sleeps for twenty minutes in the middle of a call.

Called by `story`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from tabletrail.errors import TabletrailError
from tests.fakes.faulty import Crash
from tests.fakes.turns import Turns
from tests.soak.soak_world import SoakWorld

LOST, DIES = 0.01, 0.002
"""Of each call of runs at once: its reply is lost; it is its run's last."""


class EveryoneMay:
    """A lease that is granted to whoever asks: nothing may depend on it."""

    def acquire(self, name: str, owner: str, seconds: int, now: int) -> bool:
        return True

    def release(self, name: str, owner: str) -> None:
        pass


def two_at_once(world: SoakWorld, run_id: str, seed: int) -> None:
    """Two runs and a backlog in an order that the seed decides."""
    turns = _StreamApart(seed, lost=LOST, dies=DIES)
    faults, leases = world.faults, world.leases
    world.faults, world.leases = turns, EveryoneMay()  # type: ignore[assignment]
    try:
        turns.run(
            {
                "a": lambda: world.audit_run(f"{run_id}a"),
                "b": lambda: world.audit_run(f"{run_id}b"),
                "backlog": lambda: world.backlog().run(f"backlog-{run_id}"),
            }
        )
    finally:
        world.faults, world.leases = faults, leases


class _StreamApart(Turns):
    """The streams are struck by the laboratory, not here."""

    def wrap(self, port: Any, name: str) -> Any:
        return port if name == "stream" else super().wrap(port, name)


@dataclass
class Zombie:
    """A run of its own that stops before its call number `call`, until `wake`."""

    world: SoakWorld
    run_id: str
    call: int
    calls: int = 0
    is_asleep: bool = False
    failure: BaseException | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _woken: threading.Event = field(default_factory=threading.Event)

    def start(self) -> bool:
        """Returns when it sleeps (True), or has ended before it came to that call."""
        faults = self.world.faults
        self.world.faults = self
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self._stopped.wait()
        self.world.faults = faults
        return self.is_asleep

    def wake(self) -> None:
        """Returns when it has ended."""
        self._woken.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def wrap(self, port: Any, name: str) -> Any:
        return port if name == "stream" else _Drowsy(port, self)

    def before_call(self) -> None:
        if self.calls == self.call:
            self.is_asleep = True
            self._stopped.set()
            self._woken.wait()
        self.calls += 1

    def _live(self) -> None:
        try:
            self.world.audit_run(self.run_id)
        except (Crash, TabletrailError):
            pass  # as its state machine would end
        except BaseException as error:
            self.failure = error
        self._stopped.set()


class _Drowsy:
    def __init__(self, port: Any, zombie: Zombie) -> None:
        self._port, self._zombie = port, zombie

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._port, method)
        if not callable(target):
            return target

        def call(*args: Any, **kwargs: Any) -> Any:
            self._zombie.before_call()
            return target(*args, **kwargs)

        return call
