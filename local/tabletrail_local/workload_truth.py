"""What a workload really changed, kept beside the log and independent of it: the side that the log is compared with.

Pure. Rules
- A change is a write after which the item is another than before. A write of the same item is none, nor is a write that
  was refused: DynamoDB makes no stream record of either.
- Items are kept in DynamoDB's own typed JSON, numbers without trailing zeros and sets in order, as DynamoDB gives them
  back: so `1` and `"1"` differ, and `1.50` and `1.5` do not.

Called by the workload, and by the demo and its tests to compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Item = dict[str, Any]
"""An item in plain Python: texts, int and Decimal, bool, list, dict, set of texts."""
TypedItem = dict[str, Any]
Place = tuple[str, str]
"""(table, item.id as the log writes it)"""


@dataclass(frozen=True)
class Change:
    """One change of one item; `old` is None where it was created, `new` where it was removed."""

    table: str
    item_id: str
    action: str
    old: TypedItem | None
    new: TypedItem | None


@dataclass
class Truth:
    """`keys` names each table's key attributes, the partition key first."""

    keys: Mapping[str, tuple[str, ...]]
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    """writes that were accepted and changed nothing"""
    refused: int = 0
    """calls that DynamoDB refused, because a condition did not hold"""
    _items: dict[Place, TypedItem] = field(default_factory=dict)

    def wrote(self, table: str, item: Item) -> None:
        """DynamoDB accepted a write, and this is the whole item after it."""
        self._move(table, self.item_id(table, item), typed_item(item))

    def removed(self, table: str, key: Item) -> None:
        """DynamoDB accepted a deletion; of an item that is not there it changes nothing."""
        self._move(table, self.item_id(table, key), None)

    def was_refused(self) -> None:
        self.refused += 1

    def counts(self) -> Counter[tuple[str, str]]:
        """Changes by (table, action)."""
        return Counter((change.table, change.action) for change in self.changes)

    def by_item(self) -> dict[Place, list[Change]]:
        """Each changed item's changes, the oldest first."""
        found: dict[Place, list[Change]] = {}
        for change in self.changes:
            found.setdefault((change.table, change.item_id), []).append(change)
        return found

    def item_id(self, table: str, item: Item) -> str:
        """The readable key, by the rule of docs/format.md: both parts of a key of two, joined by `/`."""
        parts = [str(item[name]) for name in self.keys[table]]
        if len(parts) == 1:
            return parts[0]
        return "/".join(part.replace("\\", "\\\\").replace("/", "\\/") for part in parts)

    def _move(self, table: str, item_id: str, new: TypedItem | None) -> None:
        place = (table, item_id)
        old = self._items.get(place)
        if old == new:
            self.unchanged += 1
            return
        if new is None:
            del self._items[place]
        else:
            self._items[place] = new
        action = "insert" if old is None else "remove" if new is None else "modify"
        self.changes.append(Change(table, item_id, action, old, new))


def typed_item(item: Item) -> TypedItem:
    return {name: typed(value) for name, value in item.items()}


def typed(value: Any) -> TypedItem:
    """DynamoDB's typed JSON of the kinds of values that the workload writes."""
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _number(value)}
        case list():
            return {"L": [typed(member) for member in value]}
        case dict():
            return {"M": typed_item(value)}
        case set():
            return {"SS": sorted(value)}
    raise TypeError(f"the workload writes no {type(value).__name__}")


def _number(value: int | Decimal) -> str:
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
