"""The world of the story: items, a clock, CloudTrail, and beside each change the truth of who made it.

Rules
- A `Stage` is where calls go: in memory here, a real client elsewhere. Both tell the same ledger what was sent and what
  came of it, so that the truth is made in one place.
- One story is told by one thread. Between the moment at which a call is made up (its mark has an id) and that at which
  it is sent, another's call may come: `between`.

Called by `acts`, which tells the story, and by the stages.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.attribution.cast import OPS, TTL, Writer
from tests.attribution.table_model import Changed, Item, Place, TableModel, place_of
from tests.attribution.trail_writer import TrailWriter

OUTBOX = "tabletrail_outbox"
"""The table of rows, unless a stack has one of its own."""


@dataclass(frozen=True, slots=True)
class Table:
    """One audited table, as the rules file describes it. `attribute` names the writer; `outbox`: rows are read."""

    name: str
    keys: tuple[str, ...] = ("pk",)
    attribute: str = "updatedBy"
    outbox: bool = False
    deletes: str = "any"
    ttl: str = ""


TABLES = (
    Table("orders", outbox=True),
    Table("stock"),
    Table("customers", attribute="lastModifiedBy"),
    Table("ledger", keys=("pk", "sk"), outbox=True, deletes="marked"),
    Table("carts", ttl="expires"),
    Table("archive"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """One change and the truth: who made it, as whom IAM knows him, and by which way. `seconds`: the record's time."""

    changed: Changed
    seconds: int
    who: str
    principal: str
    label: str
    position: int
    """Of the item's changes, from 0."""


@dataclass(slots=True)
class Ledger:
    """What was sent, what it changed, and who did it."""

    model: TableModel
    trail: TrailWriter
    told: list[Told] = field(default_factory=list)
    by_item: defaultdict[Place, list[Told]] = field(default_factory=lambda: defaultdict(list))
    writer: Writer = OPS
    label: str = ""
    sent: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Bodies as they went over the wire: some are sent again."""
    between: Callable[[str, Mapping[str, Any]], None] = lambda operation, body: None
    """Called before a call is sent, whoever makes it."""
    put_row: Callable[[Item], None] = lambda row: None
    """Hears of each row that is put into the outbox."""
    failed: int = 0
    outbox: str = OUTBOX

    @contextmanager
    def acting(self, writer: Writer, label: str) -> Iterator[None]:
        before = self.writer, self.label
        self.writer, self.label = writer, label
        try:
            yield
        finally:
            self.writer, self.label = before

    def note(
        self, operation: str, body: Mapping[str, Any], at: float, code: str | None = None
    ) -> tuple[str, list[Told]]:
        """A call that reached DynamoDB at `at`. `code`: how it ended there, if that is known; else the model tells."""
        found, changes = code or "", list[Changed]()
        if not found:
            found, changes = self.model.call(operation, body, is_done=code is not None)
        self.trail.note(operation, body, found, self.writer.identity, at)
        self.failed += bool(found)
        if not found:
            self.sent.append((operation, body))
        for one in changes:
            if one.table == self.outbox and one.new is not None:
                self.put_row(one.new)
        return found, [self.add(one, at) for one in changes if one.table != self.outbox]

    def add(self, changed: Changed, at: float) -> Told:
        place = place_of(changed.table, changed.key)
        principal = self.writer.principal
        told = Told(changed, int(at), self.writer.name, principal, self.label, len(self.by_item[place]))
        self.told.append(told)
        self.by_item[place].append(told)
        return told

    def expire(self, table: str, key: Item, at: float) -> Told:
        with self.acting(TTL, "removed by TTL"):
            return self.add(self.model.remove(table, key), at)


def new_ledger(
    chance: random.Random, tables: tuple[Table, ...] = TABLES, lost: float = 0.003, outbox: str = OUTBOX
) -> Ledger:
    keys = {table.name: table.keys for table in tables} | {outbox: ("item", "id")}
    return Ledger(TableModel(keys), TrailWriter(keys, chance, lost), outbox=outbox)


class Stage(Protocol):
    """Where a writer's calls go."""

    ledger: Ledger

    def now(self) -> float:
        """Seconds since the epoch."""

    def rest(self, seconds: float) -> None:
        """Time in which nothing is written; none where time is real."""

    def call(self, writer: Writer, way: str, operation: str, body: Mapping[str, Any]) -> str:
        """Sends it by a way (mark or outbox; empty: as it is). The error's code, or nothing."""

    def read(self, table: str, key: Item) -> Item | None:
        """A consistent read."""
