"""Does a bad question get an answer that shows the legal form, and does a good one hold no surprise?"""

from __future__ import annotations

import pytest

from tabletrail.errors import QueryError
from tabletrail_cli.item_key import item_key
from tabletrail_cli.number_terms import number_clauses
from tabletrail_cli.patterns import every_index, has_any_index, matching, pieces
from tabletrail_cli.queries import Question, facets_of, query_of


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question(before=["status"]), "--before 'status' is not of the form PATH=VALUE"),
        (Question(after=["=x"]), "PATH=VALUE"),
        (Question(numbers=["price"]), "--number 'price' is not of the form 'PATH before|after"),
        (Question(numbers=["price after > ten"]), "is not of the form"),
        (Question(numbers=["price after => 10"]), "is not of the form"),
        (Question(numbers=["price during > 10"]), "is not of the form"),
        (Question(numbers=["price after > 1e999"]), "beyond what can be compared"),
        (Question(numbers=["after > 1"]), "is not of the form"),
        (Question(severity="loud"), "--severity 'loud': legal are low, medium, high, critical"),
        (Question(excluded=["billing"]), "--not 'billing' is not of the form NAME=VALUE"),
        (Question(excluded=["colour=red"]), "NAME one of table"),
        (Question(changed=[" "]), "--changed needs a path"),
    ],
)
def test_given_a_question_that_cannot_be_is_the_legal_form_shown(question: Question, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        query_of(question)
    assert said in str(caught.value)


def test_given_an_unknown_facet_are_the_known_ones_named() -> None:
    with pytest.raises(QueryError, match="no facet 'colour': legal are account, action, actor"):
        facets_of("table,colour")


def test_given_no_filter_is_everything_asked_for() -> None:
    assert query_of(Question()) == {"match_all": {}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ["plain"]),
        ("a*b", ["a", "b"]),
        ("*", ["", ""]),
        ("a\\*b", ["a*b"]),
        ("a\\\\*", ["a\\", ""]),
        ("c:\\x", ["c:\\x"]),
        ("end\\", ["end\\"]),
        ("a?b", ["a?b"]),
    ],
)
def test_given_stars_and_backslashes_which_text_is_meant(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_given_a_star_is_everything_else_escaped() -> None:
    assert matching("f", "a?b\\c*") == {"wildcard": {"f": {"value": "a\\?b\\\\c*"}}}
    assert matching("f", "a?b\\c") == {"term": {"f": "a?b\\c"}}


def test_given_brackets_in_a_quoted_name_are_they_no_place_in_a_list() -> None:
    assert has_any_index("lines[].qty")
    assert has_any_index('["a[]"].lines[]')
    assert not has_any_index('["a[]"]')
    assert not has_any_index("lines[2].qty")
    assert every_index("a.b[].c") == "a\\.b\\[[0-9]+\\]\\.c"


def test_given_several_comparisons_do_they_hold_for_one_place() -> None:
    [clause] = number_clauses(["price after > 1 and after < 9", "price before = -2.5e3"])
    assert clause["nested"]["query"]["bool"]["filter"] == [
        {"term": {"numbers.path": "price"}},
        {"range": {"numbers.after": {"gt": 1.0}}},
        {"range": {"numbers.after": {"lt": 9.0}}},
        {"term": {"numbers.before": -2500.0}},
    ]


def test_given_a_path_with_the_form_s_own_words_is_it_still_a_path() -> None:
    [clause] = number_clauses(["price after tax after > 1"])
    assert clause["nested"]["query"]["bool"]["filter"][0] == {"term": {"numbers.path": "price after tax"}}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("order#17", "order#17"),
        ('{"id": "order#17"}', "order#17"),
        ('{"id": {"S": "order#17"}}', "order#17"),
        ('{"n": 12345678901234567890123456789012345678}', "12345678901234567890123456789012345678"),
        ('{"n": 1.10}', "1.10"),
    ],
)
def test_given_a_key_in_any_form_which_item_is_it(key: str, expected: str) -> None:
    assert item_key(key).ids == (expected,)
    assert item_key(key).parts == {}


def test_given_two_parts_may_either_come_first_and_both_must_be_the_items_own() -> None:
    key = item_key('{"sort": 3, "id": "a/b"}')
    assert key.ids == ("3/a\\/b", "a\\/b/3")
    assert key.parts == {"id": ["a/b"], "sort": ["3"]}


@pytest.mark.parametrize("key", ["", "{", "{}", '{"id": [1]}', '{"id": true}', '{"id": {"M": {}}}', '{"id": null}'])
def test_given_what_is_no_key_is_the_legal_form_shown(key: str) -> None:
    with pytest.raises(QueryError, match="the readable key"):
        item_key(key)
