"""Do text patterns find what regular expressions find, and does none of them cost more than its text's length?"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core import text_pattern
from tabletrail.core.text_pattern import MOST_KEPT, MOST_TEXT, TextPattern
from tabletrail.core.text_syntax import MOST_PLACES, places_of

ATOMS = ("a", "b", "1", " ", ".", "\\d", "\\w", "\\S", "\\.", "[ab]", "[^a1]", "[a-c-]", "[]x]", "[\\d.]", "\\n", "-")
REPEATS = {
    "": (1, 1), "*": (0, None), "+": (1, None), "?": (0, 1), "{2}": (2, 2), "{1,}": (1, None), "{0,2}": (0, 2),
    "*?": (0, None),
}  # fmt: skip

Ends = Callable[[str, int], set[int]]
"""Where a part can end that begins at that place of the text."""
Made = tuple[str, Ends]


def _atom(pattern: str, flags: re.RegexFlag) -> Made:
    fits = re.compile(pattern, re.DOTALL | re.ASCII | flags).fullmatch
    return pattern, lambda text, at: {at + 1} if fits(text[at : at + 1]) else set()


def _row(parts: list[Made]) -> Made:
    def ends(text: str, at: int) -> set[int]:
        found = {at}
        for _, one in parts:
            found = {end for start in found for end in one(text, start)}
        return found

    return "".join(pattern for pattern, _ in parts), ends


def _choice(parts: list[Made], opening: str) -> Made:
    pattern = opening + "|".join(pattern for pattern, _ in parts) + ")"
    return pattern, lambda text, at: {end for _, one in parts for end in one(text, at)}


def _repeated(part: Made, sign: str) -> Made:
    least, most = REPEATS[sign]

    def ends(text: str, at: int) -> set[int]:
        found, newest = {at} if not least else set(), {at}
        for times in range(1, most + 1 if most is not None else least + len(text) + 2):
            newest = {end for start in newest for end in part[1](text, start)}
            found |= newest if times >= least else set()
        return found

    return part[0] + sign, ends


@st.composite
def parts(draw: st.DrawFn, flags: re.RegexFlag, depth: int = 3) -> Made:
    pieces = []
    for _ in range(draw(st.integers(0, 3))):
        if depth and draw(st.integers(0, 3)) == 0:
            inner = draw(st.lists(parts(flags, depth - 1), min_size=1, max_size=2))
            piece = _choice(inner, draw(st.sampled_from(("(", "(?:"))))
        else:
            piece = _atom(draw(st.sampled_from(ATOMS)), flags)
        pieces.append(_repeated(piece, draw(st.sampled_from(("", "", *REPEATS)))))
    return _row(pieces)


@st.composite
def patterns(draw: st.DrawFn, flags: re.RegexFlag = re.NOFLAG) -> tuple[str, Callable[[str], bool]]:
    """A pattern, and whether it is found in a text, tried from each place: slow, but not as slow as trying again."""
    chosen = draw(st.lists(st.tuples(st.booleans(), parts(flags), st.booleans()), min_size=1, max_size=3))

    def is_found(text: str) -> bool:
        return any(
            is_open_behind or len(text) in ends(text, start)
            for is_open_in_front, (_, ends), is_open_behind in chosen
            for start in range(len(text) + 1 if is_open_in_front else 1)
            if ends(text, start)
        )

    written = [f"{'' if front else '^'}{pattern}{'' if behind else '$'}" for front, (pattern, _), behind in chosen]
    return "|".join(written), is_found


@given(patterns(), st.lists(st.text("ab1c. \nx-", max_size=12), min_size=1, max_size=5))
def test_what_is_there_is_found(made: tuple[str, Callable[[str], bool]], texts: list[str]) -> None:
    pattern, is_there = made
    ours = TextPattern(pattern)
    for text in texts:
        is_found = is_there(text)
        assert (ours.may_be_found_in(text), ours.may_be_missing_in(text)) == (is_found, not is_found), text


@given(patterns(re.IGNORECASE), st.text("abAB1 x", max_size=8))
def test_in_front_of_all_case_is_put_aside(made: tuple[str, Callable[[str], bool]], text: str) -> None:
    pattern, is_there = made
    assert TextPattern("(?i)" + pattern).may_be_found_in(text) is is_there(text)


SIMPLE = ("a+b", "^a.c$", "[ab]{2,3}c?", "^(?:a|bc)*$", "x|^1|\\d$", "(a|b)c+\\s", "^$", "a*?b", "[^a]b|\\W")


@given(st.sampled_from(SIMPLE), st.text("abc1 \nx-", max_size=20))
def test_python_finds_the_same(pattern: str, text: str) -> None:
    python = re.compile(pattern.replace("$", r"\Z"), re.DOTALL | re.ASCII)
    assert TextPattern(pattern).may_be_found_in(text) is (python.search(text) is not None)


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
        ("(?i)[^a]", "A", False),
        ("(?i)[^A-Z]", "a", False),
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
