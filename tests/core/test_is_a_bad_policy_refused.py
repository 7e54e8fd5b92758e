"""Is a policy that cannot be meant refused, with each reason and its place; and does the schema say the same?"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from tabletrail.core.entry import Conversion
from tabletrail.core.policy import NO_POLICY, compile_policy, merged, problems_of, version_of
from tabletrail.core.rule_form import form_problems
from tabletrail.errors import PolicyError
from tests.core.policy_strategies import whens
from tests.core.strategies import image_pairs

MAPPINGS = Path(__file__).parents[2] / "mappings"
DEFAULT = json.loads((MAPPINGS / "rules" / "default.json").read_text("utf-8"))
FULL: dict[str, Any] = {
    "schema": 1,
    "rules": [
        {
            "name": "everything",
            "description": "All that a rule may hold.",
            "when": {
                "table": ["orders", "user*"],
                "action": ["insert", "modify"],
                "path": ["roles", "**.x[].y", '["a.b"]'],
                "before": {"equals": None, "not_in": ["x", 1, True], "exists": True, "lacks": "m"},
                "after": {"above": 1, "at_least": "1.5", "below": "-3", "at_most": 9, "pattern": "^a", "contains": "m"},
                "change": {"rises_by_more_than": 1, "falls_by_more_than_percent": "0.5"},
                "actor": {"id": "a*", "not_id": ["b"], "type": "user", "confidence": ["certain"], "known": True},
                "time": {
                    "zone": "Europe/Berlin",
                    "within": [{"from": "22:00", "to": "06:00", "days": ["sat", "sun"]}],
                    "outside": [{"to": "24:00", "from": "23:00"}],
                },
            },
            "tags": ["a", "b:c"],
            "severity": "high",
        },
        {"name": "least", "severity": "low", "when": {"action": "remove"}},
    ],
    "sensitive": [
        {"table": "*", "path": "email"},
        {"table": ["a", "b"], "path": ["x", "emails.*"], "names": True, "description": "why"},
    ],
    "attribution": {
        "tables": [
            {
                "description": "All that an entry may hold.",
                "table": ["orders*", "items"],
                "attribute": "lastModifiedBy",
                "type": "service",
                "outbox": True,
                "deletes": "marked",
                "claims": [{"principal": "arn:aws:iam::*:user/*", "actors": "self", "description": "why"}],
            },
            {"table": "users", "attribute": '["a.b"]'},
            {"table": "*", "attribute": ""},
        ],
        "claims": [
            {"principal": ["arn:aws:iam::*:role/a", "*/b"], "actors": ["x*", "y"]},
            {"principal": "*", "actors": "any"},
        ],
    },
}


def _ecma_pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """In JSON Schema `$` is the end of the text; Python's also stands before a last new line."""
    if validator.is_type(instance, "string") and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


SCHEMA = json.loads((MAPPINGS / "schema" / "rules.v1.schema.json").read_text("utf-8"))
VALIDATOR = validators.extend(Draft202012Validator, {"pattern": _ecma_pattern})(SCHEMA)  # type: ignore[no-untyped-call]


def problems(source: Any) -> dict[str, str]:
    with pytest.raises(PolicyError) as caught:
        compile_policy(source)
    assert all(reason in str(caught.value) for _, reason in caught.value.problems)
    return dict(caught.value.problems)


def rule(**when: Any) -> dict[str, Any]:
    return {"rules": [{"name": "r", "severity": "low", "when": when}]}


