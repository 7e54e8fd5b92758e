"""Is a set hidden where its elements were declared? It has members, and no positions."""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail_verify import places
from tests.core.strategies import record
from tests.core.test_is_a_sensitive_value_shown import SECRET, entry_of, sensitive

SET = {"SS": ["a", SECRET]}


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("cards[]", {"cards": SET}),
        ("cards[]", {"cards": {"L": [{"S": SECRET}]}}),
        ("**.cards[][]", {"a": {"M": {"cards": {"L": [SET]}}}}),
        ("a.**[]", {"a": SET}),
        ("**[]", {"a": {"M": {"b": SET}}}),
    ],
)
def test_is_a_set_hidden_with_its_elements(path: str, new: dict[str, Any]) -> None:
    for made in (record(None, new), record({}, new), record(new, None), record(new, {})):
        assert entry_of(made, sensitive(path))["changed"]


def test_does_the_checker_know_it_too() -> None:
    for path in ("cards[]", "cards", "**.cards[][]", "cards.**[]"):
        assert places.Pattern(path).covers(("cards",))
    assert not places.Pattern("cards[].pan").covers(("cards",))
