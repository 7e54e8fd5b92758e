"""template.yaml and the state machines as data, for the tests that judge them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
_AS_JSON = (
    "import json, sys; from samcli.yamlhelper import yaml_parse; json.dump(yaml_parse(sys.stdin.read()), sys.stdout)"
)


def template_text() -> str:
    return (ROOT / "template.yaml").read_text()


@cache
def template() -> dict[str, Any]:
    """The template with functions in their long form, as sam reads it. Do not change what this returns."""
    command = [str(SAM_PYTHON), "-c", _AS_JSON]
    done = subprocess.run(command, input=template_text(), capture_output=True, text=True, check=True)
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id to properties of all resources of one type."""
    found = template()["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def definition_files() -> dict[str, Path]:
    """Logical id of each state machine to its definition."""
    machines = resources("AWS::Serverless::StateMachine")
    return {name: ROOT / properties["DefinitionUri"] for name, properties in machines.items()}


def rendered(text: str) -> dict[str, Any]:
    """A definition as CloudFormation would fill it in."""
    text = text.replace("${Partition}", "aws")
    text = re.sub(r"\$\{(\w+)FunctionArn\}", r"arn:aws:lambda:eu-west-1:123456789012:function:\1", text)
    filled: dict[str, Any] = json.loads(text)
    return filled


def all_states(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each state of a machine by its name, those inside maps included."""
    found: dict[str, dict[str, Any]] = {}
    for name, state in machine["States"].items():
        found[name] = state
        if "ItemProcessor" in state:
            found |= all_states(state["ItemProcessor"])
    return found


def snake(name: str) -> str:
    """CaptureShards to capture_shards."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def sam_environment() -> dict[str, str]:
    """For sam where it needs a region and must reach nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nobody = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_EC2_METADATA_DISABLED": "true"}
    return {**kept, **nobody, "AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"}
