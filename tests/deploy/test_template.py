"""Is the template one that can be deployed anywhere, keeps the log and tells the functions all they ask for?"""

from __future__ import annotations

import re
import subprocess
from dataclasses import MISSING, fields
from typing import Any

import pytest

from tabletrail.settings import Settings
from tabletrail_client.context import Act
from tabletrail_client.outbox import TABLE
from tabletrail_client.outbox import row as row_of
from tests.deploy.template_document import ROOT, resources, sam_environment, template, template_text

PARAMETERS: dict[str, dict[str, Any]] = template()["Parameters"]
GLOBALS: dict[str, Any] = template()["Globals"]["Function"]
FUNCTIONS = resources("AWS::Serverless::Function")
BOUNDS = ("AllowedValues", "AllowedPattern", "MinValue", "MaxLength")


def test_sam_finds_no_fault() -> None:
    sam = str(ROOT / ".venv-sam" / "bin" / "sam")
    done = subprocess.run(
        [sam, "validate", "--lint"], cwd=ROOT, env=sam_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_described_bounded_and_has_a_default(name: str) -> None:
    parameter = PARAMETERS[name]
    assert len(parameter["Description"]) > 20
    assert any(bound in parameter for bound in BOUNDS)
    assert "Default" in parameter, "`sam deploy` must work without an answer to any question"
    if "AllowedPattern" in parameter:
        assert "ConstraintDescription" in parameter, "a pattern is no sentence for people"


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_default_lies_within_its_own_bounds(name: str) -> None:
    parameter = PARAMETERS[name]
    default = parameter["Default"]
    if "AllowedValues" in parameter:
        assert default in parameter["AllowedValues"]
    if "AllowedPattern" in parameter:
        assert re.fullmatch(parameter["AllowedPattern"], default)
    if "MinValue" in parameter:
        assert parameter["MinValue"] <= default <= parameter["MaxValue"]
    if "MaxLength" in parameter:
        assert len(default) <= parameter["MaxLength"]


def test_each_parameter_is_in_one_group_and_is_used() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(PARAMETERS)
    body = template_text().split("\nConditions:\n")[1]
    for name in PARAMETERS:
        assert re.search(rf"!Ref {name}\b|\$\{{{name}\}}", body), f"{name} changes nothing"


def environment_of(name: str) -> dict[str, Any]:
    own = FUNCTIONS[name].get("Environment", {}).get("Variables", {})
    return {**GLOBALS["Environment"]["Variables"], **own}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_environment_is_settings_and_nothing_else(name: str) -> None:
    known = {"TABLETRAIL_" + field.name.upper(): field for field in fields(Settings)}
    given = environment_of(name)
    assert set(given) <= set(known)
    assert {variable for variable, field in known.items() if field.default is MISSING} <= set(given)


def test_a_parameter_has_the_default_of_the_setting_that_it_fills() -> None:
    defaults = {"TABLETRAIL_" + field.name.upper(): field.default for field in fields(Settings)}
    for variable, value in GLOBALS["Environment"]["Variables"].items():
        if isinstance(value, dict) and value.get("Ref") in PARAMETERS:
            assert PARAMETERS[value["Ref"]]["Default"] == defaults[variable], variable


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_ends_within_a_minute_and_is_built_by_the_makefile(name: str) -> None:
    assert FUNCTIONS[name].get("Timeout", GLOBALS["Timeout"]) <= 60
    assert template()["Resources"][name]["Metadata"] == {"BuildMethod": "makefile"}
    assert GLOBALS["Architectures"] == ["arm64"]


def test_what_the_log_stands_on_is_kept() -> None:
    kept_by_parameter = {"Fn::If": ["KeepAll", "Retain", "Delete"]}
    for name in (*resources("AWS::DynamoDB::Table"), "Domain"):
        resource = template()["Resources"][name]
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == kept_by_parameter
    bucket = template()["Resources"]["SegmentsBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert PARAMETERS["KeepData"]["Default"] == "true"


@pytest.mark.parametrize("name", resources("AWS::DynamoDB::Table"))
def test_a_table_can_be_restored_and_costs_nothing_idle(name: str) -> None:
    table = resources("AWS::DynamoDB::Table")[name]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["KeepAll", True, False]}
    assert table["SSESpecification"]["Fn::If"][0] == "HasKey"


def test_the_outbox_is_as_writers_expect_it_and_is_audited_itself() -> None:
    outbox = resources("AWS::DynamoDB::Table")["OutboxTable"]
    assert PARAMETERS["OutboxTableName"]["Default"] == TABLE
    row = row_of(Act("alice"), "put", "orders", {"pk": {"S": "order#17"}})
    keys = [part["AttributeName"] for part in outbox["KeySchema"]]
    assert keys == ["item", "id"]
    assert {part["AttributeName"]: part["AttributeType"] for part in outbox["AttributeDefinitions"]} == {
        name: next(iter(row[name])) for name in keys
    }
    assert list(row[outbox["TimeToLiveSpecification"]["AttributeName"]]) == ["N"]
    assert outbox["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert {"Key": {"Ref": "TagKey"}, "Value": {"Ref": "TagValue"}} in outbox["Tags"]


@pytest.mark.parametrize(
    ("name", "condition"),
    [("OutboxTable", "MakeOutbox"), ("ClaimsTable", "UseOutbox"), ("OutboxWriterPolicy", "UseOutbox")],
)
def test_what_the_outbox_needs_is_made_only_where_there_is_one(name: str, condition: str) -> None:
    assert template()["Resources"][name]["Condition"] == condition


def test_only_the_capture_and_who_checks_the_rules_know_the_outbox() -> None:
    known = {name for name in FUNCTIONS if "TABLETRAIL_OUTBOX_TABLE" in environment_of(name)}
    assert known == {"CaptureShardsFunction", "InstallMappingsFunction"}
    assert environment_of("CaptureShardsFunction")["TABLETRAIL_OUTBOX_TABLE"] == {"Ref": "OutboxTableName"}
    assert environment_of("CaptureShardsFunction")["TABLETRAIL_CLAIMS_TABLE"] == {
        "Fn::If": ["UseOutbox", {"Ref": "ClaimsTable"}, ""]
    }


def test_the_bucket_is_write_once_private_and_loses_nothing_by_age() -> None:
    bucket = resources("AWS::S3::Bucket")["SegmentsBucket"]
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    for rule in bucket["LifecycleConfiguration"]["Rules"]:
        assert not {key for key in rule if "Expiration" in key}, "a rule cannot tell an orphan from a committed segment"
    statements = resources("AWS::S3::BucketPolicy")["SegmentsBucketPolicy"]["PolicyDocument"]["Statement"]
    conditions = {statement["Sid"]: statement["Condition"] for statement in statements}
    assert all(statement["Effect"] == "Deny" for statement in statements)
    assert conditions["OnlyNewKeys"] == {"Null": {"s3:if-none-match": "true"}}
    assert conditions["OnlyWithTls"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_new_domain_is_encrypted_and_knows_one_master() -> None:
    domain = resources("AWS::OpenSearchService::Domain")["Domain"]
    assert domain["DomainEndpointOptions"]["EnforceHTTPS"] is True
    assert domain["DomainEndpointOptions"]["TLSSecurityPolicy"].startswith("Policy-Min-TLS-1-2")
    assert domain["EncryptionAtRestOptions"]["Enabled"] is True
    assert domain["NodeToNodeEncryptionOptions"]["Enabled"] is True
    master = domain["AdvancedSecurityOptions"]["MasterUserOptions"]["MasterUserARN"]
    assert master == {"Fn::GetAtt": ["InstallMappingsRole", "Arn"]}


def test_mappings_are_installed_again_after_each_change_of_their_package() -> None:
    properties = resources("Custom::TabletrailMappings")["Mappings"]
    assert properties["Code"] == {"Ref": "InstallMappingsFunction.Version"}
    assert FUNCTIONS["InstallMappingsFunction"]["AutoPublishAlias"]
    assert properties["ServiceTimeout"] <= 300


def test_executions_start_by_schedule_and_log_no_data() -> None:
    for machine in resources("AWS::Serverless::StateMachine").values():
        assert machine["Type"] == "EXPRESS"
        assert machine["Logging"]["Level"] == "ERROR"
        assert machine["Logging"]["IncludeExecutionData"] is False
        [(name, schedule)] = machine["Events"].items()
        expression = {"EachMinute": {"Ref": "ScheduleExpression"}, "EachFiveMinutes": "rate(5 minutes)"}[name]
        assert schedule["Type"] == "ScheduleV2"
        assert schedule["Properties"]["ScheduleExpression"] == expression
        assert schedule["Properties"]["State"] == {"Ref": "ScheduleState"}
        assert schedule["Properties"]["OmitName"] is True, "a fixed name would clash with a second stack's"


def test_alarms_watch_metrics_that_are_emitted() -> None:
    emitters = (
        ROOT / "functions" / "tabletrail" / "report.py",
        ROOT / "functions" / "handlers" / "attribute_changes.py",
    )
    emitted = {name for path in emitters for name in re.findall(r'"(\w+)":', path.read_text())}
    for name, alarm in resources("AWS::CloudWatch::Alarm").items():
        if alarm["Namespace"] == "Tabletrail":
            assert alarm["MetricName"] in emitted, name
            assert "Dimensions" not in alarm


def test_every_output_is_described() -> None:
    assert all(output["Description"] for output in template()["Outputs"].values())
