"""Who made which change, by the witness of CloudTrail's data events.

Pure: a function of the set of changes and the set of calls, in whatever order and however often they come.

Rules
- `likely`: every write that can still be this change's is one known principal's, and one at least shows this item's
  key. Several calls of that principal are all named: the person is told, the request is not.
- `possible`: several principals, or only writes whose item does not show, or fewer calls than changes (one is missing
  from the trail), or more writes than are looked at. All are named, as far as `CANDIDATES`.
- Never `certain`: a call may be missing from the trail, and a record's second is approximate.
- Nobody (`confidence` empty): no call fits. The change was made where this trail does not look: another region's
  replica, an import, a restore, a service of AWS itself.
- What an actor claims stays beside it (`claimed`), unjudged.

The caller gives complete data: every call within `WINDOW_SECONDS` of each change, which are all there only
`SETTLED_SECONDS` later. With a call missing a rival is overlooked; with a change missing less is ruled out, no more.

Called by `judgement`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tabletrail.core.cloudtrail import Call
from tabletrail.core.pairing import EDGES, groups, remaining
from tabletrail.core.principal import Principal
from tabletrail.core.sightings import Change, Sightings, Unit, sightings

SETTLED_SECONDS = 3600
"""CloudTrail delivers files within about 5 minutes on average and promises no time ("Getting and viewing your
CloudTrail log files"). An hour is late enough for all but a disturbance; what comes later can only be appended."""

CANDIDATES = 10
"""Candidates named in one verdict; `more` counts the rest."""

Confidence = Literal["likely", "possible", ""]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A call that may have made the change. `shows_key`: its record shows this item's whole key."""

    call: Call
    shows_key: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """`principal` is there exactly if `confidence` is `likely`. `candidates`: those that show the key
    first, then the nearest in time."""

    entry_id: str
    confidence: Confidence
    principal: Principal | None = None
    candidates: tuple[Candidate, ...] = ()
    more: int = 0
    claimed: str = ""

    @property
    def call(self) -> Call | None:
        """The request itself, where there is only one."""
        return self.candidates[0].call if self.confidence == "likely" and len(self.candidates) == 1 else None


def match(changes: Iterable[Change], calls: Iterable[Call]) -> list[Verdict]:
    """A verdict for each change, by time and entry id. ValueError above the bounds of `sightings`."""
    found = sightings(changes, calls)
    verdicts: dict[int, Verdict] = {}
    for group in groups(dict(enumerate(found.exact))):
        kept, is_enough = _narrowed(group, found)
        for number in group:
            verdicts[number] = _verdict(number, kept.get(number), is_enough, found)
    return [verdicts[number] for number in range(len(found.changes))]


def _narrowed(group: list[int], found: Sightings) -> tuple[dict[int, frozenset[int]], bool]:
    """(what is left to changes of a group that shares units, whether there are enough for all).

    A change that may be an open write's, or that has more units than were looked at, needs none of these: it is not in
    the answer, and nothing is ruled out for it. Each of the others must have one, whatever those have.
    """
    closed = [number for number in group if not found.open[number] and number not in found.crowded]
    closed = [number for number in closed if found.exact[number]]
    if sum(len(found.exact[number]) for number in closed) > EDGES:
        return {}, False
    kept = remaining({number: frozenset(found.exact[number]) for number in closed})
    return ({}, False) if kept is None else (kept, True)


def _verdict(number: int, kept: frozenset[int] | None, is_enough: bool, found: Sightings) -> Verdict:
    change = found.changes[number]
    exact = [one for one in found.exact[number] if kept is None or one in kept]
    units = [found.units[one] for one in exact + found.open[number]]
    if not units:
        return Verdict(change.entry_id, "", claimed=change.actor)
    candidates = _candidates(units, len(exact))
    principals = {one.call.principal.id: one.call.principal for one in candidates}
    first = candidates[0].call.principal
    is_clear = is_enough and number not in found.crowded
    is_likely = bool(exact) and is_clear and len(principals) == 1 and first.is_known
    return Verdict(
        change.entry_id,
        "likely" if is_likely else "possible",
        first if is_likely else None,
        tuple(candidates[:CANDIDATES]),
        max(0, len(candidates) - CANDIDATES),
        change.actor,
    )


def _candidates(units: list[Unit], exact: int) -> list[Candidate]:
    """The calls of `units`, each once: a batch may have several open writes. The first `exact` units show the key."""
    found: dict[str, Candidate] = {}
    for number, unit in enumerate(units):
        found.setdefault(unit.call.id, Candidate(unit.call, number < exact))
    return list(found.values())
