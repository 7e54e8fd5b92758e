"""Is what a policy says of a table's writers what was written, and is what has no effect refused with its place?"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.attribution_policy import NO_ATTRIBUTION, Attribution, Claim
from tabletrail.core.canonical import canonical
from tabletrail.core.entry import Conversion, convert
from tabletrail.core.policy import NO_POLICY, Policy, compile_policy, merged
from tabletrail.core.tokens import Tokens
from tabletrail.errors import PolicyError
from tabletrail.policy_files import check
from tests.core.strategies import SOURCE, record
from tests.validation import assert_valid_entry

ARN = "arn:aws:iam::123456789012:role/billing"
ANY = {"principal": "*", "actors": "any"}


def policy(*tables: dict[str, Any], **more: Any) -> Policy:
    return compile_policy({"attribution": {"tables": list(tables), **more}})


def problems(*tables: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(PolicyError) as caught:
        policy(*tables, **more)
    return dict(caught.value.problems)


def test_the_first_entry_that_fits_counts_whole() -> None:
    found = policy(
        {"table": "orders", "type": "service"},
        {"table": ["orders*", "items"], "attribute": "lastModifiedBy", "outbox": True, "deletes": "marked"},
    )
    assert found.of("orders").attribution == Attribution(None, "service")
    assert found.of("orders-eu").attribution == Attribution("lastModifiedBy", "user", True, "marked")
    assert found.of("items").attribution == found.of("orders-eu").attribution
    assert found.of("users").attribution == NO_ATTRIBUTION == NO_POLICY.of("orders").attribution


def test_claims_are_shared_by_tables_that_have_none_of_their_own() -> None:
    own = {"principal": [ARN], "actors": ["a", "b*"]}
    found = policy({"table": "a", "claims": [own]}, {"table": "b"}, {"table": "c", "claims": []}, claims=[ANY])
    shared = (Claim(("*",), "any"),)
    assert found.of("a").attribution.claims == (Claim((ARN,), ("a", "b*")),)
    assert found.of("b").attribution.claims == found.of("other").attribution.claims == shared
    assert found.of("c").attribution.claims == ()


def test_a_name_with_a_dot_is_written_in_quotes() -> None:
    assert policy({"table": "*", "attribute": '["a.b"]'}).of("t").attribution.attribute == "a.b"
    assert policy({"table": "*", "attribute": '["*"]'}).of("t").attribution.attribute == "*"


def test_the_outbox_has_no_rows_of_its_own() -> None:
    found = policy({"table": "*", "outbox": True, "deletes": "marked"})
    assert found.of("orders").attribution.outbox
    for outbox in ("tabletrail_outbox", "tabletrail_outbox-eu"):
        assert found.of(outbox).attribution == Attribution(deletes="marked")


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"table": "t", "atribute": "x"}, "atribute", "known are description, table, attribute, type, outbox"),
    ({"attribute": "x"}, "", "lacks `table`"),
    ({"table": []}, "table", "1 to 200"),
    ({"table": ""}, "table", "name"),
    ({"table": ["a", ""]}, "table/1", "name"),
    ({"table": "t", "attribute": None}, "attribute", "empty text for none"),
    ({"table": "t", "attribute": "meta.updatedBy"}, "attribute", "a path, or a name that looks like one: only a top-"),
    ({"table": "t", "attribute": "a.b"}, "attribute", '["a.b"]'),
    ({"table": "t", "attribute": "writers[]"}, "attribute", "path"),
    ({"table": "t", "attribute": '["a"].b'}, "attribute", "path"),
    ({"table": "t", "attribute": " updatedBy"}, "attribute", '[" updatedBy"]'),
    ({"table": "t", "attribute": '["a]'}, "attribute", "path"),
    ({"table": "t", "attribute": '["a","b"]'}, "attribute", "JSON text"),
    ({"table": "t", "attribute": '[""]'}, "attribute", "JSON text"),
    ({"table": "t", "attribute": "*By"}, "attribute", "`*`"),
    ({"table": "t", "attribute": "x" * 256}, "attribute", "255"),
    ({"table": "t", "attribute": "_audit"}, "attribute", "marks"),
    ({"table": "t", "attribute": '["_audit"]'}, "attribute", "marks"),
    ({"table": "t", "attribute": "_audit.actor"}, "attribute", "path"),
    ({"table": "t", "attribute": "", "type": "service"}, "type", "leave it out"),
    ({"table": "t", "type": "person"}, "type", "user, service, system"),
    ({"table": "t", "outbox": "yes"}, "outbox", "true or false"),
    ({"table": "t", "deletes": "none"}, "deletes", "any, marked"),
    ({"table": "tabletrail_outbox", "outbox": True}, "table", "outbox itself"),
    ({"table": ["t", "tabletrail_outbox"], "outbox": True}, "table/1", "outbox itself"),
    ({"table": "tabletrail_outbox-eu", "outbox": True}, "table", "outbox itself"),
    ({"table": ["t", "t"]}, "table/1", "t never counts"),
    ({"table": ["orders-*", "orders-eu"]}, "table/1", "orders-eu never counts"),
    ({"table": ["a*", "*", "b*c"]}, "table/2", "never counts"),
    ({"table": "t", "claims": [ANY, {"principal": ARN, "actors": "self"}]}, "claims/1/principal", "never counts"),
    ({"table": "t", "claims": [{"principal": [], "actors": "any"}]}, "claims/0/principal", "1 to 200"),
    ({"table": "t", "claims": [{"principal": "alice", "actors": "any"}]}, "claims/0/principal", "an ARN"),
    ({"table": "t", "claims": [{"principal": "", "actors": "any"}]}, "claims/0/principal", "an ARN"),
    ({"table": "t", "claims": [{"principal": "*"}]}, "claims/0", "lacks `actors`"),
    ({"table": "t", "claims": [{"principal": "*", "actors": []}]}, "claims/0/actors", "1 to 200"),
    ({"table": "t", "claims": [{"principal": "*", "actors": "alice"}]}, "claims/0/actors", "names in brackets"),
    ({"table": "t", "claims": [{"principal": "*", "actors": [""]}]}, "claims/0/actors/0", "1 to 1,000"),
]


@pytest.mark.parametrize(("entry", "part", "reason"), BAD)
def test_what_is_wrong_is_told_with_its_place(entry: dict[str, Any], part: str, reason: str) -> None:
    where = "/attribution/tables/0" + (f"/{part}" if part else "")
    assert reason in problems(entry)[where]


def test_a_table_that_an_earlier_entry_has_is_told_at_the_later() -> None:
    one, other, third = {"table": ["a", "b*"]}, {"table": ["c", "b-1"]}, {"table": ["d*", "e"]}
    assert list(problems(one, other, third)) == ["/attribution/tables/1/table/1"]
    assert policy(one, {"table": ["c", "*b"]}, third)


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = problems({"table": 5}, {"table": "t", "attribute": "a.b"}, claims=[ANY, {"principal": 5}], more=1)
    assert set(found) == {
        "/attribution/tables/0/table",
        "/attribution/tables/1/attribute",
        "/attribution/claims/1",
        "/attribution/claims/1/principal",
        "/attribution/more",
    }


@pytest.mark.parametrize("section", [[], "x", {}, {"tables": {}}, {"table": []}, {"claims": None}])
def test_a_section_of_another_form_is_refused_with_its_file(section: Any) -> None:
    with pytest.raises(PolicyError) as caught:
        merged([("a.json", {"attribution": section})])
    [(where, _)] = caught.value.problems
    assert where.startswith("a.json/attribution")


def test_each_problem_has_its_file_line_and_entry() -> None:
    first = {"attribution": {"tables": [{"table": "a"}], "claims": [{"principal": ARN, "actors": "any"}]}}
    tables = [{"table": "b"}, {"table": "c", "attribute": "a.b"}]
    second = {"attribution": {"claims": [{"principal": ARN, "actors": ["x"]}], "tables": tables}}
    files = [("10.json", json.dumps(first, indent=1)), ("20.json", json.dumps(second, indent=1))]
    found = check(files).problems
    assert [(one.file, one.rule, one.part) for one in found] == [
        ("20.json", "claim number 1", "principal"),
        ("20.json", "attribution of tables number 2", "attribute"),
    ]
    lines = files[1][1].splitlines()
    assert [lines[one.line - 1].split(":")[0].strip() for one in found] == ['"principal"', '"attribute"']
    assert found[1].sentence().startswith("20.json, line 17, attribution of tables number 2, attribute: ")


def test_a_policy_that_says_nothing_of_it_is_the_one_of_before() -> None:
    rules = {"rules": [{"name": "r", "severity": "low", "when": {"action": "remove"}}]}
    texts: list[dict[str, Any]] = [{}, {"attribution": {"tables": []}}, {"attribution": {"claims": [], "tables": []}}]
    found = [check([("a.json", json.dumps(rules | text))]) for text in texts]
    of_before = canonical({"schema": 1, "sensitive": [], **rules})
    assert {one.text for one in found} == {of_before}
    assert {one.version for one in found} == {sha256(of_before).hexdigest()}
    other = check([("a.json", json.dumps(rules | {"attribution": {"tables": [{"table": "t"}]}}))])
    assert other.version == sha256(other.text).hexdigest() != found[0].version


def entry_of(old: dict[str, Any] | None, new: dict[str, Any] | None, *tables: dict[str, Any]) -> dict[str, Any]:
    conversion = Conversion("month", "updatedBy", policy(*tables) if tables else NO_POLICY)
    return assert_valid_entry(convert(record(old, new), SOURCE, conversion).document)


def test_each_table_has_its_own_attribute() -> None:
    old = {"pk": {"S": "a"}, "by": {"S": "bob"}, "updatedBy": {"S": "bob"}}
    new = old | {"by": {"S": "billing"}}
    named = {"id": "billing", "type": "service", "source": "attribute", "confidence": "possible"}
    mapped = {"table": "orders", "attribute": "by", "type": "service"}
    assert entry_of(old, new, mapped)["actor"] == named
    assert entry_of(new, new | {"n": {"N": "1"}}, mapped)["actor"] == {"last_known": "billing"}
    assert entry_of(old, new, {"table": "others", "attribute": "by"})["actor"] == {"last_known": "bob"}
    assert "actor" not in entry_of(old, new, {"table": "*", "attribute": ""})
    assert "actor" not in entry_of(
        {"pk": {"S": "a"}}, {"pk": {"S": "a"}, "": {"S": "x"}}, {"table": "*", "attribute": ""}
    )


def test_an_attribute_that_came_with_a_foreign_mark_names_nobody() -> None:
    foreign = {"M": {"id": {"S": "01908c1e-7d00-7abc-8abc-0123456789ab"}, "for": {"S": "00"}, "actor": {"S": "eve"}}}
    old = {"pk": {"S": "a"}, "by": {"S": "bob"}}
    new = old | {"by": {"S": "eve"}, "_audit": foreign}
    assert entry_of(old, new, {"table": "*", "attribute": "by"})["actor"] == {"last_known": "eve"}


def test_a_mapped_attribute_is_hidden_where_it_is_declared() -> None:
    declared = {
        "sensitive": [{"table": "*", "path": "by"}],
        "attribution": {"tables": [{"table": "*", "attribute": "by"}]},
    }
    tokens = Tokens(b"k" * 32)
    conversion = Conversion("month", "updatedBy", compile_policy(declared), tokens)
    old, new = ({"pk": {"S": "a"}, "by": {"S": name}} for name in ("bob", "alice"))
    found = [json.loads(convert(record(*pair), SOURCE, conversion).document) for pair in ((old, new), (old, None))]
    assert found[0]["actor"]["id"] == tokens("S", "alice")
    assert found[1]["actor"]["last_known"] == tokens("S", "bob")
    assert "alice" not in json.dumps(found)


def test_the_page_shows_a_policy() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
    shown = page.partition("## Attribution\n")[2].partition("```json\n")[2].partition("```")[0]
    found = compile_policy(json.loads(shown))
    assert found.of("orders-eu").attribution.outbox
    assert found.of("articles").attribution.claims != found.of("jobs").attribution.claims
    assert found.of("sessions").attribution.attribute == ""
