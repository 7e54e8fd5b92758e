"""Work aside: one piece at a time, while the caller goes on with the next.

Rules
- Never more than one piece is under way: starting another waits for the one before it, but not for long. So memory is
  bounded, pieces happen in the order of their starts, and one that hangs does not hold up the caller.
- Nothing is left behind: a function that is frozen between two calls must have no thread at work.
- What a piece raises is raised to the caller, at the next start or at the finish.

Called by `tabletrail.capture`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

Work = Callable[[], None]

PATIENCE_SECONDS = 5.0
"""Waited once for each piece. Indexing a segment takes one to two seconds; a request to an index that hangs, 17."""


class Aside(Protocol):
    """One caller's; not to be shared."""

    def start(self, work: Work) -> bool:
        """Begins `work` after the one before it has ended. Raises what that one raised, and then begins nothing.

        False, and nothing is begun, if that one goes on for too long.
        """

    def finish(self) -> None:
        """Returns when nothing is under way. Raises what the last work raised."""


class AtOnce:
    """Does the work before `start` returns: for tests that plan what happens at each call, in order."""

    def start(self, work: Work) -> bool:
        work()
        return True

    def finish(self) -> None:
        return


@dataclass(slots=True)
class InThread:
    """Does the work in a thread of its own: it hides the time that the work waits for a reply."""

    patience: float = PATIENCE_SECONDS
    _pool: ThreadPoolExecutor | None = None
    _under_way: Future[None] | None = field(default=None)
    _is_late: bool = False
    """What is under way was waited for once."""

    def start(self, work: Work) -> bool:
        if self._under_way is not None:
            wait([self._under_way], timeout=0 if self._is_late else self.patience)
            self._is_late = not self._under_way.done()
            if self._is_late:
                return False
        self._await()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1)
        self._under_way = self._pool.submit(work)
        return True

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
