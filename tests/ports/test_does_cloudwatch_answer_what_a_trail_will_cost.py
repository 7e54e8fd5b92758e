"""Does the estimate read a real CloudWatch's answer, in the protocol that the SDK speaks with it?"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tabletrail_cli.errors import FOUND
from tabletrail_cli.main import main
from tabletrail_local.info import StackInfo

pytestmark = pytest.mark.stack

HOUR = 3600


@pytest.fixture
def table(stack: StackInfo) -> Iterator[str]:
    client, name = stack.session().client("dynamodb"), f"costly-{uuid.uuid4().hex[:8]}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    yield name
    client.delete_table(TableName=name)


def test_samples_are_calls(
    stack: StackInfo, table: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = stack.session().client("cloudwatch")
    hour = int(time.time()) // HOUR * HOUR - HOUR
    for operation, count in (("PutItem", 300), ("BatchWriteItem", 20), ("GetItem", 9_000)):
        dimensions = [{"Name": "TableName", "Value": table}, {"Name": "Operation", "Value": operation}]
        datum = {
            "MetricName": "SuccessfulRequestLatency",
            "Dimensions": dimensions,
            "Timestamp": datetime.fromtimestamp(hour + 60, UTC),
            "StatisticValues": {"SampleCount": count, "Sum": 4.0 * count, "Minimum": 1.0, "Maximum": 9.0},
        }
        client.put_metric_data(Namespace="AWS/DynamoDB", MetricData=[datum])
    monkeypatch.delenv("TABLETRAIL_STACK", raising=False)
    assert main(["cost", "estimate", table, "--local", "--json"]) == FOUND
    [found] = json.loads(capsys.readouterr().out)["tables"]
    assert found["calls"] == {"PutItem": 300, "BatchWriteItem": 20}
    assert found["arn"].endswith(f":table/{table}")
