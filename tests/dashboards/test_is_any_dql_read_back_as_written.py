"""Is any tree of Dashboards Query Language, written out by its grammar, read back as it was? Does any text do harm?"""

from __future__ import annotations

import contextlib
import re

from hypothesis import given
from hypothesis import strategies as st

from tabletrail_dashboards.dql import And, Is, Literal, Nested, Node, Not, Or, Range, parse
from tabletrail_dashboards.errors import DqlError

SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
# A word of the language inside a text would have to be escaped another way; the other test has such cases.
PLAIN = st.text(st.sampled_from("abcxyz#.-_/\\():<>\"*{}'é[]"), min_size=1, max_size=6)
NAMES = PLAIN.filter(lambda text: not re.fullmatch(r"[\d.-]+", text))


def escaped(text: str) -> str:
    return re.sub(r'([\\():<>"*{}])', r"\\\1", text)


def unquoted(literal: Literal) -> str:
    return "*".join(escaped(piece) for piece in literal.pieces)


def written(node: Node) -> str:
    match node:
        case Is(field, value):
            text = '"' + re.sub(r'([\\"])', r"\\\1", str(value.value)) + '"' if value.is_quoted else unquoted(value)
            return text if field is None else f"{escaped(field)}: {text}"
        case Range(field, operator, value):
            return f"{escaped(field)} {SIGNS[operator]} {unquoted(value)}"
        case Nested(path, query):
            return f"{escaped(path)}: {{ {written(query)} }}"
        case Not(query):
            return f"not ({written(query)})"
        case And(queries):
            return " and ".join(f"({written(query)})" for query in queries)
        case Or(queries):
            return " OR ".join(f"({written(query)})" for query in queries)


QUOTED = PLAIN.map(lambda text: Literal(text, is_quoted=True))
UNQUOTED = NAMES.map(lambda text: Literal(text, pieces=(text,)))
WILD = st.lists(PLAIN | st.just(""), min_size=2, max_size=3).map(lambda one: Literal("*".join(one), pieces=tuple(one)))
LEAVES = st.one_of(
    st.builds(Is, st.none() | NAMES, QUOTED | UNQUOTED | WILD),
    st.builds(Range, NAMES, st.sampled_from(list(SIGNS)), UNQUOTED),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Nested, NAMES, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(TREES)
def test_a_tree_is_read_back(tree: Node) -> None:
    assert parse(written(tree)) == tree


@given(st.text(st.sampled_from('ab *"(){}:<>\\=and ort'), max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DqlError):
        parse(text)
