"""Every way of writing to DynamoDB that the services use, each telling the truth what came of it.

Rules
- What a call changed follows from what DynamoDB answered: accepted, or refused by a condition. Any other error passes.
- The client must not repeat calls by itself: when a call was repeated, nobody knows what its first try did.
- Items are sent as `typed` writes them, sets sorted: boto3 would send a set in any order, and the local AWS, unlike
  DynamoDB, takes another order for a change.

Called by the services of the workload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from tabletrail_local.workload_truth import Item, Truth, typed, typed_item

_plain = TypeDeserializer().deserialize
_REFUSALS = ("ConditionalCheckFailedException", "TransactionCanceledException")


class Writer:
    """`client` is boto3's for DynamoDB. Methods return whether the call was accepted."""

    def __init__(self, client: Any, truth: Truth) -> None:
        self._client = client
        self._truth = truth

    def put(self, table: str, item: Item, *, only_new: bool = False) -> bool:
        condition = only_new_request(self._truth.keys[table][0]) if only_new else {}
        if not self._accepted(self._client.put_item, TableName=table, Item=typed_item(item), **condition):
            return False
        self._truth.wrote(table, item)
        return True

    def update(
        self,
        table: str,
        key: Item,
        changes: Mapping[str, Any],
        *,
        drop: str = "",
        expect: tuple[str, Any] | None = None,
    ) -> Item | None:
        """Sets each path (`address.city`, `lines[0].qty`) and drops one; the whole item afterwards, None if refused."""
        request = update_request(changes, drop, expect)
        place = {"TableName": table, "Key": typed_item(key)}
        answer = self._accepted(self._client.update_item, **place, ReturnValues="ALL_NEW", **request)
        if not answer:
            return None
        item = {name: _plain(value) for name, value in answer["Attributes"].items()}
        self._truth.wrote(table, item)
        return item

    def delete(self, table: str, key: Item) -> None:
        self._client.delete_item(TableName=table, Key=typed_item(key))
        self._truth.removed(table, key)

    def batch(self, table: str, puts: Sequence[Item], deletions: Sequence[Item] = ()) -> None:
        """At most 25 items, each once: BatchWriteItem refuses more, and knows no conditions."""
        requests: list[dict[str, Any]] = [{"PutRequest": {"Item": typed_item(item)}} for item in puts]
        requests += [{"DeleteRequest": {"Key": typed_item(key)}} for key in deletions]
        while requests:
            reply = self._client.batch_write_item(RequestItems={table: requests})
            requests = reply.get("UnprocessedItems", {}).get(table, [])
        for item in puts:
            self._truth.wrote(table, item)
        for key in deletions:
            self._truth.removed(table, key)

    def transact(self, actions: Sequence[Mapping[str, Any]], result: Sequence[tuple[str, Item]]) -> bool:
        """All of `actions` (TransactWriteItems' own) or none. `result`: the items that they make, with their tables."""
        if not self._accepted(self._client.transact_write_items, TransactItems=list(actions)):
            return False
        for table, item in result:
            self._truth.wrote(table, item)
        return True

    def _accepted(self, call: Any, **request: Any) -> Any:
        try:
            return call(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _REFUSALS:
                raise
            self._truth.was_refused()
            return None


def only_new_request(key: str) -> dict[str, Any]:
    return {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": key}}


def update_request(changes: Mapping[str, Any], drop: str = "", expect: tuple[str, Any] | None = None) -> dict[str, Any]:
    """UpdateItem's expressions. Every name goes through a placeholder: `status` and others are reserved words."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    sets = []
    for number, (path, value) in enumerate(changes.items()):
        values[f":v{number}"] = typed(value)
        sets.append(f"{_placeholders(path, names)} = :v{number}")
    expression = f"SET {', '.join(sets)}" if sets else ""
    if drop:
        expression += f" REMOVE {_placeholders(drop, names)}"
    request: dict[str, Any] = {"UpdateExpression": expression.strip()}
    if expect:
        values[":expected"] = typed(expect[1])
        request["ConditionExpression"] = f"{_placeholders(expect[0], names)} = :expected"
    request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = values
    return request


def _placeholders(path: str, names: dict[str, str]) -> str:
    """`lines[0].qty` as `#lines[0].#qty`."""
    parts = []
    for part in path.split("."):
        name, bracket, index = part.partition("[")
        names[f"#{name}"] = name
        parts.append(f"#{name}{bracket}{index}")
    return ".".join(parts)
