"""Do the teams of a deployment get their roles, and does whoever is struck from the file lose them?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.team_roles import role_of, teams_in
from tabletrail.errors import InstallError
from tabletrail.install import Bundle, Report, Servers, Wishes, install
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.index import FakeIndex

MAPPINGS = Path(__file__).parents[2] / "mappings"
BILLING = "tabletrail_reader_billing"
DECLARED = {"billing": {"services": ["billing"], "backend_roles": ["arn:billing", "arn:support"]}}


class WithoutPlugins:
    """Nothing of this bundle asks for them."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(FakeClock())


def run(cluster: FakeCluster, declared: Any) -> Report:
    teams = teams_in(json.dumps(declared))
    roles = {"tabletrail_reader": {"cluster_permissions": ["x"]}} | {team.role: role_of(team) for team in teams}
    bundle = Bundle({"index_patterns": ["tabletrail-v1-*"], "version": 2, "template": {}}, roles, teams=teams)
    cluster.writes.clear()
    return install(
        Servers(cluster, FakeIndex(), WithoutPlugins(), WithoutPlugins()), bundle, Wishes({}), cluster.clock, 35
    )


def test_a_team_gets_its_role_and_the_second_deployment_writes_nothing(cluster: FakeCluster) -> None:
    assert any("no wall" in note for note in run(cluster, DECLARED).notes)
    assert cluster.held[BILLING] == role_of(teams_in(json.dumps(DECLARED))[0])
    assert cluster.mappings[BILLING] == {"users": [], "backend_roles": ["arn:billing", "arn:support"]}
    assert run(cluster, DECLARED).written == []


def test_whoever_is_struck_from_the_file_or_was_added_by_hand_has_the_role_no_more(cluster: FakeCluster) -> None:
    run(cluster, DECLARED)
    cluster.mappings[BILLING]["users"] = ["eve"]
    run(cluster, {"billing": {"services": ["billing"], "backend_roles": ["arn:billing"]}})
    assert cluster.mappings[BILLING] == {"users": [], "backend_roles": ["arn:billing"]}


def test_a_file_that_names_no_people_leaves_them_to_opensearch(cluster: FakeCluster) -> None:
    run(cluster, {"billing": {"services": ["billing"]}})
    cluster.mappings[BILLING]["users"] = ["ann"]
    assert run(cluster, {"billing": {"services": ["billing", "tax"]}}).written == [f"role {BILLING}"]
    assert cluster.mappings[BILLING]["users"] == ["ann"]


def test_a_team_that_is_struck_loses_its_rights_once(cluster: FakeCluster) -> None:
    run(cluster, DECLARED)
    run(cluster, {})
    assert cluster.held[BILLING]["index_permissions"] == []
    assert cluster.held["tabletrail_reader"]["cluster_permissions"] == ["x"]
    assert run(cluster, {}).written == []
    run(cluster, DECLARED)
    assert cluster.held[BILLING]["index_permissions"]


def test_a_bad_file_stops_the_deployment_before_anything_is_written(tmp_path: Path) -> None:
    copy = tmp_path / "mappings"
    for path in MAPPINGS.rglob("*"):
        if path.is_file():
            (copy / path.relative_to(MAPPINGS)).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(MAPPINGS)).write_bytes(path.read_bytes())
    teams = copy / "security" / "teams.json"
    teams.write_text(json.dumps(DECLARED))
    assert Bundle.load(copy).roles[BILLING] == role_of(teams_in(json.dumps(DECLARED))[0])
    teams.write_text('{"billing": {"services": ["*"]}}')
    with pytest.raises(InstallError, match=r"billing: services: \* has a wildcard"):
        Bundle.load(copy)


def test_the_release_itself_declares_no_team() -> None:
    assert Bundle.load(MAPPINGS).teams == ()
