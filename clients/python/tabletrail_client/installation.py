"""The hooks into a client of DynamoDB: botocore's own events, and nothing patched.

    provide-client-params   did the caller give a token of his own?
    before-call             the body is there in typed JSON, not signed yet: it is edited, or something is sent instead
    after-call              the answer is there: what is ours is taken out of it

Rules
- Outside of `audited`, and without a default actor, nothing happens to a call. Within it, a write needs an actor.
- A client and the resource that was made with it are one: installing twice is refused.
- botocore knows a handler by its unique id over all events: each has one of its own.

Called by writers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakSet

from tabletrail_client.calls import Calls, decoded, encoded, take_over
from tabletrail_client.context import Act, current
from tabletrail_client.errors import AuditedError
from tabletrail_client.keys import Keys
from tabletrail_client.outbox import TABLE
from tabletrail_client.writing import Write, Writer

WAYS = ("mark", "outbox")
DELETES = ("plain", "two-step")
_ID = "tabletrail"
_WRITE, _TOKEN = "tabletrail_write", "tabletrail_token"
_installed: WeakSet[Any] = WeakSet()
"""The events of clients, as long as those live."""


@dataclass
class Installation:
    """What `install` did to one client. `uninstall` takes it back."""

    client: Any
    writer: Writer
    default: Act

    def uninstall(self) -> None:
        events = self.client.meta.events
        events.unregister(
            "provide-client-params.dynamodb.TransactWriteItems", self._note_token, unique_id=f"{_ID}-token"
        )
        events.unregister("before-call.dynamodb", self._before, unique_id=f"{_ID}-before")
        events.unregister("after-call.dynamodb", self._after, unique_id=f"{_ID}-after")
        self.writer.calls.unregister(f"{_ID}-keep")
        _installed.discard(events)

    def _register(self) -> None:
        events = self.client.meta.events
        events.register("provide-client-params.dynamodb.TransactWriteItems", self._note_token, unique_id=f"{_ID}-token")
        events.register("before-call.dynamodb", self._before, unique_id=f"{_ID}-before")
        events.register_first("after-call.dynamodb", self._after, unique_id=f"{_ID}-after")
        self.writer.calls.register(f"{_ID}-keep")

    def _note_token(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_TOKEN] = "ClientRequestToken" in params

    def _before(
        self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> tuple[Any, dict[str, Any]] | None:
        if take_over(params):
            return None
        said, default = current(), self.default
        if said is None and not default.actor:
            return None
        act = said or default
        act = replace(act, actor=act.actor or default.actor, service=act.service or default.service)
        write = Write(decoded(params), act.named(), bool(context.get(_TOKEN)))
        reply = self.writer.handle(model.name, write)
        context[_WRITE] = write
        if reply is not None:
            return reply.as_response()
        params["body"] = encoded(write.body)
        return None

    def _after(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        write: Write | None = context.pop(_WRITE, None)
        for change in write.after if write else ():
            change(parsed)


def install(
    target: Any,
    *,
    way: str = "mark",
    deletes: str = "plain",
    actor: str | Callable[[], str] = "",
    service: str = "",
    keys: Mapping[str, Sequence[str]] | None = None,
    outbox: str = TABLE,
    strict: bool = False,
) -> Installation:
    """Marks the writes of a client or resource of DynamoDB (boto3), wherever `audited` says who makes them.

    `way`: mark (in the item) or outbox (mark and a row, in one transaction). `deletes`: plain, or two-step.
    `actor`, `service`: for writes outside of any `audited`; without an actor those are left alone. `keys`: names of key
    attributes by table, where DescribeTable is not permitted. `strict`: a write that cannot be marked so is refused
    with AuditedError, instead of being sent as it is. AuditedError for what cannot be.
    """
    client = getattr(getattr(target, "meta", None), "client", target)
    meta = getattr(client, "meta", None)
    if meta is None or getattr(getattr(meta, "service_model", None), "service_name", "") != "dynamodb":
        raise AuditedError("audited: install() takes a client or resource of DynamoDB, boto3.client('dynamodb') say")
    for name, value, legal in (("way", way, WAYS), ("deletes", deletes, DELETES)):
        if value not in legal:
            raise AuditedError(f"audited: {name} must be one of {', '.join(legal)}, not {value!r}")
    if meta.events in _installed:
        raise AuditedError("audited: this client is installed already; uninstall() it first")
    calls = Calls(client)
    writer = Writer(calls, Keys(keys or {}, calls.describe), way, deletes, outbox, strict)
    made = Installation(client, writer, Act(actor=actor, service=service))
    made._register()
    _installed.add(meta.events)
    return made
