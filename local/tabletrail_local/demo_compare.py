"""Is the log what was done: changes made against entries found, by table and action, and item by item.

Pure. Called by the demo and its tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tabletrail_cli.entry_text import at
from tabletrail_local.workload_truth import Place, Truth

Entry = dict[str, Any]


@dataclass(frozen=True)
class Row:
    table: str
    action: str
    made: int
    found: int


@dataclass(frozen=True)
class Comparison:
    """`rows` in the order of table and action; `differing` names each item whose entries are not its changes."""

    rows: list[Row]
    items: int
    differing: list[str]

    @property
    def made(self) -> int:
        return sum(row.made for row in self.rows)

    @property
    def found(self) -> int:
        return sum(row.found for row in self.rows)

    @property
    def is_equal(self) -> bool:
        return not self.differing and all(row.made == row.found for row in self.rows)


def compare(truth: Truth, entries: Iterable[Entry]) -> Comparison:
    """`entries` are all of the run's, the oldest first."""
    found: dict[Place, list[str]] = {}
    for entry in entries:
        place = (at(entry, "table.name"), at(entry, "item.id"))
        found.setdefault(place, []).append(at(entry, "event.action"))
    made = {place: [change.action for change in changes] for place, changes in truth.by_item().items()}
    differing = [
        _difference(place, made, found) for place in sorted({*made, *found}) if made.get(place) != found.get(place)
    ]
    return Comparison(list(_rows(truth.counts(), _counts(found))), len(made), differing)


def _counts(found: dict[Place, list[str]]) -> Counter[tuple[str, str]]:
    return Counter((table, action) for (table, _), actions in found.items() for action in actions)


def _rows(made: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> Iterator[Row]:
    for table, action in sorted({*made, *found}):
        yield Row(table, action, made[table, action], found[table, action])


def _difference(place: Place, made: dict[Place, list[str]], found: dict[Place, list[str]]) -> str:
    return f"{' '.join(place)}: made {_listed(made, place)}; in the log {_listed(found, place)}"


def _listed(actions: dict[Place, list[str]], place: Place) -> str:
    return ", ".join(actions.get(place, ())) or "nothing"