def test_the_schema_is_one_and_takes_what_is_shipped() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for path in sorted((MAPPINGS / "rules").glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        VALIDATOR.validate(content)
        assert all(one["description"] for one in content.get("rules", []))
        compile_policy(merged([(path.name, content)]))
    assert "sensitive" not in DEFAULT, "what is sensitive is for each installation to say"


def test_a_full_policy_is_taken() -> None:
    VALIDATOR.validate(FULL)
    policy = compile_policy(FULL)
    assert len(policy.rules) == 2
    assert policy.is_sensitive_anywhere


BAD: list[tuple[dict[str, Any], str, str]] = [
    (rule(), "/rules/0/when", "at least one of table"),
    (rule(tabel="x"), "/rules/0/when/tabel", "not known"),
    (rule(table="a b"), "/rules/0/when/table", "name"),
    (rule(table=[]), "/rules/0/when/table", "1 to 200"),
    (rule(action="write"), "/rules/0/when/action", "insert, modify, remove, expire"),
    (rule(path="a..b"), "/rules/0/when/path", "character 2"),
    (rule(path=["ok", "lines[2]"]), "/rules/0/when/path/1", "[]"),
    (rule(path="[]"), "/rules/0/when/path", "an item is a map"),
    (rule(path=".a"), "/rules/0/when/path", "dot"),
    (rule(path="a."), "/rules/0/when/path", "character 2"),
    (rule(path="a=b"), "/rules/0/when/path", "quotes"),
    (rule(path="a**"), "/rules/0/when/path", "whole steps"),
    (rule(path=" a"), "/rules/0/when/path", '[" a"]'),
    (rule(path='["a]'), "/rules/0/when/path", "character 1"),
    (rule(path='["\\x"]'), "/rules/0/when/path", "JSON"),
    (rule(path="**.[]"), "/rules/0/when/path", "character 3"),
    (rule(after={"above": "many"}), "/rules/0/when/after/above", "decimal"),
    (rule(after={"above": 1.5}), "/rules/0/when/after/above", "exact"),
    (rule(after={"above": "1e5"}), "/rules/0/when/after/above", "decimal"),
    (rule(after={"equals": 2.0}), "/rules/0/when/after/equals", "exact"),
    (rule(after={"equals": ["a"]}), "/rules/0/when/after/equals", "text"),
    (rule(after={}), "/rules/0/when/after", "at least one"),
    (rule(after={"in": "a"}), "/rules/0/when/after/in", "list"),
    (rule(after={"exists": 1}), "/rules/0/when/after/exists", "true or false"),
    (rule(after={"pattern": "(a"}), "/rules/0/when/after/pattern", ")"),
    (rule(before={"not_pattern": "(a)\\1"}), "/rules/0/when/before/not_pattern", "\\1"),
    (rule(before={"pattern": "(?=a)"}), "/rules/0/when/before/pattern", "question mark"),
    (rule(before={"pattern": "((a{99}){99}){99}"}), "/rules/0/when/before/pattern", "too large"),
    (rule(before={"pattern": "((){99}){99}(){99}"}), "/rules/0/when/before/pattern", "too large"),
    (rule(before={"pattern": "*"}), "/rules/0/when/before/pattern", "repeats nothing"),
    (rule(before={"pattern": "[z-a]"}), "/rules/0/when/before/pattern", "range"),
    (rule(before={"pattern": "a$b"}), "/rules/0/when/before/pattern", "ends"),
    (rule(before={"pattern": "a{5,2}"}), "/rules/0/when/before/pattern", "rise"),
    (rule(change={"falls": 5}), "/rules/0/when/change/falls", "not known"),
    (rule(actor={"type": "robot"}), "/rules/0/when/actor/type", "user, service, system"),
    (rule(time={"zone": "Mars/Olympus", "within": [{}]}), "/rules/0/when/time/within/0", "at least one"),
    (rule(time={"zone": "Mars/Olympus", "within": [{"to": "01:00"}]}), "/rules/0/when/time/zone", "no time zone"),
    (rule(time={"zone": "../../etc/passwd", "within": [{"to": "01:00"}]}), "/rules/0/when/time/zone", "no time zone"),
    (rule(time={"zone": "europe/berlin", "within": [{"to": "01:00"}]}), "/rules/0/when/time/zone", "no time zone"),
    (rule(time={"within": [{"to": "01:00"}]}), "/rules/0/when/time", "lacks `zone`"),
    (rule(time={"zone": "UTC"}), "/rules/0/when/time", "within, outside"),
    (rule(time={"zone": "UTC", "within": [{"from": "25:00"}]}), "/rules/0/when/time/within/0/from", "time of day"),
    (rule(time={"zone": "UTC", "within": [{"from": "08:60"}]}), "/rules/0/when/time/within/0/from", "time of day"),
    (
        rule(time={"zone": "UTC", "outside": [{"from": "08:00", "to": "08:00"}]}),
        "/rules/0/when/time/outside/0",
        "same time",
    ),
    ({"rules": [FULL["rules"][1], FULL["rules"][1]]}, "/rules/1/name", "another rule"),
    ({"rules": [{**FULL["rules"][1], "name": "Big"}]}, "/rules/0/name", "small letters"),
    ({"rules": [{**FULL["rules"][1], "severity": "none"}]}, "/rules/0/severity", "low, medium"),
    ({"rules": [{"name": "r", "severity": "low"}]}, "/rules/0", "lacks `when`"),
    ({"rules": {}}, "/rules", "list"),
    ({"ruels": []}, "/ruels", "not known"),
    ({"schema": 2}, "/schema", "must be 1"),
    ({"sensitive": [{"path": "x"}]}, "/sensitive/0", "lacks `table`"),
    ({"sensitive": [{"table": "*", "path": "x["}]}, "/sensitive/0/path", "character 2"),
    ({"sensitive": [{"table": "*", "path": "x", "a/b~": 1}]}, "/sensitive/0/a~1b~0", "not known"),
    ({"sensitive": [{"table": "*", "path": '["\ud800"]'}]}, "/sensitive/0/path", "surrogate"),
]


@pytest.mark.parametrize(("source", "where", "reason"), BAD)
def test_a_bad_policy_is_refused_with_its_place(source: dict[str, Any], where: str, reason: str) -> None:
    assert reason in problems(source)[where]


def test_all_that_is_wrong_is_told_at_once() -> None:
    source = {"rules": [*rule(path="a..b")["rules"], *rule(table=5)["rules"]], "sensitive": [5], "more": 1}
    assert set(problems(source)) == {"/rules/0/when/path", "/rules/1/when/table", "/sensitive/0", "/more"}


@pytest.mark.parametrize("source", [None, [], "x", 5])
def test_what_is_no_object_is_no_policy(source: Any) -> None:
    assert "" in problems(source)


@pytest.mark.parametrize("source", [one for one, _, _ in BAD] + [FULL, DEFAULT, {}, {"schema": 1.0}, {"schema": True}])
def test_the_schema_agrees_on_the_form(source: Any) -> None:
    assert VALIDATOR.is_valid(source) is (not list(form_problems(source)))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from _paths(one, (*path, step))


ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    1.0,
    2.5,
    -1,
    2**60,
    "",
    "x",
    "a\n",
    "1.5",
    "é" * 600,
    "mon",
    "24:00",
    [],
    {},
    ["x"],
    [["x"]],
    {"a": 1},
)
odd = st.one_of(st.sampled_from(ODD).map(copy.deepcopy), st.text(max_size=5), st.integers(), st.floats(allow_nan=True))


