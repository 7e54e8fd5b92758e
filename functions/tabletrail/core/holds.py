"""Legal holds: what may not be deleted, whatever the retention says.

Rules
- A hold names all, one period or one table. A period's index is deleted as a whole or not at all, and nobody who
  decides about that may look what is in it: so a hold on a table covers every period, until it is released.
- Nothing is forgotten: a released hold stays, with who released it and why.
- Each change has a number, one higher than the last: whoever has seen number n knows all changes up to it.

Pure. Called by `tabletrail.holding`, `core.lifecycle` and the command line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from tabletrail.core.periods import span_of
from tabletrail.core.rebuilds import name_of_period

ALL, PERIOD, TABLE = "all", "period", "table"
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)
_LIKE_A_PERIOD = re.compile(r"[\d.w]+", re.ASCII)
"""Could name a table, but is a mistyped period."""
_TABLE_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hold:
    """`kind` is ALL, PERIOD (`target`: the index's name) or TABLE (`target`: the table's name or ARN)."""

    id: str
    kind: str
    target: str
    reason: str
    by: str
    """Who set it: the ARN of the caller, as AWS verified it."""
    at: int
    number: int = 0
    """Of the change that set it."""
    released_at: int = 0
    """0 while it is in force."""
    release_number: int = 0
    released_by: str = ""
    release_reason: str = ""

    @property
    def is_active(self) -> bool:
        return not self.released_at

    def covers(self, name: str) -> bool:
        """Whether the index of this name may not be deleted for this hold's sake."""
        return self.is_active and (self.kind != PERIOD or self.target == name)

    def words(self) -> str:
        """What it covers, for a person."""
        return "all" if self.kind == ALL else f"{self.kind} {self.target}"


@dataclass(frozen=True, slots=True)
class HoldChange:
    """A hold that was set or released, with the change's number."""

    number: int
    hold: Hold
    is_release: bool

    @property
    def what(self) -> str:
        """The word for it in a coverage entry."""
        return "hold_released" if self.is_release else "hold_set"

    def is_about(self, table_name: str, table_arn: str) -> bool:
        return self.hold.kind != TABLE or self.hold.target in (table_name, table_arn)


@dataclass(frozen=True, slots=True)
class Holds:
    """All that were ever set, oldest first. `number` counts the changes."""

    number: int = 0
    every: tuple[Hold, ...] = ()

    @property
    def active(self) -> tuple[Hold, ...]:
        return tuple(hold for hold in self.every if hold.is_active)

    def covering(self, name: str) -> tuple[Hold, ...]:
        """Those for whose sake the index of this name may not be deleted."""
        return tuple(hold for hold in self.every if hold.covers(name))

    def with_new(self, hold: Hold) -> Holds:
        """The same hold again changes nothing: an id is given once."""
        if any(one.id == hold.id for one in self.every):
            return self
        number = self.number + 1
        return Holds(number, (*self.every, replace(hold, number=number)))

    def released(self, hold_id: str, at: int, by: str, reason: str) -> Holds:
        """The same if there is no such hold in force."""
        if not any(one.id == hold_id and one.is_active for one in self.every):
            return self
        number = self.number + 1
        every = tuple(
            replace(one, released_at=at, released_by=by, release_reason=reason, release_number=number)
            if one.id == hold_id
            else one
            for one in self.every
        )
        return Holds(number, every)

    def changes_after(self, number: int) -> list[HoldChange]:
        """In their order."""
        found = [HoldChange(hold.number, hold, False) for hold in self.every]
        found += [HoldChange(hold.release_number, hold, True) for hold in self.every if not hold.is_active]
        return sorted((one for one in found if one.number > number), key=lambda one: one.number)

    def facts(self) -> dict[str, Any]:
        """For a row."""
        return {"number": self.number, "every": [asdict(hold) for hold in self.every]}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Holds:
        """Fields that a newer release added are left out."""
        known = {one.name for one in fields(Hold)}
        every = (Hold(**{name: value for name, value in one.items() if name in known}) for one in facts["every"])
        return cls(int(facts["number"]), tuple(every))


def newest(copies: tuple[Holds | None, ...]) -> Holds:
    """Of copies that were written together, the one with all changes: a table that was restored has an older one."""
    return max((one for one in copies if one is not None), key=lambda one: one.number, default=Holds())


def target_of(text: str) -> tuple[str, str] | None:
    """(kind, target) of what an operator says: `all`, a period (2026.11), a table's name or ARN. None if neither."""
    if text == ALL:
        return ALL, ""
    name = name_of_period(text)
    if name is not None and span_of(name) is not None:
        return PERIOD, name
    is_table = _TABLE.fullmatch(text) and not _LIKE_A_PERIOD.fullmatch(text)
    return (TABLE, text) if is_table or _TABLE_ARN.fullmatch(text) else None
