"""Tests of one value, of how a value changed, and of an actor, as a policy's rules state them.

Rules
- A value is a leaf of the diff, (type, text), whole however long, or None where there is none.
- Numbers are compared as decimals, exactly: no float is made. What is no DynamoDB number fits no bound.
- Only `not_in`, `lacks` and `exists: false` fit where there is no value.
- Parts of one condition hold together; one that is not checked before (`rule_form`, `rule_sense`) may raise here.

Called by `rules`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, Inexact
from typing import Any

from tabletrail.core.globs import any_glob
from tabletrail.core.text_pattern import TextPattern
from tabletrail.core.values import Leaf

ValueTest = Callable[[Leaf | None], bool]
ChangeTest = Callable[[Leaf | None, Leaf | None], bool]
ActorTest = Callable[[Mapping[str, str]], bool]

DECIMAL = r"[+-]?[0-9]{1,40}(\.[0-9]{1,140})?"
"""How a policy writes a number with a fraction: digits, no exponent."""
_NUMBER = re.compile(r"[+-]?(\d{1,140}\.?\d{0,140}|\.\d{1,140})([eE][+-]?\d{1,3})?", re.ASCII)
"""Wider than all that DynamoDB sends, narrow enough for exact arithmetic."""
_EXACT = Context(prec=4_000, Emin=-9_999, Emax=9_999, traps=[Inexact])
"""Room for the widest span that two such numbers and a percentage can have; if it were not, it would be an error."""
_SETS = frozenset({"SS", "NS", "BS"})


def value_test(condition: Mapping[str, Any]) -> ValueTest:
    """The test of a `before` or `after`."""
    tests = [_VALUE_TESTS[name](wanted) for name, wanted in condition.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda leaf: all(test(leaf) for test in tests)


def change_test(condition: Mapping[str, Any]) -> ChangeTest:
    """The test of a `change`: both sides must be numbers."""
    bounds = [(name, _exact(wanted)) for name, wanted in condition.items()]

    def fits(before: Leaf | None, after: Leaf | None) -> bool:
        old, new = number_of(before), number_of(after)
        return old is not None and new is not None and all(_moved(name, by, old, new) for name, by in bounds)

    return fits


def actor_test(condition: Mapping[str, Any]) -> ActorTest:
    """The test of an `actor`, given as `actor_of_change` tells it, uncut."""
    tests = [_ACTOR_TESTS[name](wanted) for name, wanted in condition.items()]
    return lambda actor: all(test(actor) for test in tests)


def number_of(leaf: Leaf | None) -> Decimal | None:
    """The number that a leaf is; None for every other leaf."""
    if leaf is None or leaf[0] != "N" or _NUMBER.fullmatch(leaf[1]) is None:
        return None
    return Decimal(leaf[1])


def listed(value: Any) -> Sequence[Any]:
    """What a policy may write as one or as a list, as a list."""
    return value if isinstance(value, list) else [value]


def _exact(wanted: Any) -> Decimal:
    return Decimal(wanted)


def _equal_to(wanted: Any) -> ValueTest:
    """A text is compared with the leaf's text of whatever type; true, false, null and numbers with their own type."""
    if wanted is None or isinstance(wanted, bool):
        own = ("NULL", "null") if wanted is None else ("BOOL", "true" if wanted else "false")
        return lambda leaf: leaf == own
    if isinstance(wanted, str):
        return lambda leaf: leaf is not None and leaf[1] == wanted
    exact = Decimal(wanted)
    return lambda leaf: number_of(leaf) == exact


def _in(wanted: list[Any]) -> ValueTest:
    tests = [_equal_to(one) for one in wanted]
    return lambda leaf: any(test(leaf) for test in tests)


def _not_in(wanted: list[Any]) -> ValueTest:
    test = _in(wanted)
    return lambda leaf: not test(leaf)


def _exists(wanted: bool) -> ValueTest:
    return lambda leaf: (leaf is not None) is wanted


def _bound(holds: Callable[[Decimal, Decimal], bool]) -> Callable[[Any], ValueTest]:
    def made(wanted: Any) -> ValueTest:
        bound = _exact(wanted)

        def fits(leaf: Leaf | None) -> bool:
            number = number_of(leaf)
            return number is not None and holds(number, bound)

        return fits

    return made


def _contains(member: str) -> ValueTest:
    def fits(leaf: Leaf | None) -> bool:
        return leaf is not None and leaf[0] in _SETS and member in json.loads(leaf[1])

    return fits


def _lacks(member: str) -> ValueTest:
    test = _contains(member)
    return lambda leaf: not test(leaf)


def _pattern(pattern: str) -> ValueTest:
    found = TextPattern(pattern).may_be_found_in
    return lambda leaf: leaf is not None and found(leaf[1])


def _not_pattern(pattern: str) -> ValueTest:
    missing = TextPattern(pattern).may_be_missing_in
    return lambda leaf: leaf is not None and missing(leaf[1])


def _moved(name: str, by: Decimal, old: Decimal, new: Decimal) -> bool:
    rise = _EXACT.subtract(new, old)
    if name.startswith("falls"):
        rise = _EXACT.minus(rise)
    if name.endswith("percent"):
        # Not divided: rise > |old| * percent / 100, so that nothing is rounded and a start at 0 needs no exception.
        return _EXACT.multiply(rise, Decimal(100)) > _EXACT.multiply(_EXACT.abs(old), by)
    return rise > by


def _actor_field(field: str) -> Callable[[Any], ActorTest]:
    return lambda wanted: lambda actor: actor.get(field) in listed(wanted)


def _actor_id(wanted: Any) -> ActorTest:
    fits = any_glob(listed(wanted))
    return lambda actor: "id" in actor and fits(actor["id"])


def _not_actor_id(wanted: Any) -> ActorTest:
    test = _actor_id(wanted)
    return lambda actor: not test(actor)


def _known(wanted: bool) -> ActorTest:
    return lambda actor: ("id" in actor) is wanted


_VALUE_TESTS: dict[str, Callable[[Any], ValueTest]] = {
    "equals": _equal_to,
    "in": _in,
    "not_in": _not_in,
    "exists": _exists,
    "above": _bound(Decimal.__gt__),
    "at_least": _bound(Decimal.__ge__),
    "below": _bound(Decimal.__lt__),
    "at_most": _bound(Decimal.__le__),
    "contains": _contains,
    "lacks": _lacks,
    "pattern": _pattern,
    "not_pattern": _not_pattern,
}
_ACTOR_TESTS: dict[str, Callable[[Any], ActorTest]] = {
    "id": _actor_id,
    "not_id": _not_actor_id,
    "type": _actor_field("type"),
    "confidence": _actor_field("confidence"),
    "known": _known,
}
