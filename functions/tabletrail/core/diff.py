"""What differs between two images of an item: the leaves, each with its exact path.

Rules
- An image is seen as {path: leaf}. The diff is every path where the two views differ, by type or by text: putting
  `after` in and taking `before`-only paths out turns the old view into the new one.
- Lists are compared by position. Sets are compared as sets. A map or list with content is not a leaf, an empty one is.
- Order: names by code points, positions by number; a leaf before what lies below the same path.
- At most MOST_PATHS paths are listed; `count` goes on counting, without making texts, so a huge item costs little.
- No recursion: an item's depth cannot exhaust the stack.

Called by the conversion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from tabletrail.core.paths import cut_path, cut_text, member, normalised
from tabletrail.core.values import Leaf, is_searchable_number, view

MOST_PATHS = 1000
MOST_NUMBERS = 100

Image = dict[str, Any]
_Pair = tuple[str, Any, Any]
"""(path, old value or None, new value or None)"""


@dataclass(slots=True)
class Diff:
    """`before` and `after` are keyed by the paths in `changed`; texts and paths are cut as entries write them."""

    changed: list[str] = field(default_factory=list)
    changed_path: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    numbers: list[dict[str, str]] = field(default_factory=list)
    count: int = 0

    @property
    def truncated(self) -> bool:
        return self.count > len(self.changed)


def diff(old: Image, new: Image) -> Diff:
    """The leaves that differ. EntryError if a value that differs is no typed JSON; equal ones are not looked at."""
    found = Diff()
    waiting = [_members(found, "", old, new)]
    while waiting:
        pair = next(waiting[-1], None)
        if pair is None:
            waiting.pop()
            continue
        path, before, after = pair
        old_leaf, old_inside = view(before)
        new_leaf, new_inside = view(after)
        if old_leaf != new_leaf:
            found.count += 1
            if found.count <= MOST_PATHS:
                _list(found, path, old_leaf, new_leaf)
        if old_inside or new_inside:
            waiting.append(_elements(found, path, old_inside, new_inside))
            waiting.append(_members(found, path, old_inside, new_inside))
    found.changed_path = list(dict.fromkeys(found.changed_path))
    return found


def _members(found: Diff, path: str, old: Any, new: Any) -> Iterator[_Pair]:
    """What differs in two maps; a side that is no map has no members."""
    old, new = old if type(old) is dict else {}, new if type(new) is dict else {}
    names = [name for name, value in new.items() if old.get(name) != value]
    names += [name for name in old if name not in new]
    for name in sorted(names):
        # Past the limit nothing is listed: a path of some kilobytes for each leaf of a huge item is saved.
        yield member(path, name) if found.count < MOST_PATHS else "", old.get(name), new.get(name)


def _elements(found: Diff, path: str, old: Any, new: Any) -> Iterator[_Pair]:
    """What differs in two lists, by position; a side that is no list has no elements."""
    old, new = old if type(old) is list else [], new if type(new) is list else []
    for position, (before, after) in enumerate(zip_longest(old, new)):
        if before != after:
            yield f"{path}[{position}]" if found.count < MOST_PATHS else "", before, after


def _list(found: Diff, path: str, before: Leaf | None, after: Leaf | None) -> None:
    key = cut_path(path)
    found.changed.append(key)
    found.changed_path.append(cut_path(normalised(path)))
    number: dict[str, str] = {}
    if before is not None:
        kind, text = before
        found.before[key] = cut_text(text)
        if kind == "N" and is_searchable_number(text):
            number["before"] = text
    if after is not None:
        kind, text = after
        found.after[key] = cut_text(text)
        if kind == "N" and is_searchable_number(text):
            number["after"] = text
    if number and len(found.numbers) < MOST_NUMBERS:
        number["path"] = key
        found.numbers.append(number)
