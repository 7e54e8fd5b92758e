"""Rules over the log's past: each change of the segments that are asked for, judged by its whole images.

Rules
- Memory does not grow with the log: counts, a few examples of each rule, and some segments' bytes at a time.
- Bytes are believed only if they are the committed ones; what is damaged is told and left out.
- The judgement is the conversion's own (`Policy.judge`), with the facts as they were then. Which attribute names an
  actor is for the rules that are tried to say.

Called by `rules_try`.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tabletrail.core.actor import TTL_PRINCIPAL, WRITTEN, actor_by, actor_of_change
from tabletrail.core.alert import is_due
from tabletrail.core.attribution_policy import MARKED
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.diff import Image
from tabletrail.core.marks import ATTRIBUTE, Marks, mark_in
from tabletrail.core.periods import span_of
from tabletrail.core.policy import Facts, Policy
from tabletrail.core.segment import Line, read
from tabletrail.errors import ObjectMissingError, SegmentError
from tabletrail.ports import SegmentStore
from tabletrail_cli.entry_text import at
from tabletrail_cli.times import as_stored

if TYPE_CHECKING:
    from tabletrail_cli.log import Log
    from tabletrail_cli.place import Place

AHEAD = 4
"""Segments under way at once, of some 10 MB at most."""
SAY_SECONDS = 5.0
PAGE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Which changes; everything empty means all. `since` is included, `until` is not."""

    table: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def includes(self, entry: dict[str, Any]) -> bool:
        when = at(entry, "@timestamp")
        return (
            (not self.table or at(entry, "table.name") == self.table)
            and (self.since is None or when >= as_stored(self.since))
            and (self.until is None or when < as_stored(self.until))
        )

    def may_include(self, index: str) -> bool:
        """False for an index whose period ends before `since` or begins after `until`."""
        span = span_of(index)
        if span is None:
            return True
        begins, ends = (datetime.fromtimestamp(moment, UTC) for moment in span)
        return (self.since is None or ends > self.since) and (self.until is None or begins < self.until)


@dataclass(slots=True)
class Marked:
    """What one rule would have marked. `alerts`: where all rules together make an alert of it."""

    most: int
    entries: int = 0
    alerts: int = 0
    _first: list[tuple[tuple[int, ...], str, dict[str, Any]]] = field(default_factory=list)

    def add(self, entry: dict[str, Any], is_alert: bool) -> None:
        self.entries += 1
        self.alerts += is_alert
        # The heap gives up its latest: the numbers are turned round.
        order = tuple(-ord(letter) for letter in at(entry, "@timestamp") + at(entry, "event.sequence_key"))
        item = (order, at(entry, "event.id"), entry)
        if len(self._first) < self.most:
            heapq.heappush(self._first, item)
        elif self.most:
            heapq.heappushpop(self._first, item)

    def first(self) -> list[dict[str, Any]]:
        """The earliest ones, in the order of time."""
        return [entry for _, _, entry in sorted(self._first, reverse=True)]


@dataclass(slots=True)
class Named:
    """Of a table's changes, how many get their actor from an attribute under the tried rules, or got it then."""

    changes: int = 0
    now: int = 0
    then: int = 0


