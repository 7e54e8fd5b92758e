"""Does `canonical` write what RFC 8785 says, fast path and slow path, and refuse the rest?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tabletrail.core.canonical import LARGEST, canonical
from tabletrail.errors import EntryError
from tests.core.rfc8785 import canonicalize

any_text = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.text('\x00\x1f"\\\x7f\u2028\ue000\uffff😀a', max_size=5)
)
any_value: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-LARGEST, LARGEST), any_text),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(any_text, inner, max_size=5)),
)


@given(any_value)
@example({"\ue000": 1, "😀": 2})
@example({"a": {"\uffff": [{"😀": None, "\ue000": True}]}})
def test_it_writes_the_bytes_of_the_plain_transcription(value: Any) -> None:
    assert canonical(value) == canonicalize(value)


@given(any_value)
def test_reading_it_gives_the_value_back(value: Any) -> None:
    assert json.loads(canonical(value)) == value


def test_the_rfcs_own_example_of_sorting() -> None:
    # RFC 8785, clause 3.2.3, without its comment values.
    names = ["\u20ac", "\r", "\ufb33", "1", "😀", "\u0080", "\u00f6"]
    expected = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "😀", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(names, 0)))) == expected


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), [0.5], {"a": {"b": 1e3}}, 2**53, -(2**53), {1: 2}, b"x", {"a": object()}]
)
def test_it_refuses_what_has_no_exact_form(value: Any) -> None:
    with pytest.raises(EntryError):
        canonical(value)


@pytest.mark.parametrize("value", ["\ud800", ["a\udfff"], {"\ud83d": 1}, {"😀": 1, "a": "\udc00"}])
def test_it_refuses_half_a_surrogate_pair(value: Any) -> None:
    with pytest.raises(EntryError, match="surrogate"):
        canonical(value)
