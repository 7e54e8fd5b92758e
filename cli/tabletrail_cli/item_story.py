"""An item's entries as its story is told: each change with what was found out about it, the steps of a marked delete.

Rules
- A finding (kind attribution) has its change's time and sequence, so a sorted walk has them side by side, in any order.
  It belongs to the change whose id it names, or to the full form of that.
- A finding whose change is not there is told on its own.
- The two records of a marked delete have one mark. Which marks are a removal's is asked beforehand: a walk comes by the
  first step before it knows of a second.

Called by `history` and `who`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tabletrail_cli.attribution_text import is_attribution
from tabletrail_cli.entries import Entries, Entry
from tabletrail_cli.entry_text import at
from tabletrail_cli.patterns import Clause
from tabletrail_cli.queries import of_kind

MOST_MARKS = 10_000
"""Marked removals of one item of which the pairs are told."""
FIRST_STEP = "step 1 of a marked delete"
SECOND_STEP = "step 2 of a marked delete"
ONLY_STEP = "a marked delete; its first step is not in the log"


@dataclass(slots=True)
class Told:
    """One entry of the story. `findings`: what is about it; `remark`: what it is part of, in words."""

    entry: Entry
    findings: list[Entry] = field(default_factory=list)
    remark: str = ""


def story(entries: Iterable[Entry], marks: frozenset[str]) -> Iterator[Told]:
    """Of entries in a sorted walk's order, from the oldest. `marks`: those of the item's removals."""
    begun: set[str] = set()
    for _, group in groupby(entries, key=lambda entry: (at(entry, "@timestamp"), at(entry, "event.sequence_key"))):
        for told in told_together(list(group)):
            told.remark = _step(told.entry, marks, begun)
            yield told


def told_together(entries: Sequence[Entry]) -> list[Told]:
    """Entries of one record, or of any number of records: each finding with what it is about."""
    told = [Told(entry) for entry in entries if not is_attribution(entry)]
    by_id = {name: one for one in told for name in ids_of(one.entry)}
    for entry in entries:
        if is_attribution(entry):
            about = by_id.get(at(entry, "tabletrail.about"))
            if about is None:
                told.append(Told(entry))
            else:
                about.findings.append(entry)
    return told


def ids_of(entry: Entry) -> list[str]:
    """The ids by which a finding may name an entry: its own, and that of the parked one whose place it took."""
    return [name for name in (at(entry, "event.id"), at(entry, "tabletrail.supersedes")) if name]


def marks_of_removals(entries: Entries, item: Clause) -> frozenset[str]:
    """The marks of an item's removals. `item` is the query that finds its entries."""
    removed: Clause = {"bool": {"filter": [item, of_kind("change"), {"term": {"event.action": "remove"}}]}}
    marks = {"marks": {"terms": {"field": "tabletrail.mark", "size": MOST_MARKS}}}
    return frozenset(bucket["key"] for bucket in entries.aggregate(removed, marks)["marks"]["buckets"])


def is_second_step(entry: Entry) -> bool:
    """True of the removal of a marked delete: the removed item held the mark. What is told by a row alone has none."""
    return at(entry, "event.action") == "remove" and bool(at(entry, "tabletrail.mark"))


def _step(entry: Entry, marks: frozenset[str], begun: set[str]) -> str:
    mark = at(entry, "tabletrail.mark")
    if is_second_step(entry):
        return SECOND_STEP if mark in begun else ONLY_STEP
    if at(entry, "event.action") == "remove" or mark not in marks:
        return ""
    begun.add(mark)
    return FIRST_STEP