@dataclass(slots=True)
class Trial:
    policy: Policy
    asked: Asked
    actor_attribute: str
    examples: int
    say: Callable[[str], None]
    found: dict[str, Marked] = field(default_factory=dict)
    segments: int = 0
    changes: int = 0
    marked: int = 0
    alerts: int = 0
    alerted_then: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    named: dict[str, Named] = field(default_factory=dict)
    """By table, where the rules say anything of attribution."""
    _said_at: float = field(default_factory=time.monotonic)

    def run(self, rows: Iterator[SegmentRow], store: SegmentStore) -> None:
        """TransientError, RefusedError of the ports end it."""
        self.found = {rule.name: Marked(self.examples) for rule in self.policy.rules}
        with ThreadPoolExecutor(AHEAD) as pool:
            under_way: deque[tuple[SegmentRow, Future[bytes]]] = deque()
            for row in rows:
                under_way.append((row, pool.submit(store.get, row.key, row.version_id)))
                if len(under_way) >= AHEAD:
                    self._settle(*under_way.popleft())
            while under_way:
                self._settle(*under_way.popleft())

    def _settle(self, row: SegmentRow, reply: Future[bytes]) -> None:
        self.segments += 1
        try:
            body = reply.result()
            if hashlib.sha256(body).hexdigest() != row.sha256:
                raise SegmentError("its bytes are not the committed ones")
            for line in read(body):
                if isinstance(line, Line):
                    self._judge(line)
        except (SegmentError, ObjectMissingError) as error:
            self.damaged[row.segment_id] = str(error)
        if time.monotonic() - self._said_at >= SAY_SECONDS:
            self._said_at = time.monotonic()
            self.say(f"{self.segments:,} segments, {self.changes:,} changes, {self.marked:,} marked")

    def _judge(self, line: Line) -> None:
        entry = line.entry
        if at(entry, "tabletrail.kind") != "change" or line.images["form"] != "plain" or not self.asked.includes(entry):
            return
        self.changes += 1
        self.alerted_then += is_due(entry["event"]["severity"])
        facts = self._facts(entry, line.images)
        if self.policy.attributions:
            self._count_named(entry, facts)
        verdict = self.policy.judge(facts)
        is_alert = is_due(verdict.severity)
        self.marked += bool(verdict.names)
        self.alerts += is_alert
        for name in verdict.names:
            self.found[name].add(entry, is_alert)

    def _facts(self, entry: dict[str, Any], images: dict[str, Any]) -> Facts:
        """As they were when the entry was made of these images."""
        old, new = images["old"], images["new"]
        seconds = int(datetime.fromisoformat(at(entry, "@timestamp")).timestamp())
        action = at(entry, "event.action")
        actor = self._actor(entry, old, new)
        return Facts(at(entry, "table.name"), action, old, new, actor, seconds)

    def _actor(self, entry: dict[str, Any], old: Image | None, new: Image | None) -> dict[str, Any]:
        """Whom the change's mark, its row or DynamoDB names, in the clear where the images tell it, as rules in force
        see it; else whom an attribute does. What only a row of the outbox told is as the entry shows it."""
        told: dict[str, Any] = entry.get("actor", {})
        source = told.get("source")
        action, image = at(entry, "event.action"), new if new is not None else old
        says = self.policy.of(at(entry, "table.name")).attribution
        if source in WRITTEN:
            mark = mark_in(image.get(ATTRIBUTE)) if image and at(entry, "tabletrail.mark") else None
            if mark is None or "id" not in told:
                return told
            is_sure = source == "mark" and action == "remove" and says.deletes == MARKED
            return {**actor_by(mark, "certain" if is_sure else told["confidence"]), "source": source}
        marks = Marks(is_foreign=_is_foreign(old, new))
        attribute = says.attribute_or(self.actor_attribute)
        return actor_of_change(action, _identity(entry), old, new, attribute, marks, says.type)

    def _count_named(self, entry: dict[str, Any], facts: Facts) -> None:
        named = self.named.setdefault(facts.table, Named())
        named.changes += 1
        named.now += facts.actor.get("source") == "attribute"
        named.then += at(entry, "actor.source") == "attribute"


def from_log(log: Log, asked: Asked) -> Iterator[SegmentRow]:
    """Each committed segment that may hold what is asked, once."""
    names = sorted(name for name in log.segment_scan.tallies() if asked.may_include(name))
    since = int(asked.since.timestamp()) if asked.since else 0
    for name in names:
        for row in log.segment_scan.rows(name, "", 0):
            # A change is committed after it was made; of several indices the first one that is asked counts.
            if row.committed_at >= since and next(one for one in sorted(row.indices) if one in names) == name:
                yield row


def from_index(place: Place, log: Log, asked: Asked) -> Iterator[SegmentRow]:
    """The same of segments that the index has entries of. TabletrailError."""
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.queries import Question, query_of

    fields = [("kind", ["change"]), ("table", [asked.table.replace("*", r"\*")] if asked.table else [])]
    query = query_of(Question(fields=fields, since=asked.since, until=asked.until))
    entries, behind = Entries(place.search), dict[str, Any]()
    while True:
        composite: dict[str, Any] = {"size": PAGE, "sources": [{"segment": {"terms": {"field": "log.segment"}}}]}
        if behind:
            composite["after"] = behind
        found = entries.aggregate(query, {"segments": {"composite": composite}})["segments"]
        for bucket in found["buckets"]:
            row = log.segments.get(bucket["key"]["segment"])
            if row is not None:
                yield row
        behind = found.get("after_key", {})
        if not behind:
            return


def _is_foreign(old: Image | None, new: Image | None) -> bool:
    """True if a mark came with a change that does not name its actor: then no attribute does either."""
    came = mark_in(new[ATTRIBUTE]) if new and ATTRIBUTE in new else None
    return came is not None and came != (mark_in(old[ATTRIBUTE]) if old and ATTRIBUTE in old else None)


def _identity(entry: dict[str, Any]) -> tuple[str, str] | None:
    """What the record's userIdentity said, as far as the entry keeps it."""
    source, name = at(entry, "actor.source"), at(entry, "actor.id")
    if source == "ttl":
        return "Service", TTL_PRINCIPAL
    if source == "stream":
        return ("Service" if at(entry, "actor.type") == "service" else "User"), name
    return None
