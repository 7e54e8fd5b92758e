"""Is Dashboards Query Language understood and translated as OpenSearch-Dashboards' own tests say it is?

The cases follow src/plugins/data/common/opensearch_query/kuery/ast/ast.test.ts and .../kuery/functions/*.test.ts, and
the grammar beside them (kuery.peg).
"""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail_dashboards.dql import And, Is, Literal, Nested, Node, Not, Or, Range, parse
from tabletrail_dashboards.dql_query import query_of
from tabletrail_dashboards.errors import DqlError
from tabletrail_dashboards.fields import DataView, Field

FIELDS = [
    Field("@timestamp", "date", True),
    Field("bytes", "number", True),
    Field("extension", "string", True),
    Field("numbers.path", "string", True, "numbers"),
    Field("numbers.after", "number", True, "numbers"),
]
VIEW = DataView("view", "index", "@timestamp", {field.name: field for field in FIELDS})


def is_(field: str | None, value: Any, quoted: bool = False) -> Is:
    return Is(field, Literal(value, is_quoted=quoted, pieces=() if quoted else (str(value),)))


def any_of(*clauses: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


TREES: list[tuple[str, Node]] = [
    ("  foo ", is_(None, "foo")),
    ("foo bar", is_(None, "foo bar")),
    ("foo and bar", And((is_(None, "foo"), is_(None, "bar")))),
    ("foo or bar", Or((is_(None, "foo"), is_(None, "bar")))),
    ("foo OR bar AnD baz", Or((is_(None, "foo"), And((is_(None, "bar"), is_(None, "baz")))))),
    ("not (foo or bar)", Not(Or((is_(None, "foo"), is_(None, "bar"))))),
    (
        "foo or bar and baz or qux",
        Or((is_(None, "foo"), And((is_(None, "bar"), is_(None, "baz"))), is_(None, "qux"))),
    ),
    ("(foo or bar) and baz", And((Or((is_(None, "foo"), is_(None, "bar"))), is_(None, "baz")))),
    ("foo:bar", is_("foo", "bar")),
    ("foo:bar baz", is_("foo", "bar baz")),
    ('foo:"bar baz"', is_("foo", "bar baz", quoted=True)),
    ("foo:(bar or baz)", Or((is_("foo", "bar"), is_("foo", "baz")))),
    (
        "foo:((bar or baz) and not qux)",
        And((Or((is_("foo", "bar"), is_("foo", "baz"))), Not(is_("foo", "qux")))),
    ),
    (
        "bytes > 1000 and bytes < 8000",
        And((Range("bytes", "gt", is_("", 1000).value), Range("bytes", "lt", is_("", 8000).value))),
    ),
    (
        "bytes >= 1000 and bytes <= 8000",
        And((Range("bytes", "gte", is_("", 1000).value), Range("bytes", "lte", is_("", 8000).value))),
    ),
    ("foo:ba*", Is("foo", Literal("ba*", pieces=("ba", "")))),
    ("foo:*", Is("foo", Literal("*", pieces=("", "")))),
    ("outer:{ inner: foo }", Nested("outer", is_("inner", "foo"))),
    (
        "response:200 and outer:{ inner:foo or inner:bar }",
        And((is_("response", 200), Nested("outer", Or((is_("inner", "foo"), is_("inner", "bar")))))),
    ),
    ("outer:{ middle:{ inner:foo } }", Nested("outer", Nested("middle", is_("inner", "foo")))),
    ("android", is_(None, "android")),
    ("notebook", is_(None, "notebook")),
    ("foo and", is_(None, "foo and")),
]


@pytest.mark.parametrize(("text", "tree"), TREES)
def test_a_text_is_understood(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("foo", "foo"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("42", 42),
        (".3", 0.3),
        ("-4", -4),
        ("0", 0),
        ("0.0", 0),
        ("2.0", 2.0),
        ("790.9", 790.9),
        ("96565646732345", 96565646732345),
        ("..4", "..4"),
        (".3text", ".3text"),
        ("001", "001"),
        ("3.", "3."),
        ("--4", "--4"),
        ("-.4", "-.4"),
        ("-0", "-0"),
        (r"\\\(\)\:\<\>\"\*", '\\():<>"*'),
        (r'"\():<>\"*"', '\\():<>"*'),
        (r'"\\"', "\\"),
        (r"a\and b", "aand b"),
        ('"42"', "42"),
    ],
)
def test_a_value_is_what_was_meant(text: str, value: Any) -> None:
    tree = parse("field: " + text)
    assert isinstance(tree, Is)
    assert tree.value.value == value
    assert type(tree.value.value) is type(value) or isinstance(value, int)
    assert not tree.value.is_wildcard


CLAUSES: list[tuple[str, dict[str, Any]]] = [
    ("", {"match_all": {}}),
    ("jpg", {"multi_match": {"type": "best_fields", "query": "jpg", "lenient": True}}),
    ('"jpg"', {"multi_match": {"type": "phrase", "query": "jpg", "lenient": True}}),
    ("jpg*", {"query_string": {"query": "jpg*"}}),
    ("extension: *", any_of({"exists": {"field": "extension"}})),
    ("extension: jpg", any_of({"match": {"extension": "jpg"}})),
    ('extension: "jpg"', any_of({"match_phrase": {"extension": "jpg"}})),
    ("extension: jpg*", any_of({"query_string": {"fields": ["extension"], "query": "jpg*"}})),
    (r"extension: a/b\:c*", any_of({"query_string": {"fields": ["extension"], "query": r"a\/b\:c*"}})),
    ("not listed.field: x", {"bool": {"must_not": any_of({"match": {"listed.field": "x"}})}}),
    (
        '@timestamp: "2018-04-03T19:04:17"',
        any_of(
            {
                "range": {
                    "@timestamp": {
                        "gte": "2018-04-03T19:04:17",
                        "lte": "2018-04-03T19:04:17",
                        "time_zone": "America/Phoenix",
                    }
                }
            }
        ),
    ),
    ("bytes > 1000", any_of({"range": {"bytes": {"gt": 1000}}})),
    (
        '@timestamp >= "2018-04-03"',
        any_of({"range": {"@timestamp": {"gte": "2018-04-03", "time_zone": "America/Phoenix"}}}),
    ),
    (
        "extension: (a or b) and bytes: 1",
        {
            "bool": {
                "filter": [
                    any_of(any_of({"match": {"extension": "a"}}), any_of({"match": {"extension": "b"}})),
                    any_of({"match": {"bytes": 1}}),
                ]
            }
        },
    ),
    # Listed nowhere: asked as it is written.
    (
        "numbers: { bytes: 1 }",
        {"nested": {"path": "numbers", "query": any_of({"match": {"numbers.bytes": 1}}), "score_mode": "none"}},
    ),
    (
        "numbers: { path: price and after > 1 }",
        {
            "nested": {
                "path": "numbers",
                "query": {
                    "bool": {
                        "filter": [
                            any_of({"match": {"numbers.path": "price"}}),
                            any_of({"range": {"numbers.after": {"gt": 1}}}),
                        ]
                    }
                },
                "score_mode": "none",
            }
        },
    ),
]


@pytest.mark.parametrize(("text", "clause"), CLAUSES)
def test_it_is_translated_as_dashboards_does(text: str, clause: dict[str, Any]) -> None:
    assert query_of(text, VIEW, "America/Phoenix") == clause


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("foo:", "a value"),
        ("(foo", r"\)"),
        ('"foo', "closing"),
        ("foo) bar", "the end"),
        ("foo: {", "a value"),
        ("outer: { inner: x", "}"),
        ("foo and ", "a value"),
        ("fo*: x", "whole name"),
        (r"foo\x", "backslash"),
        ("numbers.after > 1", "numbers: { ... }"),
        ("bytes > 1*", "wildcard"),
        ("cannot do", "the end"),
    ],
)
def test_what_is_none_or_not_translated_is_refused_with_the_place(text: str, why: str) -> None:
    with pytest.raises(DqlError, match=why):
        query_of(text, VIEW, "UTC")
