"""Do text patterns find what regular expressions find, and does none of them cost more than its text's length?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core import text_pattern
from tabletrail.core.text_pattern import MOST_KEPT, MOST_TEXT, TextPattern
from tabletrail.core.text_syntax import MOST_PLACES, places_of

ATOMS = ("a", "b", "1", " ", ".", "\\d", "\\w", "\\S", "\\.", "[ab]", "[^a1]", "[a-c-]", "[]x]", "[\\d.]", "\\n", "-")


@st.composite
def parts(draw: st.DrawFn, depth: int = 3) -> str:
    pieces = []
    for _ in range(draw(st.integers(0, 3))):
        if depth and draw(st.integers(0, 3)) == 0:
            inner = draw(st.lists(parts(depth - 1), min_size=1, max_size=2))
            piece = draw(st.sampled_from(("(", "(?:"))) + "|".join(inner) + ")"
        else:
            piece = draw(st.sampled_from(ATOMS))
        pieces.append(piece + draw(st.sampled_from(("", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"))))
    return "".join(pieces)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    ends = st.tuples(st.sampled_from(("", "^")), parts(), st.sampled_from(("", "$"))).map("".join)
    return "|".join(draw(st.lists(ends, min_size=1, max_size=3)))


@given(patterns(), st.lists(st.text("ab1c. \nx-", max_size=12), min_size=1, max_size=5))
def test_what_python_finds_is_found(pattern: str, texts: list[str]) -> None:
    ours, python = TextPattern(pattern), re.compile(pattern.replace("$", r"\Z"), re.DOTALL | re.ASCII)
    for text in texts:
        is_found = python.search(text) is not None
        assert (ours.may_be_found_in(text), ours.may_be_missing_in(text)) == (is_found, not is_found), text


@given(patterns(), st.text("abAB1 x", max_size=8))
def test_in_front_of_all_case_is_put_aside(pattern: str, text: str) -> None:
    python = re.compile("(?i)" + pattern.replace("$", r"\Z"), re.DOTALL | re.ASCII)
    assert TextPattern("(?i)" + pattern).may_be_found_in(text) is (python.search(text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        ("", "", True),
        ("^$", "", True),
        ("^$", "\n", False),
        ("^a$", "a\n", False),
        ("a.c", "a\nc", True),
        ("^(?:a|b)+$|^x", "abba", True),
        ("^(?:a|b)+$|^x", "abbc", False),
        ("^(?:ba*)*$", "baba", True),
        ("^(?:(?:a*b)*c*)*$", "abcab", True),
        ("^(?:a+b?)+$", "abaab", True),
        ("\\d", "٣", False),
        ("\\w", "é", False),
        ("😀{2}", "x😀😀", True),
        ("[^😀]", "😀", False),
        ("(?i)ADMIN", "Admin", True),
        ("(?i)[a-z]+ß", "Aß", True),
        ("\\*\\\\", "*\\", True),
        ("a}]", "a}]", True),
    ],
)
def test_a_pattern_means_what_it_says(pattern: str, text: str, is_found: bool) -> None:
    assert TextPattern(pattern).may_be_found_in(text) is is_found


EVIL = ("(a+)+$", "^(a|a)*$", "(.*)*x", "(a*)*b", "a*a*a*a*a*a*a*a*$", "([a-z]+)*1", "(.*a){12}", "(x+x+)+y")


@pytest.mark.parametrize("pattern", EVIL)
def test_a_pattern_looks_at_each_character_once(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    class Counting(str):
        def __getitem__(self, _part: object) -> Counting:
            return self

        def __iter__(self):  # type: ignore[no-untyped-def]
            nonlocal steps
            for character in str.__str__(self):
                steps += 1
                yield character

    tried = 0
    step = text_pattern.TextPattern._step

    def counted(self: TextPattern, state: object, character: str) -> object:
        nonlocal tried
        tried += 1
        return step(self, state, character)  # type: ignore[arg-type]

    monkeypatch.setattr(text_pattern.TextPattern, "_step", counted)
    made = TextPattern(pattern)
    made.may_be_found_in(Counting("a" * 4000))
    assert steps <= 4000
    assert tried < 200, "and works out few steps, for the rest were kept"


def test_a_pattern_has_bounded_places() -> None:
    for pattern in ("(a{20}){20}", "[ab]{200}", "(a|b|c){100}"):
        places, _ = places_of(pattern)
        assert len(places) <= MOST_PLACES + 1
    with pytest.raises(ValueError, match="too large"):
        TextPattern("(a{30}){30}")


def test_what_is_kept_of_a_pattern_is_bounded() -> None:
    pattern = TextPattern("a.{12}b")
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(4000))
    for start in range(0, 20):
        pattern.may_be_found_in(text[start * 100 :] + "aab" * start)
        pattern.may_be_found_in(
            "".join(map(chr, range(0x1000 * start + 1, 0x1000 * start + 4000))).replace("\ud800", "")
        )
    assert sum(len(state.next) for state in pattern._states.values()) <= MOST_KEPT
    assert len(pattern._states) <= MOST_KEPT + 2


@pytest.mark.parametrize("padding", [MOST_TEXT, MOST_TEXT * 50])
def test_padding_hides_no_value(padding: int) -> None:
    ends_in_x = TextPattern("x$")
    assert ends_in_x.may_be_found_in("a" * padding + "x")
    assert ends_in_x.may_be_missing_in("a" * padding + "x"), "not decided: both may be"
    assert not ends_in_x.may_be_found_in("a" * (MOST_TEXT - 1))
    assert not TextPattern("^b").may_be_found_in("a" * padding), "what is decided at once stays decided"
    assert not TextPattern("^a").may_be_missing_in("a" * padding)
