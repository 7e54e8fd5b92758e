"""The reverse of `witness`: writes that CloudTrail saw and of which the log has no entry.

An independent witness of completeness, not a proof of a loss: each finding is `possible` and says what else may
explain it. Pure.

Rules
- A write is judged only where the log has read past its window (`read_until`); later ones are `undecided`.
- A write with an entry that fits is explained. Where an item has more writes than entries in all, these are counted
  (`outnumbered`) and not named: nobody can say which of them changed nothing.
- A write whose item does not show is explained by any fitting entry of its table; such a one is `unseen`, since that
  says little. One that may have been no write at all (`unknown`) is never missing.
- What is listed is bounded (`MISSING`); what is over is counted.

Called by `judgement`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tabletrail.core.cloudtrail import Call, unique
from tabletrail.core.cloudtrail_writes import Write
from tabletrail.core.sightings import WINDOW_SECONDS, Change, Values, agrees, fits, key_names, seconds_around, values

MISSING = 1000
"""Writes listed in one answer, about 1 KB each in a report. Where the log has nothing of a table, all are missing."""

_UNCHANGED = "it may have changed nothing: such a write makes no stream record"
_REASONS = {
    "DeleteItem": "the item may not have existed: such a delete makes no stream record",
    "BatchWriteItem": f"the batch may have left it unprocessed, or {_UNCHANGED}",
    "TransactWriteItems": f"it may repeat a transaction under the same client token, or {_UNCHANGED}",
    "ExecuteTransaction": f"it may repeat a transaction under the same client token, or {_UNCHANGED}",
    "BatchExecuteStatement": f"this statement of the batch may have failed by itself, or {_UNCHANGED}",
}

_NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Missing:
    """One write without an entry. `reason`: what may explain it, for a person."""

    call: Call
    write: Write
    reason: str


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """`missing`, by time and call, at most `MISSING`, all `possible`; the rest are counts of writes."""

    missing: tuple[Missing, ...]
    more: int = 0
    explained: int = 0
    outnumbered: int = 0
    unseen: int = 0
    undecided: int = 0


def unrecorded(changes: Iterable[Change], calls: Iterable[Call], read_until: int) -> Unrecorded:
    """What `calls` wrote and `changes` do not have. `read_until`: the log has every change of these tables before this
    second. `changes` holds all within `WINDOW_SECONDS` of each call."""
    entries = _Entries(changes)
    counts: Counter[str] = Counter()
    explained: Counter[tuple[str, Values]] = Counter()
    missing: list[Missing] = []
    for call in unique(calls):
        for write in call.writes:
            if call.seconds + WINDOW_SECONDS >= read_until:
                counts["undecided"] += 1
            elif write.operation == "unknown":
                counts["unseen"] += 1
            elif entries.has_item(write, call.seconds):
                counts["explained"] += 1
                explained[entries.item_of(write)] += 1
            elif entries.may_have(write, call.seconds):
                counts["unseen"] += 1
            else:
                missing.append(Missing(call, write, _REASONS.get(call.name, _UNCHANGED)))
    outnumbered = sum(max(0, number - entries.count(item)) for item, number in explained.items())
    more = max(0, len(missing) - MISSING)
    return Unrecorded(tuple(missing[:MISSING]), more, outnumbered=outnumbered, **counts)


class _Entries:
    """The changes that calls can make, by item and second, and by table and second."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._of_item: defaultdict[tuple[str, Values, int], list[Change]] = defaultdict(list)
        self._of_table: defaultdict[tuple[str, int], list[Change]] = defaultdict(list)
        self._count: Counter[tuple[str, Values]] = Counter()
        known = {one.entry_id: one for one in sorted(changes, key=repr)}
        self._names = key_names(known.values())
        for change in known.values():
            if change.action != "expire":
                key = values((name, text) for name, _, text in change.key)
                self._of_item[change.table, key, change.seconds].append(change)
                self._of_table[change.table, change.seconds].append(change)
                self._count[change.table, key] += 1

    def item_of(self, write: Write) -> tuple[str, Values]:
        """The table and what `write` shows of the item's key."""
        names = self._names.get(write.table, frozenset())
        return write.table, values((name, text) for name, text in write.key if name in names)

    def count(self, item: tuple[str, Values]) -> int:
        return self._count[item]

    def has_item(self, write: Write, second: int) -> bool:
        """True if an entry of the item that `write` shows fits it."""
        table, key = self.item_of(write)
        return any(
            fits(write, change) and agrees(write, change)
            for one in seconds_around(second)
            for change in self._of_item.get((table, key, one), ())
        )

    def may_have(self, write: Write, second: int) -> bool:
        """True if `write` does not show its whole key and an entry of its table fits what it shows."""
        table, key = self.item_of(write)
        if {name for name, _ in key} == self._names.get(table, _NO_NAMES):
            return False
        return any(
            fits(write, change) and agrees(write, change)
            for one in seconds_around(second)
            for change in self._of_table.get((table, one), ())
        )
