"""Does a trail record what it must and nothing else, and does nothing of it exist without one?

The local AWS has neither trails nor what EventBridge makes of them: what follows is judged as a template only.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.deploy.template_document import resources, template

RESOURCES: dict[str, dict[str, Any]] = template()["Resources"]
TABLES = {"Fn::Split": [",", {"Ref": "TrailTableArns"}]}
OF_A_TRAIL = {
    "HasTrail": {
        "AttributeChanges",
        "AttributeChangesFunction",
        "AttributeChangesLogs",
        "AttributeChangesRole",
        "AttributionLagAlarm",
        "AttributionLogs",
        "AttributionRole",
    },
    "MakeTrail": {"WritesTrail"},
    "MakeTrailBucket": {"TrailBucket", "TrailBucketPolicy"},
    "UseFirehose": {
        "TrailDelivery",
        "TrailDeliveryLog",
        "TrailDeliveryLogs",
        "TrailDeliveryRole",
        "TrailRule",
        "TrailRuleRole",
    },
}


def refers_to(value: Any) -> set[str]:
    """Logical ids of resources that a part of the template names, but for what stands under a condition of its own."""
    if isinstance(value, dict) and value.get("Fn::If", [""])[0] in OF_A_TRAIL:
        return refers_to(value["Fn::If"][2])
    if isinstance(value, dict) and ("Ref" in value or "Fn::GetAtt" in value):
        named = value.get("Ref") or value["Fn::GetAtt"][0]
        return {named} & set(RESOURCES)
    if isinstance(value, dict) and isinstance(value.get("Fn::Sub"), str):
        return {name for name in RESOURCES if f"${{{name}}}" in value["Fn::Sub"] or f"${{{name}." in value["Fn::Sub"]}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for part in parts for name in refers_to(part)}


def test_each_part_of_it_has_its_condition() -> None:
    for condition, names in OF_A_TRAIL.items():
        assert {name for name, one in RESOURCES.items() if one.get("Condition") == condition} == names


def test_nothing_else_needs_a_part_of_it() -> None:
    parts = set().union(*OF_A_TRAIL.values())
    for name, one in RESOURCES.items():
        if name not in parts:
            assert not refers_to(one) & parts, f"{name} could not be made without a trail"


@pytest.mark.parametrize(
    ("way", "events", "expected"),
    [
        ("none", "s3", set()),
        ("none", "firehose", set()),
        ("new", "s3", {"HasTrail", "MakeTrail", "MakeTrailBucket"}),
        ("existing", "s3", {"HasTrail"}),
        ("existing", "firehose", {"HasTrail", "MakeTrailBucket", "UseFirehose"}),
    ],
)
def test_each_way_makes_its_own_part(way: str, events: str, expected: set[str]) -> None:
    given = {"Trail": way, "TrailEvents": events}

    def holds(node: Any) -> Any:
        [(function, argument)] = node.items() if isinstance(node, dict) else [("text", node)]
        if function == "text":
            return node
        if function == "Ref":
            return given[argument]
        values = [holds(part) for part in argument]
        return {
            "Fn::Equals": len(set(values)) == 1,
            "Fn::Not": not values[0],
            "Fn::And": all(values),
            "Fn::Or": any(values),
        }[function]

    conditions = template()["Conditions"]
    assert {name for name in OF_A_TRAIL if holds(conditions[name])} == expected
    assert template()["Parameters"]["Trail"]["Default"] == "none"


def test_a_new_trail_records_writes_of_these_tables_and_nothing_else() -> None:
    trail = resources("AWS::CloudTrail::Trail")["WritesTrail"]
    assert "EventSelectors" not in trail
    [selector] = trail["AdvancedEventSelectors"]
    fields = {one.pop("Field"): one for one in json.loads(json.dumps(selector["FieldSelectors"]))}
    assert fields == {
        "eventCategory": {"Equals": ["Data"]},
        "resources.type": {"Equals": ["AWS::DynamoDB::Table"]},
        "readOnly": {"Equals": ["false"]},
        "resources.ARN": {"Equals": TABLES},
    }
    assert trail["EnableLogFileValidation"] is True
    assert trail["IsLogging"] is True
    assert (trail["IsMultiRegionTrail"], trail["IncludeGlobalServiceEvents"]) == (False, False)


def test_the_trail_s_bucket_takes_files_from_this_trail_alone_and_keeps_them_private() -> None:
    bucket = resources("AWS::S3::Bucket")["TrailBucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == {"Ref": "TrailFileDays"}
    assert RESOURCES["TrailBucket"]["DeletionPolicy"] == "Retain"
    statements = resources("AWS::S3::BucketPolicy")["TrailBucketPolicy"]["PolicyDocument"]["Statement"]
    deny, *allowing = statements
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    name = resources("AWS::CloudTrail::Trail")["WritesTrail"]["TrailName"]["Fn::Sub"]
    for statement in (one["Fn::If"][1] for one in allowing):
        assert statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        source = statement["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
        assert source.endswith(f":${{AWS::AccountId}}:trail/{name}")
    assert {one["Fn::If"][0] for one in allowing} == {"MakeTrail"}
    assert RESOURCES["WritesTrail"]["DependsOn"] == ["TrailBucketPolicy"]


def test_firehose_gets_writes_of_these_tables_and_writes_where_they_are_looked_for() -> None:
    rule = resources("AWS::Events::Rule")["TrailRule"]
    assert rule["EventPattern"] == {
        "source": ["aws.dynamodb"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": ["dynamodb.amazonaws.com"], "readOnly": [False], "resources": {"ARN": TABLES}},
    }
    [target] = rule["Targets"]
    assert target["InputPath"] == "$.detail"
    destination = resources("AWS::KinesisFirehose::DeliveryStream")["TrailDelivery"][
        "ExtendedS3DestinationConfiguration"
    ]
    assert destination["CompressionFormat"] == "GZIP"
    assert "ProcessingConfiguration" not in destination, "no code of ours on the way"
    folder = "AWSLogs/${AWS::AccountId}/CloudTrail/${AWS::Region}/"
    assert destination["Prefix"]["Fn::Sub"] == folder + "!{timestamp:yyyy/MM/dd}/"
    assert not destination["ErrorOutputPrefix"].startswith("AWSLogs/")


def test_the_function_reads_files_of_events_and_no_others() -> None:
    statements = {
        one["Sid"]: one
        for one in resources("AWS::IAM::Role")["AttributeChangesRole"]["Policies"][0]["PolicyDocument"]["Statement"]
        if "Sid" in one
    }
    for place in statements["ReadTrail"]["Resource"]["Fn::If"][1:]:
        assert place["Fn::Sub"].endswith("/CloudTrail/${AWS::Region}/*")
    assert statements["ReadTrail"]["Action"] == "s3:GetObject"
    [prefix] = statements["ListTrail"]["Condition"]["StringLike"].values()
    assert prefix["Fn::Sub"].endswith("/CloudTrail/${AWS::Region}/*")


def test_the_outputs_of_a_trail_are_there_with_one_only() -> None:
    outputs = template()["Outputs"]
    parts = set().union(*OF_A_TRAIL.values())
    for name, output in outputs.items():
        if refers_to(output["Value"]) & parts:
            assert output["Condition"] == "HasTrail", name