@st.composite
def mutants(draw: st.DrawFn) -> Any:
    """A good policy in which something is replaced, taken away or put in."""
    source = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([one for one in _paths(source) if one]))
        holder: Any = source
        for step in path[:-1]:
            holder = holder[step]
        change = draw(st.integers(0, 2))
        if change == 0:
            holder[path[-1]] = draw(odd)
        elif change == 1:
            del holder[path[-1]]
        elif isinstance(holder, dict):
            names = st.sampled_from(("name", "path", "table", "in", "days", "more", "exists", "schema"))
            holder[draw(names)] = draw(odd)
        else:
            holder.append(draw(odd))
    return source


@given(mutants())
def test_the_schema_agrees_on_the_form_of_mutants(source: Any) -> None:
    found = list(form_problems(source))
    assert VALIDATOR.is_valid(source) is (not found), found


@given(mutants())
def test_a_mutant_is_compiled_or_refused_and_nothing_else(source: Any) -> None:
    found = tuple(problems_of(source))
    if found:
        with pytest.raises(PolicyError) as caught:
            compile_policy(source)
        assert caught.value.problems == found
    else:
        assert re.fullmatch("[0-9a-f]{64}", compile_policy(source).version)


@given(st.data())
def test_what_the_strategies_make_is_legal(data: st.DataObject) -> None:
    when, _ = data.draw(whens(data.draw(image_pairs())))
    VALIDATOR.validate(rule(**when))
    compile_policy(rule(**when))


def test_files_make_one_policy_whatever_their_order() -> None:
    section = FULL["attribution"]
    one = {"rules": FULL["rules"][:1], "attribution": {"tables": section["tables"][:1]}}
    other = {**FULL, "rules": FULL["rules"][1:], "attribution": {**section, "tables": section["tables"][1:]}}
    source = merged([("a.json", one), ("b.json", other)])
    assert source == merged([("b.json", other), ("a.json", one)]) == FULL
    assert compile_policy(source).version == version_of(FULL)
    assert merged([]) == {"schema": 1, "rules": [], "sensitive": []}
    assert compile_policy(merged([])).version != NO_POLICY.version == "none"


def test_a_file_that_cannot_be_merged_is_named() -> None:
    with pytest.raises(PolicyError) as caught:
        merged([("b.json", {"rules": 5, "more": []}), ("a.json", [])])  # type: ignore[list-item]
    assert [where for where, _ in caught.value.problems] == ["a.json", "b.json/rules", "b.json/more"]


def test_the_version_is_of_the_canonical_source() -> None:
    shuffled = {**dict(reversed(FULL.items())), "rules": [dict(reversed(one.items())) for one in FULL["rules"]]}
    assert version_of(shuffled) == version_of(FULL) == compile_policy(FULL).version
    assert version_of({"rules": FULL["rules"]}) != version_of(FULL)


def test_sensitive_paths_without_tokens_are_no_conversion() -> None:
    with pytest.raises(ValueError, match="no key"):
        Conversion("month", "updatedBy", compile_policy(FULL))
