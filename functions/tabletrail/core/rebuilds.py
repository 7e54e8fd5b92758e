"""Which index stands for a period's name, and how a rebuilt one is called.

Rules
- An entry names its index once and for all (`log.index`, say `tabletrail-v1-2026.11`). That name is an index, or an
  alias of exactly one rebuilt index, `tabletrail-v1-2026.11-r000002`: whoever writes or searches need not know which.
- A rebuilt index that stands for no name is being filled, or was left by a rebuild that ended early. Nothing reads it,
  and nothing but a rebuild writes to it.
- Pure data. What a rebuild must remember is a `Job`, small enough for a note.

Called by `tabletrail.reindex`, its adapter and its command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tabletrail.core.periods import PREFIX

_REBUILT = re.compile(r"(?P<name>.+)-r(?P<number>\d{6})")
_PERIOD = re.compile(r"\d{4}\.(\d{2}(\.\d{2})?|w\d{2})")


@dataclass(frozen=True, slots=True)
class Layout:
    """Our indices as they are now: `aliases` has each concrete index with the names that lead to it."""

    aliases: Mapping[str, frozenset[str]]

    def serving(self, name: str) -> str | None:
        """The concrete index that stands for `name`; None if it is lost."""
        if name in self.aliases:
            return name
        return next((index for index, names in sorted(self.aliases.items()) if name in names), None)

    def names(self) -> frozenset[str]:
        """The names that entries may have and that something stands for."""
        return frozenset(
            name
            for index, names in self.aliases.items()
            for name in ({index} if not is_rebuilt(index) else {one for one in names if one.startswith(PREFIX)})
        )

    def unused(self) -> frozenset[str]:
        """Rebuilt indices that stand for no name."""
        return frozenset(
            index
            for index, names in self.aliases.items()
            if is_rebuilt(index) and not any(name.startswith(PREFIX) for name in names)
        )

    def next_rebuild(self, name: str) -> str:
        """A name that no index has; the first rebuild is number 2, as the first index was made by no rebuild."""
        numbers = [int(match["number"]) for index in self.aliases if (match := _match(index)) and match["name"] == name]
        return f"{name}-r{max(numbers, default=1) + 1:06d}"


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the segments with entries of a period; `entries` are those of the whole segments."""

    segments: int = 0
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A rebuild that has not ended. Times are seconds since the epoch."""

    scope: str = ""
    """What was asked for: the same words again go on with it."""
    done: tuple[str, ...] = ()
    name: str = ""
    target: str = ""
    template: int = 0
    """The template's version when the target was made."""
    started_at: int = 0
    caught_up_at: int = 0
    """When the pass before the swap began; 0 until then."""
    position: str = ""

    def facts(self) -> dict[str, Any]:
        """For a note."""
        return {**asdict(self), "done": list(self.done)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Job:
        """A note of another release, with other fields, is as good as none."""
        if set(facts) != {one.name for one in fields(cls)}:
            return cls()
        return cls(**{**facts, "done": tuple(facts["done"])})


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of one period. Without `in_use` the new index lacks entries, and the old one stays in its place."""

    name: str
    target: str
    in_use: bool
    replaced: str = ""
    """The index that is no more; empty if there was none."""
    entries: int = 0
    """Each once, those that were there already included; of a call that went on, those from there on."""
    parked: int = 0
    damaged: Mapping[str, str] = field(default_factory=dict)
    """Segment ids, and why."""
    lacking: Mapping[str, int] = field(default_factory=dict)
    """By table ARN, how many entries the index in use holds that the log does not."""


@dataclass(frozen=True, slots=True)
class Step:
    """For the person who watches: how far one pass is. `phase` is fill, catch up or finish."""

    name: str
    phase: str
    segments: int
    entries: int
    segments_of: int
    """0 where nobody knows."""


def lacking(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """By table, how many entries there were before that there are not after."""
    return {table: count - after.get(table, 0) for table, count in before.items() if count > after.get(table, 0)}


def is_rebuilt(index: str) -> bool:
    return _match(index) is not None


def period_of(index: str) -> str:
    """The name that a rebuilt index was made for; any other index's own."""
    match = _match(index)
    return match["name"] if match else index


def name_of_period(period: str) -> str | None:
    """`2026.11`, `2026.w47`, `2026.11.24` or such an index's whole name; None for anything else."""
    text = period.removeprefix(PREFIX)
    return PREFIX + text if _PERIOD.fullmatch(text) else None


def _match(index: str) -> re.Match[str] | None:
    return _REBUILT.fullmatch(index)
