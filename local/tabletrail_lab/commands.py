"""Which of the laboratory's methods are commands, and which of those change what must outlive a restart.

Rules
- A command's arguments and result are JSON.
- A journaled command is written down, with its time, before it takes effect; done again with that time, it has the same
  effect. What it refuses, it refuses again.
- Troubles, limits and counts are not journaled: a laboratory that starts again has none.

Called by `laboratory` (the mark), `control` and `journal`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
Method = Callable[Concatenate[Any, P], T]
JOURNALED: dict[str, Callable[..., Any]] = {}
COMMANDS: set[str] = set()


def command(method: Method[P, T]) -> Method[P, T]:
    """Marks a command that leaves no trace after a restart."""

    @wraps(method)
    def locked(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.lock:
            return method(self, *args, **kwargs)

    COMMANDS.add(method.__name__)
    return cast(Method[P, T], locked)


def journaled(method: Method[P, T]) -> Method[P, T]:
    """Marks a command that is written down first."""
    signature, name = inspect.signature(method), method.__name__

    @wraps(method)
    def noted(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.lock:
            bound = signature.bind(self, *args, **kwargs)
            bound.arguments.pop("self")
            with self.at_one_moment():
                if self.journal is not None:
                    self.journal(name, bound.arguments, self.now())
                return method(self, *args, **kwargs)

    COMMANDS.add(name)
    JOURNALED[name] = method
    return cast(Method[P, T], noted)
