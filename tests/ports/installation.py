"""One domain of fakes that a release is installed into, for the tests of what an installation does there."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, replace
from typing import Any

from tabletrail.aws.dashboards import DashboardsServer
from tabletrail.aws.opensearch_connect import connect
from tabletrail.aws.opensearch_plugins import OpenSearchPlugins
from tabletrail.install import Bundle, Report, Servers, Wishes, install
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.domain import DASHBOARDS, Domain
from tests.fakes.index import FakeIndex
from tests.ports.opensearch_server import MAPPINGS, settings_for

TOPIC = "arn:aws:sns:eu-central-1:111122223333:monitors"
ROLE = "arn:aws:iam::111122223333:role/publisher"
DASHBOARD = ("dashboard", "tabletrail-dashboard-health")
GAPS = "tabletrail: changes were lost"
BUNDLE = Bundle.load(MAPPINGS)


@dataclass
class Installation:
    """One domain, and a cluster in memory for what this test is not about."""

    domain: Domain
    clock: FakeClock = field(default_factory=FakeClock)
    cluster: FakeCluster = field(init=False)
    keeper: FakeIndex = field(default_factory=FakeIndex)

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.clock)

    def run(self, bundle: Bundle = BUNDLE, **wishes: Any) -> Report:
        self.domain.forget()
        self.cluster.writes.clear()
        secret = json.dumps({"username": "admin", "password": "x", "ca_pem": self.domain.ca_pem})
        client = connect(settings_for(self.domain.url), lambda _: secret, 5)
        plugins = OpenSearchPlugins(client)
        dashboards = None if "address" in self.domain.without else DashboardsServer(client, DASHBOARDS)
        servers = Servers(self.cluster, self.keeper, plugins, plugins, dashboards)
        return install(servers, bundle, Wishes({}, **wishes), self.clock, 35)

    def writes(self) -> list[str]:
        return self.domain.writes() + self.cluster.writes


def next_release(bundle: Bundle = BUNDLE) -> Bundle:
    """Every monitor, policy and saved object says something else, under higher versions."""
    monitors = copy.deepcopy(bundle.monitors)
    for monitor in monitors:
        monitor["schedule"]["period"]["interval"] += 1
    dashboards = copy.deepcopy(bundle.dashboards)
    for one in dashboards:
        one["attributes"]["title"] += " (2)"
    policies = copy.deepcopy(bundle.policies)
    for document in policies.values():
        document["policy"]["description"] += " (2)"
    versions = {kind: version + 1 for kind, version in bundle.versions.items()}
    return replace(bundle, monitors=monitors, dashboards=dashboards, policies=policies, versions=versions)
