"""Counts every request to AWS that a piece of work makes, with the capacity that DynamoDB would charge for it.

Rules
- Requests of boto3 clients are seen by botocore's events; GetRecords, which the reader signs itself, at its door.
- Capacity is computed from the items, by the published rules, since a local AWS only estimates it: writes per 1 KB,
  doubled in a transaction, plus one for each index entry that appears or goes; reads per 4 KB, half if not consistent,
  a batch item by item, in a transaction twice.
- Items are measured after the work, so that measuring does not count as its CPU time.

Caller: `count_calls`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from tabletrail.aws.signed_requests import Reply

ITERATOR_BYTES = 320
"""The service's shard iterators are about this long; the local ones are shorter, and a row is charged by its size."""
_INDEX_KEYS = ("group_id", "not_indexed", "not_alerted")


@dataclass
class Work:
    """What one function's calls did. `cpu` and `slept` in seconds; `slept` is what a pacer would have waited."""

    calls: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0
    slept: float = 0.0
    invocations: int = 0
    writes: float = 0.0
    reads: float = 0.0
    documents: int = 0
    stored_bytes: int = 0

    def add(self, other: Work) -> None:
        self.calls += other.calls
        for name in ("cpu", "slept", "invocations", "writes", "reads", "documents", "stored_bytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def times(self, factor: float) -> Work:
        """The same so many times; counts may become fractions of a call, which a month's sum may hold."""
        scaled = Work(Counter({name: count * factor for name, count in self.calls.items()}))
        for name in ("cpu", "slept", "invocations", "writes", "reads", "documents", "stored_bytes"):
            setattr(scaled, name, getattr(self, name) * factor)
        return scaled


class SteppedClock:
    """`Clock` that the benchmark moves on between runs; sleeping moves it too, and is counted."""

    def __init__(self, offset: float) -> None:
        self._offset = offset
        self.slept = 0.0

    def now(self) -> float:
        return time.time() + self._offset

    def monotonic(self) -> float:
        return time.monotonic() + self._offset

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._offset += seconds

    def advance(self, seconds: float) -> None:
        self._offset += seconds


class Calls:
    """Listens to a boto3 session. `during` gives the work of the block, complete when the block is left."""

    def __init__(self, session: Any, clock: SteppedClock) -> None:
        self._clock = clock
        self._requests: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self._sizes: dict[str, int] = {}
        """Of rows that were put, by table and key: an update is charged for the whole row."""
        session.events.register("before-parameter-build.*", self._asked)
        session.events.register("after-call.*", self._answered)

    def _asked(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["counted"] = (model.name, params)

    def _answered(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        name, params = context["counted"]
        self._requests.append((name, params, parsed))

    def count_records(self, requests: Any) -> Any:
        """A stand-in for the stream reader's signed requests that counts them."""
        return _CountedRequests(requests, self._requests)

    @contextmanager
    def during(self) -> Iterator[Work]:
        work = Work(invocations=1)
        self._requests.clear()
        slept, began = self._clock.slept, time.process_time()
        yield work
        work.cpu = time.process_time() - began
        work.slept = self._clock.slept - slept
        for name, params, parsed in self._requests:
            work.calls[name] += 1
            work.writes += self._written(name, params)
            work.reads += read_units(name, params, parsed)
            if name == "PutObject":
                work.stored_bytes += _length(params["Body"])

    def _written(self, name: str, params: dict[str, Any]) -> float:
        if name == "TransactWriteItems":
            return sum(
                self._row(kind, request, factor=2) for item in params["TransactItems"] for kind, request in item.items()
            )
        kind = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}.get(name)
        return self._row(kind, params, factor=1) if kind else 0.0

    def _row(self, kind: str, request: dict[str, Any], factor: int) -> float:
        """Units of one row's write: its size, and index entries that a put makes or a removal of a key takes away."""
        if kind == "Put":
            item = request["Item"]
            size = item_size(item)
            keys = [name for name in _INDEX_KEYS if name in item]
            if "segment_id" in item:
                self._sizes[f"{request['TableName']} {item['segment_id']}"] = size
        else:
            key = request["Key"]
            known = self._sizes.get(f"{request['TableName']} {key.get('segment_id')}", 0)
            size = max(known, item_size(key) + _values_size(request))
            removed = request.get("UpdateExpression", "").partition("REMOVE")[2]
            keys = [name for name in _INDEX_KEYS[1:] if name in removed]
        return factor * max(1, ceil(size / 1024)) + len(keys)


@dataclass
class _CountedRequests:
    requests: Any
    seen: list[tuple[str, dict[str, Any], dict[str, Any]]]

    def post(self, target: str, body: bytes) -> Reply:
        reply: Reply = self.requests.post(target, body)
        self.seen.append((target.rpartition(".")[2], {}, {}))
        return reply


def read_units(name: str, params: Mapping[str, Any], parsed: Mapping[str, Any]) -> float:
    if name == "Query":
        total = sum(map(item_size, parsed.get("Items", [])))
        return max(1, ceil(total / 4096)) * (1.0 if params.get("ConsistentRead") else 0.5)
    if name == "GetItem":
        return max(1, ceil(item_size(parsed.get("Item", {})) / 4096)) * (1.0 if params.get("ConsistentRead") else 0.5)
    if name == "BatchGetItem":
        return sum(
            max(1, ceil(item_size(item) / 4096)) * (1.0 if params["RequestItems"][table].get("ConsistentRead") else 0.5)
            for table, items in parsed.get("Responses", {}).items()
            for item in items
        )
    if name == "TransactGetItems":
        items = [response.get("Item", {}) for response in parsed.get("Responses", [])]
        return sum(2.0 * max(1, ceil(item_size(item) / 4096)) for item in items)
    return 0.0


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes as DynamoDB counts them: names and values."""
    return sum(len(name.encode()) + _size(value, name) for name, value in item.items())


def _values_size(request: Mapping[str, Any]) -> int:
    names = {f":{name}" for name in request.get("ExpressionAttributeNames", {})}
    values = request.get("ExpressionAttributeValues", {})
    return sum(len(name) + _size(value, name[1:]) for name, value in values.items() if names or value)


def _size(value: Mapping[str, Any], name: str = "") -> int:
    ((kind, content),) = value.items()
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "S":
        return max(len(content.encode()), ITERATOR_BYTES if name == "iterator" else 0)
    if kind == "N":
        return len(content) // 2 + 2
    if kind == "L":
        return 3 + sum(1 + _size(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + len(key) + _size(each) for key, each in content.items())
    return len(content)  # B; no row holds sets


def _length(body: Any) -> int:
    """botocore may have wrapped the bytes in a file by the time they are measured."""
    return body.getbuffer().nbytes if hasattr(body, "getbuffer") else len(body)
