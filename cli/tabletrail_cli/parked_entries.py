"""Parked and unreadable entries: how they are found in the index, and what the log holds of them.

Rules
- The index only says where to look; the entry itself comes from its segment, whose bytes are checked against the row.
- Three hashes must agree: the object's with its row's, the entry's own with its content, and with what was parked.
- A segment is read once for all entries that are asked of it, a line at a time.

Called by `parked`, `parked_show` and `parked_retry`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING

from tabletrail.core.entry import hash_of_document
from tabletrail.errors import EntryError, ObjectMissingError, QueryError, SegmentError
from tabletrail_cli.entry_text import Entry
from tabletrail_cli.entry_text import at as text_at
from tabletrail_cli.errors import DamageError
from tabletrail_cli.patterns import Clause, any_of, matching
from tabletrail_cli.queries import Question, query_of

if TYPE_CHECKING:
    from tabletrail.core.segment import Line
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.log import Log

PARKED, UNREADABLE = "parked", "unreadable"
PAGE = 100
"""Entries looked after at once: their full forms are held together, each at most 4 MB."""
SHORT_ID = 12
"""Characters of an id in a list for people: enough to tell entries apart, and taken as an ID again."""
_ID = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Full:
    """What the log holds of an entry: `line`, or None and why it is not what was committed."""

    entry: Entry
    line: Line | None
    damage: str = ""


def query(
    kinds: Sequence[str],
    tables: Sequence[str],
    reasons: Sequence[str],
    since: datetime | None,
    until: datetime | None,
) -> Clause:
    """Entries of these kinds; several values of one filter mean any of them. QueryError for times that cannot be."""
    found = query_of(Question(fields=[("table", tables), ("kind", kinds)], since=since, until=until))
    if reasons:
        fields = [f"tabletrail.{kind}.reason" for kind in (PARKED, UNREADABLE)]
        found["bool"]["filter"].append(any_of([matching(field, one) for one in reasons for field in fields]))
    return found


def by_id(entries: Entries, text: str) -> Entry | None:
    """The parked or unreadable entry whose id begins so. QueryError if it is no id, or that of several."""
    if not _ID.fullmatch(text):
        raise QueryError(f"{text!r} is no entry's id: give its 64 hexadecimal digits, or the first 8 or more of them")
    clauses: list[Clause] = [{"prefix": {"event.id": text}}, {"terms": {"tabletrail.kind": [PARKED, UNREADABLE]}}]
    found = list(entries.walk({"bool": {"filter": clauses}}, "asc", limit=2))
    if len(found) > 1:
        raise QueryError(f"{text} begins the ids of several entries: give more of its digits")
    return found[0] if found else None


def retried(entries: Entries, page: Sequence[Entry]) -> dict[str, str]:
    """Of these entries those whose full form is in the index after all: its id by theirs.

    OpenSearch shows what was just stored within some seconds.
    """
    ids = [text_at(entry, "event.id") for entry in page if text_at(entry, "tabletrail.kind") == PARKED]
    if not ids:
        return {}
    found = entries.walk({"bool": {"filter": [{"terms": {"tabletrail.supersedes": ids}}]}}, "asc")
    return {text_at(entry, "tabletrail.supersedes"): text_at(entry, "event.id") for entry in found}


def pages(entries: Iterable[Entry], size: int = PAGE) -> Iterator[list[Entry]]:
    walk = iter(entries)
    while page := list(islice(walk, size)):
        yield page


def full_entries(log: Log, page: Sequence[Entry]) -> Iterator[Full]:
    """What the log holds of each, segment by segment. Damage is part of the answer; the ports' own errors are not."""
    ordered = sorted(page, key=lambda entry: (text_at(entry, "log.segment"), _line_number(entry)))
    for segment_id, group in groupby(ordered, key=lambda entry: text_at(entry, "log.segment")):
        wanted = {_line_number(entry): entry for entry in group}
        ids = {number: text_at(entry, "event.id") for number, entry in wanted.items()}
        try:
            for line in log.lines(segment_id, ids):
                yield _checked(wanted.pop(line.number), line)
            damage = "the segment has no such line"
        except (DamageError, ObjectMissingError, SegmentError) as error:
            damage = str(error)
            if len(wanted) > 1:
                # What is wrong may be one line: each of the others is looked at by itself.
                for entry in list(wanted.values()):
                    yield from full_entries(log, [entry])
                continue
        yield from (Full(entry, None, damage) for entry in wanted.values())


def _line_number(entry: Entry) -> int:
    return int(text_at(entry, "log.line") or 0)


def _checked(entry: Entry, line: Line) -> Full:
    own = text_at(line.entry, "event.hash")
    is_parked = text_at(entry, "tabletrail.kind") == PARKED
    promised = text_at(entry, "tabletrail.parked.hash" if is_parked else "event.hash")
    try:
        found = hash_of_document(line.entry)
    except EntryError as error:
        return Full(entry, None, f"the entry in the log is none ({error})")
    if found != own:
        return Full(entry, None, f"the entry in the log has the hash {found}, and says {own} of itself")
    if own != promised:
        return Full(entry, None, f"the entry in the log has the hash {own}, the index says {promised}")
    return Full(entry, line)
