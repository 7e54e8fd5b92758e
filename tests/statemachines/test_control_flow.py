"""Does a run do what its drawing says? The real definitions, executed, over stand-in functions."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from tabletrail_local.info import StackInfo
from tests.deploy.template_document import ROOT, snake

pytestmark = pytest.mark.stack

STATES = ("PlanRun", "CaptureShards", "ReportRun", "IndexSegments", "AttributeChanges")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
INVOKE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}],
}
SYNCHRONOUS = Config(inject_host_prefix=False, read_timeout=120, retries={"total_max_attempts": 1})
"""StartSyncExecution's host prefix means nothing on a loopback address; a repeat would be a second run."""
THROTTLED_LOCALLY = "Lambda.Unknown"
"""What the local AWS calls a Lambda call too many. On AWS it has a name of its own, and is retried."""


class Machines:
    """All state machines under a name of their own, and what they stand on; removed at the end."""

    def __init__(self, stack: StackInfo) -> None:
        session = stack.session()
        self._name = f"flow-{uuid.uuid4().hex[:8]}"
        self._iam, self._lambda = session.client("iam"), session.client("lambda")
        self._logs = session.client("logs")
        self._states = session.client("stepfunctions", config=SYNCHRONOUS)
        self._arns: dict[str, str] = {}

    def make(self) -> None:
        role = self._iam.create_role(RoleName=self._name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self._iam.put_role_policy(RoleName=self._name, PolicyName="invoke", PolicyDocument=json.dumps(INVOKE))
        functions = {state: self._make_function(state, role) for state in STATES}
        for path in sorted((ROOT / "statemachines").glob("*.asl.json")):
            text = path.read_text().replace("${Partition}", "aws")
            for state, arn in functions.items():
                text = text.replace(f"${{{state}FunctionArn}}", arn)
            machine = path.name.removesuffix(".asl.json")
            made = self._states.create_state_machine(
                name=f"{self._name}-{machine}", definition=text, roleArn=role, type="EXPRESS"
            )
            self._arns[machine] = made["stateMachineArn"]

    def _make_function(self, state: str, role: str) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("stand_ins.py", (Path(__file__).parent / "stand_ins.py").read_text())
        made = self._lambda.create_function(
            FunctionName=f"{self._name}-{state}",
            Runtime="python3.13",
            Handler=f"stand_ins.{snake(state)}",
            Role=role,
            Code={"ZipFile": archive.getvalue()},
        )
        arn: str = made["FunctionArn"]
        return arn

    def remove(self) -> None:
        for arn in self._arns.values():
            self._states.delete_state_machine(stateMachineArn=arn)
        for state in STATES:
            self._lambda.delete_function(FunctionName=f"{self._name}-{state}")
        self._iam.delete_role_policy(RoleName=self._name, PolicyName="invoke")
        self._iam.delete_role(RoleName=self._name)

    def report_of(self, run_id: str) -> dict[str, Any]:
        """What ReportRun was given in this run, from its log."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            events = self._logs.filter_log_events(logGroupName=f"/aws/lambda/{self._name}-ReportRun")["events"]
            for event in events:
                if event["message"].startswith("{") and json.loads(event["message"])["run_id"] == run_id:
                    saw: dict[str, Any] = json.loads(event["message"])
                    return saw
            time.sleep(0.1)
        pytest.fail(f"ReportRun did not run in {run_id}")

    def run(self, machine: str, kind: str) -> dict[str, Any]:
        """The finished execution of a run of this kind, output parsed; once more while the local AWS is busy."""
        until = time.monotonic() + 120
        while True:
            done: dict[str, Any] = self._states.start_sync_execution(
                stateMachineArn=self._arns[machine], name=f"{kind}-{uuid.uuid4().hex[:8]}", input="{}"
            )
            done["output"] = json.loads(done.get("output") or "null")
            if THROTTLED_LOCALLY not in json.dumps(done, default=str) or time.monotonic() > until:
                return done
            time.sleep(0.5)


@pytest.fixture(scope="module")
def machines(stack: StackInfo) -> Iterator[Machines]:
    machines = Machines(stack)
    try:
        machines.make()
        yield machines
    finally:
        machines.remove()


def reported(done: dict[str, Any]) -> dict[str, Any]:
    """What ReportRun was given, as it says itself."""
    assert done["status"] == "SUCCEEDED", done
    saw: dict[str, Any] = done["output"]["report_saw"]
    return saw


def test_a_calm_run_reports_each_group_with_its_sums(machines: Machines) -> None:
    done = machines.run("audit_run", "calm")
    saw = reported(done)
    assert saw["plan"] == {"tables": 2}
    assert saw["deadline"] == 4102444800
    assert saw["failed"] is False
    assert {group["group_id"]: group["records"] for group in saw["groups"]} == {"quick": 10, "thrice": 30}


def test_a_group_is_called_again_while_more_waits(machines: Machines) -> None:
    groups = {group["group_id"]: group for group in reported(machines.run("audit_run", "calm"))["groups"]}
    assert groups["quick"]["calls"] == 1
    assert groups["thrice"]["calls"] == 3


def test_a_group_that_fails_fails_no_other_and_not_the_run(machines: Machines) -> None:
    groups = {group["group_id"]: group for group in reported(machines.run("audit_run", "mixed"))["groups"]}
    assert {name: group["status"] for name, group in groups.items()} == {
        "quick": "ok",
        "thrice": "ok",
        "fails": "failed",
        "fails-late": "failed",
    }
    assert groups["thrice"]["records"] == 30
    assert groups["fails"]["so_far"] is None
    assert groups["fails"]["error"]


def test_what_a_group_committed_before_it_failed_is_reported(machines: Machines) -> None:
    groups = {group["group_id"]: group for group in reported(machines.run("audit_run", "mixed"))["groups"]}
    assert groups["fails-late"]["so_far"]["records"] == 10


def test_a_run_without_groups_still_reports(machines: Machines) -> None:
    assert reported(machines.run("audit_run", "empty"))["groups"] == []


def test_more_groups_than_run_at_once_are_all_captured(machines: Machines) -> None:
    groups = reported(machines.run("audit_run", "many"))["groups"]
    assert [group["group_id"] for group in groups] == [f"quick-{number}" for number in range(60)]
    assert {group["status"] for group in groups} == {"ok"}


def test_a_run_is_skipped_while_another_holds_the_lease(machines: Machines) -> None:
    done = machines.run("audit_run", "held")
    assert done["status"] == "SUCCEEDED"
    assert "report_saw" not in done["output"], "a report would count the other run's work as this one's"


def test_after_a_failed_plan_the_report_frees_the_lease_and_the_run_fails(machines: Machines) -> None:
    done = machines.run("audit_run", "unplanned")
    assert done["status"] == "FAILED"
    assert done["error"] == "RunFailed"
    saw = machines.report_of(done["name"])
    assert saw["run_id"] == done["name"], "by it the lease is freed"
    assert saw["failed"] is True
    [group] = saw["groups"]
    assert group["group_id"] == "PlanRun"
    assert group["error"]


def test_a_failed_report_fails_the_run(machines: Machines) -> None:
    done = machines.run("audit_run", "unreported")
    assert done["status"] == "FAILED"
    assert done["error"] != "RunFailed"


def test_the_backlog_goes_on_while_more_waits(machines: Machines) -> None:
    done = machines.run("index_backlog", "calm")
    assert done["status"] == "SUCCEEDED"
    assert done["output"]["segments"] == 15


def test_a_long_backlog_is_left_to_the_next_execution_in_time(machines: Machines) -> None:
    done = machines.run("index_backlog", "endless")
    assert done["status"] == "SUCCEEDED"
    assert done["output"]["segments"] == 4 * 5


def test_the_backlog_ends_at_once_while_another_holds_its_lease(machines: Machines) -> None:
    done = machines.run("index_backlog", "held")
    assert done["status"] == "SUCCEEDED"
    assert done["output"]["segments"] == 5


def test_a_failed_backlog_fails_its_execution(machines: Machines) -> None:
    assert machines.run("index_backlog", "unindexed")["status"] == "FAILED"


def test_attribution_goes_on_while_more_is_due_and_adds_up(machines: Machines) -> None:
    done = machines.run("attribute_changes", "calm")
    assert done["status"] == "SUCCEEDED"
    assert done["output"]["windows"] == 3


def test_what_is_due_for_long_is_left_to_the_next_execution_in_time(machines: Machines) -> None:
    done = machines.run("attribute_changes", "endless")
    assert done["status"] == "SUCCEEDED"
    assert done["output"]["windows"] == 4


def test_attribution_ends_at_once_while_another_holds_its_lease(machines: Machines) -> None:
    done = machines.run("attribute_changes", "held")
    assert done["status"] == "SUCCEEDED"
    assert done["output"]["windows"] == 1


def test_a_failed_attribution_fails_its_execution(machines: Machines) -> None:
    assert machines.run("attribute_changes", "unattributed")["status"] == "FAILED"
