"""Work aside: one piece at a time, while the caller goes on with the next.

Rules
- Never more than one piece is under way or waiting: starting another waits for the one before it. So memory is bounded,
  and pieces happen in the order of their starts.
- Nothing is left behind: a function that is frozen between two calls must have no thread at work.
- What a piece raises is raised to the caller, at the next start or at the finish.

Called by `tabletrail.capture`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

Work = Callable[[], None]


class Aside(Protocol):
    """One caller's; not to be shared."""

    def start(self, work: Work) -> None:
        """Begins `work` after the one before it has ended. Raises what that one raised, and then begins nothing."""

    def finish(self) -> None:
        """Returns when nothing is under way. Raises what the last work raised."""


class AtOnce:
    """Does the work before `start` returns: for tests that plan what happens at each call, in order."""

    def start(self, work: Work) -> None:
        work()

    def finish(self) -> None:
        return


@dataclass(slots=True)
class InThread:
    """Does the work in a thread of its own: it hides the time that the work waits for a reply."""

    _pool: ThreadPoolExecutor | None = None
    _under_way: Future[None] | None = field(default=None)

    def start(self, work: Work) -> None:
        self._await()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1)
        self._under_way = self._pool.submit(work)

    def finish(self) -> None:
        try:
            self._await()
        finally:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None

    def _await(self) -> None:
        waited_for, self._under_way = self._under_way, None
        if waited_for is not None:
            waited_for.result()
