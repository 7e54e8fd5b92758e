"""The same work for many inputs, several at once.

Called by `checkpoints`, `outbox` and `claims`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar, cast

THREADS = 8

One = TypeVar("One")
Result = TypeVar("Result")


def each(work: Callable[[One], Result], inputs: Sequence[One], threads: int = THREADS) -> list[Result]:
    """`work` of each, in order. After an error none is begun any more, and it is raised when those at work have ended.

    So trouble that each of many would wait for is waited for once.
    """
    if len(inputs) <= 1:
        return [work(one) for one in inputs]
    has_failed = Event()

    def unless_one_failed(one: One) -> Result | None:
        if has_failed.is_set():
            return None
        try:
            return work(one)
        except BaseException:
            has_failed.set()
            raise

    with ThreadPoolExecutor(min(threads, len(inputs))) as pool:
        # Without an error none was left out; with one, this raises it.
        return cast(list[Result], list(pool.map(unless_one_failed, inputs)))
