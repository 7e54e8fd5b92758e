"""Policies, monitors and saved objects, installed over HTTP into servers that lack them here: honest fakes.

What nobody touched follows the release; what a person changed is kept or repaired, as the kind demands, and said; what
the server does not offer is said; nothing is written twice.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.dashboards import DashboardsServer
from tabletrail.aws.opensearch_plugins import OpenSearchPlugins
from tabletrail.core.ism_policies import SNAPSHOT_STATE
from tabletrail.errors import DowngradeError, InstallError, TransientError
from tabletrail.install import Channel
from tests.fakes.domain import Domain, served
from tests.ports.installation import BUNDLE, DASHBOARD, GAPS, ROLE, TOPIC, Installation, next_release


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def place(certificates: Path) -> Iterator[Installation]:
    with served(Domain(), certificates) as domain:
        yield Installation(domain)


def test_the_first_installs_everything_and_the_second_writes_nothing(place: Installation) -> None:
    first = place.run(channel=Channel(TOPIC, ROLE))
    assert set(place.domain.ism.policies) == set(BUNDLE.policies)
    assert {one["name"] for one, _ in place.domain.alerting.monitors.values()} == {
        one["name"] for one in BUNDLE.monitors
    }
    assert set(place.domain.saved.shared) == {(one["type"], one["id"]) for one in BUNDLE.dashboards}
    assert (first.kept, first.repaired, first.notes) == ([], [], [])
    second = place.run(channel=Channel(TOPIC, ROLE))
    assert place.writes() == []
    assert second.written == []
    objects = len(BUNDLE.policies) + len(BUNDLE.monitors) + len(BUNDLE.dashboards) + 1
    assert len(second.unchanged) > objects
    assert second.sentence().startswith("nothing to write")
    assert len(place.domain.heard) <= 5, "all objects of a kind are read by one request"


def test_what_nobody_touched_follows_the_next_release(place: Installation) -> None:
    place.run()
    release = next_release()
    report = place.run(release)
    assert (report.kept, report.repaired) == ([], [])
    assert place.domain.alerting.by_name(GAPS)["schedule"]["period"]["interval"] == 6
    assert place.domain.saved.shared[DASHBOARD]["attributes"]["title"].endswith(" (2)")
    assert all(policy["description"].endswith(" (2)") for policy, _ in place.domain.ism.policies.values())
    assert len(place.domain.alerting.monitors) == len(BUNDLE.monitors), "changed in their place, not made again"
    assert place.run(release).written == []


def test_what_a_person_changed_is_kept_and_said_from_release_to_release(place: Installation) -> None:
    place.run()
    place.domain.saved.edit(DASHBOARD, title="Ours")
    place.domain.alerting.edit(GAPS, lambda monitor: monitor["schedule"]["period"].update(interval=60))
    for bundle in (BUNDLE, next_release()):
        report = place.run(bundle)
        assert place.domain.saved.shared[DASHBOARD]["attributes"]["title"] == "Ours"
        assert place.domain.alerting.by_name(GAPS)["schedule"]["period"]["interval"] == 60
        assert report.kept == [f"monitor/{GAPS}", "dashboards/dashboard/tabletrail-dashboard-health"]
        assert f"Kept as a person changed it: monitor/{GAPS}, dashboards/dashboard/" in report.sentence()
    others = [one for key, one in place.domain.saved.shared.items() if key != DASHBOARD]
    assert all(one["attributes"]["title"].endswith(" (2)") for one in others), "only that one is kept"


def test_the_releases_own_is_had_again_by_name_or_by_deleting(place: Installation) -> None:
    place.run()
    place.domain.saved.edit(DASHBOARD, title="Ours")
    place.domain.alerting.edit(GAPS, lambda monitor: monitor["schedule"]["period"].update(interval=60))
    report = place.run(restore=frozenset({"dashboards/dashboard/tabletrail-dashboard-health"}))
    assert report.kept == [f"monitor/{GAPS}"]
    assert place.domain.saved.shared[DASHBOARD]["attributes"]["title"] != "Ours"
    (monitor_id,) = [name for name, (one, _) in place.domain.alerting.monitors.items() if one["name"] == GAPS]
    del place.domain.alerting.monitors[monitor_id]
    assert place.run().written == [f"monitor {GAPS}"]
    assert place.run().kept == []


def test_a_monitor_that_was_switched_off_stays_off_and_follows_the_release(place: Installation) -> None:
    place.run()
    place.domain.alerting.edit(GAPS, lambda monitor: monitor.update(enabled=False, enabled_time=None))
    assert place.run().kept == []
    assert place.writes() == []
    place.run(next_release())
    found = place.domain.alerting.by_name(GAPS)
    assert (found["enabled"], found["schedule"]["period"]["interval"]) == (False, 6)


def test_what_dashboards_change_by_themselves_is_no_edit(place: Installation) -> None:
    place.run()
    key = ("index-pattern", "tabletrail")
    fields = json.loads(place.domain.saved.shared[key]["attributes"]["fields"])
    place.domain.saved.edit(key, fields=json.dumps([{**one, "count": 7} for one in fields[1:]]))
    assert place.run().kept == []
    scripted = {"name": "hour", "scripted": True, "script": "doc['@timestamp'].value.hour"}
    place.domain.saved.edit(key, fields=json.dumps([*fields, scripted]))
    assert place.run().kept == ["dashboards/index-pattern/tabletrail"]


def test_an_edited_policy_is_repaired_and_said(place: Installation) -> None:
    place.run()
    name = next(iter(BUNDLE.policies))
    policy, number = place.domain.ism.policies[name]
    changed = {**policy, "states": [{"name": "gone", "actions": [{"delete": {}}], "transitions": []}]}
    place.domain.ism.policies[name] = (changed, number)
    report = place.run()
    assert report.repaired == [f"ISM policy {name}"]
    assert "Changed by hand, and again as the release has it: ISM policy" in report.sentence()
    assert "delete" not in json.dumps(place.domain.ism.policies[name])


def test_a_repository_gives_the_policy_a_snapshot_and_taking_it_away_is_no_edit(place: Installation) -> None:
    place.run(repository="backups")
    assert SNAPSHOT_STATE in json.dumps(list(place.domain.ism.policies.values()))
    report = place.run()
    assert report.repaired == []
    assert SNAPSHOT_STATE not in json.dumps(list(place.domain.ism.policies.values()))


@pytest.mark.parametrize("kind", ["policy", "monitor", "dashboards"])
def test_an_older_release_is_refused_before_anything_is_written(place: Installation, kind: str) -> None:
    place.run()
    newer = {kind: BUNDLE.versions[kind] + 1}
    place.run(replace(next_release(), versions={**BUNDLE.versions, **newer}))
    with pytest.raises(DowngradeError, match=f"a later {kind} .*deploy the newer release again. Nothing was written"):
        place.run()
    assert place.writes() == []


def test_what_was_there_before_us_is_not_overwritten(place: Installation) -> None:
    mine = {"attributes": {"title": "Mine"}, "references": [], "version": "v1"}
    place.domain.saved.shared[DASHBOARD] = mine
    report = place.run()
    assert report.kept == ["dashboards/dashboard/tabletrail-dashboard-health"]
    assert place.domain.saved.shared[DASHBOARD] == mine


def test_what_a_person_imported_from_this_release_is_taken_over(place: Installation) -> None:
    place.run()
    place.cluster.templates.clear()
    place.domain.alerting.monitors.clear()
    assert place.run().kept == []
    assert "POST /_dashboards/api/saved_objects/_import" not in place.writes()
    assert not [name for name in place.run(next_release()).kept if name.startswith("dashboards")]


def test_an_installation_that_died_before_it_saw_its_monitors_is_gone_on_with(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(DashboardsServer, "put_objects", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            place.run()
    report = place.run()
    assert report.kept == []
    assert len(place.domain.alerting.monitors) == len(BUNDLE.monitors)
    assert place.run().written == []


def test_the_channel_follows_the_parameter_and_actions_lead_to_it(place: Installation) -> None:
    report = place.run()
    assert place.domain.alerting.channels == {}
    triggers = place.domain.alerting.by_name(GAPS)["triggers"]
    assert triggers[0]["query_level_trigger"]["actions"] == [], "no channel, nobody to send to"
    report = place.run(channel=Channel(TOPIC, ROLE))
    assert "channel tabletrail-monitors" in report.written
    assert report.kept == []
    assert place.domain.alerting.channels["tabletrail-monitors"]["sns"] == {"topic_arn": TOPIC, "role_arn": ROLE}
    (action,) = place.domain.alerting.by_name(GAPS)["triggers"][0]["query_level_trigger"]["actions"]
    assert action["destination_id"] == "tabletrail-monitors"
    place.run(channel=Channel(TOPIC + "-2", ROLE))
    assert place.writes() == ["PUT /_plugins/_notifications/configs/tabletrail-monitors"]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("ism", r"no opensearch-index-management: indices tabletrail-v1-\* are closed by ReportRun"),
        ("alerting", "no opensearch-alerting: no monitors"),
        ("notifications", "no opensearch-notifications: nobody is sent what monitors find"),
        ("address", r"No Dashboards known \(DashboardsUrl is empty\)"),
        ("dashboards", "Dashboards were not brought up to date"),
    ],
)
def test_what_a_cluster_does_not_offer_is_said_and_the_rest_is_installed(
    place: Installation, missing: str, words: str
) -> None:
    place.domain.without.add(missing)
    report = place.run(channel=Channel(TOPIC))
    (note,) = report.notes
    assert re.search(words, note)
    assert bool(place.domain.ism.policies) == (missing != "ism")
    assert bool(place.domain.alerting.monitors) == (missing != "alerting")
    assert bool(place.domain.saved.shared) == (missing not in ("address", "dashboards"))
    place.domain.without.clear()
    assert place.run(channel=Channel(TOPIC)).notes == [], "once it is there, the rest is installed too"
    assert place.domain.saved.shared


def test_success_false_is_no_success(place: Installation) -> None:
    orphan = {
        "type": "search",
        "id": "orphan",
        "attributes": {"title": "x"},
        "references": [{"name": "ref", "type": "index-pattern", "id": "nowhere"}],
    }
    report = place.run(replace(BUNDLE, dashboards=(*BUNDLE.dashboards, orphan)))
    assert "took not all saved objects: search orphan (missing_references)" in report.sentence()
    assert ("search", "orphan") not in place.domain.saved.shared
    report = place.run()
    assert (report.kept, report.notes) == ([], [])


def test_all_goes_into_the_tenant_that_everybody_shares(place: Installation) -> None:
    place.run()
    assert set(place.domain.saved.tenants) == {"global"}


@pytest.mark.parametrize(
    "request_line",
    [
        "POST /_plugins/_alerting/monitors",
        "POST /_plugins/_notifications/configs",
        f"PUT /_plugins/_ism/policies/{min(BUNDLE.policies)}",
        "POST /_dashboards/api/saved_objects/_import",
    ],
)
def test_a_lost_reply_doubles_nothing_and_makes_nothing_a_persons(place: Installation, request_line: str) -> None:
    place.domain.loses.add(request_line)
    with contextlib.suppress(TransientError):
        assert place.run(channel=Channel(TOPIC)).notes, "Dashboards alone do not fail a deployment"
    assert place.domain.loses == set()
    report = place.run(channel=Channel(TOPIC))
    assert (report.kept, report.repaired, report.notes) == ([], [], [])
    assert len(place.domain.alerting.monitors) == len(BUNDLE.monitors)
    assert place.run(channel=Channel(TOPIC)).written == []


def test_who_changes_a_monitor_at_this_moment_is_not_overwritten(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.run()
    put = OpenSearchPlugins.put_monitor

    def late(self: OpenSearchPlugins, monitor: Any, over: Any) -> Any:
        place.domain.alerting.edit(GAPS, lambda one: one["schedule"]["period"].update(interval=60))
        return put(self, monitor, over)

    monkeypatch.setattr(OpenSearchPlugins, "put_monitor", late)
    only = replace(next_release(), monitors=tuple(one for one in next_release().monitors if one["name"] == GAPS))
    with pytest.raises(InstallError, match="somebody changed the monitor tabletrail: changes were lost"):
        place.run(only)
    assert place.domain.alerting.by_name(GAPS)["schedule"]["period"]["interval"] == 60
