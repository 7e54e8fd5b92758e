"""The checker has a canonicaliser, hashes and ids of its own: are they what RFC 8785 and docs/format.md say, for
everything that may come?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tabletrail_verify.canonical_form import FormError, canonical, event_hash, hash_of, parse
from tests.core.rfc8785 import canonicalize

PAGE = (Path(__file__).parents[2] / "docs" / "format.md").read_text("utf-8")
LARGEST = 2**53 - 1

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.text('\x00\x1f"\\\x7f\u2028\ue000\uffff😀a', max_size=5)
)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-LARGEST, LARGEST), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=5)),
)


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """The page's own program."""
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "docs/format.md", "exec"), names)
    return names


@given(values)
@example({"\ue000": 1, "😀": 2})
def test_it_writes_the_bytes_of_the_plain_transcription(value: Any) -> None:
    assert canonical(value) == canonicalize(value)
    assert parse(canonical(value)) == value


@given(st.lists(texts))
def test_it_hashes_parts_as_the_pages_program_does(page: dict[str, Any], parts: list[str]) -> None:
    assert hash_of(parts) == page["H"](*parts)


@given(st.dictionaries(texts, values), st.dictionaries(texts, values))
def test_it_hashes_entries_as_the_pages_program_does(
    page: dict[str, Any], fields: dict[str, Any], event: dict[str, Any]
) -> None:
    entry = {**fields, "event": {**event, "hash": "x"}, "log": {"line": 1}}
    assert event_hash(entry) == page["event_hash"](entry)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b'"\xed\xa0\x80"',
        b"1.5",
        b"1e3",
        b"NaN",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 99,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_it_refuses_what_the_format_has_no_place_for(data: bytes) -> None:
    with pytest.raises(FormError):
        parse(data)


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{"a":1,"a":2}', b'{"a": 1}', b'"\\u0061"', b'"\\/"', b"-0", b'"\\ud83d\\ude00"']
)
def test_another_spelling_does_not_pass_for_the_canonical_one(data: bytes) -> None:
    assert canonical(parse(data)) != data
    assert canonical(parse(data)) == canonical(json.loads(data))


def test_half_a_surrogate_pair_has_no_form() -> None:
    with pytest.raises(FormError):
        canonical(parse(b'"\\ud800"'))
