"""What a legal hold covers, how an operator names it, and whether anything of it is ever forgotten."""

from __future__ import annotations

import pytest

from tabletrail.core.holds import ALL, PERIOD, TABLE, Hold, Holds, newest, target_of
from tabletrail.core.periods import PREFIX


def hold() -> Hold:
    return Hold("h1", ALL, "", "a lawsuit", "arn:aws:iam::123456789012:user/ann", 1)


def test_is_a_released_hold_kept_and_without_effect() -> None:
    before = Holds().with_new(hold())
    after = before.released("h1", 5, "bob", "settled")
    assert after.number == 2
    assert not after.active
    assert after.every[0].release_reason == "settled"
    assert after.released("h1", 6, "eve", "again") == after
    assert before.released("h9", 6, "eve", "x") == before
    assert after.with_new(hold()) == after, "an id is given once"
    assert Holds.from_facts(after.facts()) == after
    assert newest((before, None, after)) == after
    assert newest((None, None)) == Holds()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("all", (ALL, "")),
        ("2026.11", (PERIOD, PREFIX + "2026.11")),
        ("2026.w47", (PERIOD, PREFIX + "2026.w47")),
        (PREFIX + "2026.11.24", (PERIOD, PREFIX + "2026.11.24")),
        ("orders", (TABLE, "orders")),
        (
            "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
            (TABLE, "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"),
        ),
        ("a b", None),
        ("2026.13", None),
        ("", None),
        ("x", None),
    ],
)
def test_does_it_know_what_is_to_be_held(text: str, wanted: tuple[str, str] | None) -> None:
    assert target_of(text) == wanted
