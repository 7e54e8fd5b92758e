"""Are the state machines valid, and built so that one failure stays one failure?"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from statelint.linter import Linter

from tests.deploy.template_document import ROOT, all_states, rendered

FILES = sorted((ROOT / "statemachines").glob("*.asl.json"))
SERVICE_TROUBLE = {
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
}
WRONG_LOCALLY = ("Assign", "ItemBatcher", "ResultWriter", "QueryLanguage", "MaxConcurrencyPath", "JSONata")
"""What the local AWS accepts and gets wrong: with it, a test here would say nothing about AWS."""


def machine(path: Path) -> dict[str, Any]:
    return rendered(path.read_text())


def test_each_definition_is_there() -> None:
    assert [path.name for path in FILES] == [
        "attribute_changes.asl.json",
        "audit_run.asl.json",
        "index_backlog.asl.json",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_statelint_finds_no_fault(path: Path) -> None:
    assert Linter.validate(machine(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_asl_validator_finds_no_fault(path: Path, tmp_path: Path) -> None:
    validator = shutil.which("asl-validator", path=f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}")
    if validator is None:
        pytest.skip("needs Node and `npm install asl-validator`; a test downloads nothing")
    definition = tmp_path / path.name
    definition.write_text(json.dumps(machine(path)))
    command = [validator, "--json-path", str(definition)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_source_itself_is_json_and_says_the_same_here_and_on_aws(path: Path) -> None:
    text = path.read_text()
    json.loads(text)
    assert not [word for word in WRONG_LOCALLY if word in text]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_execution_ends_before_the_limit_of_express(path: Path) -> None:
    assert machine(path)["TimeoutSeconds"] < 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_only_the_service_s_own_trouble_is_retried_with_jitter_and_backoff(path: Path) -> None:
    for name, state in all_states(machine(path)).items():
        if state["Type"] == "Task":
            [retry] = state["Retry"]
            assert set(retry["ErrorEquals"]) == SERVICE_TROUBLE, name
            assert retry["JitterStrategy"] == "FULL"
            assert retry["BackoffRate"] > 1
            assert retry["MaxDelaySeconds"] * retry["MaxAttempts"] < 60, "a retry must not eat the next minute"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_map_holds_back(path: Path) -> None:
    for state in all_states(machine(path)).values():
        if state["Type"] == "Map":
            assert 1 <= state["MaxConcurrency"] <= 40
            assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}


def test_whatever_fails_before_the_report_leads_to_the_report() -> None:
    states = machine(ROOT / "statemachines" / "audit_run.asl.json")["States"]
    for name in ("PlanRun", "AuditGroups"):
        assert states[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
        for catch in states[name]["Catch"]:
            assert states[catch["Next"]]["Next"] == "ReportRun"


def test_each_state_is_reached() -> None:
    for path in FILES:
        states = all_states(machine(path))
        targets = set(re.findall(r'"(?:Next|Default|StartAt)": "(\w+)"', path.read_text()))
        assert targets == set(states)
