"""Who is at work: said once, true for each write until the end of the block.

    with audited(actor="alice", reason="refund", request_id="req-17"):
        table.update_item(...)

Rules
- The context is a context variable: tasks of asyncio that begin in the block have it; threads have it where their
  function was wrapped by `carried`.
- A block within another one says only what differs.
- The actor may be a callable: it is asked for each write.

Called by writers and by `tabletrail_client.installation`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ContextDecorator
from contextvars import ContextVar, Token, copy_context
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from tabletrail_client.errors import AuditedError

P = ParamSpec("P")
R = TypeVar("R")

ACTOR_TYPES = ("user", "service", "system")
LONGEST = {"actor": 256, "service": 256, "request_id": 256, "reason": 1000}
"""Characters. A mark lies in the item and is paid for with each write."""


@dataclass(frozen=True, slots=True)
class Act:
    """What is said of a write. Empty texts are left out. `context` goes to the outbox alone, as JSON of up to 8 KB."""

    actor: str | Callable[[], str] = ""
    type: str = ""
    service: str = ""
    request_id: str = ""
    reason: str = ""
    context: Mapping[str, Any] | None = None

    def named(self) -> Act:
        """With the actor's name, checked. AuditedError if there is none, or something is too long."""
        name = self.actor() if callable(self.actor) else self.actor
        if not isinstance(name, str) or not name:
            raise AuditedError("audited: no actor. Give actor=, a name or a callable that returns one")
        if self.type and self.type not in ACTOR_TYPES:
            raise AuditedError(f"audited: type must be one of {', '.join(ACTOR_TYPES)}, not {self.type!r}")
        act = replace(self, actor=name)
        for field, most in LONGEST.items():
            text = getattr(act, field)
            if not isinstance(text, str) or len(text) > most:
                raise AuditedError(f"audited: {field} must be a text of at most {most} characters")
        return act


_current: ContextVar[Act | None] = ContextVar("tabletrail_act", default=None)


def current() -> Act | None:
    """What is said of writes here and now; None outside of any `audited`."""
    return _current.get()


class audited(ContextDecorator):  # noqa: N801 -- it reads as a statement
    """A block, or a function, whose writes are made by `actor`. Also `async with`.

    What is left out is taken from the block around it. Raises nothing itself: a write without an actor does.
    """

    def __init__(
        self,
        actor: str | Callable[[], str] = "",
        *,
        type: str = "",  # noqa: A002 -- the mark's own word
        service: str = "",
        request_id: str = "",
        reason: str = "",
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self._own = Act(actor, type, service, request_id, reason, context)
        self._tokens: list[Token[Act | None]] = []

    def __enter__(self) -> Act:
        around = _current.get() or Act()
        said = {field.name: value for field in fields(Act) if (value := getattr(self._own, field.name))}
        act = replace(around, **said)
        self._tokens.append(_current.set(act))
        return act

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._tokens.pop())

    async def __aenter__(self) -> Act:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _recreate_cm(self) -> audited:
        """A decorated function may run many times at once: each run has a block of its own."""
        own = self._own
        return audited(
            own.actor,
            type=own.type,
            service=own.service,
            request_id=own.request_id,
            reason=own.reason,
            context=own.context,
        )


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """`function` with the context of here and now, wherever it is called: `pool.submit(carried(work), item)`."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return run
