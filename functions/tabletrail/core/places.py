"""Which places of an item a policy speaks of: patterns of paths, all of a table walked at once.

    roles            the attribute and everything below it
    lines[].price    `[]` is any position of a list
    address.*        `*` is any one name, and stands for any run of characters within a name: `*Email`
    **.iban          `**` is any number of names and positions, none included (at the end: one or more)
    emails["a.b"]    a name that could be mistaken is quoted as entries write it; in quotes `*` is itself

Rules
- A pattern covers the place that it names and all below it: what is put one level deeper does not escape.
- `[]` at the end names the list itself: a set has members and no positions, and must not escape either.
- All patterns of a table are one automaton. A step down costs one look-up, whatever the number of patterns, and none
  where no pattern can fit any more. No path is written for it, so no number of leaves makes it stop looking.
- What is kept of it is bounded: names are data, and an item's writer must not fill a function's memory.

Called by `policy` (makes them) and `diff` (walks them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from tabletrail.core.globs import glob
from tabletrail.core.paths import NAME_CHARACTERS, member, quoted

MOST_PLACES = 2_000
"""Kept per table; more are worked out again each time."""
MOST_NAMES = 5_000
"""Of at most 255 characters, kept per table; then all are forgotten and gathered anew."""

Meaning = TypeVar("Meaning")


class Step(Enum):
    """Steps that are no name: any number of steps, any one step, any position."""

    DEEP = "**"
    ONE = "a name or a position"
    POSITION = "[]"


Steps = tuple[Step | Callable[[str], bool], ...]
Active = frozenset[tuple[int, int]]
"""(number of a pattern, how many of its steps are taken)"""

_STEP = re.compile(r'(\.?)(?:(\["(?:[^"\\]|\\.)*"(#[0-9a-f]{64})?\])|(\[\])|([^.\[\]"=…]+))', re.ASCII)


def steps_of(pattern: str) -> Steps:
    """The steps of a pattern. ValueError says what is wrong with it."""
    steps: list[Step | Callable[[str], bool]] = []
    at = 0
    while at < len(pattern):
        found = _STEP.match(pattern, at)
        if found is None:
            raise ValueError(f"cannot be read from character {at + 1} on: {_hint(pattern[at:])}")
        dot, written, cut, position, plain = found.groups()
        if (dot == ".") != (plain is not None and at > 0):
            raise ValueError(f"character {at + 1}: a dot stands before each plain name but the first, and only there")
        at = found.end()
        if position:
            steps.append(Step.POSITION)
        elif written:
            steps.append(_quoted_step(written, is_cut=cut is not None))
        else:
            steps.append(Step.DEEP if plain == "**" else _plain_step(plain))
    if steps and steps[-1] is Step.POSITION:
        while len(steps) > 1 and steps[-1] in (Step.POSITION, Step.DEEP):
            steps.pop()
    if not steps:
        raise ValueError("is empty")
    if steps[0] is Step.POSITION:
        raise ValueError("begins with a position, but an item is a map")
    return (*steps, Step.ONE) if steps[-1] is Step.DEEP else tuple(steps)


def _hint(rest: str) -> str:
    if re.match(r"\[\d+\]", rest):
        return "any position is written [], a single one cannot be named"
    return 'names with . [ ] " = or an ellipsis are written in brackets and quotes, as in a["b.c"]'


def _plain_step(name: str) -> Callable[[str], bool]:
    if "**" in name:
        raise ValueError("`**` stands for whole steps: write it between dots")
    if name != name.strip() or member("", name.replace("*", "x")) != name.replace("*", "x"):
        raise ValueError(f"the name {name!r} must be written {quoted(name)}, where `*` is itself")
    return glob(name)


def _quoted_step(written: str, *, is_cut: bool) -> Callable[[str], bool]:
    if is_cut:
        return lambda name: len(name) > NAME_CHARACTERS and quoted(name) == written
    try:
        name = str(json.loads(written[1:-1]))
    except ValueError:
        raise ValueError(f"{written} is not a JSON text in brackets") from None
    return name.__eq__


@dataclass(frozen=True, slots=True)
class Pattern(Generic[Meaning]):
    """`meaning` is whose place it is: a rule's, or None. `hides` makes it sensitive; `hides_names` says that the names
    which its last step fits are data themselves."""

    steps: Steps
    meaning: Meaning | None = None
    hides: bool = False
    hides_names: bool = False


class Place(Generic[Meaning]):
    """One state of the automaton: what is known of a place after the steps that led to it."""

    __slots__ = (
        "_atlas", "_position", "active", "covered", "hides", "hides_name", "inside", "is_settled", "may_hide_names",
        "meanings",
    )  # fmt: skip

    def __init__(self, atlas: Atlas[Meaning], active: Active, covered: frozenset[int], *, hides_name: bool) -> None:
        patterns = [atlas.patterns[number] for number in sorted(covered)]
        self._atlas = atlas
        self._position: Place[Meaning] | None = None
        self.active = active
        self.covered = covered
        self.inside: dict[str, Place[Meaning]] = {}
        """Places of names, as far as kept: look here first, then call `into`."""
        self.meanings = tuple(dict.fromkeys(one.meaning for one in patterns if one.meaning is not None))
        """Whose patterns cover this place, each once, in the order of the policy."""
        self.hides = any(one.hides for one in patterns)
        """True if a value here is sensitive."""
        self.hides_name = hides_name
        """True if the very name that led here is sensitive."""
        self.is_settled = not active and not hides_name
        """True if whatever lies in here is in the same case."""
        self.may_hide_names = any(atlas.patterns[number].hides_names for number, _ in active)
        """True if the name of something in here may be sensitive."""

    def into(self, name: str) -> Place[Meaning]:
        """The place of `name` in the map that lies here."""
        if self.is_settled:
            return self
        found = self.inside.get(name)
        if found is None:
            found = self._atlas.step(self, name)
            if len(name) <= NAME_CHARACTERS:
                self._atlas.make_room()
                self.inside[name] = found
        return found

    def position(self) -> Place[Meaning]:
        """The place of any element of the list that lies here."""
        if self._position is None:
            self._position = self if self.is_settled else self._atlas.step(self, None)
        return self._position


class Atlas(Generic[Meaning]):
    """The automaton of one table's patterns. `root` is the item itself; a pattern without steps covers all of it."""

    def __init__(self, patterns: Iterable[Pattern[Meaning]] = ()) -> None:
        self.patterns = tuple(patterns)
        self._places: dict[tuple[Active, frozenset[int], bool], Place[Meaning]] = {}
        self._kept = 0
        start: set[tuple[int, int]] = set()
        for number, pattern in enumerate(self.patterns):
            if pattern.steps:
                self._begin(start, number, 0)
        everywhere = frozenset(number for number, pattern in enumerate(self.patterns) if not pattern.steps)
        self.root = self._place(frozenset(start), everywhere, hides_name=False)

    def step(self, place: Place[Meaning], name: str | None) -> Place[Meaning]:
        """One step down from `place`: into a name, or for None into a position."""
        active: set[tuple[int, int]] = set()
        covered = set(place.covered)
        hides_name = False
        for number, at in place.active:
            pattern = self.patterns[number]
            step = pattern.steps[at]
            if step is Step.DEEP:
                self._begin(active, number, at)
            elif step is Step.ONE or (name is None and step is Step.POSITION) or _is_named(step, name):
                if at + 1 < len(pattern.steps):
                    self._begin(active, number, at + 1)
                else:
                    covered.add(number)
                    hides_name = hides_name or (pattern.hides_names and name is not None)
        return self._place(frozenset(active), frozenset(covered), hides_name=hides_name)

    def make_room(self) -> None:
        """To be called before a name is kept."""
        self._kept += 1
        if self._kept > MOST_NAMES:
            for place in self._places.values():
                place.inside.clear()
            self._kept = 1

    def _begin(self, active: set[tuple[int, int]], number: int, at: int) -> None:
        """Adds the position, and those that come after any number of steps of which none is taken."""
        active.add((number, at))
        while self.patterns[number].steps[at] is Step.DEEP:
            at += 1
            active.add((number, at))

    def _place(self, active: Active, covered: frozenset[int], *, hides_name: bool) -> Place[Meaning]:
        key = (active, covered, hides_name)
        place = self._places.get(key)
        if place is None:
            place = Place(self, active, covered, hides_name=hides_name)
            if len(self._places) < MOST_PLACES:
                self._places[key] = place
        return place


def _is_named(step: Step | Callable[[str], bool], name: str | None) -> bool:
    return name is not None and not isinstance(step, Step) and step(name)


NOWHERE: Place[Any] = Atlas().root
"""The place of a walk over which nobody watches."""
