"""The outbox and the claims in memory, with what writers do to them.

`FakeOutbox.items` is what is durable: the writers' own items, whatever they hold. `broken` makes every read fail, as a
table does that is not there, may not be read or is overloaded; `seconds_each` is how long each key and each span takes
on the deadline's clock. `FakeClaims.held` is durable too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.outbox import RowClaim, RowKey, Span, is_row_sized
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError, TransientError

MOST_DELETES = 100


@dataclass
class FakeOutbox:
    """`Outbox`. It counts what it is asked for."""

    items: dict[RowKey, dict[str, Any]] = field(default_factory=dict)
    broken: Callable[[], TabletrailError] | None = None
    seconds_each: float = 0.0
    most_at_once: int = 0
    keys_read: int = 0
    spans_read: int = 0

    def put(self, item: dict[str, Any]) -> None:
        """As a writer's transaction does."""
        self.items[RowKey(item["item"]["S"], item["id"]["S"])] = copy.deepcopy(item)

    def rows(self, keys: Collection[RowKey], deadline: Deadline | None = None) -> list[dict[str, Any]]:
        self._check(len(keys), deadline)
        self.keys_read += len(keys)
        return [copy.deepcopy(self.items[key]) for key in keys if key in self.items and is_row_sized(self.items[key])]

    def deletes(self, spans: Collection[Span], deadline: Deadline | None = None) -> dict[Span, list[dict[str, Any]]]:
        self._check(len(spans), deadline)
        self.spans_read += len(spans)
        return {span: self._within(span) for span in spans}

    def _within(self, span: Span) -> list[dict[str, Any]]:
        found = [
            item
            for key, item in sorted(self.items.items())
            if key.item == span.item
            and span.first_id <= key.id <= span.last_id
            and item.get("action") == {"S": "delete"}
            and is_row_sized(item)
        ]
        return copy.deepcopy(found[:MOST_DELETES])

    def _check(self, asked: int, deadline: Deadline | None) -> None:
        if self.broken is not None:
            raise self.broken()
        self.most_at_once = max(self.most_at_once, asked)
        for _ in range(asked if deadline is not None else 0):
            _in_time(deadline)
            if deadline is not None and self.seconds_each:
                deadline.clock.sleep(self.seconds_each)


@dataclass
class FakeClaims:
    """`Claims`. A key is granted to the first who claims it."""

    held: dict[str, str] = field(default_factory=dict)

    def claim(self, claims: Sequence[RowClaim], deadline: Deadline | None = None) -> frozenset[str]:
        if claims:
            _in_time(deadline)
        keys = [one.key for one in claims]
        assert len(keys) == len(set(keys)), "each key once"
        return frozenset(one.key for one in claims if self.held.setdefault(one.key, one.claimant) != one.claimant)

    def claimants(self, keys: Collection[str], deadline: Deadline | None = None) -> dict[str, str]:
        if keys:
            _in_time(deadline)
        return {key: self.held[key] for key in keys if key in self.held}


def _in_time(deadline: Deadline | None) -> None:
    if deadline is not None and deadline.passed():
        raise TransientError("not in time")
