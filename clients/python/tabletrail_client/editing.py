"""A mark put into the body of one request, in typed JSON.

Rules
- Nothing but the mark is added, under a name and placeholders of its own.
- A mark that came along in an item which was read and is put back is replaced: it was another write's.
- A caller who writes the attribute himself in an UpdateExpression is let be.

Called by `tabletrail_client.writing` and `deletes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail_client.context import Act
from tabletrail_client.expressions import free, mentions, with_assignment
from tabletrail_client.keys import Keys, table_name
from tabletrail_client.marks import ATTRIBUTE, mark

Body = dict[str, Any]


def mark_put(body: Body, act: Act, keys: Keys) -> dict[str, Any]:
    """Marks `Item`. Returns the mark. `body`: of PutItem, or a Put of a transaction."""
    table, item = table_name(body["TableName"]), body["Item"]
    made = mark(act, table, keys.within(table, item))
    body["Item"] = {**item, ATTRIBUTE: made}
    return made


def mark_update(body: Body, act: Act, intent: str = "") -> dict[str, Any] | None:
    """Adds the mark to the update. None if the caller writes the attribute himself.

    `body`: of UpdateItem, or an Update of a transaction. An update without any assignment gets one: it then is a change
    even if it would have been none.
    """
    made = mark(act, table_name(body["TableName"]), body["Key"], intent)
    if "AttributeUpdates" in body:
        if ATTRIBUTE in body["AttributeUpdates"]:
            return None
        body["AttributeUpdates"] = {**body["AttributeUpdates"], ATTRIBUTE: {"Action": "PUT", "Value": made}}
        return made
    names, values = body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
    if mentions(body.get("UpdateExpression", ""), names, ATTRIBUTE):
        return None
    name, value = free("#tabletrail", names), free(":tabletrail", values)
    body["UpdateExpression"] = with_assignment(body.get("UpdateExpression", ""), name, value)
    body["ExpressionAttributeNames"] = {**names, name: ATTRIBUTE}
    body["ExpressionAttributeValues"] = {**values, value: made}
    return made


def mark_batch(requests: Mapping[str, list[Body]], act: Act, keys: Keys) -> dict[str, list[Body]]:
    """`RequestItems` of BatchWriteItem with each put marked. Deletes stay as they are: there is no place for a mark."""
    return {name: [_marked(one, table_name(name), act, keys) for one in all_of] for name, all_of in requests.items()}


def _marked(request: Body, table: str, act: Act, keys: Keys) -> Body:
    if "PutRequest" not in request:
        return request
    item = request["PutRequest"]["Item"]
    return {"PutRequest": {"Item": {**item, ATTRIBUTE: mark(act, table, keys.within(table, item))}}}


def id_of(made: Mapping[str, Any]) -> str:
    return str(made["M"]["id"]["S"])


def and_condition(body: Body, text: str, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
    """Adds a condition to the caller's own one. Names and values are ours and must not be taken."""
    own = body.get("ConditionExpression")
    body["ConditionExpression"] = f"({own}) AND ({text})" if own else text
    body["ExpressionAttributeNames"] = {**body.get("ExpressionAttributeNames", {}), **names}
    if values:
        body["ExpressionAttributeValues"] = {**body.get("ExpressionAttributeValues", {}), **values}


def without_mark(attributes: dict[str, Any]) -> None:
    attributes.pop(ATTRIBUTE, None)
