"""Replies held against the SDK's model of the service: members, types, lengths."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session

SHARED_CODES = frozenset(
    {
        "ValidationException",
        "ThrottlingException",
        "SerializationException",
        "UnknownOperationException",
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
    }
)
"""What every operation of every such service may answer, and no model names."""
SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "timestamp": (int, float),
    "blob": (str,),
}


@cache
def service_model() -> Any:
    return botocore.session.get_session().get_service_model("dynamodbstreams")


def departures(operation: str, status: int, content: dict[str, Any]) -> list[str]:
    """Where a reply is another than the model has it."""
    model = service_model().operation_model(operation)
    if status == 200:
        return list(_departures(model.output_shape, content, operation))
    code = str(content.get("__type", "")).rpartition("#")[2]
    modelled = {shape.name for shape in model.error_shapes}
    wrong = [] if code in modelled | SHARED_CODES else [f"{operation} has no error {code}"]
    expected = 500 if code == "InternalServerError" else 400
    if status != expected:
        wrong.append(f"{code} comes with status {expected}, not {status}")
    if content.keys() != {"__type", "message"} or not isinstance(content["message"], str):
        wrong.append(f"an error has __type and message, not {sorted(content)}")
    return wrong


def _departures(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        if not isinstance(value, list) or len(value) < shape.metadata.get("min", 0):
            yield f"{path}: no list, or too short"
            return
        for number, element in enumerate(value):
            yield from _departures(shape.member, element, f"{path}[{number}]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{path}: no object"
            return
        for name, element in value.items():
            yield from _departures(shape.value, element, f"{path}.{name}")
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: no object"
        return
    for name in value.keys() - shape.members.keys():
        yield f"{path}: unknown member {name}"
    for name in set(shape.required_members) - value.keys():
        yield f"{path}: lacks {name}"
    for name in value.keys() & shape.members.keys():
        yield from _departures(shape.members[name], value[name], f"{path}.{name}")


def _scalar(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, SCALARS[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{path}: {value!r} is no {shape.type_name}"
        return
    if shape.type_name == "blob":
        base64.b64decode(str(value), validate=True)
    limits = shape.metadata
    measure = len(value) if isinstance(value, str) else value
    if measure < limits.get("min", measure) or measure > limits.get("max", measure):
        yield f"{path}: {value!r} is shorter or longer than {limits}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"{path}: {value!r} is none of {limits['enum']}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], str(value)):
        yield f"{path}: {value!r} does not match {limits['pattern']}"
