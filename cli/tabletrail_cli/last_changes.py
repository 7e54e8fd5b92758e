"""Who last changed an item, or a path in it: the changes from the newest back, and what goes with each.

Rules
- The last change is the newest entry that stands for a record. Its creation and its removal change every path that it
  had. A parked entry stands for a change too: the full one is taken from the log.
- What may have changed the path without saying so (parked, unreadable, cut or without images) and is newer than the
  answer is a doubt, and never the answer.
- Who set the attribute by which TTL removed an item is the last change before with that attribute, in the same life of
  the item: it is not who removed it.
- Without an answer it is said since when there is none.

Called by `who`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

from tabletrail.core.paths import cut_path, member
from tabletrail.errors import TabletrailError
from tabletrail_cli.doubts import MOST_DOUBTS, joined_at
from tabletrail_cli.entries import Entries, Entry, without_superseded
from tabletrail_cli.entry_text import at
from tabletrail_cli.errors import DamageError
from tabletrail_cli.item_story import ONLY_STEP, SECOND_STEP, Told, ids_of, is_second_step
from tabletrail_cli.log import Log
from tabletrail_cli.parked_entries import PARKED, UNREADABLE, full_entries, pages, retried
from tabletrail_cli.patterns import Clause, any_of
from tabletrail_cli.queries import Order, changed_clause, item_query, of_kind, of_records
from tabletrail_cli.times import as_stored

REMOVALS = ("remove", "expire")


@dataclass(slots=True)
class Setter:
    """Who set the attribute `name` last; `told` is None where no change on record did, in this life of the item."""

    name: str
    told: Told | None


@dataclass(slots=True)
class LastChange:
    """`first_step` is that of a marked delete. `trouble` says why a parked entry's full form could not be had."""

    told: Told
    setter: Setter | None = None
    first_step: Entry | None = None
    is_from_log: bool = False
    trouble: str = ""

    @property
    def entry(self) -> Entry:
        return self.told.entry


