"""What becomes of each kind of write.

| call               | way="mark"            | way="outbox"                                                    |
|--------------------|-----------------------|-----------------------------------------------------------------|
| PutItem            | mark                  | transaction: mark and row; mark alone where it asks for values  |
| UpdateItem         | mark                  | the same                                                        |
| DeleteItem         | by `deletes`          | by `deletes`, with a row                                        |
| BatchWriteItem     | puts marked           | puts marked; deletes as they are                                |
| TransactWriteItems | puts, updates marked  | the same, and rows for all of them while they fit               |
| PartiQL            | as it is              | as it is                                                        |

Rules
- What cannot carry the mark as asked for goes on as the caller made it, or is refused where `strict` is set.
- A returned value never shows a mark that the caller did not write, except in a whole item (ALL_NEW, ALL_OLD of a put).

Called by `tabletrail_client.installation`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tabletrail_client import editing, outbox
from tabletrail_client.calls import Calls, Reply
from tabletrail_client.context import Act
from tabletrail_client.deletes import Deletes
from tabletrail_client.editing import Body
from tabletrail_client.errors import AuditedError
from tabletrail_client.keys import Keys, table_name
from tabletrail_client.marks import ATTRIBUTE

TOKENS = 1_000
"""Transactions under a token of the caller's that are remembered, so that the same one sent again is the same."""

After = Callable[[dict[str, Any]], None]
"""What is done to the parsed answer before the caller sees it."""


@dataclass
class Write:
    """One call on its way. `token`: the caller gave a ClientRequestToken himself."""

    body: Body
    act: Act
    token: bool = False
    after: list[After] = field(default_factory=list)


@dataclass
class Writer:
    """`way`: mark or outbox. `deletes`: plain or two-step. `strict`: refuse what cannot be marked."""

    calls: Calls
    keys: Keys
    way: str
    deletes: str
    outbox: str
    strict: bool
    _sent: OrderedDict[str, tuple[str, Body]] = field(default_factory=OrderedDict)

    def handle(self, operation: str, write: Write) -> Reply | None:
        """Edits `write`; or the reply of what was sent in its place. AuditedError."""
        handler = _HANDLERS.get(operation)
        return handler(self, write) if handler else None

    def put(self, write: Write) -> Reply | None:
        table = self._table(write)
        key = self.keys.within(table, write.body["Item"])
        if len(key) < len(self.keys.of(table)):
            return None  # DynamoDB refuses it, in its own words
        made = editing.mark_put(write.body, write.act, self.keys)
        return self._with_row("PutItem", "put", write, made, key)

    def update(self, write: Write) -> Reply | None:
        made = editing.mark_update(write.body, write.act)
        if made is None:
            return None
        reply = self._with_row("UpdateItem", "update", write, made, write.body["Key"])
        if write.body.get("ReturnValues") in ("UPDATED_OLD", "UPDATED_NEW"):
            write.after.append(_hide_updated)
        return reply

    def delete(self, write: Write) -> Reply | None:
        deletes = Deletes(self.calls, self.outbox if self.way == "outbox" else "")
        if self.deletes == "two-step":
            return deletes.two_steps(write.body, write.act)
        if self.way == "outbox":
            reply = deletes.with_row(write.body, write.act)
            if reply is not None or outbox.fits(write.body):
                return reply
        self._refuse("a delete without a mark", "install with deletes='two-step'")
        return None

    def batch(self, write: Write) -> Reply | None:
        requests = write.body["RequestItems"]
        if any("DeleteRequest" in one for all_of in requests.values() for one in all_of):
            self._refuse("a delete in a batch", "delete_item can be marked")
        before = {_identity(one): one for all_of in requests.values() for one in all_of}
        write.body["RequestItems"] = editing.mark_batch(requests, write.act, self.keys)
        write.after.append(partial(_as_asked, before))
        return None

    def transact(self, write: Write) -> Reply | None:
        asked, token = json.dumps(write.body["TransactItems"], sort_keys=True), write.body.get("ClientRequestToken", "")
        known = self._sent.get(token) if write.token else None
        if known is not None and known[0] == asked:
            # The very same request again: other marks would make it another one, which DynamoDB refuses.
            write.body["TransactItems"] = known[1]["TransactItems"]
            return None
        items = [dict(item) for item in write.body["TransactItems"]]
        rows = [row for item in items if (row := self._mark_part(item, write.act)) is not None]
        if self.way == "outbox" and rows:
            puts = [{"Put": {"TableName": self.outbox, "Item": row}} for row in rows]
            if len(items) + len(puts) <= outbox.ITEMS and len(json.dumps([*items, *puts])) <= outbox.BYTES:
                write.after.append(partial(_first_reasons, len(items)))
                items += puts
            else:
                self._refuse("a transaction that has no room for rows of the outbox", "send it in smaller ones")
        write.body["TransactItems"] = items
        if write.token:
            self._sent[token] = (asked, {"TransactItems": items})
            while len(self._sent) > TOKENS:
                self._sent.popitem(last=False)
        return None

    def statement(self, write: Write) -> Reply | None:
        texts = [write.body, *write.body.get("Statements", ()), *write.body.get("TransactStatements", ())]
        words = [str(one["Statement"]).split(None, 1)[0].upper() for one in texts if one.get("Statement", "").strip()]
        if any(word != "SELECT" for word in words):
            self._refuse("a statement of PartiQL", "use put_item, update_item or delete_item")
        return None

    def _mark_part(self, item: dict[str, Any], act: Act) -> dict[str, Any] | None:
        """Marks one item of a transaction. The row for it; None for a check."""
        [(kind, part)] = item.items()
        if kind not in ("Put", "Update", "Delete"):
            return None
        body = dict(part)
        table = table_name(body["TableName"])
        made: Mapping[str, Any] | None = None
        if kind == "Put":
            made = editing.mark_put(body, act, self.keys)
        elif kind == "Update":
            made = editing.mark_update(body, act)
        elif self.way != "outbox":
            self._refuse("a delete in a transaction", "use way='outbox', or delete_item with deletes='two-step'")
        item[kind] = body
        key = self.keys.within(table, body["Item"]) if kind == "Put" else body["Key"]
        return outbox.row(act, kind.lower(), table, key, editing.id_of(made) if made else "")

    def _with_row(
        self, operation: str, action: str, write: Write, made: Mapping[str, Any], key: Mapping[str, Any]
    ) -> Reply | None:
        if self.way != "outbox":
            return None
        if not outbox.fits(write.body):
            self._refuse(f"a {action} that asks for returned values or conditions of old", "a transaction has neither")
            return None
        row = outbox.row(write.act, action, self._table(write), key, editing.id_of(made))
        return outbox.write(self.calls, self.outbox, operation, write.body, row)

    def _table(self, write: Write) -> str:
        return table_name(write.body["TableName"])

    def _refuse(self, what: str, instead: str) -> None:
        if self.strict:
            raise AuditedError(f"audited: {what} cannot be marked as asked for, and strict=True: {instead}")


