"""One rule of sensitive changes: what it asks of an entry, what it says of it.

Rules
- A rule that speaks of values (`path`, `before`, `after`, `change`) fits if one changed leaf meets them all.
- Whatever else it asks (action, actor, time) is asked of the entry, and only once a leaf has been found.

Called by `policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tabletrail.core.conditions import (
    ActorTest,
    ChangeTest,
    ValueTest,
    actor_test,
    change_test,
    listed,
    value_test,
)
from tabletrail.core.hours import HoursTest, hours_test, window_of, zone_of
from tabletrail.core.places import Steps, steps_of
from tabletrail.core.rule_form import Problem, pointer
from tabletrail.core.text_pattern import TextPattern
from tabletrail.core.values import Leaf

SEVERITIES = {"low": 21, "medium": 47, "high": 73, "critical": 99}
"""`event.severity` of each word."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A compiled rule. `paths` is empty if it speaks of no path; None for a test that it does not make."""

    name: str
    tags: tuple[str, ...]
    severity: int
    tables: tuple[str, ...]
    paths: tuple[Steps, ...]
    actions: frozenset[str] | None = None
    before: ValueTest | None = None
    after: ValueTest | None = None
    change: ChangeTest | None = None
    actor: ActorTest | None = None
    hours: HoursTest | None = None

    @property
    def is_of_values(self) -> bool:
        """True if it asks for a changed leaf."""
        return bool(self.paths) or any(test is not None for test in (self.before, self.after, self.change))

    def fits_entry(self, action: str, actor: Mapping[str, str], seconds: int) -> bool:
        """True if the entry is one that it asks for; values are another matter."""
        return (
            (self.actions is None or action in self.actions)
            and (self.actor is None or self.actor(actor))
            and (self.hours is None or self.hours(seconds))
        )

    def fits_leaf(self, before: Leaf | None, after: Leaf | None) -> bool:
        """True if a leaf that lies at one of its places changed as it asks."""
        return (
            (self.before is None or self.before(before))
            and (self.after is None or self.after(after))
            and (self.change is None or self.change(before, after))
        )


def compile_rule(rule: Mapping[str, Any]) -> Rule:
    """The rule of a declaration whose form is right and which `rule_problems` finds nothing wrong with."""
    when = rule["when"]
    return Rule(
        name=rule["name"],
        tags=tuple(rule.get("tags", ())),
        severity=SEVERITIES[rule["severity"]],
        tables=tuple(listed(when.get("table", "*"))),
        paths=tuple(steps_of(path) for path in listed(when.get("path", []))),
        actions=frozenset(listed(when["action"])) if "action" in when else None,
        before=_made(value_test, when.get("before")),
        after=_made(value_test, when.get("after")),
        change=_made(change_test, when.get("change")),
        actor=_made(actor_test, when.get("actor")),
        hours=_made(hours_test, when.get("time")),
    )


def rule_problems(rule: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """What is wrong with a rule of the right form: paths, patterns, zones, windows."""
    when, inside = rule["when"], pointer(where, "when")
    yield from path_problems(when.get("path", []), pointer(inside, "path"))
    for side in ("before", "after"):
        for name in ("pattern", "not_pattern"):
            if name in when.get(side, {}):
                yield from _problem(TextPattern, when[side][name], pointer(pointer(inside, side), name))
    time, place = when.get("time"), pointer(inside, "time")
    if time is not None:
        yield from _problem(zone_of, time["zone"], pointer(place, "zone"))
        for side in ("within", "outside"):
            for number, window in enumerate(time.get(side, ())):
                yield from _problem(window_of, window, pointer(pointer(place, side), number))


def path_problems(paths: Any, where: str) -> Iterator[Problem]:
    """Of one path or a list of them."""
    for number, path in enumerate(listed(paths)):
        yield from _problem(steps_of, path, pointer(where, number) if isinstance(paths, list) else where)


def _made(make: Callable[[Any], Made], condition: Any) -> Made | None:
    return None if condition is None else make(condition)


def _problem(make: Callable[[Any], object], value: Any, where: str) -> Iterator[Problem]:
    try:
        make(value)
    except ValueError as error:
        yield where, str(error)
