"""What one call of AttributeChanges did: counts, and sentences for the report. No item data.

Called by `tabletrail.attribute` and its parts; read by the handler, the report and `tabletrail status`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tabletrail.core.checkpoint import StreamRow

NOTE = "attribute_changes"
"""What the last call did: {at, ...AttributionResult}. ReportRun tells it to people, as long as it is news."""
NEWS_SECONDS = 2 * 3600
"""AttributeChanges is called every few minutes. An older note is that of a trail that is asked no longer."""
COUNTS = (
    "windows",
    "attributed",
    "possible",
    "unattributed",
    "contradictions",
    "unrecorded",
    "unlisted",
    "outnumbered",
    "unseen",
    "undecided",
    "late",
    "bad",
    "files",
    "records",
    "objects",
    "entries",
    "segments",
    "waiting",
)
MOST_SENTENCES = 20


@dataclass(slots=True)
class AttributionResult:
    """Counts of one call. `acquired` is false where another call is at work; `more`: windows are due that it did not
    reach."""

    acquired: bool = False
    more: bool = False
    windows: int = 0
    """Streams' windows that were judged."""
    attributed: int = 0
    """Changes that a call fits; of these `possible` ones name candidates, the others the principal."""
    possible: int = 0
    unattributed: int = 0
    """Changes that no call fits."""
    contradictions: int = 0
    unrecorded: int = 0
    """Writes of calls of which the log has no entry: entries of their own. `unlisted` are over what is told."""
    unlisted: int = 0
    outnumbered: int = 0
    """Writes beyond the entries that their items have: some changed nothing, and nobody can say which."""
    unseen: int = 0
    """Writes whose item does not show, of tables that have fitting entries."""
    undecided: int = 0
    late: int = 0
    """Calls that were delivered after the changes of their time had been judged without them."""
    bad: int = 0
    """Records, and whole files, of the trail that cannot be read: what was judged beside them is never sure."""
    files: int = 0
    records: int = 0
    """Of the trail, as often as they were read."""
    objects: int = 0
    """Segments that were read for their changes."""
    entries: int = 0
    segments: int = 0
    waiting: int = 0
    """Entries that are not in the index yet."""
    behind_seconds: int = 0
    """Age of the oldest change that may have no entry yet; an hour is as it should be."""
    uncovered: list[str] = field(default_factory=list)
    """Names of some audited tables that the trail does not tell of."""
    uncovered_count: int = 0
    problems: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """What a person must see to."""

    def add(self, earlier: Mapping[str, Any]) -> None:
        """Adds an earlier call's counts of the same execution; of sentences each once, and only so many."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + int(earlier.get(name, 0)))
        self.problems = sorted({*self.problems, *earlier.get("problems", ())})[:MOST_SENTENCES]
        self.failures = sorted({*self.failures, *earlier.get("failures", ())})[:MOST_SENTENCES]

    def count(self, counts: Mapping[str, int]) -> None:
        for name, number in counts.items():
            setattr(self, name, getattr(self, name) + number)

    def note_behind(self, rows: Iterable[StreamRow], now: int) -> None:
        """`rows`: streams that are attributed and not ended."""
        self.behind_seconds = max((now - row.attributed_until for row in rows), default=0)

    def facts(self) -> dict[str, Any]:
        """For a note."""
        facts = asdict(self)
        facts["problems"], facts["failures"] = self.problems[:MOST_SENTENCES], self.failures[:MOST_SENTENCES]
        return facts


def told(note: Mapping[str, Any], now: int) -> dict[str, Any]:
    """What the report tells: {at, behind_seconds, uncovered, uncovered_count, problems, failures}; empty if no news."""
    if not note or now - int(note["at"]) > NEWS_SECONDS:
        return {}
    names = ("at", "behind_seconds", "uncovered", "uncovered_count", "problems", "failures")
    return {name: note[name] for name in names if name in note}
