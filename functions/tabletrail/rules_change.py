"""A change of rules reaches each stream by its row, with an entry in the log that says so.

    1 publish   InstallMappings: the object, then the note           tabletrail.publishing
    2 plan      PlanRun: row and coverage entry, one transaction     here
    3 capture   CaptureShards: converts as the row says              tabletrail.conversions

The crash argument. Before the note nobody looks for the object. Behind it each run moves the rows that are not moved
yet; one that died left some moved and some not, and each row says which. Two runs at once: a row moves by
compare-and-swap, the loser finds it moved.

The entry tells from when on: the next read. A call of CaptureShards that began before commits what it read under the
old rules, up to a minute later, and each entry says itself under which it was made (`tabletrail.rules_version`). To
assert the stream's row in each commit would close that minute, for half as much again of each commit's price. One
record is never committed under both: its shard's row is swapped once, and its id does not depend on the rules.

Rules
- No row moves to rules that cannot be read: capture goes on under the old ones, and the report says why.
- A run moves so many streams at most: the rest waits for the next run, under the old rules, as their rows say.
- Where the note is lost, new streams join under what most of the others are under.

Called by `tabletrail.plan`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tabletrail.conversions import RulesStore, load_policy
from tabletrail.core.checkpoint import NO_RULES, StreamRow
from tabletrail.coverage import Coverage
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.ports import RunNotes

NOTE = "rules"
"""Written by `tabletrail.publishing`: version, key, at."""
STREAMS = 50
"""Moved by one run: each costs an object and a transaction, some 100 ms, and PlanRun has other work."""
SHORT = 12
"""Digits of a version that a person is shown."""


@dataclass(slots=True)
class RulesChange:
    """One run's look at the published rules. `problems` are sentences for the report."""

    rules: RulesStore
    notes: RunNotes
    published: str = ""
    """The version to which streams are moved; empty: to none."""
    problems: list[str] = field(default_factory=list)

    def look(self, rows: Sequence[StreamRow]) -> str:
        """Reads the note, and the text that it names if that is news. The version under which a stream joins."""
        versions = Counter(row.rules_version for row in rows)
        present = versions.most_common(1)[0][0] if versions else NO_RULES
        try:
            version = str(self.notes.read(NOTE).get("version", ""))
            if version and set(versions) != {version}:
                load_policy(self.rules, version)
            self.published = version
        except TabletrailError as error:
            self.problems.append(f"the rules stay as they were: {error}")
        return self.published or present

    def move(self, rows: Sequence[StreamRow], coverage: Coverage, deadline: Deadline) -> list[StreamRow]:
        """The rows as they are afterwards, in their order."""
        after: list[StreamRow] = []
        left = STREAMS
        for row in rows:
            if self.published in ("", row.rules_version) or not left or deadline.passed():
                after.append(row)
                continue
            left -= 1
            after.append(self._moved(row, self.published, coverage))
        return after

    def _moved(self, row: StreamRow, version: str, coverage: Coverage) -> StreamRow:
        """One stream in trouble is a problem in the report, and nothing to the others. What another run moved is told
        by the next one's look."""
        detail = f"{row.rules_version[:SHORT]} -> {version[:SHORT]}"
        try:
            moved = coverage.move(row, replace(row, rules_version=version), "rules_changed", detail=detail)
        except TabletrailError as error:
            self.problems.append(f"{row.table_name}: its rules could not be changed: {error}")
            return row
        return moved or row
