"""DynamoDB's tables in memory, as far as the story's calls need them: what a call changes, and what it refuses.

Rules
- A call is in typed JSON, as it goes over the wire. Conditions are judged, unless the caller knows that it succeeded.
- What is written as it was is no change. A transaction is all or nothing, and once for its token.
- Understood: SET and REMOVE of attributes, conditions of equality and existence joined by AND, and one form of PartiQL.
  Anything else is an error of the story, not a refusal.

Called by `world`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Item = dict[str, Any]
Body = Mapping[str, Any]
Place = tuple[str, str]
"""(table, the key as canonical JSON)."""

FAILED = "ConditionalCheckFailedException"
CANCELED = "TransactionCanceledException"
_STATEMENT = re.compile(r'UPDATE "([^"]+)" SET n = \? WHERE pk = \?(?: AND sk = \?)?')


@dataclass(frozen=True, slots=True)
class Changed:
    """One item's change. `old` or `new` is None where there is no item."""

    table: str
    key: Item
    old: Item | None
    new: Item | None


@dataclass(slots=True)
class TableModel:
    """`keys`: names of key attributes by table."""

    keys: Mapping[str, tuple[str, ...]]
    items: dict[Place, Item] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def get(self, table: str, key: Item) -> Item | None:
        return self.items.get(place_of(table, key))

    def call(self, operation: str, body: Body, *, is_done: bool = False) -> tuple[str, list[Changed]]:
        """(error code or "", changes). `is_done`: it succeeded elsewhere, so no condition is judged."""
        token = str(body.get("ClientRequestToken", ""))
        if token and token in self._tokens:
            return "", []
        writes = list(self._writes(operation, body))
        if not is_done and not all(self._holds(part, key) for part, key, _ in writes):
            return CANCELED if operation == "TransactWriteItems" else FAILED, []
        if token:
            self._tokens.add(token)
        found = [self._write(str(part["TableName"]), key, new) for part, key, new in writes]
        return "", [one for one in found if one.old != one.new]

    def remove(self, table: str, key: Item) -> Changed:
        """What TTL does."""
        return self._write(table, key, None)

    def _writes(self, operation: str, body: Body) -> Iterator[tuple[Body, Item, Item | None]]:
        """(request, key, the item afterwards) of each write of a call."""
        if operation == "TransactWriteItems":
            for item in body["TransactItems"]:
                [(kind, part)] = item.items()
                yield from self._writes(f"{kind}Item", part)
        elif operation == "BatchWriteItem":
            for table, requests in body["RequestItems"].items():
                for request in requests:
                    [(kind, part)] = request.items()
                    yield from self._writes(kind.replace("Request", "Item"), {**part, "TableName": table})
        elif operation == "PutItem":
            yield body, self.key_in(body["TableName"], body["Item"]), dict(body["Item"])
        elif operation == "DeleteItem":
            yield body, body["Key"], None
        elif operation == "UpdateItem":
            old = self.get(body["TableName"], body["Key"]) or {}
            yield body, body["Key"], {**_updated(old, body), **body["Key"]}
        else:
            yield self._statement(operation, body)

    def _statement(self, operation: str, body: Body) -> tuple[Body, Item, Item]:
        match = _STATEMENT.fullmatch(body["Statement"]) if operation == "ExecuteStatement" else None
        if match is None:
            raise ValueError(f"the story does not know this call: {operation}")
        table, (value, *parts) = match.group(1), body["Parameters"]
        key = dict(zip(self.keys[table], parts, strict=True))
        condition = {"TableName": table, "ConditionExpression": "attribute_exists(pk)"}
        return condition, key, {**(self.get(table, key) or {}), "n": value}

    def _holds(self, part: Body, key: Item) -> bool:
        condition = part.get("ConditionExpression", "")
        item = self.get(part["TableName"], key) or {}
        return all(_is_true(term, item, part) for term in re.split(r"\s+AND\s+", condition) if term)

    def _write(self, table: str, key: Item, new: Item | None) -> Changed:
        place = place_of(table, key)
        old = self.items.pop(place, None)
        if new is not None:
            self.items[place] = new
        return Changed(table, key, old, new)

    def key_in(self, table: str, item: Item) -> Item:
        return {name: item[name] for name in self.keys[table]}


def place_of(table: str, key: Item) -> Place:
    return table, json.dumps(key, sort_keys=True)


def _updated(old: Item, body: Body) -> Item:
    new, names, values = dict(old), body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
    clauses = re.split(r"\b(SET|REMOVE)\b", body["UpdateExpression"])
    for kind, text in zip(clauses[1::2], clauses[2::2], strict=True):
        for part in text.split(","):
            name, _, value = (piece.strip() for piece in part.partition("="))
            name = names.get(name, name)
            if kind == "SET":
                new[name] = values[value]
            else:
                new.pop(name, None)
    return new


def _is_true(term: str, item: Item, body: Body) -> bool:
    term, names = term.strip().strip("()").strip(), body.get("ExpressionAttributeNames", {})
    call = re.fullmatch(r"(attribute_exists|attribute_not_exists)\((\S+)", term)
    if call is not None:
        return (names.get(call.group(2), call.group(2)) in item) is (call.group(1) == "attribute_exists")
    path, _, value = (piece.strip() for piece in term.partition("="))
    found: Any = {"M": item}
    for name in path.split("."):
        found = found.get("M", {}).get(names.get(name, name)) if found else None
    return found is not None and found == body["ExpressionAttributeValues"][value]
