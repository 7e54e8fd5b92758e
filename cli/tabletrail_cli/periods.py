"""How each period's index stands: what the last run saw, and who holds it.

Called by `status` and `holds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabletrail.core.holds import Holds
from tabletrail.core.lifecycle import DAY, Situation, is_past_retention
from tabletrail.core.periods import PREFIX
from tabletrail_cli.times import age

DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class PeriodStanding:
    """`stage` is open, closing, closed, merged, snapshotted, deleting or deleted; `held` are ids of holds."""

    name: str
    index: str
    stage: str
    held: tuple[str, ...]
    is_past_retention: bool

    def facts(self) -> dict[str, Any]:
        return {
            "kind": "period",
            "period": self.name.removeprefix(PREFIX),
            "index": self.index,
            "stage": self.stage,
            "held": list(self.held),
            "past_retention": self.is_past_retention,
        }

    def row(self) -> tuple[str, str, str, str]:
        return (
            self.name.removeprefix(PREFIX),
            self.stage,
            ", ".join(self.held) or "-",
            "yes" if self.is_past_retention else "-",
        )


def periods_of(note: Mapping[str, Any], holds: Holds, now: int) -> list[PeriodStanding]:
    """Newest first. `note` is the one that `tabletrail.closing` leaves; without it nothing is known."""
    seconds = int(note.get("retention_days", 0)) * DAY
    situation = Situation(now, bool(note.get("has_ism")), retention_seconds=seconds)
    found = [(name, str(one["index"]), str(one["stage"])) for name, one in note.get("periods", {}).items()]
    found += [(name, "", DELETED) for name in note.get("deleted", {})]
    return [
        PeriodStanding(
            name,
            index,
            stage,
            tuple(hold.id for hold in holds.covering(name)),
            stage != DELETED and is_past_retention(name, situation),
        )
        for name, index, stage in sorted(found, reverse=True)
    ]


def remarks(note: Mapping[str, Any], holds: Holds, periods: list[PeriodStanding]) -> list[str]:
    """Sentences about what is not as it should be, or will not come by itself."""
    found = [str(sentence) for sentence in note.get("failures", ())]
    if note.get("trouble"):
        found.append(f"periods could not be looked at: {note['trouble']}")
    if note and note.get("holds") != holds.number:
        found.append("the last change of holds was not seen by a run yet: the next one heeds it")
    past = sum(one.is_past_retention and not one.held for one in periods)
    if past and not note.get("has_ism"):
        found.append(f"past their retention: {past}; OpenSearch has no ISM to delete them, so a person has to")
    return found


def about_to_go(note: Mapping[str, Any], holds: Holds, now: int) -> list[str]:
    """The periods that are held, and that ISM was told to delete before that."""
    return [
        f"{name.removeprefix(PREFIX)} (since {age(now - int(at))})"
        for name, at in sorted(note.get("deleting", {}).items())
        if holds.covering(name)
    ]
