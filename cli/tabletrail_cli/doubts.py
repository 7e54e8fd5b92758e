"""What makes an answer about an item doubtful: changes that may be missing, or not there yet.

Rules
- A doubt is a sentence of its own, and never changes the answer.
- Joining is when answers begin to be known; whatever else changes the coverage may hide a change of the item, unless
  it is known not to.
- What cannot be looked at is a doubt itself: nobody has to have a right to the tables to ask the index.

Called by `as_of` and `who`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tabletrail.errors import TabletrailError
from tabletrail_cli.attribution_text import UNRECORDED
from tabletrail_cli.entries import Entries, Entry
from tabletrail_cli.entry_text import at
from tabletrail_cli.log import Log
from tabletrail_cli.patterns import Clause, any_of
from tabletrail_cli.queries import item_query, of_kind, table_clause
from tabletrail_cli.times import age, as_stored

HARMLESS = (
    "attribution_begun",
    "attribution_ended",
    "attribution_skipped",
    "joined",
    "hold_released",
    "hold_set",
    "rules_changed",
    "stream_ended",
)
"""Changes of the coverage behind which no change of an item can hide."""
MOST_DOUBTS = 20


@dataclass(frozen=True)
class Doubts:
    """Of one item: `table` is a name or an ARN, `key` finds its entries."""

    entries: Entries
    log: Log
    table: str
    key: Clause

    def of_the_index(self, since: str | None, moment: datetime) -> Iterator[str]:
        """What the index says may be missing between two times; `since` None: from the beginning."""
        began: Clause = {"range": {"@timestamp": {"gte": since}}} if since else {"match_all": {}}
        gaps = _of_table(self.table, "gap", began)
        yield from (_told(gap) for gap in self.entries.walk(gaps, "asc", MOST_DOUBTS) if self._reaches(gap, moment))
        until: Clause = {"range": {"@timestamp": {"lte": as_stored(moment)}}}
        coverage = _of_table(self.table, "coverage", began, until)
        coverage["bool"]["must_not"] = [{"terms": {"event.action": list(HARMLESS)}}]
        yield from map(_told, self.entries.walk(coverage, "asc", MOST_DOUBTS))
        yield from map(_told, self.entries.walk(self._unrecorded(began, moment), "asc", MOST_DOUBTS))

    def of_what_waits(self) -> Iterator[str]:
        """What is in the log and not in the index. The ports' errors."""
        waiting, _ = self.log.segments.count_waiting()
        if waiting:
            yield f"{waiting} segments wait to be indexed: a newer change may be among them"

    def of_what_is_unread(self, now: int) -> Iterator[str]:
        """What is in the table's stream and not in the log, as far as the table of shards tells. The ports' errors."""
        from tabletrail_cli.standing import standing_of

        for row in self.log.checkpoints.streams():
            if self.table not in (row.table_name, row.table_arn):
                continue
            stream = standing_of(row, self.log.checkpoints.shards_of(row.stream_arn), now)
            if stream.behind:
                read = f"last read {age(now - stream.read_at)} ago" if stream.read_at else "not read yet"
                yield f"{stream.behind} shards of its stream, {read}, may hold newer changes"

    def of_the_log(self, now: int) -> Iterator[str]:
        """Both, or why they are not known."""
        try:
            yield from [*self.of_what_waits(), *self.of_what_is_unread(now)]
        except TabletrailError as error:
            yield f"whether newer changes wait to be read or indexed is not known: {error}"

    def _unrecorded(self, began: Clause, moment: datetime) -> Clause:
        """Writes that CloudTrail saw and the log did not: of this item, or of one whose key is not shown."""
        of_any: Clause = {"bool": {"must_not": [{"exists": {"field": "item.id"}}]}}
        kind: Clause = {"term": {"event.action": UNRECORDED}}
        return item_query(self.table, any_of([self.key, of_any]), of_kind("attribution"), kind, began, until=moment)

    def _reaches(self, gap: Entry, moment: datetime) -> bool:
        """False if the gap began after the moment: its last known record is in the log, with a later time."""
        if at(gap, "@timestamp") <= as_stored(moment):
            return True
        position = {name: at(gap, f"stream.{name}") for name in ("arn", "shard", "sequence")}
        if not all(position.values()):
            return True
        terms: list[Clause] = [{"term": {f"stream.{name}": value}} for name, value in position.items()]
        before = self.entries.first({"bool": {"filter": [*terms, of_kind("change")]}}, "asc")
        return before is None or at(before, "@timestamp") <= as_stored(moment)


def joined_at(entries: Entries, table: str) -> str | None:
    """When the table's auditing first began, as its entries of kind `coverage` say."""
    entry = entries.first(_of_table(table, "coverage", {"term": {"event.action": "joined"}}), "asc")
    return at(entry, "@timestamp") if entry else None


def _of_table(table: str, kind: str, *more: Clause) -> Clause:
    return {"bool": {"filter": [table_clause(table), of_kind(kind), *more]}}


def _told(entry: Entry) -> str:
    return f"{at(entry, '@timestamp')}: {at(entry, 'message')}"
