"""Are combinations of parameters that cannot work refused with words that say what to do?

A small evaluator of CloudFormation's rule functions stands in for it; only those that the template uses.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.template_document import template

DOMAIN = "arn:aws:es:eu-west-1:123456789012:domain/log"
HOST = "https://search.example.org"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
NEW = {"Trail": "new", "TrailTableArns": TABLE}
FILES = {"Trail": "existing", "TrailTableArns": TABLE, "TrailBucketName": "evidence"}
EVENTS = {"Trail": "existing", "TrailTableArns": TABLE, "TrailEvents": "firehose"}


def value(node: Any, given: dict[str, str]) -> Any:
    if not isinstance(node, dict):
        return node
    [(function, argument)] = node.items()
    if function == "Ref":
        return given[argument]
    values = [value(part, given) for part in argument]
    if function == "Fn::Equals":
        return values[0] == values[1]
    if function == "Fn::Not":
        return not values[0]
    if function == "Fn::And":
        return all(values)
    if function == "Fn::Or":
        return any(values)
    raise AssertionError(f"{function} is not one of the rule functions that this test knows")


def refusals(**changed: str) -> list[str]:
    given = {name: str(parameter["Default"]) for name, parameter in template()["Parameters"].items()} | changed
    return [
        assertion["AssertDescription"]
        for rule in template()["Rules"].values()
        if value(rule.get("RuleCondition", True), given)
        for assertion in rule["Assertions"]
        if not value(assertion["Assert"], given)
    ]


@pytest.mark.parametrize(
    "legal",
    [
        {},
        {"OpenSearchEndpoint": HOST, "OpenSearchDomainArn": DOMAIN},
        {"OpenSearchEndpoint": HOST, "OpenSearchAuth": "basic", "OpenSearchSecretPrefix": "audit"},
        {"VpcSubnetIds": "subnet-1", "VpcSecurityGroupIds": "sg-1"},
        {"ServiceTagKey": "tabletrail", "MakeOutboxTable": "false"},
        {"ServiceTagKey": "tabletrail", "OutboxTableName": ""},
    ],
)
def test_what_can_work_is_let_through(legal: dict[str, str]) -> None:
    assert refusals(**legal) == []


@pytest.mark.parametrize(
    ("illegal", "words"),
    [
        ({"OpenSearchAuth": "basic", "OpenSearchSecretPrefix": "audit"}, "needs OpenSearchEndpoint"),
        ({"OpenSearchAuth": "basic", "OpenSearchEndpoint": HOST}, "needs OpenSearchSecretPrefix"),
        ({"OpenSearchEndpoint": HOST}, "needs OpenSearchDomainArn"),
        ({"OpenSearchDomainArn": DOMAIN}, "Give both, or neither"),
        ({"VpcSubnetIds": "subnet-1"}, "Give both VpcSubnetIds and"),
        ({"VpcSecurityGroupIds": "sg-1"}, "Give both VpcSubnetIds and"),
        ({"TrailTableArns": TABLE}, "Say Trail=new or Trail=existing"),
        ({"TrailBucketName": "evidence"}, "Say Trail=new or Trail=existing"),
        ({"Trail": "new"}, "need TrailTableArns"),
        ({"Trail": "existing", "TrailBucketName": "evidence"}, "need TrailTableArns"),
        ({"Trail": "existing", "TrailTableArns": TABLE}, "needs TrailBucketName"),
        ({**NEW, "TrailEvents": "firehose"}, "leave TrailEvents=s3"),
        ({**NEW, "TrailBucketName": "evidence"}, "makes a bucket of its own"),
        ({**NEW, "TrailPrefix": "audit"}, "makes a bucket of its own"),
        ({**EVENTS, "TrailBucketName": "evidence"}, "or say TrailEvents=s3"),
        ({**EVENTS, "TrailOrganizationId": "o-abcdef1234"}, "or say TrailEvents=s3"),
        ({"ServiceTagKey": "tabletrail"}, "so they must differ"),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(illegal: dict[str, str], words: str) -> None:
    [reason] = refusals(**illegal)
    assert words in reason