@dataclass(frozen=True)
class LastChanges:
    """Of one item: `table` is a name or an ARN, `key` finds its entries; `paths` are the readings of one path, empty
    for the item as a whole."""

    entries: Entries
    log: Log
    table: str
    key: Clause
    paths: Sequence[str]
    moment: datetime

    def walk(self, limit: int | None) -> Iterator[LastChange]:
        """From the newest at or before the moment. DamageError where the log does not hold what was parked."""
        found = without_superseded(self.entries.walk(self._query(self._sought), "desc"))
        for page in pages(islice(found, limit)):
            findings = self._findings(page)
            for entry in page:
                yield self._change(entry, findings)

    def why_nothing(self) -> str:
        """A sentence for when `walk` finds none."""
        joined, oldest = joined_at(self.entries, self.table), self._first("asc")
        if oldest and self.paths:
            if at(oldest, "event.action") == "insert":
                return f"it is in no change of this item since it was created at {at(oldest, '@timestamp')}"
            since = joined or f"{at(oldest, '@timestamp')}, the item's first change on record"
            return f"not since {since}: the item changed, and this in it did not"
        if joined and joined > as_stored(self.moment):
            return f"nothing is known before {joined}, when its table's auditing began"
        if joined:
            return f"not since {joined}, when its table's auditing began; is the key complete?"
        return "nothing is known of it: no entry, and no sign that its table is audited"

    def later(self, answer: Entry) -> str:
        """What became of the item after the last change of the path; empty if it lives on as it was."""
        newest = self._first("desc")
        if not self.paths or newest is None or _order(newest) <= _order(answer):
            return ""
        if at(newest, "event.action") in REMOVALS:
            return f"the item itself was removed later, at {at(newest, '@timestamp')}"
        if at(answer, "event.action") in REMOVALS:
            return f"the item was created again later, without it: its last change is of {at(newest, '@timestamp')}"
        return ""

    def unlisted(self, answer: Entry | None) -> Iterator[str]:
        """Newer changes that may have changed the path and do not say so."""
        if not self.paths:
            return
        since: Clause = {"range": {"@timestamp": {"gte": at(answer, "@timestamp")}}} if answer else {"match_all": {}}
        flags: list[Clause] = [{"term": {f"tabletrail.{name}": True}} for name in ("truncated", "incomplete")]
        kinds: Clause = {"terms": {"tabletrail.kind": [PARKED, UNREADABLE]}}
        query = self._query(any_of([*flags, kinds]), of_records(), since)
        found = list(self.entries.walk(query, "desc", MOST_DOUBTS))
        mended = retried(self.entries, found)
        for entry in found:
            if (answer is None or _order(entry) > _order(answer)) and at(entry, "event.id") not in mended:
                yield f"{at(entry, '@timestamp')}: {_unlisted(entry)}"

    @cached_property
    def _sought(self) -> Clause:
        return any_of([changed_clause(path) for path in self.paths]) if self.paths else of_records()

    def _query(self, *more: Clause, until: datetime | None = None) -> Clause:
        return item_query(self.table, self.key, *more, until=until or self.moment)

    def _first(self, order: Order) -> Entry | None:
        return self.entries.first(self._query(of_records()), order)

    def _findings(self, page: Sequence[Entry]) -> dict[str, list[Entry]]:
        """By the id of what each is about."""
        ids = [name for entry in page for name in ids_of(entry)]
        about: Clause = {"bool": {"filter": [of_kind("attribution"), {"terms": {"tabletrail.about": ids}}]}}
        found: dict[str, list[Entry]] = {}
        for entry in self.entries.walk(about, "asc"):
            found.setdefault(at(entry, "tabletrail.about"), []).append(entry)
        return found

    def _change(self, entry: Entry, findings: dict[str, list[Entry]]) -> LastChange:
        told = Told(entry, [one for name in ids_of(entry) for one in findings.get(name, ())])
        change = LastChange(told)
        if at(entry, "tabletrail.kind") == PARKED:
            self._unpark(change)
        if at(told.entry, "event.action") == "expire":
            change.setter = self._setter(told.entry)
        if is_second_step(told.entry):
            change.first_step = self._first_step(told.entry)
            told.remark = SECOND_STEP if change.first_step else ONLY_STEP
        return change

    def _unpark(self, change: LastChange) -> None:
        try:
            [full] = full_entries(self.log, [change.entry])
        except TabletrailError as error:
            change.trouble = str(error)
            return
        if full.line is None:
            raise DamageError(full.damage)
        change.told.entry, change.is_from_log = full.line.entry, True

    def _setter(self, expiry: Entry) -> Setter | None:
        name = at(expiry, "tabletrail.ttl_attribute")
        if not name:
            return None
        changed: Clause = {"term": {"changed": cut_path(member("", name))}}
        query = self._query(of_kind("change"), changed, until=datetime.fromisoformat(at(expiry, "@timestamp")))
        for entry in self.entries.walk(query, "desc"):
            if _order(entry) < _order(expiry):
                if at(entry, "event.action") in REMOVALS:
                    break
                return Setter(name, self._change(entry, self._findings([entry])).told)
        return Setter(name, None)

    def _first_step(self, removal: Entry) -> Entry | None:
        mark: Clause = {"term": {"tabletrail.mark": at(removal, "tabletrail.mark")}}
        query = self._query(of_kind("change"), mark)
        query["bool"]["must_not"] = [{"term": {"event.action": "remove"}}]
        return self.entries.first(query, "desc")


def _order(entry: Entry) -> tuple[str, str]:
    return at(entry, "@timestamp"), at(entry, "event.sequence_key")


def _unlisted(entry: Entry) -> str:
    kind = at(entry, "tabletrail.kind")
    if kind == PARKED:
        return f"a change that the index refused may be of it: `tabletrail parked show {at(entry, 'event.id')[:12]}`"
    if kind == UNREADABLE:
        return "a record that could not be read may be of it"
    if at(entry, "tabletrail.incomplete"):
        return "the stream held no images of a change: whether it was of this is not known"
    listed = len(entry.get("changed") or ())
    count = int(at(entry, "changed_count") or 0)
    return f"a change lists {listed:,} of its {count:,} paths: this may be among the others"
