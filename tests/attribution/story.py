"""The story: thousands of changes by writers who get in each other's way, in an order that its seed decides.

Rules
- What a writer does is a generator that stops between its calls; a few are under way at a time, and the seed decides
  whose turn it is. So copies get stale, and the two services race on the same items.
- Between a call's making and its sending another's call may come, and so it may between the two steps of a marked
  delete.
- Nothing here knows how the log reads a record.

Called by the tests and by `page`. What writers do is in `acts` and `odd_acts`.
"""

from __future__ import annotations

import contextvars
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.attribution.cast import CAST, PEOPLE, RIVALS, SERVICES, Writer
from tests.attribution.table_model import Item, Place, place_of
from tests.attribution.world import Ledger, Stage, Table

Act = Iterator[None]
UNDER_WAY = 5
HOT_ITEMS = 4
"""Of each table: where the two services race."""
MARKED = {"mark": "mark", "outbox": "mark and row"}


@dataclass
class Story:
    """`items`: how many each table has. `pace`: mean seconds between two turns; `prefix` keeps stories apart."""

    stage: Stage
    tables: tuple[Table, ...]
    seed: int
    changes: int
    items: int = 220
    pace: float = 2.0
    prefix: str = ""
    chance: random.Random = field(init=False)
    copies: list[tuple[Table, Item]] = field(default_factory=list)
    """Items as somebody once read them."""
    export: dict[Place, tuple[Table, Item]] = field(default_factory=dict)
    """An export of all items, as it was at some time."""
    number: int = 0
    is_inside: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.ledger.between = self._between

    @property
    def ledger(self) -> Ledger:
        return self.stage.ledger

    def tell(
        self, acts: Mapping[str, Callable[[Story], Act]], weights: Mapping[str, float], pause: Callable[[], None]
    ) -> None:
        """Until there are enough changes. `pause` is called between turns: time for the log to read."""
        names = list(acts)
        odds = [weights[name] for name in names]
        open_acts: list[Act] = []
        while len(self.ledger.told) < self.changes:
            if len(open_acts) < UNDER_WAY:
                name = self.chance.choices(names, odds)[0]
                self.counts[name] = self.counts.get(name, 0) + 1
                open_acts.append(acts[name](self))
            act = self.chance.choice(open_acts)
            if next(act, _OVER) is _OVER:
                open_acts.remove(act)
            self.stage.rest(self.chance.expovariate(1 / self.pace))
            pause()

    # Whom and what

    def someone(self) -> Writer:
        return self.chance.choice(PEOPLE if self.chance.random() < 0.7 else SERVICES)

    def place(self, *, outbox: bool | None = None) -> tuple[Table, Item]:
        """A table and a key, of an item that may not be there."""
        fitting = [table for table in self.tables if outbox is None or table.outbox is outbox]
        table = self.chance.choices(fitting, [3 if one.outbox else 2 for one in fitting])[0]
        number = self.chance.randrange(HOT_ITEMS if self.chance.random() < 0.15 else self.items)
        key = {"pk": {"S": f"{self.prefix}item-{number}"}}
        return table, key | ({"sk": {"N": str(number)}} if "sk" in table.keys else {})

    def existing(self, *, outbox: bool | None = None) -> tuple[Table, Item, Item]:
        """(table, key, item as it is); one is made first where there is none."""
        table, key = self.place(outbox=outbox)
        found = self.stage.read(table.name, key)
        if found is None:
            writer = self.someone()
            found = key | self.content(writer, table)
            self.put(writer, table, found)
            found = self.stage.read(table.name, key) or found
        return table, key, found

    def content(self, writer: Writer, table: Table) -> Item:
        """New values. Some who mark keep the old convention too."""
        self.number += 1
        found: Item = {"n": {"N": str(self.number)}, "status": {"S": self.chance.choice(("new", "paid", "sent"))}}
        if writer.way == "attribute" or (writer.way != "none" and self.number % 5 == 0):
            found[table.attribute] = {"S": writer.name}
        if table.ttl:
            found[table.ttl] = {"N": str(int(self.stage.now()) + self.chance.randrange(60, 5000))}
        return found

    def remember(self, table: Table, item: Item) -> None:
        self.copies.append((table, item))
        del self.copies[:-300]

    # Calls, each with its truth

    def put(self, writer: Writer, table: Table, item: Item, label: str = "", *, forget: bool | None = None) -> str:
        """A whole item. `label` names another way than the writer's: then it is sent as it is."""
        way = "" if label else self.way(writer, table, forget)
        with self.ledger.acting(writer, label or self._label(writer, way)):
            return self.stage.call(writer, way, "PutItem", {"TableName": table.name, "Item": item})

    def update(self, writer: Writer, table: Table, key: Item, values: Item, label: str = "") -> str:
        way = "" if label else self.way(writer, table)
        names = {f"#v{number}": name for number, name in enumerate(values)}
        sets = ", ".join(f"#v{number} = :v{number}" for number in range(len(values)))
        body = {
            "TableName": table.name,
            "Key": key,
            "UpdateExpression": f"SET {sets}",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {f":v{number}": value for number, value in enumerate(values.values())},
        }
        with self.ledger.acting(writer, label or self._label(writer, way)):
            return self.stage.call(writer, way, "UpdateItem", body)

    def delete(self, writer: Writer, table: Table, key: Item, label: str = "") -> str:
        way = "" if label else self.way(writer, table)
        is_marked = way and writer.deletes == "two-step"
        if table.deletes == "marked" and not is_marked:
            return "AccessDeniedException"  # by the policy that the page shows
        if not label:
            label = "marked delete" if is_marked else "plain delete"
            label += " and row" if way == "outbox" else ""
        with self.ledger.acting(writer, label):
            return self.stage.call(writer, way, "DeleteItem", {"TableName": table.name, "Key": key})

    def way(self, writer: Writer, table: Table, forget: bool | None = None) -> str:
        """Empty: as it is."""
        is_forgotten = self.chance.random() < writer.forgets if forget is None else forget
        if is_forgotten or writer.way not in MARKED:
            return ""
        return writer.way if table.outbox else "mark"

    def _label(self, writer: Writer, way: str) -> str:
        return MARKED[way] if way else "attribute alone" if writer.way == "attribute" else "nothing"

    # Others, in between

    def _between(self, operation: str, body: Mapping[str, Any]) -> None:
        single = _single_of(operation, body)
        if single is None or self.is_inside:
            return
        is_second_step = "_audit" in single.get("ExpressionAttributeNames", {}).values() and "Item" not in single
        is_second_step = is_second_step and "UpdateExpression" not in single
        table = next((one for one in self.tables if one.name == single["TableName"]), None)
        if table is None or self.chance.random() >= (0.06 if is_second_step else 0.02):
            return
        key = single["Key"] if "Key" in single else {name: single["Item"][name] for name in table.keys}
        rival = CAST[self.chance.choice(RIVALS)]
        self.is_inside = True
        try:
            # In a context of its own: the package knows its own calls by a context variable.
            contextvars.Context().run(self._interfere, rival, table, key, is_second_step)
        finally:
            self.is_inside = False

    def _interfere(self, rival: Writer, table: Table, key: Item, is_second_step: bool) -> None:
        if is_second_step and self.chance.random() < 0.5:
            # A plain delete between the steps is one of the cases that a mark alone does not tell.
            self.count("between two steps")
            self.delete(self.someone(), table, key, "" if table.outbox else "plain delete")
        elif self.stage.read(table.name, key) is not None:
            self.update(rival, table, key, self.content(rival, table))

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


_OVER = object()


def _single_of(operation: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The request of a call for one item, its row aside."""
    if operation == "TransactWriteItems":
        first: Mapping[str, Any] = next(iter(body["TransactItems"][0].values()))
        return first if len(body["TransactItems"]) == 2 else None
    return body if operation in ("PutItem", "UpdateItem", "DeleteItem") else None


def same_place(table: Table, one: Item, other: Item) -> bool:
    keys = [{name: item[name] for name in table.keys} for item in (one, other)]
    return place_of(table.name, keys[0]) == place_of(table.name, keys[1])
