"""The outbox: a write and a row that says who made it, in one transaction.

Rules
- One TransactWriteItems carries the caller's write, with its mark where the item survives, and one row for it.
- The caller sees the answer and the errors of the call that he made: a failed condition is
  ConditionalCheckFailedException. A transaction may conflict with a write that a plain call would have waited for: it
  is tried again a few times.
- A write that asks for what a transaction cannot give (returned values, the conditions of old) is not made into one.

Called by `tabletrail_client.writing` and `deletes`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from tabletrail_client.calls import Calls, Reply
from tabletrail_client.context import Act
from tabletrail_client.errors import AuditedError
from tabletrail_client.keys import table_name
from tabletrail_client.marks import Typed, digest, new_id, scalar

TABLE = "tabletrail_outbox"
KEPT_SECONDS = 7 * 86_400
CONTEXT_BYTES = 8_192
ITEMS, BYTES = 100, 4_000_000
"""Of one transaction."""
TRIES = 6
DOMAIN = "tabletrail/v1/outbox"

_PARTS = ("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "UpdateExpression")
_KINDS = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
_OF_OLD = ("Expected", "AttributeUpdates", "ConditionalOperator")
_CODES = {
    "ConditionalCheckFailed": ("ConditionalCheckFailedException", "The conditional request failed"),
    "TransactionConflict": ("TransactionConflictException", "Transaction is ongoing for the item"),
    "ValidationError": ("ValidationException", ""),
    "ProvisionedThroughputExceeded": ("ProvisionedThroughputExceededException", ""),
    "ThrottlingError": ("ThrottlingException", ""),
    "ItemCollectionSizeLimitExceeded": ("ItemCollectionSizeLimitExceededException", ""),
}
_MODELLED = {code for code, _ in _CODES.values()} - {"ValidationException", "ThrottlingException"}
"""Errors that are classes of the client's own, whose fields botocore shows."""
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


def fits(body: Mapping[str, Any]) -> bool:
    """True if a transaction can do what this PutItem, UpdateItem or DeleteItem asks for."""
    return body.get("ReturnValues", "NONE") == "NONE" and not any(name in body for name in _OF_OLD)


def row(act: Act, action: str, table: str, key: Typed, mark_id: str = "") -> dict[str, Any]:
    """The outbox's item in typed JSON. `action`: put, update or delete. `mark_id`: of the mark beside it, if any."""
    parts = [part for name in sorted(key) for part in (name, *scalar(key[name]))]
    context = json.dumps(act.context, ensure_ascii=False, separators=(",", ":")) if act.context else ""
    if len(context.encode()) > CONTEXT_BYTES:
        raise AuditedError(f"audited: context is larger than {CONTEXT_BYTES} bytes as JSON")
    texts = {
        "item": digest(DOMAIN, table, *parts),
        "id": mark_id or new_id(),
        "action": action,
        "table": table,
        "actor": act.actor,
        "type": act.type,
        "service": act.service,
        "request_id": act.request_id,
        "reason": act.reason,
        "context": context,
    }
    fields: dict[str, Any] = {name: {"S": text} for name, text in texts.items() if text}
    return {**fields, "key": {"M": dict(key)}, "expires_at": {"N": str(int(time.time()) + KEPT_SECONDS)}}


def write(calls: Calls, outbox: str, operation: str, body: Mapping[str, Any], item: Mapping[str, Any]) -> Reply:
    """Makes `body` of `operation` and the row `item` one transaction; the reply is as the operation's own."""
    kind = _KINDS[operation]
    write = {name: body[name] for name in ("TableName", "Item", "Key", *_PARTS) if name in body}
    wanted = body.get("ReturnValuesOnConditionCheckFailure")
    write |= {"ReturnValuesOnConditionCheckFailure": wanted} if wanted else {}
    asked = {name: body[name] for name in ("ReturnConsumedCapacity", "ReturnItemCollectionMetrics") if name in body}
    items = [{kind: write}, {"Put": {"TableName": outbox, "Item": item}}]
    reply = tried(lambda: calls.call("TransactWriteItems", transaction(items, asked)))
    return _as_error(reply) if reply.is_error else _as_own(reply, table_name(str(body["TableName"])))


def transaction(items: list[dict[str, Any]], asked: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"TransactItems": items, "ClientRequestToken": str(uuid4()), **(asked or {})}


def tried(call: Callable[[], Reply]) -> Reply:
    """Again while what stands in the way passes by itself: another transaction, or too many requests."""
    for attempt in range(TRIES):
        reply = call()
        if not reply.is_error or attempt == TRIES - 1 or not _is_passing(reply):
            break
        time.sleep(random.uniform(0.5, 1.0) * 0.05 * 2**attempt)  # noqa: S311 -- not a secret
    return reply


def reasons(reply: Reply) -> list[Mapping[str, Any]]:
    """Why each item of a transaction was not written; "None" where it was not that one's fault."""
    found: list[Mapping[str, Any]] = reply.parsed.get("CancellationReasons", [])
    return found


def _is_passing(reply: Reply) -> bool:
    codes = {str(reason.get("Code")) for reason in reasons(reply)} - {"None"}
    return bool(codes) and codes <= _PASSING


def _as_error(reply: Reply) -> Reply:
    """The error that the caller's own call would have had."""
    codes = [str(reason.get("Code")) for reason in reasons(reply)]
    if not codes or codes[0] not in _CODES:
        return reply
    reason = reasons(reply)[0]
    code, text = _CODES[codes[0]]
    message = text or str(reason.get("Message", ""))
    parsed: dict[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": reply.parsed.get("ResponseMetadata", {}),
    }
    if code in _MODELLED:
        parsed["message"] = message
    if reason.get("Item"):
        parsed["Item"] = reason["Item"]
    return Reply(reply.http, parsed)


def _as_own(reply: Reply, table: str) -> Reply:
    parsed = {"ResponseMetadata": reply.parsed.get("ResponseMetadata", {})}
    used = [one for one in reply.parsed.get("ConsumedCapacity", []) if table_name(one["TableName"]) == table]
    sizes = reply.parsed.get("ItemCollectionMetrics", {}).get(table, [])
    parsed |= {"ConsumedCapacity": used[0]} if used else {}
    parsed |= {"ItemCollectionMetrics": sizes[0]} if sizes else {}
    return Reply(reply.http, parsed)
