"""May each function do what it must, and nothing else?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.template_document import resources, template, template_text

EVERYTHING = {
    "FindTaggedTables": "tag:GetResources knows no resources",
    "UseSubnets": "most ec2 actions for network interfaces know no resources",
    "DeliverLogs": "log delivery actions know no resources",
}
"""The statements that may say Resource: "*", and why."""

CANNOT = {
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectRetention",
    "s3:BypassGovernanceRetention",
    "s3:PutLifecycleConfiguration",
    "dynamodb:DeleteTable",
    "dynamodb:Scan",
}
"""What no role may do: nobody here deletes from the log, lifts its lock or scans for work."""


def policy_documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in resources("AWS::IAM::Role").items():
        yield name, role["AssumeRolePolicyDocument"]
        for policy in role.get("Policies", ()):
            yield name, policy["PolicyDocument"]
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for name, policy in resources(kind).items():
            yield name, policy["PolicyDocument"]


def statements() -> list[tuple[str, dict[str, Any]]]:
    """Each with its role's or policy's name; those under a condition too."""
    return [
        (name, statement["Fn::If"][1] if "Fn::If" in statement else statement)
        for name, document in policy_documents()
        for statement in document["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


ALL = statements()
IDS = [f"{name}.{statement['Sid']}" for name, statement in ALL]


@pytest.mark.parametrize(("owner", "statement"), ALL, ids=IDS)
def test_a_statement_names_its_actions_and_resources(owner: str, statement: dict[str, Any]) -> None:
    assert statement["Effect"] == "Allow"
    assert "NotAction" not in statement
    assert "NotResource" not in statement
    for action in as_list(statement["Action"]):
        assert "*" not in action
        assert action not in CANNOT
    if "Principal" not in statement:
        everything = any(resource == "*" for resource in as_list(statement["Resource"]))
        assert everything == (statement["Sid"] in EVERYTHING)


def test_each_exception_is_still_needed() -> None:
    assert set(EVERYTHING) <= {statement["Sid"] for _, statement in ALL}


def test_each_statement_says_why() -> None:
    lines = template_text().splitlines()
    places = [number for number, line in enumerate(lines) if re.match(r" +- Sid: ", line)]
    assert len(places) >= len(ALL)
    for number in places:
        above = number - 1
        while re.match(r" +- (!If|\w+)$", lines[above]):  # a statement under a condition
            above -= 1
        assert lines[above].strip().startswith("# "), (
            f"line {number + 1}: {lines[number].strip()} has no reason above it"
        )


def test_each_function_has_a_role_of_its_own() -> None:
    for name, function in resources("AWS::Serverless::Function").items():
        role = name.removesuffix("Function") + "Role"
        assert function["Role"] == {"Fn::GetAtt": [role, "Arn"]}
        assert "Policies" not in function


@pytest.mark.parametrize("name", resources("AWS::IAM::Role"))
def test_each_role_takes_the_permissions_boundary(name: str) -> None:
    expected = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    assert resources("AWS::IAM::Role")[name]["PermissionsBoundary"] == expected


def may_read(folder: str) -> set[str]:
    """Owners of statements that allow to read what lies in this folder of the bucket."""
    reading = [
        (owner, one) for owner, one in ALL if "s3:GetObject" in as_list(one["Action"]) and one["Sid"] != "ReadTrail"
    ]
    assert all(one["Resource"]["Fn::Sub"].endswith(("/segments/*", "/rules/*")) for _, one in reading)
    return {owner for owner, one in reading if one["Resource"]["Fn::Sub"].endswith(folder)}


def test_only_the_backlog_and_who_attributes_changes_may_read_the_log_back() -> None:
    assert may_read("/segments/*") == {"IndexSegmentsRole", "AttributeChangesRole"}


def test_the_rules_are_read_where_they_are_used_and_written_at_deploy_only() -> None:
    assert may_read("/rules/*") == {"PlanRunRole", "CaptureShardsRole", "InstallMappingsRole", "AttributeChangesRole"}
    writing = [(owner, one) for owner, one in ALL if "s3:PutObject" in as_list(one["Action"])]
    assert {owner for owner, one in writing if one["Resource"]["Fn::Sub"].endswith("/rules/*")} == {
        "InstallMappingsRole"
    }


TOKEN_KEY = ("ReadTokenKey", "TryTokenKey")


def test_only_what_makes_tokens_may_read_their_key_and_what_publishes_rules_may_try_it() -> None:
    reading = {owner: one["Resource"] for owner, one in ALL if one["Sid"] == "ReadTokenKey"}
    assert set(reading) == {"CaptureShardsRole", "AttributeChangesRole"}
    assert reading["AttributeChangesRole"] == reading["CaptureShardsRole"]
    condition, made, given = reading["CaptureShardsRole"]["Fn::If"]
    assert (condition, given) == ("MakeTokenKey", {"Ref": "TokenKeySecretArn"})
    name = resources("AWS::SecretsManager::Secret")["TokenKey"]["Name"]["Fn::Sub"]
    assert made["Fn::Sub"].endswith(f":secret:{name}-??????")
    trying = {owner: one["Resource"] for owner, one in ALL if one["Sid"] == "TryTokenKey"}
    assert trying == {"InstallMappingsRole": reading["CaptureShardsRole"]}


def actions_on(table: str) -> dict[str, set[str]]:
    """Owner to what it may do with a table: by its resource, or by the name that the parameter `table`Name gives it."""
    found: dict[str, set[str]] = {}
    for owner, one in ALL:
        for arn in as_list(one.get("Resource", [])):
            name = arn.get("Fn::Sub", arn.get("Fn::GetAtt", [""])[0]) if isinstance(arn, dict) else ""
            if name == table or name.endswith(f":table/${{{table}Name}}"):
                found.setdefault(owner, set()).update(as_list(one["Action"]))
    return found


def test_the_outbox_is_read_by_the_capture_alone_and_written_by_no_function() -> None:
    assert actions_on("OutboxTable") == {
        "CaptureShardsRole": {"dynamodb:BatchGetItem", "dynamodb:Query"},
        "OutboxWriterPolicy": {"dynamodb:PutItem"},
    }
    assert actions_on("ClaimsTable") == {"CaptureShardsRole": {"dynamodb:BatchGetItem", "dynamodb:PutItem"}}
    roles = resources("AWS::IAM::Role").values()
    assert {"Ref": "OutboxWriterPolicy"} not in [one for role in roles for one in role.get("ManagedPolicyArns", ())]


def test_a_row_of_the_outbox_is_put_by_a_transaction_only() -> None:
    [condition] = [one["Condition"] for owner, one in ALL if one["Sid"] == "PutRows"]
    assert condition == {"ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": "TransactWriteItems"}}


def test_the_outbox_can_be_audited_where_the_streams_are_narrowed() -> None:
    narrowed = [one["Resource"]["Fn::If"][1] for _, one in ALL if one["Sid"] in ("WalkShards", "ReadStreams")]
    own = {"Fn::If": ["MakeOutbox", {"Fn::Sub": "${OutboxTable.Arn}/stream/*"}, {"Ref": "AWS::NoValue"}]}
    assert narrowed == [[{"Ref": "AuditedStreams"}, own]] * 2


def test_writers_may_send_bulk_requests_only() -> None:
    mapped = resources("Custom::TabletrailMappings")["Mappings"]["WriterRoles"]
    writers = {role.get("Fn::If", ["", role])[1]["Fn::GetAtt"][0] for role in mapped}
    for owner, statement in ALL:
        actions = [action for action in as_list(statement["Action"]) if action.startswith("es:")]
        if owner in writers and actions:
            assert actions == ["es:ESHttpPost"]
            assert all(arn["Fn::Sub"].endswith("/*_bulk") for arn in statement["Resource"]["Fn::If"][1:])
    indexing = {owner for owner, statement in ALL if statement["Sid"] == "IndexEntries"}
    assert indexing == writers


def test_whoever_may_read_a_secret_is_told_of_that_secret_only() -> None:
    for owner, statement in ALL:
        if "secretsmanager:GetSecretValue" in as_list(statement["Action"]) and statement["Sid"] not in TOKEN_KEY:
            suffix = re.search(r"Prefix\}-([a-z-]+)-\?{6}$", statement["Resource"]["Fn::Sub"])
            assert suffix is not None
            assert secret_of(owner.removesuffix("Role") + "Function") == f"${{OpenSearchSecretPrefix}}-{suffix[1]}"


def secret_of(function: str) -> str:
    common = template()["Globals"]["Function"]["Environment"]["Variables"]
    own = template()["Resources"][function]["Properties"].get("Environment", {}).get("Variables", {})
    secret: str = {**common, **own}["TABLETRAIL_OPENSEARCH_SECRET"]["Fn::If"][1]["Fn::Sub"]
    return secret
