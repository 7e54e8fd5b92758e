"""The item as it was at a time, from the log itself.

Rules
- The index only says where to look; the item comes from the segment, whose bytes are checked against its row.
- The last entry at or before the time decides. Without one, the first entry after it does: what it replaced was there
  before, back to the moment when the table's auditing began. Before that nothing is known, and nothing is guessed.
- What makes the answer doubtful is said with it: gaps, times without auditing, entries not indexed yet.

Called by `history`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from tabletrail.core.segment import Line
from tabletrail_cli.doubts import Doubts, joined_at
from tabletrail_cli.entries import Entries, Entry
from tabletrail_cli.entry_text import at as text_at
from tabletrail_cli.log import Log
from tabletrail_cli.patterns import Clause
from tabletrail_cli.queries import item_query, of_records
from tabletrail_cli.times import as_stored


class State(Enum):
    EXISTED = "existed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class AsOf:
    """`item` is typed JSON, None unless it existed. `why` is a sentence; `doubts` are sentences."""

    state: State
    why: str
    item: dict[str, Any] | None = None
    entry: Entry | None = None
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rebuilder:
    """Answers for one item. DamageError where the log is not what was committed."""

    entries: Entries
    log: Log
    table: str
    key: Clause

    def at(self, moment: datetime) -> AsOf:
        last = self.entries.first(item_query(self.table, self.key, of_records(), until=moment), "desc")
        answer = self._from_last(last) if last else self._from_next(moment)
        since = answer.entry if last else None
        doubts = Doubts(self.entries, self.log, self.table, self.key)
        answer.doubts += doubts.of_the_index(text_at(since, "@timestamp") if since else None, moment)
        answer.doubts += doubts.of_what_waits()
        return answer

    def _from_last(self, entry: Entry) -> AsOf:
        images = self._line(entry).images
        when = text_at(entry, "@timestamp")
        if images.get("form") != "plain":
            why = f"its last entry, of {when}, holds no readable images (form {images.get('form')})"
            return AsOf(State.UNKNOWN, why, entry=entry)
        item, action = images.get("new"), text_at(entry, "event.action")
        if action in ("remove", "expire"):
            word = "removed" if action == "remove" else "expired (TTL)"
            return AsOf(State.ABSENT, f"{word} at {when}", entry=entry)
        if item is None:
            return AsOf(State.UNKNOWN, f"its last entry, of {when}, holds no image of it after the change", entry=entry)
        return AsOf(State.EXISTED, f"as written at {when}", item, entry)

    def _from_next(self, moment: datetime) -> AsOf:
        """No entry at or before the time: what the first one after it replaced, if the table was audited by then."""
        after: Clause = {"range": {"@timestamp": {"gt": as_stored(moment)}}}
        query = item_query(self.table, self.key, of_records(), after)
        entry = self.entries.first(query, "asc")
        joined = joined_at(self.entries, self.table)
        if joined is None or joined > as_stored(moment):
            first = text_at(entry, "@timestamp") if entry else ""
            known = min(filter(None, (joined, first)), default=None)
            if known is None:
                return AsOf(State.UNKNOWN, "nothing is known of it: no entry, and no sign that its table is audited")
            return AsOf(State.UNKNOWN, f"unknown before {known}")
        if entry is None:
            return AsOf(
                State.UNKNOWN, f"it has not changed since auditing began at {joined}: what it is, the table itself says"
            )
        return self._replaced_by(entry)

    def _replaced_by(self, entry: Entry) -> AsOf:
        images = self._line(entry).images
        when = text_at(entry, "@timestamp")
        if images.get("form") == "plain" and images.get("old") is not None:
            return AsOf(State.EXISTED, f"as it was until its first entry, of {when}", images["old"], entry)
        if text_at(entry, "event.action") == "insert":
            return AsOf(State.ABSENT, f"created at {when}", entry=entry)
        return AsOf(State.UNKNOWN, f"unknown before {when}", entry=entry)

    def _line(self, entry: Entry) -> Line:
        entry_id = text_at(entry, "tabletrail.supersedes") or text_at(entry, "event.id")
        return self.log.line(text_at(entry, "log.segment"), int(text_at(entry, "log.line")), entry_id)
