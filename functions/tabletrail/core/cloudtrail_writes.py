"""Which items a DynamoDB call wrote, as far as its CloudTrail record shows.

What the format shows (source: "Understanding DynamoDB log file entries", Amazon DynamoDB Developer Guide)
- PutItem, UpdateItem, DeleteItem: `tableName` and `key`, whose values are plain texts without their types. No other
  value is there: `item` is a list of names, expressions come without their values.
- TransactWriteItems: `requestItems`, each with `operation`, `tableName` and `key`. The guide's own examples write
  some of these names with a capital (`TableName`, `Key`): names are read in any case.
- ExecuteStatement: `statement`; BatchExecuteStatement: `requestItems` of statements (see `partiql`).
- BatchWriteItem and ExecuteTransaction are not shown in the guide. They are read in the form of the others and in
  that of the API; where neither fits, the call is one that wrote unknown items.
- `requestParameters` may be left out for its size, and how binary keys are written is not documented.

Rules
- A call never looks as if it wrote less than it may have: what is not understood is a write of an unknown kind
  (`unknown`) to an unknown item (`key` empty) of an unknown table (`table` empty).
- A key holds the attributes that show; whether these are all is for the reader who knows the table.

Called by `cloudtrail`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletrail.core.partiql import statement_of

WRITES_OF_A_CALL = 100
"""DynamoDB takes at most 100 actions in a transaction and fewer in any other call. A record with more is no such
record: its writes count as unknown."""

NAMES = frozenset(
    {
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "ExecuteStatement",
        "BatchExecuteStatement",
        "ExecuteTransaction",
    }
)
"""The calls that can write items."""

HIDDEN = frozenset({"***(Redacted)", "HIDDEN_DUE_TO_SECURITY_REASONS"})
"""What CloudTrail puts in the place of a value."""

_SINGLE = {"PutItem": "put", "UpdateItem": "update", "DeleteItem": "delete"}
_OPERATIONS = {"put": "put", "update": "update", "delete": "delete", "conditioncheck": "none"}
_REQUESTS = {"putrequest": "put", "deleterequest": "delete"} | _OPERATIONS
_LISTS = ("requestitems", "transactitems", "statements", "transactstatements")


@dataclass(frozen=True, slots=True, order=True)
class Write:
    """One item's write. `operation`: put, update, delete, insert and change (PartiQL), unknown.

    `table`: its name or ARN as the record has it. `key`: (attribute, text) of what shows of the key, by attribute.
    """

    table: str
    operation: str
    key: tuple[tuple[str, str], ...] = ()


UNKNOWN = Write("", "unknown")


def writes_of(name: str, parameters: Any) -> tuple[Write, ...]:
    """The writes of the call `name` (of `NAMES`) with these requestParameters, each once; empty if it only read."""
    if type(parameters) is not dict:
        return (Write("", _SINGLE.get(name, "unknown")),)
    fields = _lowered(parameters)
    if name in _SINGLE:
        return (Write(_text(fields.get("tablename")), _SINGLE[name], _key(fields.get("key"))),)
    if name == "ExecuteStatement":
        return _several([_of_statement(fields.get("statement"))])
    requests = next((fields[one] for one in _LISTS if one in fields), None)
    if type(requests) is list and requests:
        return _several([_of_request(request, "") for request in requests])
    if type(requests) is dict and requests:
        return _several([one for table, inner in requests.items() for one in _of_table(table, inner)])
    return (UNKNOWN,)


def _several(found: list[Write | None]) -> tuple[Write, ...]:
    if len(found) > WRITES_OF_A_CALL:
        return (UNKNOWN,)
    return tuple(sorted({one for one in found if one is not None}))


def _of_table(table: str, requests: Any) -> list[Write | None]:
    """The API's own form of a batch: a list of requests under each table's name."""
    if type(requests) is not list or not requests:
        return [Write(table, "unknown")]
    return [_of_request(request, table) for request in requests]


def _of_request(request: Any, table: str) -> Write | None:
    """The write of one action; None if it is none."""
    if type(request) is not dict:
        return Write(table, "unknown")
    fields = _lowered(request)
    if "statement" in fields:
        return _of_statement(fields["statement"])
    operation = _OPERATIONS.get(_text(fields.get("operation")).lower(), "unknown")
    inner = next((one for one in _REQUESTS if type(fields.get(one)) is dict), None)
    if inner is not None and operation == "unknown":
        operation, fields = _REQUESTS[inner], fields | _lowered(fields[inner])
    if operation == "none":
        return None
    return Write(_text(fields.get("tablename")) or table, operation, _key(fields.get("key")))


def _of_statement(text: Any) -> Write | None:
    found = statement_of(text if type(text) is str else "")
    return None if found.operation == "none" else Write(found.table, found.operation, _shown(found.key))


def _key(value: Any) -> tuple[tuple[str, str], ...]:
    if type(value) is not dict:
        return ()
    return _shown((name, _value(inner)) for name, inner in value.items())


def _shown(key: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, text) for name, text in key if text and text not in HIDDEN))


def _value(value: Any) -> str:
    """The text of a key attribute: plain, or in DynamoDB's typed JSON. Numbers of JSON come as texts."""
    if type(value) is dict and len(value) == 1:
        [(kind, inner)] = value.items()
        return _text(inner) if kind.upper() in ("S", "N", "B") else ""
    return _text(value)


def _text(value: Any) -> str:
    return value if type(value) is str else ""


def _lowered(fields: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields.items()}
