"""One call of the API: counts, faults and limits around the operation.

Rules
- A fault comes before the limits and before any effect; only a lost reply comes after it.
- An operation that the service does not have, or a body that is no JSON object, is refused like anything else.

Called by `inspection.answer`, under the lock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tabletrail_lab.api import Api
from tabletrail_lab.errors import ApiError
from tabletrail_lab.faults import OPERATIONS, Fault

if TYPE_CHECKING:
    from tabletrail_lab.state import State


@dataclass(frozen=True, slots=True)
class Reply:
    """`action`: send it, hold the connection for `seconds` and then close it, or close it at once. A reply is sent
    after `delay` seconds; `holds_reader` is the shard that it reads until then."""

    status: int
    body: bytes
    action: Literal["send", "hold", "close"] = "send"
    seconds: float = 0.0
    delay: float = 0.0
    holds_reader: str | None = None


CLOSE = Reply(0, b"", "close")


def error_reply(error: ApiError) -> Reply:
    return Reply(error.status, json.dumps({"__type": error.type_name, "message": error.message}).encode())


def answer(state: State, operation: str, request: Any) -> Reply:
    state.tally.operations[operation] += 1
    shard_id: str | None = None
    try:
        if operation not in OPERATIONS:
            raise ApiError("UnknownOperationException", f"Unknown operation: {operation}")
        if not isinstance(request, dict):
            raise ApiError("SerializationException", "the body is no JSON object")
        api = state.api
        if operation == "GetRecords":
            return _get_records(state, api, request)
        shard_id = request.get("ShardId")
        fault = _fault(state, operation, shard_id)
        if fault is not None and fault.kind != "lost_reply":
            return _without_effect(fault)
        body = _other(state, api, operation, request)
        return CLOSE if fault is not None else Reply(200, body)
    except ApiError as error:
        state.tally.error(error.code, None)
        return error_reply(error)


def _other(state: State, api: Api, operation: str, request: dict[str, Any]) -> bytes:
    now = state.now()
    if operation == "GetShardIterator":
        return api.get_shard_iterator(request, now)
    if operation == "ListStreams":
        return api.list_streams(request, now)
    state.account_limits.before_describe(now)
    return api.describe_stream(request, now)


def _get_records(state: State, api: Api, request: dict[str, Any]) -> Reply:
    iterator, limit = api.opened(request)
    shard_id, tally, limits = iterator.shard_id, state.tally, state.account_limits
    tally.reads[shard_id] += 1
    readers = tally.begin_read(shard_id)
    held = False
    try:
        fault = _fault(state, "GetRecords", shard_id)
        if fault is not None and fault.kind != "lost_reply":
            held = fault.kind == "timeout"
            return _without_effect(fault, shard_id if held else None)
        now = state.now()
        stream, shard = api.readable(iterator, now)
        limits.before_get(shard_id, readers, now)
        body, records, size = api.get_records(iterator, limit, stream, shard, now)
        limits.after_get(shard_id, size, now)
        tally.page(records, size)
        if fault is not None:
            return CLOSE
        held = state.read_delay > 0
        return Reply(200, body, "send", 0.0, state.read_delay, shard_id if held else None)
    except ApiError as error:
        tally.error(error.code, shard_id)
        return error_reply(error)
    finally:
        if not held:
            tally.end_read(shard_id)


def _fault(state: State, operation: str, shard_id: str | None) -> Fault | None:
    fault = state.faults.next(operation, shard_id)
    if fault is not None:
        state.tally.faults[fault.kind] += 1
    return fault


def _without_effect(fault: Fault, holds_reader: str | None = None) -> Reply:
    error = fault.error()
    if error is not None:
        raise error
    if fault.kind == "timeout":
        return Reply(0, b"", "hold", fault.seconds, 0.0, holds_reader)
    return CLOSE
