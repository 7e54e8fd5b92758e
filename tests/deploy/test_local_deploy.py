"""Does `deploy` bring a template and OpenSearch's logins to the local AWS, again and again, and nowhere else?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail_local import stack as stacks
from tabletrail_local.deploy import SECRET_PREFIX, deploy
from tabletrail_local.errors import DeployError, ForeignAccountError
from tabletrail_local.info import ADMIN_ROLE, INDEX_OWNER_ROLE, READER_ROLE, WRITER_ROLE, Login, StackInfo
from tabletrail_local.local_aws import LocalAws
from tabletrail_local.paths import StackPaths

pytestmark = pytest.mark.stack

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  OpenSearchEndpoint: {Type: String}
  OpenSearchAuth: {Type: String}
  OpenSearchSecretPrefix: {Type: String}
  Extra: {Type: String, Default: none}
Resources:
  Seen:
    Type: AWS::SSM::Parameter
    Properties:
      Name: seen
      Type: String
      Value: !Sub "${OpenSearchEndpoint} ${OpenSearchAuth} ${OpenSearchSecretPrefix} ${Extra}"
"""
IMPOSSIBLE = """  Impossible:
    Type: AWS::CloudFormation::CustomResource
    Properties: {ServiceToken: "arn:aws:lambda:us-east-1:000000000000:function:missing"}
"""
ROLES = (ADMIN_ROLE, WRITER_ROLE, INDEX_OWNER_ROLE, READER_ROLE)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> StackPaths:
    return StackPaths(tmp_path_factory.mktemp("deploy"))


@pytest.fixture(scope="module")
def info(paths: StackPaths) -> Iterator[StackInfo]:
    """A local AWS without OpenSearch: deploying asks nothing of it."""
    aws = LocalAws(paths)
    logins = {role: Login(f"user-{role}", f"password-{role}") for role in ROLES}
    try:
        aws.ensure_running()
        yield stacks._describe(paths, "https://127.0.0.1:9", None, logins, aws)
    finally:
        aws.stop()


def write(directory: Path, text: str) -> Path:
    (directory / "template.yaml").write_text(text)
    return directory / "template.yaml"


def seen(session: Any) -> str:
    text: str = session.client("ssm").get_parameter(Name="seen")["Parameter"]["Value"]
    return text


def test_does_the_stack_learn_where_opensearch_is_and_is_that_done_once(
    info: StackInfo, paths: StackPaths, tmp_path: Path
) -> None:
    template = write(tmp_path, TEMPLATE)
    deploy(info, paths, {"Extra": "more"}, template)
    assert seen(info.session()) == f"https://127.0.0.1:9 basic {SECRET_PREFIX} more"
    secrets = info.session().client("secretsmanager")
    for role in ROLES:
        secret = secrets.get_secret_value(SecretId=f"{SECRET_PREFIX}-{role}")["SecretString"]
        assert json.loads(secret) == {"username": f"user-{role}", "password": f"password-{role}", "ca_pem": ""}
    deploy(info, paths, {"Extra": "more"}, template)
    assert "No changes to deploy" in (paths.logs / "sam.log").read_text()


def test_does_a_failed_deployment_name_the_resource_and_leave_the_stack(
    info: StackInfo, paths: StackPaths, tmp_path: Path
) -> None:
    deploy(info, paths, {"Extra": "before"}, write(tmp_path, TEMPLATE))
    broken = write(tmp_path, TEMPLATE + IMPOSSIBLE)
    with pytest.raises(DeployError, match="Impossible: "):
        deploy(info, paths, {"Extra": "after"}, broken)
    assert seen(info.session()).endswith(" before")
    deploy(info, paths, {"Extra": "after"}, write(tmp_path, TEMPLATE))
    assert seen(info.session()).endswith(" after")


def test_is_nothing_created_where_the_account_is_not_ours(info: StackInfo, paths: StackPaths, tmp_path: Path) -> None:
    # ministack takes any 12 digits as the key of that account's root user: a stranger's account at our endpoint.
    foreign = dataclasses.replace(info, access_key="123456789012")
    with pytest.raises(ForeignAccountError, match="serves account 123456789012"):
        deploy(foreign, paths, {}, write(tmp_path, TEMPLATE))
    assert foreign.session().client("secretsmanager").list_secrets()["SecretList"] == []
    assert foreign.session().client("s3").list_buckets()["Buckets"] == []
