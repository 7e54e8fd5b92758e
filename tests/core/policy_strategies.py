"""Policies for Hypothesis, made to fit often: from the very places and values of the items they will see.

Called by the tests of rules and of sensitive values.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tabletrail.core.paths import member
from tests.core.naive_rules import ANY, DAYS, DEEP, POSITION, Place, Step, leaves

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
PATTERNS = ("^a", "o", "[0-9]+$", "^(x|y|)$", "^[^@]*@?[^@]*$", "\\d{2,3}", "(?:s|t)+h", "true|false", "^.?$")


def written(pattern: list[Step]) -> str:
    """As a policy writes it."""
    path = ""
    for kind, text in pattern:
        if kind == "[]":
            path += "[]"
        elif kind == "name" and "*" not in text:
            path = member(path, text)
        else:
            step = text or kind
            path = f"{path}.{step}" if path else step
    return path


def _is_plain(text: str) -> bool:
    bare = text.replace("*", "x")
    return member("", bare) == bare


@st.composite
def patterns(draw: st.DrawFn, places: list[Place]) -> list[Step]:
    """A pattern that covers one of the places, or nearly."""
    place = draw(st.sampled_from(places))
    place = place[: draw(st.integers(1, min(len(place), 8)))]
    steps: list[Step] = []
    for part in place:
        choice = draw(st.integers(0, 9))
        if choice == 0 and steps[-1:] != [DEEP]:
            steps.append(DEEP)
        if choice in (1, 2) and steps[-1:] != [DEEP]:
            steps.append(DEEP)
        elif isinstance(part, int):
            steps.append(POSITION)
        elif choice == 3 or "*" in part or len(part) > 255:
            steps.append(ANY)
        elif choice == 4 and _is_plain(part[:1] + "*"):
            steps.append(("name", part[:1] + "*" if part[:1] else "*x"))
        else:
            steps.append(("name", part))
    return steps if steps[0] != POSITION else [ANY, *steps]


def _scalars(known: list[str]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from([*known, "x"]), st.booleans(), st.none(), st.integers(-5, 5), st.sampled_from(["1", "0"])
    )


@st.composite
def conditions(draw: st.DrawFn, known: list[str]) -> dict[str, Any]:
    """A condition on a value; `known` are texts of the items, short enough to be written."""
    bound = st.one_of(st.integers(-10, 10), st.from_regex(r"\A-?[0-9]{1,10}(\.[0-9]{1,9})?\Z"))
    parts = {
        "equals": _scalars(known),
        "in": st.lists(_scalars(known), min_size=1, max_size=3),
        "not_in": st.lists(_scalars(known), min_size=1, max_size=3),
        "exists": st.booleans(),
        "above": bound,
        "at_least": bound,
        "below": bound,
        "at_most": bound,
        "contains": st.sampled_from([*known, "x"]),
        "lacks": st.sampled_from([*known, "x"]),
        "pattern": st.sampled_from(PATTERNS),
        "not_pattern": st.sampled_from(PATTERNS),
    }
    names = draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=2, unique=True))
    return {name: draw(parts[name]) for name in names}


clocks = st.builds(lambda hour, minute: f"{hour:02d}:{minute:02d}", st.integers(0, 23), st.integers(0, 59))


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    start, end = draw(clocks), draw(st.one_of(clocks, st.just("24:00")))
    window: dict[str, Any] = {"from": start, "to": end if end != start else "24:00" if start != "24:00" else "12:00"}
    if draw(st.booleans()):
        window["days"] = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True))
    return window


@st.composite
def times(draw: st.DrawFn) -> dict[str, Any]:
    sides = draw(st.sampled_from((["within"], ["outside"], ["within", "outside"])))
    return {"zone": draw(st.sampled_from(ZONES))} | {
        side: draw(st.lists(windows(), min_size=1, max_size=2)) for side in sides
    }


changes = st.dictionaries(
    st.sampled_from(
        ("rises_by_more_than", "falls_by_more_than", "rises_by_more_than_percent", "falls_by_more_than_percent")
    ),
    st.one_of(st.integers(0, 100), st.sampled_from(["0.5", "50", "-1"])),
    min_size=1,
    max_size=2,
)
actors = st.fixed_dictionaries(
    {},
    optional={
        "id": st.lists(st.sampled_from(["al*", "*", "bob", "*e*"]), min_size=1, max_size=2),
        "not_id": st.lists(st.sampled_from(["al*", "bob"]), min_size=1, max_size=2),
        "type": st.lists(st.sampled_from(["user", "system"]), min_size=1, max_size=2),
        "confidence": st.lists(st.sampled_from(["possible", "certain"]), min_size=1, max_size=2),
        "known": st.booleans(),
    },
).filter(bool)


@st.composite
def whens(
    draw: st.DrawFn, pair: tuple[dict[str, Any], dict[str, Any]]
) -> tuple[dict[str, Any], list[list[Step]] | None]:
    """(`when` of a rule, its path patterns as steps or None), for a change between these two images."""
    both = {**leaves(pair[0]), **leaves(pair[1])}
    known = sorted({text for _, text in both.values() if len(text) <= 200})[:20]
    when: dict[str, Any] = {}
    found = None
    if draw(st.integers(0, 3)):
        found = draw(st.lists(patterns(list(both)), min_size=1, max_size=2))
        when["path"] = [written(one) for one in found]
    optional: dict[str, st.SearchStrategy[Any]] = {
        "table": st.lists(st.sampled_from(["orders", "ord*", "users", "*"]), min_size=1, max_size=2),
        "action": st.lists(st.sampled_from(["insert", "modify", "remove", "expire"]), min_size=1, max_size=3),
        "before": conditions(known),
        "after": conditions(known),
        "change": changes,
        "actor": actors,
        "time": times(),
    }
    for name in draw(st.lists(st.sampled_from(sorted(optional)), max_size=2, unique=True)):
        when[name] = draw(optional[name])
    return (when, found) if when else ({"action": ["modify"]}, None)
