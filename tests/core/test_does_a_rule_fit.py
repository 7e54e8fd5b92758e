"""Does a rule fit the changes that docs/rules.md says it fits, and no other?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.actor import actor_of_change
from tabletrail.core.diff import MOST_PATHS
from tabletrail.core.document import Conversion
from tabletrail.core.entry import convert
from tabletrail.core.globs import glob
from tabletrail.core.policy import Facts, Policy, compile_policy
from tests.core.naive_rules import fits_glob, rule_fits
from tests.core.policy_strategies import whens
from tests.core.strategies import SOURCE, image_pairs, record
from tests.validation import assert_valid_entry

Item = dict[str, Any]


def policy_of(when: dict[str, Any], **fields: Any) -> Policy:
    return compile_policy({"rules": [{"name": "rule", "severity": "high", "when": when, **fields}]})


def fits(when: dict[str, Any], old: Item | None, new: Item | None, **facts: Any) -> bool:
    """Whether a rule fits a change between two images, both by `judge` and by the conversion, which must agree."""
    policy = policy_of(when)
    made = record(old, new)
    document = assert_valid_entry(convert(made, SOURCE, Conversion("month", "updatedBy", policy)).document)
    action = document["event"]["action"]
    actor = actor_of_change(action, None, old, new, "updatedBy")
    seconds = made["dynamodb"]["ApproximateCreationDateTime"]
    verdict = policy.judge(Facts("orders", action, old, new, actor, seconds))
    assert (verdict.names == ("rule",)) is ("rule" in document) is (document["event"]["severity"] == 73)
    return bool(verdict.names)


S = {name: {"S": name} for name in ("a", "b", "admin", "", "1")}
ROLE: Item = {"role": {"S": "admin"}}
N = {number: {"n": {"N": number}} for number in ("0", "1", "99.99", "100", "200", "-100", "1E-130", "1E+125")}
BIG = "12345678901234567890123456789012345678"
NEXT = "12345678901234567890123456789012345679"

TABLE: list[tuple[dict[str, Any], Item | None, Item | None, bool]] = [
    # where it lies
    ({"path": "role"}, {}, ROLE, True),
    ({"path": "role"}, ROLE, {}, True),
    ({"path": "role"}, {"x": S["a"]}, {"x": S["b"]}, False),
    ({"path": "role"}, {}, {"role": {"M": {"name": S["admin"]}}}, True),
    ({"path": "role"}, {}, {"roles": S["a"]}, False),
    ({"path": "role*"}, {}, {"roles": S["a"]}, True),
    ({"path": "*.role"}, {}, ROLE, False),
    ({"path": "*.role"}, {}, {"user": {"M": ROLE}}, True),
    ({"path": "**.role"}, {}, ROLE, True),
    ({"path": "**.role"}, {}, {"users": {"L": [{"M": {"deep": {"M": ROLE}}}]}}, True),
    ({"path": "users[].role"}, {}, {"users": {"L": [{"M": {}}, {"M": ROLE}]}}, True),
    ({"path": "users.*.role"}, {}, {"users": {"L": [{"M": ROLE}]}}, False),
    ({"path": "users.**"}, {}, {"users": {"M": {"x": S["a"]}}}, True),
    ({"path": "users.**"}, {}, {"users": S["a"]}, False),
    ({"path": '["a.b"]'}, {}, {"a.b": S["a"]}, True),
    ({"path": "a.b"}, {}, {"a.b": S["a"]}, False),
    ({"path": '["*"]'}, {}, {"x": S["a"]}, False),
    ({"path": '["*"]'}, {}, {"*": S["a"]}, True),
    ({"path": ["x", "y"]}, {}, {"y": S["a"]}, True),
    # values
    ({"after": {"equals": "admin"}}, {}, ROLE, True),
    ({"path": "x", "after": {"equals": "admin"}}, {"x": S["a"]}, {"x": S["b"]} | ROLE, False),
    ({"path": "x", "before": {"equals": "a"}, "after": {"equals": "b"}}, {"x": S["a"]}, {"x": S["b"]}, True),
    ({"before": {"equals": "a"}, "after": {"equals": "b"}}, {"x": S["a"]}, {"y": S["b"]}, False),
    ({"after": {"equals": 1}}, {}, {"x": {"N": "1.0"}}, True),
    ({"after": {"equals": 1}}, {}, {"x": S["1"]}, False),
    ({"after": {"equals": "1"}}, {}, {"x": {"N": "1"}}, True),
    ({"after": {"equals": True}}, {}, {"x": {"BOOL": True}}, True),
    ({"after": {"equals": True}}, {}, {"x": {"S": "true"}}, False),
    ({"after": {"equals": None}}, {"x": S["a"]}, {"x": {"NULL": True}}, True),
    ({"after": {"equals": None}}, {"x": S["a"]}, {}, False),
    ({"after": {"in": ["x", "admin"]}}, {}, ROLE, True),
    ({"path": "role", "after": {"not_in": ["admin"]}}, {}, ROLE, False),
    ({"path": "role", "after": {"not_in": ["admin"]}}, ROLE, {}, True),
    ({"path": "role", "after": {"exists": False}}, ROLE, {}, True),
    ({"path": "role", "before": {"exists": False}}, ROLE, {"role": S["a"]}, False),
    ({"after": {"contains": "admin"}}, {"r": {"SS": ["a"]}}, {"r": {"SS": ["a", "admin"]}}, True),
    ({"after": {"contains": "admin"}}, {"r": {"SS": ["a"]}}, {"r": S["admin"]}, False),
    (
        {"before": {"lacks": "admin"}, "after": {"contains": "admin"}},
        {"r": {"SS": ["a", "admin"]}}, {"r": {"SS": ["admin"]}}, False,
    ),
    ({"after": {"pattern": "^ad"}}, {}, ROLE, True),
    ({"path": "role", "after": {"not_pattern": "^ad"}}, {}, ROLE, False),
    ({"path": "role", "after": {"not_pattern": "^ad"}}, ROLE, {}, False),
    ({"after": {"equals": "x" * 1000}}, {}, {"x": {"S": "x" * 1001}}, False),
    # numbers, exactly
    ({"after": {"above": BIG}}, {}, {"n": {"N": NEXT}}, True),
    ({"after": {"above": BIG}}, {}, {"n": {"N": BIG}}, False),
    ({"after": {"at_least": BIG}}, {}, {"n": {"N": BIG}}, True),
    ({"after": {"below": "0." + "0" * 129 + "2"}}, {}, N["1E-130"], True),
    ({"after": {"below": "100"}}, {}, N["99.99"], True),
    ({"after": {"at_most": 100, "above": 99}}, {}, N["99.99"], True),
    ({"after": {"above": 0}}, {}, {"x": S["1"]}, False),
    ({"change": {"falls_by_more_than_percent": 50}}, N["200"], N["100"], False),
    ({"change": {"falls_by_more_than_percent": 50}}, N["200"], N["99.99"], True),
    ({"change": {"falls_by_more_than_percent": 50}}, N["1E+125"], N["1E-130"], True),
    ({"change": {"falls_by_more_than_percent": 50}}, N["0"], N["-100"], True),
    ({"change": {"rises_by_more_than_percent": "99.9"}}, N["-100"], N["0"], True),
    ({"change": {"rises_by_more_than": 100}}, N["100"], N["200"], False),
    ({"change": {"rises_by_more_than": "99.99"}}, N["100"], N["200"], True),
    ({"change": {"rises_by_more_than": 0}}, {}, N["200"], False),
    # the entry
    ({"table": "orders"}, {}, ROLE, True),
    ({"table": ["ord*", "users"]}, {}, ROLE, True),
    ({"table": "users"}, {}, ROLE, False),
    ({"action": "insert"}, None, ROLE, True),
    ({"action": "insert"}, {}, ROLE, False),
    ({"action": ["remove", "expire"]}, ROLE, None, True),
    ({"action": "remove", "path": "role", "before": {"equals": "admin"}}, ROLE, None, True),
    ({"action": "insert", "path": "role", "before": {"exists": False}}, None, ROLE, True),
    ({"actor": {"known": False}}, {}, ROLE, True),
    ({"actor": {"known": True}}, {}, {"updatedBy": S["a"]}, True),
    ({"actor": {"id": "a*"}}, {}, {"updatedBy": S["a"]}, True),
    ({"actor": {"not_id": "a*"}}, {}, {"updatedBy": S["a"]}, False),
    ({"actor": {"not_id": "a*"}}, {}, ROLE, True),
    ({"actor": {"not_id": "x*y"}}, {}, {"updatedBy": {"S": "x" * 1001 + "y"}}, False),
    ({"actor": {"type": "user", "confidence": "possible"}}, {}, {"updatedBy": S["a"]}, True),
]  # fmt: skip


@pytest.mark.parametrize(("when", "old", "new", "is_fitting"), TABLE)
def test_a_rule_fits_as_the_page_says(
    when: dict[str, Any], old: Item | None, new: Item | None, is_fitting: bool
) -> None:
    assert fits(when, old, new) is is_fitting


@given(st.data())
def test_rules_fit_what_the_slow_transcription_finds(data: st.DataObject) -> None:
    pair = data.draw(image_pairs())
    chosen = [data.draw(whens(pair)) for _ in range(data.draw(st.integers(1, 4)))]
    rules = [{"name": f"r{place}", "severity": "low", "when": when} for place, (when, _) in enumerate(chosen)]
    policy = compile_policy({"rules": rules})
    action = data.draw(st.sampled_from(("insert", "modify", "remove")))
    old, new = (None if action == "insert" else pair[0]), (None if action == "remove" else pair[1])
    actor = data.draw(st.sampled_from(({}, {"id": "alice", "type": "user", "confidence": "possible"})))
    seconds = data.draw(st.integers(0, 2_000_000_000))
    found = policy.judge(Facts("orders", action, old, new, actor, seconds))
    facts = ("orders", action, actor, seconds)
    wanted = {
        rule["name"]
        for rule, (when, patterns) in zip(rules, chosen, strict=True)
        if rule_fits(when, patterns, facts, (old or {}, new or {}))
    }
    assert set(found.names) == wanted


def test_what_rules_say_is_sorted_and_each_once() -> None:
    rules = [
        {"name": "z", "severity": "low", "when": {"path": "role"}, "tags": ["b", "a"]},
        {"name": "m", "severity": "critical", "when": {"action": "modify"}, "tags": ["b"]},
        {"name": "a", "severity": "medium", "when": {"path": "**.role", "after": {"exists": True}}},
        {"name": "other", "severity": "critical", "when": {"path": "x"}, "tags": ["c"]},
    ]
    conversion = Conversion("month", "updatedBy", compile_policy({"rules": rules}))
    entry = convert(record({}, ROLE), SOURCE, conversion)
    document = assert_valid_entry(entry.document)
    assert document["rule"] == {"name": ["a", "m", "z"]}
    assert document["tags"] == ["a", "b"]
    assert document["event"]["severity"] == entry.severity == 99


def test_a_change_without_a_rule_that_fits_has_no_word_of_rules() -> None:
    conversion = Conversion("month", "updatedBy", policy_of({"path": "x"}))
    document = assert_valid_entry(convert(record({}, ROLE), SOURCE, conversion).document)
    assert document["event"]["severity"] == 0
    assert not {"rule", "tags"} & set(document)


def test_a_change_of_a_role_cannot_hide_behind_a_thousand_others() -> None:
    filler = {f"a{number:05d}": {"N": "1"} for number in range(MOST_PATHS + 500)}
    conversion = Conversion("month", "updatedBy", policy_of({"path": "**.zrole", "after": {"equals": "admin"}}))
    for new in (filler | {"zrole": S["admin"]}, {"m": {"L": [{"N": "1"}] * 2000}, "z": {"M": {"zrole": S["admin"]}}}):
        document = assert_valid_entry(convert(record({}, new), SOURCE, conversion).document)
        assert document["tabletrail"]["truncated"]
        assert not any("zrole" in path for path in document["changed"])
        assert document["rule"] == {"name": ["rule"]}


def test_what_lies_behind_the_cut_of_a_text_is_seen() -> None:
    long = {"note": {"S": "x" * 3000 + "secret"}}
    assert fits({"path": "note", "after": {"pattern": "secret$"}}, {}, long)
    assert not fits({"path": "note", "after": {"pattern": "secret.$"}}, {}, long)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [(None, ROLE, "MODIFY"), (ROLE, None, "MODIFY"), (None, None, "REMOVE"), (None, None, "INSERT")],
)
def test_without_both_images_rules_know_nothing_of_values(old: Item | None, new: Item | None, name: str) -> None:
    of_values = {"name": "values", "severity": "high", "when": {"path": "**"}}
    of_the_entry = {"name": "entry", "severity": "low", "when": {"table": "orders"}}
    conversion = Conversion("month", "updatedBy", compile_policy({"rules": [of_values, of_the_entry]}))
    made = record(old, new) | {"eventName": name}
    document = assert_valid_entry(convert(made, SOURCE, conversion).document)
    assert document["tabletrail"]["incomplete"] is True
    assert document["rule"] == {"name": ["entry"]}


def test_a_writer_of_endless_names_does_not_fill_the_memory() -> None:
    policy = policy_of({"path": ["**.role", "a.*.b", "*x"], "after": {"equals": "admin"}})
    root = policy.of("orders").root
    for start in range(0, 40_000, 2_000):
        new = {f"n{number}": {"M": {f"k{number}": S["a"]}} for number in range(start, start + 2_000)}
        assert policy.judge(Facts("orders", "modify", {}, new | ROLE, {}, 0)).names == ("rule",)
    seen, waiting = set(), [root]
    while waiting:
        place = waiting.pop()
        if id(place) not in seen:
            seen.add(id(place))
            waiting += place.inside.values()
    assert sum(len(place.inside) for place in (root, *root.inside.values())) < 100_000
    assert len(seen) < 50


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_a_star_stands_for_any_characters_and_nothing_else_does(pattern: str, text: str) -> None:
    assert glob(pattern)(text) is fits_glob(pattern, text)
    assert glob(pattern + "?[")(text) is False
