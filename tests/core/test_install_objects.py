"""Is what is written into OpenSearch exactly the difference, and does what a person put there stay?"""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail.core.cluster_objects import (
    merged_mapping,
    replicas_for,
    same_role,
    same_template,
    template_version,
    with_replicas,
    without_auto_create,
)

PATTERN = "tabletrail*"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-tabletrail*,+*"),
        ("true", "-tabletrail*,+*"),
        ("", "-tabletrail*,+*"),
        ("false", None),
        ("-tabletrail*,+*", None),
        ("-other*,-tabletrail*,+*", None),
        ("+*", "-tabletrail*,+*"),
        ("logs-*,+metrics-*", "-tabletrail*,logs-*,+metrics-*"),
        ("-secret*, +*", "-tabletrail*,-secret*,+*"),
        ("+*,-tabletrail*", "-tabletrail*,+*"),
        ("tabletrail-v1-*,-tabletrail*", "-tabletrail*,tabletrail-v1-*"),
    ],
)
def test_automatic_creation_is_forbidden_for_our_indices_alone(value: str | None, expected: str | None) -> None:
    assert without_auto_create(value, PATTERN) == expected
    if expected is not None:
        assert without_auto_create(expected, PATTERN) is None, "the second time there is nothing to change"


FOUND = {
    "reserved": False,
    "hosts": ["10.*"],
    "users": ["ann", "tabletrail_writer"],
    "backend_roles": ["arn:old", "arn:persons"],
    "and_backend_roles": ["both"],
    "description": "by hand",
}


def test_a_mapping_keeps_what_a_person_added_and_loses_what_we_withdrew() -> None:
    assert merged_mapping(FOUND, ["tabletrail_writer"], ["arn:new"], ["arn:old"]) == {
        "hosts": ["10.*"],
        "and_backend_roles": ["both"],
        "description": "by hand",
        "users": ["ann", "tabletrail_writer"],
        "backend_roles": ["arn:new", "arn:persons"],
    }


def test_a_mapping_that_holds_all_is_not_written() -> None:
    assert merged_mapping(FOUND, ["tabletrail_writer"], ["arn:old"], []) is None
    assert merged_mapping(FOUND, [], ["arn:old"], ["arn:old"]) is None, "named again, so not withdrawn"


def test_a_missing_mapping_is_written_even_if_nobody_gets_it() -> None:
    assert merged_mapping(None, [], [], ["arn:old"]) == {"users": [], "backend_roles": []}


WANTED: dict[str, Any] = {
    "index_patterns": ["x-*"],
    "version": 3,
    "template": {
        "settings": {"index.append_only.enabled": True, "number_of_shards": 1},
        "mappings": {"dynamic": False, "properties": {"a": {"type": "keyword"}}},
        "aliases": {"x": {}},
    },
}


def as_the_server_shows_it() -> dict[str, Any]:
    return {
        "index_patterns": ["x-*"],
        "version": 3,
        "composed_of": [],
        "template": {
            "settings": {
                "index": {"append_only": {"enabled": "true"}, "number_of_shards": "1", "number_of_replicas": "1"}
            },
            "mappings": {"properties": {"a": {"type": "keyword"}}, "dynamic": False},
            "aliases": {"x": {}},
        },
    }


def test_a_template_is_the_same_however_the_server_writes_its_settings() -> None:
    assert same_template(as_the_server_shows_it(), with_replicas(WANTED, 1))


@pytest.mark.parametrize("replicas", [0, 2])
def test_a_template_with_other_replicas_is_another(replicas: int) -> None:
    assert not same_template(as_the_server_shows_it(), with_replicas(WANTED, replicas))


@pytest.mark.parametrize("edit", ["append_only", "mapping", "alias", "pattern", "component"])
def test_an_edited_template_is_another(edit: str) -> None:
    found = as_the_server_shows_it()
    if edit == "append_only":
        found["template"]["settings"]["index"]["append_only"]["enabled"] = "false"
    elif edit == "mapping":
        found["template"]["mappings"]["properties"]["b"] = {"type": "text"}
    elif edit == "alias":
        found["template"]["aliases"] = {}
    elif edit == "pattern":
        found["index_patterns"] = ["x-*", "y-*"]
    else:
        found["composed_of"] = ["mine"]
    assert not same_template(found, with_replicas(WANTED, 1))


@pytest.mark.parametrize(
    ("template", "version"),
    [({"version": 4}, 4), ({"_meta": {"version": 5}}, 5), ({}, 0), ({"version": "x"}, 0), ({"version": None}, 0)],
)
def test_a_template_without_a_number_is_older_than_any(template: dict[str, Any], version: int) -> None:
    assert template_version(template) == version


ROLE: dict[str, Any] = {
    "description": "d",
    "cluster_permissions": ["b", "a"],
    "index_permissions": [{"index_patterns": ["x-*"], "allowed_actions": ["write", "bulk*"]}],
}


def test_a_role_is_the_same_with_the_servers_own_fields_and_another_order() -> None:
    found = {
        "reserved": False,
        "hidden": False,
        "static": False,
        "description": "d",
        "cluster_permissions": ["a", "b"],
        "tenant_permissions": [],
        "index_permissions": [
            {"index_patterns": ["x-*"], "fls": [], "masked_fields": [], "allowed_actions": ["bulk*", "write"]}
        ],
    }
    assert same_role(found, ROLE)


@pytest.mark.parametrize(
    "change",
    [
        {"cluster_permissions": ["a", "b", "*"]},
        {"index_permissions": []},
        {"index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["write", "bulk*"]}]},
        {"index_permissions": [{**ROLE["index_permissions"][0], "dls": '{"match_all": {}}'}]},
        {"tenant_permissions": [{"tenant_patterns": ["*"], "allowed_actions": ["kibana_all_write"]}]},
    ],
)
def test_a_widened_role_is_another(change: dict[str, Any]) -> None:
    assert not same_role({**ROLE, **change}, ROLE)


@pytest.mark.parametrize(
    ("nodes", "settings", "replicas"),
    [
        (1, {}, 0),
        (2, {}, 1),
        (3, {}, 1),
        (6, {"cluster.routing.allocation.awareness.force.zone.values": "a,b,c"}, 1),
        (
            6,
            {
                "cluster.routing.allocation.awareness.balance": "true",
                "cluster.routing.allocation.awareness.force.zone.values": ["a", "b", "c"],
            },
            2,
        ),
    ],
)
def test_replicas_fit_the_cluster(nodes: int, settings: dict[str, Any], replicas: int) -> None:
    assert replicas_for(nodes, settings) == replicas
