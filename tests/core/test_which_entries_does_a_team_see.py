"""Is a declaration of teams taken as it is meant, and is every mistake in it told?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tabletrail.core.team_roles import Team, left_roles, role_of, teams_in, whole_mapping
from tabletrail.errors import InstallError

ROLE = "arn:aws:iam::111122223333:role/billing"


def teams(declared: Any) -> tuple[Team, ...]:
    return teams_in(json.dumps(declared))


def dls_of(team: Team) -> Any:
    (part,) = role_of(team)["index_permissions"]
    return json.loads(part["dls"])


def test_a_team_sees_what_its_services_or_its_tables_hold() -> None:
    body = {"services": ["invoicing", "billing"], "tables": ["invoices"], "backend_roles": [ROLE], "users": ["ann"]}
    (team,) = teams({"billing": body})
    assert team.role == "tabletrail_reader_billing"
    assert team == Team("billing", ("billing", "invoicing"), ("invoices",), (ROLE,), ("ann",), True)
    assert dls_of(team) == {
        "bool": {
            "minimum_should_match": 1,
            "should": [
                {"terms": {"service.name": ["billing", "invoicing"]}},
                {"terms": {"table.name": ["invoices"]}},
            ],
        }
    }


@pytest.mark.parametrize(
    ("kind", "field"), [("services", "service.name"), ("tables", "table.name")], ids=["services", "tables"]
)
def test_one_kind_suffices(kind: str, field: str) -> None:
    (team,) = teams({"a": {kind: ["orders"]}})
    assert dls_of(team) == {"terms": {field: ["orders"]}}
    assert not team.names_people


def test_the_role_reaches_our_entries_and_neither_the_alias_nor_the_health_index() -> None:
    (part,) = role_of(Team("a", ("b",)))["index_permissions"]
    assert part["index_patterns"] == ["tabletrail-v1-*"]
    assert "dls" in part


def test_the_order_of_names_is_no_difference() -> None:
    assert teams({"a": {"services": ["x", "y"]}}) == teams({"a": {"services": ["y", "x"]}})


@pytest.mark.parametrize(("people", "decides"), [({}, False), ({"users": []}, True), ({"backend_roles": [ROLE]}, True)])
def test_the_file_decides_who_has_the_role_where_it_says_anything_of_it(people: Any, decides: bool) -> None:
    (team,) = teams({"a": {"services": ["b"], **people}})
    assert team.names_people is decides


def test_nothing_declared_is_no_team() -> None:
    assert teams({}) == ()


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ([], "must be an object, a member for each team"),
        ({"Billing": {"services": ["b"]}}, "Billing: a team's name is up to 40"),
        ({"a b": {"services": ["b"]}}, "a b: a team's name"),
        ({"": {"services": ["b"]}}, "a team's name"),
        ({"a": ["b"]}, "a: must be an object"),
        ({"a": {}}, "names neither services nor tables"),
        ({"a": {"services": []}}, "names neither services nor tables"),
        ({"a": {"service": ["b"]}}, "service is not known, only services, tables, backend_roles, users"),
        ({"a": {"services": "b"}}, "services must be a list of names"),
        ({"a": {"services": [""]}}, "none of them empty"),
        ({"a": {"services": [7]}}, "services must be a list of names"),
        ({"a": {"services": ["bill*"]}}, "bill* has a wildcard; write each name out"),
        ({"a": {"services": ["${user.name}"]}}, "which OpenSearch would replace"),
        ({"a": {"tables": ["arn:aws:dynamodb:eu-west-1:1:table/x"]}}, "the name alone"),
        ({"a": {"services": ["b"], "backend_roles": ["arn:aws:sts::1:assumed-role/x/y"]}}, "is one session"),
    ],
)
def test_a_mistake_is_told_with_its_place(declared: Any, told: str) -> None:
    with pytest.raises(InstallError) as caught:
        teams(declared)
    assert told in str(caught.value)
    assert "teams.json" in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InstallError) as caught:
        teams({"a": {"services": ["x*"]}, "B": {}, "c": {"tables": ["t"]}})
    assert all(text in str(caught.value) for text in ("a: services: x*", "B: a team's name", "c: tables: t is no name"))


def test_a_team_that_stands_twice_is_told_not_merged() -> None:
    with pytest.raises(InstallError, match="billing stands twice"):
        teams_in('{"billing": {"services": ["a"]}, "billing": {"services": ["b"]}}')


def test_what_is_no_json_is_told_with_its_line() -> None:
    with pytest.raises(InstallError, match=r"no JSON: .*line 2"):
        teams_in('{"a": {},\n}')


def test_a_team_that_left_loses_its_rights_and_no_other_role_is_touched() -> None:
    gone, here = Team("gone", ("a",)), Team("here", ("b",))
    by_hand = {"description": "of our own", "cluster_permissions": ["x"], "index_permissions": []}
    found = {gone.role: role_of(gone), here.role: role_of(here), "tabletrail_reader_hand": by_hand, "kibana_user": {}}
    left = left_roles(found, [here.role])
    assert set(left) == {gone.role}
    assert left[gone.role]["index_permissions"] == left[gone.role]["cluster_permissions"] == []
    # The next deployment finds it as it left it, and declares it again if it is named again.
    assert left_roles(found | left, [here.role]) == left


@pytest.mark.parametrize(
    ("found", "written"),
    [
        (None, True),
        ({"users": ["ann"], "backend_roles": [ROLE]}, False),
        ({"users": ["ann"], "backend_roles": [ROLE], "hosts": []}, False),
        ({"users": ["ann", "eve"], "backend_roles": [ROLE]}, True),
        ({"users": ["ann"], "backend_roles": [ROLE, "other"]}, True),
        ({"users": ["ann"], "backend_roles": [ROLE], "hosts": ["10.*"]}, True),
        ({"users": [], "backend_roles": [ROLE]}, True),
    ],
)
def test_who_has_a_teams_role_is_what_the_file_says(found: Any, written: bool) -> None:
    mapping = whole_mapping(found, ["ann"], [ROLE])
    assert mapping == ({"users": ["ann"], "backend_roles": [ROLE]} if written else None)
