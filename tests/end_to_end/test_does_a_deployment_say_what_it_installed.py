"""Does `sam deploy` install everything where a cluster offers it, say what it lacks, and leave a person's work alone?

The stack is deployed to an address that has the plugins, as a domain of Amazon's has them: the real OpenSearch with
honest fakes beside it. What is installed again then is installed by the deployed function itself, called by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tabletrail.install import Bundle
from tabletrail_local.alert_queue import AlertQueue
from tabletrail_local.deploy import STACK_NAME, deploy
from tabletrail_local.info import StackInfo
from tabletrail_local.paths import stack_paths
from tests.end_to_end.conftest import DASHBOARDS as ELSEWHERE
from tests.fakes.domain import DASHBOARDS, Domain, served
from tests.ports.opensearch_server import MAPPINGS

pytestmark = pytest.mark.stack

TOPIC = "arn:aws:sns:us-east-1:000000000000:monitors"
DASHBOARD = ("dashboard", "tabletrail-dashboard-health")
MARK = "dashboards/dashboard/tabletrail-dashboard-health"
BUNDLE = Bundle.load(MAPPINGS)


@dataclass
class Deployment:
    stack: StackInfo
    domain: Domain

    def outputs(self) -> dict[str, str]:
        client = self.stack.session().client("cloudformation")
        found = client.describe_stacks(StackName=STACK_NAME)["Stacks"][0]["Outputs"]
        return {one["OutputKey"]: one["OutputValue"] for one in found}

    def call(self, **properties: str) -> str:
        """What the deployed function says when it is called by hand."""
        self.domain.forget()
        client = self.stack.session().client("lambda")
        payload = json.dumps({"ResourceProperties": properties}).encode()
        name = self.outputs()["InstallMappingsFunctionName"]
        answer: dict[str, Any] = json.loads(client.invoke(FunctionName=name, Payload=payload)["Payload"].read())
        assert answer["Status"] == "SUCCESS", answer
        return str(answer["Reason"])


@pytest.fixture(scope="module")
def deployment(stack: StackInfo, mailbox: AlertQueue) -> Iterator[Deployment]:
    paths = stack_paths()
    usual = {"ScheduleState": "ENABLED", "DashboardsUrl": ELSEWHERE, **mailbox.parameters}
    domain = Domain(real=stack.opensearch_url, real_ca=stack.ca_file or "")
    with served(domain, paths.certificates):
        at_domain = {"OpenSearchEndpoint": domain.url, "DashboardsUrl": domain.url + DASHBOARDS}
        # The runs are stopped: they would send their entries through this process.
        deploy(stack, paths, {**usual, **at_domain, "MonitorTopicArn": TOPIC, "ScheduleState": "DISABLED"})
        yield Deployment(stack, domain)
        deploy(stack, paths, usual)


def test_a_deployment_installs_all_that_the_cluster_offers(deployment: Deployment) -> None:
    report = deployment.outputs()["OpenSearchReport"]
    assert report.startswith("wrote ")
    assert "The cluster has no" not in report
    assert set(deployment.domain.saved.shared) == {(one["type"], one["id"]) for one in BUNDLE.dashboards}
    assert len(deployment.domain.alerting.monitors) == len(BUNDLE.monitors)
    assert set(deployment.domain.ism.policies) == set(BUNDLE.policies)
    channel = deployment.domain.alerting.channels["tabletrail-monitors"]
    assert channel["sns"] == {"topic_arn": TOPIC}, "with passwords, no role is passed"


def test_the_function_called_again_writes_nothing(deployment: Deployment) -> None:
    assert deployment.call().startswith("nothing to write")
    assert deployment.domain.writes() == []


def test_an_edited_dashboard_is_kept_until_the_releases_is_asked_for(deployment: Deployment) -> None:
    deployment.domain.saved.edit(DASHBOARD, title="Ours")
    assert f"Kept as a person changed it: {MARK}" in deployment.call()
    assert deployment.domain.writes() == []
    assert deployment.domain.saved.shared[DASHBOARD]["attributes"]["title"] == "Ours"
    assert f"wrote {' '.join(DASHBOARD)};" in deployment.call(Restore=MARK)
    assert deployment.domain.saved.shared[DASHBOARD]["attributes"]["title"] != "Ours"


def test_a_deployment_names_what_the_cluster_lacks(deployment: Deployment) -> None:
    deployment.domain.without |= {"alerting", "ism"}
    report = deployment.call()
    deployment.domain.without.clear()
    assert "The cluster has no opensearch-index-management" in report
    assert "The cluster has no opensearch-alerting: no monitors" in report
