"""One document of the index against the log's entry.

Rules
- A full entry must be the log's: its content gives its `event.hash`, that is the log's, and `log` is its place. The
  hash does not cover `log`, so that is compared by itself.
- A reduced entry (`parked`) stands in for one that the index refused: same id, the full one's hash, its place.
- A retried entry has an id derived from the original's; made the original again, it must give the original's hash.

Called by `index_walk`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail_verify.canonical_form import FormError, event_hash, field
from tabletrail_verify.entry_rules import retry_id


@dataclass(frozen=True, slots=True)
class Place:
    """Where the log has an entry. `is_due`: its segment is marked, so the index must have it."""

    id: str
    hash: str
    segment: str
    line: int
    index: str
    is_due: bool

    @property
    def log(self) -> dict[str, Any]:
        """As the entry's own `log`."""
        return {"index": self.index, "line": self.line, "segment": self.segment}


@dataclass(frozen=True, slots=True)
class Hit:
    """A document as a search shows it."""

    id: str
    index: str
    source: dict[str, Any]


def judge(hit: Hit, places: Sequence[Place]) -> tuple[str, str]:
    """(code, detail) of what is wrong with a document whose `event.id` the log has; two empty texts if nothing is."""
    here = [place for place in places if place.index == hit.index]
    if hit.id != places[0].id:
        return "document-doubled", f"a copy lies under the _id {hit.id[:64]}"
    if not here:
        return "document-misplaced", f"the log says {places[0].index}"
    is_parked = field(hit.source, "tabletrail.kind") == "parked"
    details = [_parked_problem(hit, place) if is_parked else _problem(hit, place) for place in here]
    if "" in details:
        return "", ""
    return ("parked-wrong" if is_parked else "document-altered"), details[0]


def judge_retried(hit: Hit, original: str, places: Sequence[Place]) -> tuple[str, str]:
    """The same for a document that says that it supersedes `original`; `places` are the original's, perhaps none."""
    if hit.id != retry_id(original) or field(hit.source, "event.id") != hit.id:
        return "parked-wrong", "its id does not follow from the id that it supersedes"
    here = [place for place in places if place.index == hit.index and field(hit.source, "log") == place.log]
    if not here:
        return "parked-wrong", "the log has no entry at the place that it names"
    if _own_hash(hit.source) != field(hit.source, "event.hash"):
        return "document-altered", "its content does not give its event.hash"
    restored = {**hit.source, "event": {**hit.source["event"], "id": original}}
    restored["tabletrail"] = {n: v for n, v in hit.source["tabletrail"].items() if n != "supersedes"}
    if _own_hash(restored) != here[0].hash:
        return "document-altered", "it is not the entry that it supersedes"
    return "", ""


def _problem(hit: Hit, place: Place) -> str:
    if _own_hash(hit.source) != field(hit.source, "event.hash"):
        return "its content does not give its event.hash"
    if field(hit.source, "event.hash") != place.hash:
        return "its event.hash is not the log's"
    if field(hit.source, "log") != place.log:
        return "its `log` names another place than the log's"
    return ""


def _parked_problem(hit: Hit, place: Place) -> str:
    if _own_hash(hit.source) != field(hit.source, "event.hash"):
        return "its content does not give its event.hash"
    if field(hit.source, "tabletrail.parked.hash") != place.hash:
        return "it names another hash than the full entry has"
    if field(hit.source, "log") != place.log:
        return "it names another place than the full entry has"
    return ""


def _own_hash(source: dict[str, Any]) -> str:
    try:
        return event_hash(source)
    except (FormError, TypeError):
        return ""
