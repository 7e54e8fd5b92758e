"""Which rules fit a change, written slowly from docs/rules.md, to hold the conversion against.

Rules
- Nothing of tabletrail's core: paths are tried by recursion, numbers are fractions, patterns are Python's own.
- A path pattern is given as it was made, a list of steps: ("name", text with `*`) or one of ANY, DEEP, POSITION.

Called by the tests of rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.core.leaf_view import Leaf, text_of

ANY, DEEP, POSITION = ("*", ""), ("**", ""), ("[]", "")
Step = tuple[str, str]
Place = tuple[str | int, ...]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def leaves(image: dict[str, Any]) -> dict[Place, Leaf]:
    """Each leaf of an image by names and positions."""
    found: dict[Place, Leaf] = {}
    for name, value in image.items():
        _look((name,), value, found)
    return found


def _look(place: Place, value: dict[str, Any], found: dict[Place, Leaf]) -> None:
    [(kind, content)] = value.items()
    if kind == "M" and content:
        for name, inner in content.items():
            _look((*place, name), inner, found)
    elif kind == "L" and content:
        for position, inner in enumerate(content):
            _look((*place, position), inner, found)
    else:
        found[place] = (kind, text_of(kind, content))


def changed(old: dict[str, Any], new: dict[str, Any]) -> dict[Place, tuple[Leaf | None, Leaf | None]]:
    before, after = leaves(old), leaves(new)
    places = [place for place in before | after if before.get(place) != after.get(place)]
    return {place: (before.get(place), after.get(place)) for place in places}


def covers(pattern: list[Step], place: Place) -> bool:
    """True if the pattern names the place or something that it lies in."""
    if not pattern or (pattern[-1] == POSITION and all(step in (POSITION, DEEP) for step in pattern)):
        return True  # a list that lies here, or a set, whose members are elements too
    first, rest = pattern[0], pattern[1:]
    if first == DEEP:
        least = 0 if rest else 1
        return any(covers(rest, place[taken:]) for taken in range(least, len(place) + 1))
    return bool(place) and _is_step(first, place[0]) and covers(rest, place[1:])


def names_end_at(pattern: list[Step], place: Place) -> bool:
    """True if the pattern's last step is the place's last name itself."""
    if not pattern or not place:
        return not pattern and not place
    first, rest = pattern[0], pattern[1:]
    if first == DEEP:
        if not rest:
            return isinstance(place[-1], str)
        return any(names_end_at(rest, place[taken:]) for taken in range(len(place) + 1))
    return _is_step(first, place[0]) and names_end_at(rest, place[1:])


def _is_step(step: Step, part: str | int) -> bool:
    if step == POSITION:
        return isinstance(part, int)
    return isinstance(part, str) and (step == ANY or fits_glob(step[1], part))


def fits_glob(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def value_fits(condition: dict[str, Any], leaf: Leaf | None) -> bool:
    return all(_value_part(name, wanted, leaf) for name, wanted in condition.items())


def _value_part(name: str, wanted: Any, leaf: Leaf | None) -> bool:
    opposite = {"not_in": "in", "lacks": "contains"}.get(name)
    if opposite:
        return not _value_part(opposite, wanted, leaf)
    if name == "exists" or leaf is None:
        return name == "exists" and (leaf is not None) is wanted
    if name in ("equals", "in"):
        return any(_same(one, leaf) for one in (wanted if name == "in" else [wanted]))
    if name == "contains":
        return leaf[0] in ("SS", "NS", "BS") and wanted in json.loads(leaf[1])
    return _text_or_number_part(name, wanted, leaf)


def _text_or_number_part(name: str, wanted: Any, leaf: Leaf) -> bool:
    if name in ("pattern", "not_pattern"):
        found = re.search(wanted.replace("$", r"\Z"), leaf[1], re.DOTALL | re.ASCII) is not None
        return len(leaf[1]) > 4096 or found == (name == "pattern")
    if leaf[0] != "N":
        return False
    number, bound = Fraction(leaf[1]), Fraction(str(wanted))
    return {
        "above": number > bound, "at_least": number >= bound, "below": number < bound, "at_most": number <= bound
    }[name]  # fmt: skip


def _same(wanted: Any, leaf: Leaf | None) -> bool:
    if leaf is None:
        return False
    if wanted is None or isinstance(wanted, bool):
        return leaf == ("NULL", "null") if wanted is None else leaf == ("BOOL", str(wanted).lower())
    if isinstance(wanted, str):
        return leaf[1] == wanted
    return leaf[0] == "N" and Fraction(leaf[1]) == wanted


def change_fits(condition: dict[str, Any], before: Leaf | None, after: Leaf | None) -> bool:
    if before is None or after is None or before[0] != "N" or after[0] != "N":
        return False
    old, new = Fraction(before[1]), Fraction(after[1])
    for name, wanted in condition.items():
        moved = new - old if name.startswith("rises") else old - new
        least = Fraction(str(wanted)) * (abs(old) / 100 if name.endswith("percent") else 1)
        if not moved > least:
            return False
    return True


def actor_fits(condition: dict[str, Any], actor: dict[str, str]) -> bool:
    name = actor.get("id")
    tests: dict[str, Callable[[Any], bool]] = {
        "id": lambda wanted: name is not None and any(fits_glob(one, name) for one in wanted),
        "not_id": lambda wanted: name is None or not any(fits_glob(one, name) for one in wanted),
        "type": lambda wanted: actor.get("type") in wanted,
        "confidence": lambda wanted: actor.get("confidence") in wanted,
        "known": lambda wanted: (name is not None) == wanted,
    }
    return all(tests[part](wanted) for part, wanted in condition.items())


def time_fits(condition: dict[str, Any], seconds: int) -> bool:
    local = datetime.fromtimestamp(seconds, ZoneInfo(condition["zone"]))
    inside = {side: any(_in_window(one, local) for one in condition.get(side, [])) for side in ("within", "outside")}
    return (inside["within"] or "within" not in condition) and not inside["outside"]


def _in_window(window: dict[str, Any], local: datetime) -> bool:
    """Tried minute by minute of the clock on the wall, from each day on which the window may have begun."""
    start, end = _minutes(window.get("from", "00:00")), _minutes(window.get("to", "24:00"))
    length = end - start if end > start else end - start + 1440
    now = local.weekday() * 1440 + local.hour * 60 + local.minute
    for day in window.get("days", DAYS):
        since = (now - DAYS.index(day) * 1440 - start) % (7 * 1440)
        if since < length:
            return True
    return False


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def rule_fits(
    when: dict[str, Any],
    patterns: list[list[Step]] | None,
    facts: tuple[str, str, dict[str, str], int],
    pair: tuple[dict[str, Any], dict[str, Any]] | None,
) -> bool:
    """`when` of a rule, whose paths are `patterns`, over (table, action, actor, seconds) and both images to compare."""
    table, action, actor, seconds = facts
    if "table" in when and not any(fits_glob(one, table) for one in when["table"]):
        return False
    if "action" in when and action not in when["action"]:
        return False
    if "actor" in when and not actor_fits(when["actor"], actor):
        return False
    if "time" in when and not time_fits(when["time"], seconds):
        return False
    if patterns is None and not {"before", "after", "change"} & set(when):
        return True
    return pair is not None and any(
        (patterns is None or any(covers(one, place) for one in patterns))
        and value_fits(when.get("before", {}), before)
        and value_fits(when.get("after", {}), after)
        and ("change" not in when or change_fits(when["change"], before, after))
        for place, (before, after) in changed(*pair).items()
    )
