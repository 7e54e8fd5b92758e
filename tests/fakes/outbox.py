"""The outbox and the claims in memory, with what writers do to them.

`FakeOutbox.items` is what is durable: the writers' own items, whatever they hold. `broken` makes every read fail, as a
table does that is not there, may not be read or is overloaded. `FakeClaims.held` is durable too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.outbox import RowClaim, RowKey, Span, is_row_sized
from tabletrail.errors import TabletrailError

MOST_DELETES = 100


@dataclass
class FakeOutbox:
    """`Outbox`. It counts what it is asked for."""

    items: dict[RowKey, dict[str, Any]] = field(default_factory=dict)
    broken: Callable[[], TabletrailError] | None = None
    keys_read: int = 0
    spans_read: int = 0

    def put(self, item: dict[str, Any]) -> None:
        """As a writer's transaction does."""
        self.items[RowKey(item["item"]["S"], item["id"]["S"])] = copy.deepcopy(item)

    def rows(self, keys: Collection[RowKey]) -> list[dict[str, Any]]:
        self._check()
        self.keys_read += len(keys)
        return [copy.deepcopy(self.items[key]) for key in keys if key in self.items and is_row_sized(self.items[key])]

    def deletes(self, spans: Collection[Span]) -> dict[Span, list[dict[str, Any]]]:
        self._check()
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

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken()


@dataclass
class FakeClaims:
    """`Claims`. A key is granted to the first who claims it."""

    held: dict[str, str] = field(default_factory=dict)

    def claim(self, claims: Sequence[RowClaim]) -> frozenset[str]:
        keys = [one.key for one in claims]
        assert len(keys) == len(set(keys)), "each key once"
        return frozenset(one.key for one in claims if self.held.setdefault(one.key, one.claimant) != one.claimant)

    def claimants(self, keys: Collection[str]) -> dict[str, str]:
        return {key: self.held[key] for key in keys if key in self.held}
