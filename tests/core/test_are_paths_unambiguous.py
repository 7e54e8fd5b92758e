"""Can two places of an item ever get the same path, and can a path grow too long for the index?"""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tabletrail.core.paths import cut_path, cut_text, cut_with_hash, member, normalised
from tests.core.strategies import names

steps = st.lists(st.one_of(names, st.integers(0, 12)), min_size=1, max_size=4)


def path_of(place: list[str | int]) -> str:
    path = ""
    for step in place:
        path = f"{path}[{step}]" if isinstance(step, int) else member(path, step)
    return path


@given(steps, steps)
def test_two_places_have_two_paths(one: list[str | int], other: list[str | int]) -> None:
    assume(isinstance(one[0], str) and isinstance(other[0], str))
    assert (cut_path(path_of(one)) == cut_path(path_of(other))) == (one == other)


@given(steps)
def test_a_path_never_exceeds_512_bytes_and_holds_no_raw_control_character(place: list[str | int]) -> None:
    path = cut_path(path_of(place))
    assert len(path.encode()) <= 512
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or c == "=" for c in path)


@given(steps)
def test_normalising_takes_out_the_positions_alone(place: list[str | int]) -> None:
    plain = "".join("[]" if isinstance(step, int) else "" for step in place)
    assert normalised(path_of(place)) == path_of_without_positions(place)
    assert plain.count("[]") == sum(isinstance(step, int) for step in place)


def path_of_without_positions(place: list[str | int]) -> str:
    path = ""
    for step in place:
        path = f"{path}[]" if isinstance(step, int) else member(path, step)
    return path


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (["status"], "status"),
        (["lines", 2, "qty"], "lines[2].qty"),
        (["address", "zip.code"], 'address["zip.code"]'),
        (["a.b"], '["a.b"]'),
        ([""], '[""]'),
        (["a b"], "a b"),
        ([" a"], '[" a"]'),
        (["a[0]"], '["a[0]"]'),
        (['say "no"', "x"], '["say \\"no\\""].x'),
        (["a=b"], '["a\\u003db"]'),
        (["\x00", "\x7f"], '["\\u0000"]["\\u007f"]'),
        (["…"], '["…"]'),
        (["größe", "😀"], "größe.😀"),
        (["back\\slash"], "back\\slash"),
    ],
)
def test_names_are_written_like_this(place: list[str | int], path: str) -> None:
    assert path_of(place) == path


def test_a_name_that_looks_like_a_cut_path_is_not_mistaken_for_one() -> None:
    long = "a" * 200 + "." + "b" * 200
    path = cut_path(member(member("", "x" * 250), "y" * 250) + "." + long)
    assert path_of([path]) != path


def test_long_names_and_texts_say_that_they_are_cut() -> None:
    assert cut_text("x" * 1234) == "x" * 1000 + "… (234 more characters)"
    assert cut_text("x" * 1001) == "x" * 1000 + "… (1 more characters)"
    assert cut_text("😀" * 1000) == "😀" * 1000
    assert member("", "n" * 256).startswith('["' + "n" * 255 + '…"#')
    assert len(cut_with_hash("é" * 600, 512).encode()) <= 512


def test_long_names_stay_distinct() -> None:
    paths = {cut_path(member("", "n" * 70_000 + tail)) for tail in "abc"}
    assert len(paths) == 3
