"""What differs between two images of an item: the leaves, each with its exact path.

Rules
- An image is seen as {path: leaf}. The diff is every path where the two views differ, by type or by text: putting
  `after` in and taking `before`-only paths out turns the old view into the new one.
- Lists are compared by position. Sets are compared as sets. A map or list with content is not a leaf, an empty one is.
- Order: names by code points, positions by number; a leaf before what lies below the same path.
- At most MOST_PATHS paths are listed; `count` goes on counting, without making texts, so a huge item costs little.
- No recursion: an item's depth cannot exhaust the stack.
- A value at a sensitive place is replaced before it is put anywhere, and is in no `numbers`; so is a name that is data.
- Changed leaves at which a rule looks are all in `watched`, whole and in the clear, past every limit.

Called by the conversion and by `policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from tabletrail.core.paths import cut_path, cut_text, member, normalised
from tabletrail.core.places import NOWHERE, Place
from tabletrail.core.tokens import NAME, PREFIX
from tabletrail.core.values import Leaf, is_searchable_number, view
from tabletrail.errors import EntryError

MOST_PATHS = 1000
MOST_NUMBERS = 100

Image = dict[str, Any]
Hide = Callable[[str, str], str]
"""What is shown instead of a value: of its type and its text."""
Watched = tuple[tuple[Any, ...], Leaf | None, Leaf | None]
"""(who looks at its place, the leaf before, the leaf after)"""
_Pair = tuple[str, Place[Any], Any, Any]
"""(path, place, old value or None, new value or None)"""


@dataclass(slots=True)
class Diff:
    """`before` and `after` are keyed by the paths in `changed`; texts and paths are cut as entries write them."""

    changed: list[str] = field(default_factory=list)
    changed_path: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    numbers: list[dict[str, str]] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
    count: int = 0

    @property
    def truncated(self) -> bool:
        return self.count > len(self.changed)


def hide_nothing(_kind: str, _text: str) -> str:
    """For walks over items that hold nothing sensitive. Where that is wrong nothing is made in the clear."""
    raise EntryError("a value is sensitive, and there is no key to make its token with")


def compared(action: str, old: Image | None, new: Image | None) -> tuple[Image, Image] | None:
    """The two images that tell what changed; None where the record lacks one that it would take."""
    if action == "insert":
        return None if new is None else (old or {}, new)
    if action == "modify":
        return None if old is None or new is None else (old, new)
    return None if old is None else (old, new or {})


def diff(old: Image, new: Image, root: Place[Any] = NOWHERE, hide: Hide = hide_nothing) -> Diff:
    """The leaves that differ. EntryError if a value that differs is no typed JSON; equal ones are not looked at.

    `root` says which places are watched and which are sensitive; `hide` makes what stands for a sensitive value.
    """
    found = Diff()
    waiting = [_members(found, "", root, old, new, hide)]
    while waiting:
        pair = next(waiting[-1], None)
        if pair is None:
            waiting.pop()
            continue
        path, place, before, after = pair
        old_leaf, old_inside = view(before)
        new_leaf, new_inside = view(after)
        if old_leaf != new_leaf:
            found.count += 1
            if place.meanings:
                found.watched.append((place.meanings, old_leaf, new_leaf))
            if found.count <= MOST_PATHS:
                _list(found, path, old_leaf, new_leaf, hide if place.hides else None)
        if old_inside or new_inside:
            waiting.append(_elements(found, path, place, old_inside, new_inside))
            waiting.append(_members(found, path, place, old_inside, new_inside, hide))
    found.changed_path = list(dict.fromkeys(found.changed_path))
    return found


def shown_name(name: str, outside: Place[Any], inside: Place[Any], hide: Hide) -> str:
    """The name as entries write it: `inside` is its place, in the map that lies at `outside`.

    Where names may be hidden, so is one that looks like a token, or it could pass for another's.
    """
    if inside.hides_name or (outside.may_hide_names and name.startswith(PREFIX)):
        return hide(NAME, name)
    return name


def _members(found: Diff, path: str, place: Place[Any], old: Any, new: Any, hide: Hide) -> Iterator[_Pair]:
    """What differs in two maps; a side that is no map has no members."""
    old, new = old if type(old) is dict else {}, new if type(new) is dict else {}
    names = [name for name, value in new.items() if old.get(name) != value]
    names += [name for name in old if name not in new]
    written = {name: shown_name(name, place, place.into(name), hide) for name in names} if place.may_hide_names else {}
    # In the order of what is shown: that of hidden names would tell of them.
    for name in sorted(names, key=written.__getitem__ if written else None):
        # Past the limit nothing is listed: a path of some kilobytes for each leaf of a huge item is saved.
        inner = member(path, written.get(name, name)) if found.count < MOST_PATHS else ""
        yield inner, place if place.is_settled else place.into(name), old.get(name), new.get(name)


def _elements(found: Diff, path: str, place: Place[Any], old: Any, new: Any) -> Iterator[_Pair]:
    """What differs in two lists, by position; a side that is no list has no elements."""
    old, new = old if type(old) is list else [], new if type(new) is list else []
    inner = place.position() if old or new else place
    for position, (before, after) in enumerate(zip_longest(old, new)):
        if before != after:
            yield f"{path}[{position}]" if found.count < MOST_PATHS else "", inner, before, after


def _list(found: Diff, path: str, before: Leaf | None, after: Leaf | None, hide: Hide | None) -> None:
    key = cut_path(path)
    found.changed.append(key)
    found.changed_path.append(cut_path(normalised(path)))
    if hide is not None:
        if before is not None:
            found.before[key] = hide(*before)
        if after is not None:
            found.after[key] = hide(*after)
        return
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
