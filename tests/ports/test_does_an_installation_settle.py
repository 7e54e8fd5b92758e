"""Does an installation into the real OpenSearch settle, with the plugins that it lacks beside it, and without them?

The client speaks to one address, as with a domain of Amazon's: what the local server has is answered by it, what it
lacks by fakes over HTTP. Every request that may change anything is counted on its way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tabletrail.aws.clock import SystemClock
from tabletrail.aws.custom_resource import Request
from tabletrail.aws.install_wiring import servers_of, wishes_of
from tabletrail.errors import DowngradeError
from tabletrail.install import Bundle, Report, Wishes, install
from tabletrail.settings import Settings
from tabletrail_local.info import StackInfo
from tabletrail_local.opensearch import HEAP_VARIABLE
from tests.fakes.domain import DASHBOARDS, Domain, served
from tests.ports.opensearch_server import MAPPINGS, Server, settings_for
from tests.ports.plain_opensearch import plain_opensearch

pytestmark = pytest.mark.stack

TOPIC = "arn:aws:sns:eu-central-1:111122223333:monitors"
NAME = "tabletrail-settling"
BUNDLE = Bundle.load(MAPPINGS)


def renamed() -> Bundle:
    """The release under names of its own, so that tests beside this one keep the objects that they stand on."""
    template = {**BUNDLE.template, "index_patterns": [f"{NAME}-*"], "version": 2}
    template["template"] = {**template["template"], "aliases": {}}
    roles = {role.replace("tabletrail", NAME): body for role, body in BUNDLE.roles.items()}
    return replace(
        BUNDLE, template=template, template_name=NAME, others={}, roles=roles, marks_name=f"{NAME}-installed"
    )


@dataclass
class Place:
    domain: Domain
    user: str
    password: str

    @property
    def settings(self) -> Settings:
        settings = settings_for(self.domain.url)
        return replace(settings, dashboards_url=self.domain.url + DASHBOARDS, monitor_topic=TOPIC)

    def run(self, bundle: Bundle, indices: tuple[str, ...] = ()) -> Report:
        self.domain.forget()
        secret = json.dumps({"username": self.user, "password": self.password, "ca_pem": self.domain.ca_pem})
        servers = servers_of(self.settings, lambda _: secret)
        wishes: Wishes = replace(wishes_of(self.settings, Request(), 1_700_000_000), indices=indices)
        return install(servers, bundle, replace(wishes, grants={}), SystemClock(), 60)


@pytest.fixture
def place(stack: StackInfo, tmp_path: Path) -> Iterator[Place]:
    login = stack.login("admin")
    with served(Domain(real=stack.opensearch_url, real_ca=stack.ca_file or ""), tmp_path) as domain:
        yield Place(domain, login.user, login.password)
    server = Server(stack)
    for name in (NAME, f"{NAME}-installed"):
        server.ask("admin", "DELETE", f"/_index_template/{name}")
    for role in renamed().roles:
        for kind in ("rolesmapping", "roles"):
            server.ask("admin", "DELETE", f"/_plugins/_security/api/{kind}/{role}")


def test_a_fresh_cluster_gets_everything_once_and_follows_a_release(place: Place) -> None:
    first = place.run(renamed())
    assert (first.notes, first.kept, first.repaired) == ([], [], [])
    assert len(first.written) >= 1 + 2 * len(BUNDLE.roles) + len(BUNDLE.monitors) + len(BUNDLE.dashboards)
    second = place.run(renamed())
    assert place.domain.writes() == []
    assert second.sentence().startswith("nothing to write")
    assert len(place.domain.heard) < 16, "one request for all objects of a kind"

    template = {**renamed().template, "version": 3, "priority": 501}
    place.domain.saved.edit(("search", "tabletrail-search-ttl-removals"), title="Ours")
    upgraded = place.run(replace(renamed(), template=template))
    assert upgraded.written == [f"index template {NAME}"]
    assert upgraded.kept == ["dashboards/search/tabletrail-search-ttl-removals"]

    with pytest.raises(DowngradeError, match=f"version 3 of the index template {NAME}, this release brings 2"):
        place.run(renamed())
    assert place.domain.writes() == []


def test_each_kind_of_object_refuses_an_older_release(place: Place) -> None:
    later = {kind: version + 1 for kind, version in BUNDLE.versions.items()}
    place.run(replace(renamed(), versions=later))
    for kind, version in BUNDLE.versions.items():
        with pytest.raises(DowngradeError, match=f"a later {kind} "):
            place.run(replace(renamed(), versions={**later, kind: version}))
        assert place.domain.writes() == []


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HEAP_VARIABLE, "256m")
        with plain_opensearch(tmp_path_factory.mktemp("plain")) as url:
            yield url


def test_a_cluster_without_security_ism_alerting_and_dashboards_gets_the_rest_and_says_so(
    plain: str, tmp_path: Path
) -> None:
    indices = ("tabletrail-v1-2098.01", "tabletrail-v1-2098.02")
    with served(Domain(real=plain, has_plugins=False), tmp_path) as domain:
        place = Place(domain, "nobody", "asks")
        report = place.run(BUNDLE, indices)
        assert [note.partition(" (")[0].partition(":")[0] for note in report.notes] == [
            "The cluster has no roles",
            "The cluster has no opensearch-index-management",
            "The cluster has no opensearch-alerting",
            "Dashboards were not brought up to date",
        ]
        assert "index template tabletrail-v1" in report.written
        assert "index tabletrail-v1-2098.01" in report.written
        again = place.run(BUNDLE, indices)
        assert domain.writes() == []
        assert again.notes == report.notes, "what is missing is said each time"
