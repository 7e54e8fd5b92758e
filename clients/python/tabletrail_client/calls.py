"""Calls that a write makes on the caller's own client, beside or instead of the one that was asked for.

Rules
- They go the whole way of the client: its endpoint, credentials, retries and events. Only the request's body is ours,
  so it does not matter whether the client speaks typed JSON or Python's types.
- An error of DynamoDB is a reply like any other; trouble of the network is raised as it came.

Called by `tabletrail_client.outbox`, `deletes` and `installation`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

_PLACEHOLDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "UpdateItem": ("update_item", {"TableName": "placeholder", "Key": {}}),
    "DeleteItem": ("delete_item", {"TableName": "placeholder", "Key": {}}),
    "TransactWriteItems": ("transact_write_items", {"TransactItems": [{}]}),
}
"""By operation, the client's method, and parameters that pass its validation: the body that is sent is another one."""


@dataclass
class _Own:
    body: Mapping[str, Any]
    reply: list[Reply] = field(default_factory=list)


_own: ContextVar[_Own | None] = ContextVar("tabletrail_own_call", default=None)


@dataclass(frozen=True)
class Reply:
    """`parsed` as botocore parsed it, in typed JSON, with `Error` where it is one; `http` is botocore's response."""

    http: Any
    parsed: dict[str, Any]

    @property
    def is_error(self) -> bool:
        return int(self.http.status_code) >= 300

    @property
    def code(self) -> str:
        return str(self.parsed.get("Error", {}).get("Code", ""))

    def as_response(self) -> tuple[Any, dict[str, Any]]:
        """What a handler of `before-call` returns, so that this reply is the answer to the caller's own call."""
        return self.http, self.parsed


class Calls:
    """One for a client. `register` must have been called once."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def register(self, unique_id: str) -> None:
        # First, so that the reply is kept before a resource's own handler turns it into Python's types.
        self._client.meta.events.register_first("after-call.dynamodb", self._keep, unique_id=unique_id)

    def unregister(self, unique_id: str) -> None:
        self._client.meta.events.unregister("after-call.dynamodb", self._keep, unique_id=unique_id)

    def call(self, operation: str, body: Mapping[str, Any]) -> Reply:
        """The reply, an error of DynamoDB included. Raises what botocore raises where there is no reply."""
        method, parameters = _PLACEHOLDERS[operation]
        own = _Own(body)
        token = _own.set(own)
        try:
            getattr(self._client, method)(**parameters)
        except ClientError:
            if not own.reply:
                raise
        finally:
            _own.reset(token)
        return own.reply[-1]

    def describe(self, table: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._client.describe_table(TableName=table)
        return found

    def _keep(self, http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        own = _own.get()
        if own is not None:
            own.reply.append(Reply(http_response, copy.deepcopy(parsed)))


def take_over(request: dict[str, Any]) -> bool:
    """True if the request is one of ours; then it has our body."""
    own = _own.get()
    if own is None:
        return False
    request["body"] = encoded(own.body)
    return True


def decoded(request: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request["body"])
    return body


def encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()
