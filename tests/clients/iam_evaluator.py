"""What IAM would say to calls of DynamoDB: a small evaluator, written from its documentation, and never run beside IAM.

- Policies: "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys" of the IAM
  User Guide. An explicit Deny wins. Variables, principals, NotAction and the like are not understood, and fail.
- Which actions a call needs, and with what in the context: "Using IAM with DynamoDB transactions", "Using IAM policy
  conditions for fine-grained access control" and "Actions, resources, and condition keys for Amazon DynamoDB".
  `dynamodb:Attributes` holds the top-level attributes that a request names: those of the key, of the item, and those
  that are "evaluated in a conditional write".

Called by tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

REGION, ACCOUNT = "eu-central-1", "111122223333"
_WORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
_TOKEN = re.compile(r"[#:]?[A-Za-z_][A-Za-z0-9_.#\[\]]*\s*\(?")
_ITEMS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_VERBS = {"SELECT": "PartiQLSelect", "INSERT": "PartiQLInsert", "UPDATE": "PartiQLUpdate", "DELETE": "PartiQLDelete"}


@dataclass(frozen=True)
class Asked:
    """One check: an action on a resource. In the context each key has its values; a missing key is not there."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def is_allowed(policies: list[Mapping[str, Any]], asked: Asked) -> bool:
    """Something allows it, and nothing denies it."""
    effects = {
        statement["Effect"] for policy in policies for statement in policy["Statement"] if _fits(statement, asked)
    }
    assert effects <= {"Allow", "Deny"}
    return effects == {"Allow"}


def may_call(policies: list[Mapping[str, Any]], operation: str, body: Mapping[str, Any]) -> bool:
    """Each check of the call passes: DynamoDB does a call as a whole or refuses it."""
    return all(is_allowed(policies, asked) for asked in checks(operation, body))


def checks(operation: str, body: Mapping[str, Any]) -> Iterator[Asked]:
    """What a call needs to be allowed. `body` is its request in typed JSON."""
    if operation == "TransactWriteItems":
        for item in body["TransactItems"]:
            [(kind, part)] = item.items()
            yield _of_item(_ITEMS[kind], part, {"dynamodb:EnclosingOperation": (operation,)})
    elif operation == "BatchWriteItem":
        for table, requests in body["RequestItems"].items():
            parts = [next(iter(request.values())) for request in requests]
            names = {name for part in parts for name in part.get("Item") or part["Key"]}
            yield Asked(f"dynamodb:{operation}", _arn(table), {"dynamodb:Attributes": tuple(sorted(names))})
    elif operation in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
        for one in body.get("Statements") or body.get("TransactStatements") or [body]:
            table = re.search(r'(?:FROM|INTO|UPDATE)\s+"?([A-Za-z0-9_.-]+)"?', one["Statement"], re.IGNORECASE)
            assert table is not None
            yield Asked(f"dynamodb:{_VERBS[one['Statement'].split()[0].upper()]}", _arn(table[1]))
    else:
        yield _of_item(operation, body, {})


def _of_item(action: str, part: Mapping[str, Any], context: Mapping[str, tuple[str, ...]]) -> Asked:
    names = {*part.get("Key", {}), *part.get("Item", {}), *part.get("Expected", {}), *part.get("AttributeUpdates", {})}
    for expression in ("ConditionExpression", "UpdateExpression"):
        names |= set(named(part.get(expression, ""), part.get("ExpressionAttributeNames", {})))
    more = {"dynamodb:Attributes": tuple(sorted(names)), "dynamodb:ReturnValues": (part.get("ReturnValues", "NONE"),)}
    return Asked(f"dynamodb:{action}", _arn(part["TableName"]), {**context, **more})


def named(expression: str, names: Mapping[str, str]) -> Iterator[str]:
    """The top-level attributes that an expression speaks of."""
    for token in _TOKEN.findall(expression):
        first = re.split(r"[.\[]", token.strip())[0]
        is_function = token.rstrip().endswith("(") and not token.startswith("#")
        if token.startswith(":") or first.upper() in _WORDS or is_function:
            continue
        yield names[first] if first.startswith("#") else first


def _arn(table: str) -> str:
    return table if table.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def _fits(statement: Mapping[str, Any], asked: Asked) -> bool:
    assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}, "not understood here"
    return (
        any(fnmatchcase(asked.action.lower(), one.lower()) for one in _listed(statement["Action"]))
        and any(fnmatchcase(asked.resource, one) for one in _listed(statement["Resource"]))
        and all(
            _holds(operator, asked.context.get(key, ()), _listed(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


_TESTS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (str.__eq__, False),
    "StringNotEquals": (str.__eq__, True),
    "StringLike": (fnmatchcase, False),
    "StringNotLike": (fnmatchcase, True),
}
"""By operator: does a value match one of the policy's, and is it negated: then it must match none."""


def _holds(operator: str, values: tuple[str, ...], wanted: list[str]) -> bool:
    """ForAllValues is true for a key that is not there, ForAnyValue is not. Without either the key must have one value;
    a negated operator is true where it is missing."""
    kind, _, name = operator.rpartition(":")
    if name == "Null":
        return (wanted == ["true"]) is (not values)
    fits, is_negated = _TESTS[name.removesuffix("IfExists")]

    def one(value: str) -> bool:
        return any(fits(value, text) for text in wanted) is not is_negated

    if kind == "ForAllValues":
        return all(map(one, values))
    if kind == "ForAnyValue":
        return any(map(one, values))
    assert not kind
    assert len(values) <= 1, "a key of several values needs a set operator"
    return one(values[0]) if values else is_negated or name.endswith("IfExists")


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