def _hide_updated(parsed: dict[str, Any]) -> None:
    attributes = parsed.get("Attributes", {})
    if ATTRIBUTE in attributes:
        editing.without_mark(attributes)
        if not attributes:
            del parsed["Attributes"]


def _as_asked(before: Mapping[str, Body], parsed: dict[str, Any]) -> None:
    """UnprocessedItems as the caller sent them: he compares them, and sends them again."""
    for requests in parsed.get("UnprocessedItems", {}).values():
        for request in requests:
            if "PutRequest" in request:
                editing.without_mark(request["PutRequest"]["Item"])
                if (own := before.get(_identity(request))) and ATTRIBUTE in own["PutRequest"]["Item"]:
                    request["PutRequest"]["Item"][ATTRIBUTE] = own["PutRequest"]["Item"][ATTRIBUTE]


def _identity(request: Mapping[str, Any]) -> str:
    """A request without its mark, as text."""
    item = request.get("PutRequest", {}).get("Item", {})
    bare = {name: value for name, value in item.items() if name != ATTRIBUTE}
    return json.dumps(
        [bare, request.get("DeleteRequest")], sort_keys=True, default=lambda data: b64encode(data).decode()
    )


def _first_reasons(count: int, parsed: dict[str, Any]) -> None:
    """The reasons of the caller's own items, unless a row of the outbox was at fault."""
    reasons = parsed.get("CancellationReasons")
    if reasons and any(reason.get("Code", "None") != "None" for reason in reasons[:count]):
        parsed["CancellationReasons"] = reasons[:count]
        error = parsed.get("Error", {})
        # The message lists the reasons' codes in brackets.
        before, bracket, _ = str(error.get("Message", "")).rpartition(" [")
        if bracket:
            error["Message"] = f"{before} [{', '.join(reason.get('Code', 'None') for reason in reasons[:count])}]"


_HANDLERS: dict[str, Callable[[Writer, Write], Reply | None]] = {
    "PutItem": Writer.put,
    "UpdateItem": Writer.update,
    "DeleteItem": Writer.delete,
    "BatchWriteItem": Writer.batch,
    "TransactWriteItems": Writer.transact,
    "ExecuteStatement": Writer.statement,
    "BatchExecuteStatement": Writer.statement,
    "ExecuteTransaction": Writer.statement,
}
