"""The position-aware reader against `json` itself: the same values, the same refusals, and lines that are true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.located_json import MOST_DEPTH, LocatedJsonError, member, read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def parts(value: Any, pointer: str = "") -> list[str]:
    """The pointer of each part."""
    found = [pointer]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        found += parts(inner, member(pointer, str(name)))
    return found


@given(VALUES, st.sampled_from([None, 1, 4]))
def test_are_the_values_those_of_json(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    located = read(text)
    assert json.dumps(located.value) == json.dumps(json.loads(text))
    assert sorted(located.lines) == sorted(parts(value))


@given(st.text(alphabet='{}[]",:0123456789-+.eE \n\\utrfalsn/', max_size=30))
def test_is_refused_what_json_refuses(text: str) -> None:
    try:
        expected = json.dumps(json.loads(text))
    except ValueError:
        expected = None
    try:
        found = json.dumps(read(text).value)
    except LocatedJsonError:
        assert expected is None or text.count('"') > 3, "only a name that stands twice is refused beyond json"
        return
    assert found == expected


@given(VALUES)
def test_is_each_line_the_one_where_the_part_begins(value: Any) -> None:
    """Written one part a line, the parts come in the order of their lines."""
    located = read(json.dumps(value, indent=1))
    lines = [located.lines[pointer] for pointer in parts(value)]
    assert lines == sorted(lines)
    assert len(set(lines)) == len(lines), "each part has a line of its own"


def test_is_a_missing_member_found_at_what_lacks_it() -> None:
    located = read('{\n "rules": [\n  {\n   "name": "a/b"\n  }\n ]\n}')
    assert located.line_of("/rules/0/name") == 4
    assert located.line_of("/rules/0/when") == 3
    assert located.line_of("/rules/0/when/path/1") == 3
    assert located.line_of("/nothing") == 1
    assert read('{"a/b": {"~": 1}}').lines == {"": 1, "/a~1b": 1, "/a~1b/~0": 1}


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("", 1, 1, "a value is expected"),
        ('{\n  "a": 1,\n}', 3, 1, "a comma too many"),
        ('{\n  "a": 1\n  "b": 2}', 3, 3, "a comma or } is expected"),
        ('{"a" 1}', 1, 6, "a colon is expected"),
        ("[1, 2\n", 2, 1, "a comma or ] is expected"),
        ('{"a": 1, "a": 2}', 1, 10, "'a' stands here for the second time"),
        ('["one\n"]', 1, 6, "this text is damaged"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ("[1] 2", 1, 5, "something follows"),
        ("[NaN]", 1, 2, "a value is expected"),
        ("[" * (MOST_DEPTH + 2), 1, MOST_DEPTH + 2, "nested deeper"),
    ],
)
def test_does_an_error_name_line_and_column(text: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(LocatedJsonError, match=reason) as raised:
        read(text)
    assert (raised.value.line, raised.value.column) == (line, column)
