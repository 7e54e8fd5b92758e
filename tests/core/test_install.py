"""Does an installation write only what differs, refuse what it must, and report what the cluster does not offer?"""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail.core.installed import MARKS
from tabletrail.errors import DowngradeError, InstallError
from tabletrail.install import Bundle, Grant, Report, Servers, Wishes, grants_of, install
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.index import FakeIndex

BUNDLE = Bundle(
    {
        "index_patterns": ["tabletrail-v1-*"],
        "version": 2,
        "template": {"settings": {"index.append_only.enabled": True}},
    },
    {"tabletrail_writer": {"cluster_permissions": ["indices:data/write/bulk"]}, "tabletrail_reader": {}},
    versions={"role": 2},
)
GRANTS = {"tabletrail_writer": Grant(users=("tabletrail_writer",), backend_roles=("arn:writer",))}
INDICES = ("tabletrail-v1-2026.11", "tabletrail-v1-2026.12")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cluster(clock: FakeClock) -> FakeCluster:
    return FakeCluster(clock)


class WithoutPlugins:
    """Nothing of this bundle asks for them."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


def run(cluster: FakeCluster, bundle: Bundle = BUNDLE, keeper: FakeIndex | None = None, seconds: float = 35) -> Report:
    servers = Servers(cluster, keeper or FakeIndex(), WithoutPlugins(), WithoutPlugins())
    return install(servers, bundle, Wishes(GRANTS, INDICES), cluster.clock, seconds)


def test_the_first_writes_all_and_the_second_nothing(cluster: FakeCluster) -> None:
    keeper = FakeIndex()
    first = run(cluster, keeper=keeper)
    assert cluster.writes == [
        "template tabletrail-v1",
        "setting persistent",
        "role tabletrail_writer",
        "mapping tabletrail_writer",
        "role tabletrail_reader",
        "mapping tabletrail_reader",
        "template tabletrail-installed",
    ]
    assert keeper.existing() == set(INDICES)
    assert first.sentence().startswith("wrote index template tabletrail-v1, cluster setting")
    cluster.writes.clear()
    second = run(cluster, keeper=keeper)
    assert cluster.writes == []
    assert second.sentence() == "nothing to write; 8 objects were as they should be"


@pytest.mark.parametrize(
    ("templates", "words"),
    [
        ({"tabletrail-v1": {"version": 3}}, r"version 3 of the index template tabletrail-v1, this release brings 2"),
        (
            {MARKS: {"_meta": {"objects": {"role/tabletrail_reader": "3 0123456789abcdef"}}}},
            "a later role tabletrail_reader",
        ),
        (
            {MARKS: {"_meta": {"objects": {"dashboards/search/tabletrail-search-x": "1 0123456789abcdef"}}}},
            "a later dashboards search/tabletrail-search-x",
        ),
    ],
    ids=["template", "role", "an object that this release does not even bring"],
)
def test_anything_newer_stops_everything_before_the_first_write(
    cluster: FakeCluster, templates: dict[str, Any], words: str
) -> None:
    cluster.templates |= templates
    keeper = FakeIndex()
    with pytest.raises(DowngradeError, match=f"{words}.*deploy the newer release again. Nothing was written"):
        run(cluster, keeper=keeper)
    assert cluster.writes == []
    assert keeper.existing() == frozenset()


def test_a_widened_role_is_repaired_and_a_persons_mapping_stays(cluster: FakeCluster) -> None:
    run(cluster)
    cluster.held["tabletrail_writer"]["cluster_permissions"] = ["*"]
    cluster.mappings["tabletrail_writer"]["users"] = ["ann", "tabletrail_writer"]
    cluster.writes.clear()
    report = run(cluster)
    assert "Changed by hand, and again as the release has it: role tabletrail_writer" in report.sentence()
    assert cluster.writes == ["role tabletrail_writer"]
    assert cluster.mappings["tabletrail_writer"]["users"] == ["ann", "tabletrail_writer"]


def test_what_a_new_release_changes_is_nobodys_edit(cluster: FakeCluster) -> None:
    keeper = FakeIndex()
    run(cluster, keeper=keeper)
    roles = {**BUNDLE.roles, "tabletrail_reader": {"cluster_permissions": ["cluster:monitor/health"]}}
    template = {**BUNDLE.template, "version": 3, "priority": 500}
    report = run(cluster, Bundle(template, roles, versions={"role": 3}), keeper)
    assert report.written == ["index template tabletrail-v1", "role tabletrail_reader"]
    assert report.repaired == []


def test_an_edited_template_is_repaired_and_said(cluster: FakeCluster) -> None:
    run(cluster)
    cluster.templates["tabletrail-v1"]["template"]["settings"]["index.refresh_interval"] = "1s"
    report = run(cluster)
    assert report.repaired == ["index template tabletrail-v1"]
    assert "refresh_interval" not in str(cluster.templates["tabletrail-v1"])


def test_a_new_cluster_is_waited_for(clock: FakeClock) -> None:
    cluster = FakeCluster(clock, up_after=20)
    assert run(cluster).written
    assert 20 <= sum(clock.sleeps) < 23


def test_a_cluster_that_does_not_come_is_given_up_in_time(clock: FakeClock) -> None:
    began = clock.monotonic()
    with pytest.raises(InstallError, match="could not be reached in time: OpenSearch cannot be reached"):
        run(FakeCluster(clock, up_after=1e9))
    assert clock.monotonic() - began <= 35


def test_a_slow_cluster_ends_it_with_what_was_done(clock: FakeClock) -> None:
    cluster = FakeCluster(clock, seconds_a_write=20)
    with pytest.raises(InstallError, match=r"too slow: not done after 35 s .wrote index template"):
        run(cluster)
    assert len(cluster.writes) == 2
    cluster.seconds_a_write = 1
    assert "index template tabletrail-v1" in run(cluster).unchanged, "the next deployment goes on from there"


def test_a_cluster_without_roles_is_reported(clock: FakeClock) -> None:
    cluster = FakeCluster(clock, roles_offered=False)
    report = run(cluster)
    assert cluster.held == {}
    assert "The cluster has no roles" in report.sentence()


def test_a_refused_setting_is_reported_and_the_rest_is_done(clock: FakeClock) -> None:
    cluster = FakeCluster(clock, refuses_settings=True)
    report = run(cluster)
    assert "set action.auto_create_index to -tabletrail*,+*" in report.sentence()
    assert set(cluster.held) == set(BUNDLE.roles)


def test_a_transient_setting_is_changed_where_it_hides_the_persistent_one(cluster: FakeCluster) -> None:
    cluster.levels["transient"]["action.auto_create_index"] = "true"
    cluster.levels["persistent"]["action.auto_create_index"] = "-tabletrail*,+*"
    run(cluster)
    assert cluster.levels["transient"]["action.auto_create_index"] == "-tabletrail*,+*"


def test_an_index_that_is_not_write_once_is_named(clock: FakeClock) -> None:
    cluster = FakeCluster(clock, replaceable=frozenset({"tabletrail-v1-2026.10"}))
    assert "Not write-once, made without the template: tabletrail-v1-2026.10" in run(cluster).sentence()


def test_an_incomplete_release_is_named(tmp_path: Any) -> None:
    with pytest.raises(InstallError, match=r"incomplete.*index_template.v1.json"):
        Bundle.load(tmp_path)


def test_grants_come_from_the_deployments_properties() -> None:
    now = {"WriterRoles": ["arn:a", "", " arn:b "], "ReaderRoles": "arn:c,arn:d", "IndexOwnerRoles": ""}
    old = {"WriterRoles": ["arn:a", "arn:gone"]}
    grants = grants_of(now, old, with_users=True)
    assert grants["tabletrail_writer"] == Grant(("tabletrail_writer",), ("arn:a", "arn:b"), ("arn:gone",))
    assert grants["tabletrail_reader"].backend_roles == ("arn:c", "arn:d")
    assert grants["tabletrail_index_owner"].backend_roles == ()
    assert grants_of(now, old, with_users=False)["tabletrail_writer"].users == ()


def test_the_index_owner_has_the_right_to_delete_only_while_there_is_a_retention() -> None:
    owner, retention = "tabletrail_index_owner", "tabletrail_retention"
    without: dict[str, Any] = {}
    lent = {"RetentionRoles": ["arn:owner"]}
    assert grants_of(without, without, with_users=True)[retention] == Grant()
    assert grants_of(lent, without, with_users=True)[retention] == Grant((owner,), ("arn:owner",))
    assert grants_of(without, lent, with_users=True)[retention] == Grant((), (), ("arn:owner", owner))
    assert grants_of(without, lent, with_users=False)[retention] == Grant((), (), ("arn:owner",))
