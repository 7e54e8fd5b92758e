"""Builds and deploys the repository's own template to the local AWS, with the same `sam` commands as to a real account.

Order: guard, secrets, `sam build`, `sam deploy`. All of it may be repeated; without changes it takes seconds.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabletrail_local.console import step
from tabletrail_local.errors import DeployError, LocalStackError, MissingEnvironmentError
from tabletrail_local.guard import require_local_account
from tabletrail_local.info import ADMIN_ROLE, INDEX_OWNER_ROLE, READER_ROLE, WRITER_ROLE, StackInfo
from tabletrail_local.local_aws import LocalAws
from tabletrail_local.paths import StackPaths, repository_root
from tabletrail_local.processes import last_lines

STACK_NAME = "tabletrail"
SECRET_PREFIX = "tabletrail-local"  # noqa: S105 -- a name, not a secret
LOCAL_LIMITS = {"EnforceBucketPolicy": "false", "AuditedStreams": "*"}
"""The local AWS knows neither the condition s3:if-none-match nor the ARN of a stream when it judges a policy."""
_ARTIFACTS = "tabletrail-local-artifacts"
_LOG = "sam.log"


def deploy(
    info: StackInfo, paths: StackPaths, parameters: Mapping[str, str] | None = None, template: Path | None = None
) -> None:
    """Returns when the stack is complete. `parameters` are added to, and win over, those that lead to OpenSearch."""
    require_local_account(info)
    session = info.session()
    with step("storing OpenSearch's logins in the local Secrets Manager"):
        put_secrets(info, session)
        _ensure_bucket(session)
    overrides = {
        "OpenSearchEndpoint": info.opensearch_url,
        "OpenSearchAuth": "basic",
        "OpenSearchSecretPrefix": SECRET_PREFIX,
        **LOCAL_LIMITS,
        **(parameters or {}),
    }
    (paths.logs / _LOG).unlink(missing_ok=True)
    with step("sam build"):
        _sam(info, paths, *_build_arguments(paths, template or repository_root() / "template.yaml"))
    with step("sam deploy"):
        seen = _failures(session)
        try:
            _sam(info, paths, *_deploy_arguments(info, paths, overrides))
        except DeployError as error:
            reasons = [reason for event, reason in _failures(session).items() if event not in seen]
            if not reasons:
                raise
            raise DeployError("sam deploy", paths.logs / _LOG, "\n".join(reasons)) from error
    LocalAws(paths).save()


def parse_parameters(words: list[str]) -> dict[str, str]:
    pairs = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise LocalStackError(f"{word}: give template parameters as Name=value")
        pairs[name] = value
    return pairs


def put_secrets(info: StackInfo, session: Any) -> None:
    """One secret for each role: {"username", "password", "ca_pem"}; ca_pem is empty when no CA of ours is needed."""
    client = session.client("secretsmanager")
    for role in (WRITER_ROLE, INDEX_OWNER_ROLE, ADMIN_ROLE, READER_ROLE):
        login = info.login(role)
        value = json.dumps({"username": login.user, "password": login.password, "ca_pem": info.ca_pem})
        name = f"{SECRET_PREFIX}-{role}"
        try:
            client.create_secret(Name=name, SecretString=value)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, SecretString=value)


def _failures(session: Any) -> dict[str, str]:
    """Event id to reason of each resource that CloudFormation could not make; sam's output drowns them."""
    from botocore.exceptions import ClientError

    try:
        events = session.client("cloudformation").describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    except ClientError:
        return {}  # no such stack yet
    return {
        event["EventId"]: f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    }


def _ensure_bucket(session: Any) -> None:
    client = session.client("s3")
    if _ARTIFACTS not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=_ARTIFACTS)


def _build_arguments(paths: StackPaths, template: Path) -> list[str]:
    if not template.is_file():
        raise LocalStackError(f"{template} is missing: run this in a complete checkout of the repository")
    return ["build", "--template-file", str(template), "--build-dir", str(paths.sam / "build")]


def _deploy_arguments(info: StackInfo, paths: StackPaths, parameters: Mapping[str, str]) -> list[str]:
    return [
        "deploy",
        "--template-file",
        str(paths.sam / "build" / "template.yaml"),
        "--stack-name",
        STACK_NAME,
        "--s3-bucket",
        _ARTIFACTS,
        "--region",
        info.region,
        "--capabilities",
        "CAPABILITY_IAM",
        "CAPABILITY_AUTO_EXPAND",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--parameter-overrides",
        # In quotes, as sam takes a space for the end of a value: rate(5 minutes).
        *(f'ParameterKey={name},ParameterValue="{value}"' for name, value in parameters.items()),
    ]


def _sam(info: StackInfo, paths: StackPaths, verb: str, *arguments: str) -> None:
    sam = repository_root() / ".venv-sam" / "bin" / "sam"
    if not sam.exists():
        raise MissingEnvironmentError(sam)
    paths.sam.mkdir(exist_ok=True)
    config = paths.sam / "samconfig.toml"
    config.write_text("version = 0.1\n")  # empty, so that one meant for a real account is not picked up
    log = paths.logs / _LOG
    with log.open("ab") as output:
        answer = subprocess.run(
            [str(sam), verb, "--config-file", str(config), *arguments],
            env=_sam_environment(info, paths),
            cwd=repository_root(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if answer.returncode != 0:
        raise DeployError(f"sam {verb}", log, last_lines(log))


def _sam_environment(info: StackInfo, paths: StackPaths) -> dict[str, str]:
    return {
        **info.aws_environment(),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_CHECK_FOR_UPDATES": "0",
        # sam keeps settings of the person who runs it; this deployment depends on nobody's.
        "__SAM_CLI_APP_DIR": str(paths.sam / "app"),
    }
