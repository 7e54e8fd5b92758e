"""Records and rows of the outbox as writers make them, and what the product's core tells of them, page by page.

Rows and marks are the writers' package's own, with ids of a time that the test chooses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tabletrail.core.document import Conversion
from tabletrail.core.entry import convert
from tabletrail.core.evidence import Ask, Joining, Reading, ask_of, deletes_for, joined, keys_of, settled
from tabletrail.core.outbox import NO_EVIDENCE, Evidence, OutboxRow, RowKey, row_in
from tabletrail_client.context import Act
from tabletrail_client.marks import mark
from tabletrail_client.outbox import row
from tests.core.naive_marks import uuid_at
from tests.core.strategies import CONVERSION, SOURCE, record
from tests.validation import assert_valid_entry

Item = dict[str, Any]

NOW = 1_795_500_000
KEYS: Item = {"pk": {"S": "order#17"}}
PAID, SHIPPED = KEYS | {"status": {"S": "paid"}}, KEYS | {"status": {"S": "shipped"}}
SURE = Reading(SOURCE.stream_arn, "orders", 0)


def act(who: str, **more: Any) -> Act:
    return Act(who, reason=f"{who} at work", request_id=f"request of {who}", **more)


def marked(mark_id: str, who: str, intent: str = "", table: str = "orders", key: Item = KEYS) -> Item:
    return {"_audit": mark(act(who), table, key, intent, mark_id)}


def out(
    mark_id: str, who: str, action: str = "update", table: str = "orders", key: Item = KEYS, context: Any = None
) -> Item:
    """A row; `mark_id` is the id of the mark beside it, or one of its own."""
    return row(replace(act(who), context=context or {}), action, table, key, mark_id)


def at(seconds: float, chance: int = 0) -> str:
    """An id made so many seconds after NOW."""
    return uuid_at(int((NOW + seconds) * 1000), chance)


def change(old: Item | None, new: Item | None, number: int = 17, seconds: int = 0, **fields: Any) -> Item:
    return record(old, new, SequenceNumber=str(number), ApproximateCreationDateTime=NOW + seconds, **fields)


@dataclass
class Teller:
    """What is durable: the rows that writers put, and the claims."""

    items: list[Item] = field(default_factory=list)
    claims: dict[str, str] = field(default_factory=dict)
    is_unread: bool = False

    def page(self, records: Sequence[Item], reading: Reading = SURE) -> list[Evidence]:
        """What is told of the records of one read, claims made; as the use case does it."""
        asks = [ask_of(one, reading) for one in records]
        joining = self._joining([ask for ask in asks if ask is not None])
        choose = joining.choose_unread if self.is_unread else joining.choose
        choices = [choose(ask) if ask else None for ask in asks]
        made = [choice.claim for choice in choices if choice and choice.claim]
        refused = frozenset(one.key for one in made if self.claims.setdefault(one.key, one.claimant) != one.claimant)
        return [settled(choice, refused) if choice else NO_EVIDENCE for choice in choices]

    def _joining(self, asks: Iterable[Ask]) -> Joining:
        if self.is_unread:
            return Joining({})
        rows = [found for item in self.items if (found := row_in(item))]
        by_key = {RowKey(one.item, one.id): one for one in rows}
        deletes: dict[Any, list[OutboxRow]] = {}
        near: set[str] = set()
        for ask in asks:
            if ask.span and joined(ask, by_key) is None:
                deletes[ask.span] = sorted((one for one in rows if one.item == ask.item), key=lambda one: one.id)
                near |= {key for one in deletes_for(ask, deletes) for key in keys_of(one)}
        return Joining(by_key, deletes, {key: self.claims[key] for key in near if key in self.claims})

    def documents(self, *records: Item, reading: Reading = SURE, conversion: Conversion = CONVERSION) -> list[Item]:
        """The entries of one read."""
        told = self.page(records, reading)
        source = replace(SOURCE, table_name=reading.table)
        return [document(one, evidence, conversion, source) for one, evidence in zip(records, told, strict=True)]


def document(made: Item, evidence: Evidence, conversion: Conversion = CONVERSION, source: Any = SOURCE) -> Item:
    entry = convert(made, source, conversion, 0, evidence)
    assert_valid_entry(entry.document)
    found: Item = json.loads(entry.document)
    assert found["tabletrail"]["kind"] == "change"
    return found


def told(*records: Item, items: Sequence[Item] = (), **more: Any) -> list[Any]:
    """The `actor` of each record of one read, {} where there is none."""
    return [one.get("actor", {}) for one in Teller(list(items)).documents(*records, **more)]
