"""Calls of DynamoDB that are signed here and parsed by `json.loads`, for rows that come by the hundred.

Why: with botocore in between, to read a hundred rows costs five times the CPU time, to put them three times, and
to ask for those of one item twice (`benchmarks/attribution_cost.py` measures it). All else is as in `signed_requests`.

Rules
- Typed JSON both ways: binary is base64 text, as it is in the records of a stream.
- What the service refuses is the SDK's own ClientError, so that `tries` and `troubles` judge it as any other.
- A reply that breaks off is no JSON, and so no reply.
- No retries here: the caller's `Tries` count them.

Called by `outbox` and `claims`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tabletrail.aws.signed_requests import Reply, SignedRequests
from tabletrail.errors import TransientError

SERVICE = "dynamodb"
TARGET = "DynamoDB_20120810"


class DirectCalls:
    """Over the endpoint, the connections and the time-outs of `client`, which is `clients.dynamodb_client`.

    Stands in its place for `fetch` and its like: the methods have the SDK's names.
    """

    def __init__(self, session: Any, client: Any) -> None:
        self._requests = SignedRequests(session, client, SERVICE)

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        return self.call("BatchGetItem", request)

    def query(self, **request: Any) -> dict[str, Any]:
        return self.call("Query", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        return self.call("TransactWriteItems", request)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply. ClientError, the SDK's errors of connection, TransientError for a reply that is none."""
        body = json.dumps(request, separators=(",", ":")).encode()
        reply = self._requests.post(f"{TARGET}.{operation}", body)
        content = _parsed(operation, reply)
        if reply.status != 200:
            raise ClientError(_error(reply.status, content), operation)
        return content


def _parsed(operation: str, reply: Reply) -> dict[str, Any]:
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    if reply.status == 200 or reply.status >= 500:
        raise TransientError(f"{operation} gave status {reply.status} and a body that is no JSON object")
    return {}


def _error(status: int, content: Mapping[str, Any]) -> Any:
    """As the SDK makes it of the same reply."""
    code = str(content.get("__type", "")).rpartition("#")[2] or str(status)
    text = content.get("message", content.get("Message", ""))
    reasons = content.get("CancellationReasons")
    return {
        "Error": {"Code": code, "Message": text},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **({"CancellationReasons": reasons} if isinstance(reasons, list) else {}),
    }
