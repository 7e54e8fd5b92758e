"""Does the diff name every leaf that differs, and no other, for all that DynamoDB can hold?"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.diff import MOST_NUMBERS, MOST_PATHS, diff
from tabletrail.errors import EntryError
from tests.core.leaf_view import cut_path, cut_text, leaf_view
from tests.core.strategies import image_pairs, images


@given(image_pairs())
def test_applied_to_the_old_view_it_gives_the_new_one(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = leaf_view(pair[0]), leaf_view(pair[1])
    found = diff(*pair)
    view = {cut_path(path): cut_text(text) for path, (_, text) in old.items()}
    for path in found.changed:
        assert view.get(path) == found.before.get(path)
        view.pop(path, None)
        if path in found.after:
            view[path] = found.after[path]
    assert view == {cut_path(path): cut_text(text) for path, (_, text) in new.items()}


@given(image_pairs())
def test_it_lists_just_the_leaves_whose_type_or_text_differs(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = leaf_view(pair[0]), leaf_view(pair[1])
    differing = {cut_path(path) for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    found = diff(*pair)
    assert set(found.changed) == differing
    assert found.count == len(found.changed) == len(differing)
    assert set(found.before) | set(found.after) == differing


@given(images)
def test_an_item_does_not_differ_from_itself(image: dict[str, Any]) -> None:
    assert diff(image, dict(reversed(list(image.items())))).count == 0


@given(images)
def test_an_insert_is_all_after_and_a_removal_all_before(image: dict[str, Any]) -> None:
    view = {cut_path(path): cut_text(text) for path, (_, text) in leaf_view(image).items()}
    assert (diff({}, image).before, diff({}, image).after) == ({}, view)
    assert (diff(image, {}).before, diff(image, {}).after) == (view, {})


@given(image_pairs(), st.randoms(use_true_random=False))
def test_the_order_of_attributes_and_set_members_does_not_matter(
    pair: tuple[dict[str, Any], dict[str, Any]], shuffler: random.Random
) -> None:
    assert diff(_shuffled(pair[0], shuffler), _shuffled(pair[1], shuffler)) == diff(*pair)


def _shuffled(value: Any, shuffler: random.Random) -> Any:
    if not isinstance(value, dict):
        return value
    names = list(value)
    shuffler.shuffle(names)
    made = {name: _shuffled(value[name], shuffler) for name in names}
    for kind in ("SS", "NS", "BS"):
        if isinstance(made.get(kind), list):
            made[kind] = shuffler.sample(made[kind], len(made[kind]))
    return made


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ({"N": "1"}, {"S": "1"}, {"a": "1"}, {"a": "1"}),
        ({"NULL": True}, {"S": "null"}, {"a": "null"}, {"a": "null"}),
        ({"M": {}}, {"L": []}, {"a": "{}"}, {"a": "[]"}),
        ({"M": {}}, {"M": {"b": {"N": "1"}}}, {"a": "{}"}, {"a.b": "1"}),
        ({"L": [{"N": "1"}]}, {"M": {"b": {"N": "1"}}}, {"a[0]": "1"}, {"a.b": "1"}),
        ({"SS": ["b", "a"]}, {"SS": ["a", "c"]}, {"a": '["a","b"]'}, {"a": '["a","c"]'}),
        ({"NS": ["9", "10"]}, {"NS": ["10", "9", "-1"]}, {"a": '["10","9"]'}, {"a": '["-1","10","9"]'}),
        ({"SS": ["1"]}, {"NS": ["1"]}, {"a": '["1"]'}, {"a": '["1"]'}),
        ({"L": [{"N": "1"}, {"N": "2"}]}, {"L": [{"N": "2"}]}, {"a[0]": "1", "a[1]": "2"}, {"a[0]": "2"}),
        ({"N": "1.50"}, {"N": "1.5"}, {"a": "1.50"}, {"a": "1.5"}),
    ],
)
def test_these_are_changes(old: Any, new: Any, before: dict[str, str], after: dict[str, str]) -> None:
    found = diff({"a": old}, {"a": new})
    assert (found.before, found.after) == (before, after)


def test_changed_path_has_no_positions_and_each_path_once() -> None:
    lines = {"L": [{"M": {"qty": {"N": str(one)}}} for one in range(3)]}
    found = diff({}, {"lines": lines, "[0]": {"S": "x"}})
    assert found.changed == ['["[0]"]', "lines[0].qty", "lines[1].qty", "lines[2].qty"]
    assert found.changed_path == ['["[0]"]', "lines[].qty"]


def test_past_the_limit_it_counts_but_does_not_list() -> None:
    found = diff({}, {"numbers": {"L": [{"N": str(one)} for one in range(5000)]}})
    assert (found.count, len(found.changed), len(found.after)) == (5000, MOST_PATHS, MOST_PATHS)
    assert len(found.numbers) == MOST_NUMBERS
    assert found.truncated
    assert found.changed[-1] == f"numbers[{MOST_PATHS - 1}]"


@pytest.mark.parametrize(
    "value",
    [1, "x", [], {}, {"S": 1}, {"N": 1}, {"BOOL": "true"}, {"NULL": None}, {"SS": "ab"}, {"NS": [1]}, {"M": []},
     {"L": {}}, {"X": "a"}, {"S": "a", "N": "1"}, {"M": {"a": {"L": [{"S": None}]}}}],
)  # fmt: skip
def test_what_is_no_typed_json_is_refused(value: Any) -> None:
    with pytest.raises(EntryError):
        diff({"a": {"S": "a"}}, {"a": value})
