"""Does every name lead from a state to its handler, its function and its ARN, and back?

The law: state CaptureShards = handlers/capture_shards.py = CaptureShardsFunction = ${CaptureShardsFunctionArn}.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deploy.template_document import ROOT, all_states, definition_files, rendered, resources, snake

FUNCTIONS = resources("AWS::Serverless::Function")
MACHINES = resources("AWS::Serverless::StateMachine")
HANDLERS = sorted(path for path in (ROOT / "functions" / "handlers").glob("*.py") if path.name != "__init__.py")
WITHOUT_STATE = {"InstallMappings": "a custom resource, called by CloudFormation"}


def task_states() -> set[str]:
    states: set[str] = set()
    for path in definition_files().values():
        machine = all_states(rendered(path.read_text()))
        states |= {name for name, state in machine.items() if state["Type"] == "Task"}
    return states


@pytest.mark.parametrize("path", definition_files().values(), ids=lambda path: path.name)
def test_each_task_invokes_the_function_of_its_name(path: Path) -> None:
    for name, state in all_states(rendered(path.read_text())).items():
        if state["Type"] == "Task":
            assert state["Parameters"]["FunctionName"].endswith(f":function:{name}")


def test_each_function_is_a_state_or_says_who_calls_it() -> None:
    assert {name.removesuffix("Function") for name in FUNCTIONS} == task_states() | set(WITHOUT_STATE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_the_handler_of_its_name(name: str) -> None:
    assert FUNCTIONS[name]["Handler"] == f"handlers.{snake(name.removesuffix('Function'))}.handler"


def test_each_handler_has_its_function() -> None:
    assert [path.stem for path in HANDLERS] == sorted(snake(name.removesuffix("Function")) for name in FUNCTIONS)


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.name)
def test_a_handler_only_wires(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= 40, f"{path.name} has {lines} lines: what a function does belongs in tabletrail/"


@pytest.mark.parametrize("machine", MACHINES)
def test_the_template_fills_in_exactly_what_the_definition_asks_for(machine: str) -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", definition_files()[machine].read_text()))
    given = MACHINES[machine]["DefinitionSubstitutions"]
    assert asked == set(given)
    for name, value in given.items():
        if name.endswith("Arn"):
            assert value == {"Fn::GetAtt": [name.removesuffix("Arn"), "Arn"]}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_state_machine_is_named_after_its_file(machine: str) -> None:
    assert MACHINES[machine]["DefinitionUri"] == f"statemachines/{snake(machine)}.asl.json"
    assert MACHINES[machine]["Name"] == {"Fn::Sub": f"${{AWS::StackName}}-{snake(machine)}"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_logs_into_the_group_of_its_name(name: str) -> None:
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    expected = f"/aws/lambda/${{AWS::StackName}}-{snake(name.removesuffix('Function'))}"
    assert resources("AWS::Logs::LogGroup")[group]["LogGroupName"] == {"Fn::Sub": expected}
