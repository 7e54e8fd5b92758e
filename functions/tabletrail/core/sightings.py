"""Which written items of CloudTrail's calls could be which changes of the log: by table, key, kind and time.

Rules
- CloudTrail tells a key's texts without their types, and a table's key attributes have one type each: texts are
  compared, those of numbers by value. How it writes binary keys is not documented, so such an attribute counts as
  hidden.
- A write is `exact` for a change if it shows every key attribute and all are the change's, `open` if what it shows
  does not contradict: then it may be another item's.
- A kind fits where DynamoDB could have made that record: a put or an update inserts or modifies, PartiQL's INSERT
  only inserts and its UPDATE only modifies. An expiry is no call's.
- No order of the input matters: everything is sorted by what it is.

Called by `witness` and `unrecorded`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tabletrail.core.cloudtrail import Call, unique
from tabletrail.core.cloudtrail_writes import Write

WINDOW_SECONDS = 5
"""How far a call's `eventTime` may lie from its record's second, either way. CloudTrail's guide has called it the time
at which a request was made and that at which it was completed: the write lies between, and a request rarely takes
seconds. Both clocks are synchronised by NTP, and both times are cut to the second. Too wide costs certainty where an
item is written often; too narrow would leave the true caller out and another in."""

CALLS = CHANGES = 50_000
"""At most so many of each at once. Measured: 60 MB for both, up to 100 MB more while they are matched, 1.4 s, and 7.4 s
where all are of 20 items. At 1,000 writes a second this is most of a minute: the caller goes slice by slice of time."""

LOOKED_AT = 100
"""At most so many units are looked at for a change, exact ones and open ones each, nearest in time first. Where there
are more the change is `crowded`: an item or a table's hidden writes that come so thick tell nobody apart anyway."""

_NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,140}|\.\d{1,140})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_FITS = {
    "put": ("insert", "modify"),
    "update": ("insert", "modify"),
    "delete": ("remove",),
    "insert": ("insert",),
    "change": ("modify",),
    "unknown": ("insert", "modify", "remove"),
}

_COMPARED = frozenset({"S", "N"})
_NEVER_SHOWN = ""
Values = tuple[tuple[str, str | Decimal], ...]

Action = Literal["insert", "modify", "remove", "expire"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change entry of the log. `key`: (attribute, type, text) of each key attribute, in the clear, by attribute."""

    entry_id: str
    table: str
    key: tuple[tuple[str, str, str], ...]
    action: Action
    seconds: int
    """The stream record's time, whole seconds since the epoch."""
    actor: str = ""
    """Whom the entry names (`actor.id`): a claim, not looked at here."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One item's write by one call: it makes one record at most."""

    call: Call
    write: Write


@dataclass(slots=True)
class Sightings:
    """By the place in `changes`: the places in `units` that could be it, nearest in time first."""

    changes: list[Change]
    units: list[Unit]
    exact: list[list[int]] = field(default_factory=list)
    open: list[list[int]] = field(default_factory=list)
    crowded: set[int] = field(default_factory=set)
    """Changes of which not all units were looked at."""


def sightings(changes: Iterable[Change], calls: Iterable[Call]) -> Sightings:
    """All that could belong together. ValueError above `CALLS` or `CHANGES`."""
    sorted_changes = sorted({one.entry_id: one for one in sorted(changes, key=repr)}.values(), key=_moment)
    sorted_calls = unique(calls)
    if len(sorted_changes) > CHANGES or len(sorted_calls) > CALLS:
        raise ValueError(f"at most {CHANGES} changes and {CALLS} calls at once: take a shorter slice of time")
    found = Sightings(sorted_changes, [Unit(call, write) for call in sorted_calls for write in call.writes])
    index = _Index(found)
    for number, change in enumerate(sorted_changes):
        exact, may_be, is_crowded = index.of(change)
        found.exact.append(exact)
        found.open.append(may_be)
        if is_crowded:
            found.crowded.add(number)
    return found


def _moment(change: Change) -> tuple[int, str]:
    return change.seconds, change.entry_id


class _Index:
    """Units by table and second; those that show a whole key by its values too."""

    def __init__(self, found: Sightings) -> None:
        self._units = found.units
        self._whole: defaultdict[tuple[str, int, Values], list[int]] = defaultdict(list)
        self._part: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        names = key_names(found.changes)
        for number, unit in enumerate(found.units):
            table, seconds = unit.write.table, unit.call.seconds
            wanted = names.get(table, frozenset())
            shown = values((name, text) for name, text in unit.write.key if name in wanted)
            if wanted and {name for name, _ in shown} == wanted:
                self._whole[table, seconds, shown].append(number)
            else:
                self._part[table, seconds].append(number)

    def of(self, change: Change) -> tuple[list[int], list[int], bool]:
        """(exact, open) units that `change` may be, and whether it is crowded."""
        exact: list[int] = []
        may_be: list[int] = []
        key = values((name, text) for name, _, text in change.key)
        for second in seconds_around(change.seconds):
            exact += self._whole.get((change.table, second, key), ())
            may_be += self._part.get((change.table, second), ())
        is_crowded = max(len(exact), len(may_be)) > LOOKED_AT
        return self._fitting(exact[:LOOKED_AT], change), self._fitting(may_be[:LOOKED_AT], change), is_crowded

    def _fitting(self, numbers: list[int], change: Change) -> list[int]:
        writes = ((number, self._units[number].write) for number in numbers)
        return [number for number, write in writes if fits(write, change) and agrees(write, change)]


def seconds_around(second: int) -> list[int]:
    """The seconds of the window around `second`, nearest first, of two equally near the earlier."""
    return sorted(range(second - WINDOW_SECONDS, second + WINDOW_SECONDS + 1), key=lambda one: (abs(one - second), one))


def fits(write: Write, change: Change) -> bool:
    """True if such a write can make a record of such a change."""
    return change.action in _FITS[write.operation]


def agrees(write: Write, change: Change) -> bool:
    """True if nothing that `write` shows of its key contradicts the change's."""
    shown = dict(write.key)
    for name, kind, text in change.key:
        other = shown.get(name)
        if other is None or kind not in _COMPARED:
            continue
        if other != text and (kind == "S" or value(other) != value(text)):
            return False
    return True


def key_names(changes: Iterable[Change]) -> dict[str, frozenset[str]]:
    """By table, its key attributes. A binary one is under a name that no write shows: no write has the whole key."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for change in changes:
        names[change.table] |= {name if kind in _COMPARED else _NEVER_SHOWN for name, kind, _ in change.key}
    return {table: frozenset(found) for table, found in names.items()}


def value(text: str) -> str | Decimal:
    """A number's value, whatever zeros and exponent it is written with; any other text itself."""
    return Decimal(text) if len(text) <= 200 and _NUMBER.fullmatch(text) else text


def values(key: Iterable[tuple[str, str]]) -> Values:
    """A key as it is looked up: by attribute."""
    return tuple(sorted(((name, value(text)) for name, text in key), key=lambda one: one[0]))
