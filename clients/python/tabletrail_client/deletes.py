"""Deletes that say who: the item is marked first, and then removed only if that mark is still there.

    1 UpdateItem   SET _audit = mark with intent "delete", if the item exists and the caller's condition holds
    2 DeleteItem   if _audit.id is that mark's; with the outbox, in one transaction with a row

Rules
- The caller's condition is judged in step 1. Where step 1 is refused, his own delete is sent as he made it: it then
  fails or finds nothing, as it should.
- Where somebody wrote in between, it begins anew; after a few times the call fails with TransactionConflictException.
- ALL_OLD returns the item as it was before step 1.
- A delete by conditions of old (`Expected`) is sent as it is.

Called by `tabletrail_client.writing`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from tabletrail_client.calls import Calls, Reply
from tabletrail_client.context import Act
from tabletrail_client.editing import Body, and_condition, id_of, mark_update
from tabletrail_client.expressions import free
from tabletrail_client.keys import table_name
from tabletrail_client.marks import ATTRIBUTE, DELETE
from tabletrail_client.outbox import fits, row, write

TRIES = 4
_FAILED = "ConditionalCheckFailedException"
_CONDITION = ("TableName", "Key", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues")
_CONFLICT = "another writer changed the item between the mark and the delete, each time that it was tried"


@dataclass(frozen=True)
class Deletes:
    """`outbox` is the table's name, or empty for a delete without a row."""

    calls: Calls
    outbox: str

    def two_steps(self, body: Body, act: Act) -> Reply | None:
        """The reply; None if the caller's own delete should be sent as it is."""
        if "Expected" in body:
            return None
        for _ in range(TRIES):
            step = _marking(body)
            made = mark_update(step, act, DELETE)
            if made is None:
                return None
            marked = self.calls.call("UpdateItem", step)
            if marked.is_error:
                # Refused: the item is not there, or the caller's condition does not hold. His own call says which.
                return None if marked.code == _FAILED else marked
            reply = self._remove(body, act, id_of(made))
            if reply.code != _FAILED:
                return _with_old(reply, marked)
        return Reply(
            reply.http, {**reply.parsed, "Error": {"Code": "TransactionConflictException", "Message": _CONFLICT}}
        )

    def with_row(self, body: Body, act: Act) -> Reply | None:
        """One transaction of the caller's delete and a row; None if his own delete should be sent as it is."""
        if not fits(body):
            return None
        asked = copy.deepcopy(body)
        _if_it_exists(asked)
        item = row(act, "delete", table_name(body["TableName"]), body["Key"])
        reply = write(self.calls, self.outbox, "DeleteItem", asked, item)
        return None if reply.code == _FAILED else reply

    def _remove(self, body: Body, act: Act, mark_id: str) -> Reply:
        left_out = {*_CONDITION[2:], "ReturnValuesOnConditionCheckFailure"}
        asked: Body = {name: value for name, value in body.items() if name not in left_out}
        and_condition(asked, "#a.#i = :i", {"#a": ATTRIBUTE, "#i": "id"}, {":i": {"S": mark_id}})
        if self.outbox and fits(body):
            item = row(act, "delete", table_name(body["TableName"]), body["Key"], mark_id)
            return write(self.calls, self.outbox, "DeleteItem", asked, item)
        return self.calls.call("DeleteItem", asked)


def _marking(body: Body) -> Body:
    """Step 1 without its mark: the caller's condition, an item that exists, and the mark that it had before."""
    step = copy.deepcopy({name: body[name] for name in _CONDITION if name in body})
    _if_it_exists(step)
    return {**step, "ReturnValues": "UPDATED_OLD"}


def _if_it_exists(body: Body) -> None:
    name = free("#key", body.get("ExpressionAttributeNames", {}))
    and_condition(body, f"attribute_exists({name})", {name: next(iter(body["Key"]))}, {})


def _with_old(reply: Reply, marked: Reply) -> Reply:
    """ALL_OLD as the caller's item was: with the mark that it had, or none."""
    attributes: dict[str, Any] | None = reply.parsed.get("Attributes")
    if attributes is None:
        return reply
    before = marked.parsed.get("Attributes", {}).get(ATTRIBUTE)
    old = {name: value for name, value in attributes.items() if name != ATTRIBUTE}
    return Reply(reply.http, {**reply.parsed, "Attributes": {**old, **({ATTRIBUTE: before} if before else {})}})
