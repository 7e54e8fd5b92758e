"""Does what the local AWS acknowledged survive a kill, as it would in AWS?"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tabletrail_local import processes
from tabletrail_local.local_aws import ACCESS_KEY, REGION, SECRET_KEY, LocalAws
from tabletrail_local.paths import StackPaths

pytestmark = pytest.mark.stack

KEYS = {"id": "S", "number": "N"}


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    aws = LocalAws(StackPaths(tmp_path))
    try:
        aws.ensure_running()
        yield aws
    finally:
        aws.stop()


def client(aws: LocalAws, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def kill(aws: LocalAws) -> None:
    pid = aws.running_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    started = processes.started_at(pid)
    while started is not None and processes.started_at(pid) == started:
        os.sched_yield()
    aws.ensure_running()


def make_table(aws: LocalAws, name: str) -> dict[str, Any]:
    made: dict[str, Any] = client(aws, "dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in KEYS.items()],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(KEYS, ("HASH", "RANGE"), strict=True)],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": "tabletrail", "Value": "on"}],
    )["TableDescription"]
    return made


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"id": {"S": name}, "number": {"N": "1"}, **more}


def horizon(streams: Any, arn: str) -> str:
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator: str = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    return iterator


def everything(aws: LocalAws, tables: list[str], arns: list[str]) -> dict[str, Any]:
    """All that a client can see of these tables and streams, a closed one included."""
    dynamodb, streams = client(aws, "dynamodb"), client(aws, "dynamodbstreams")
    seen: dict[str, Any] = {}
    for name in tables:
        seen[name] = dynamodb.describe_table(TableName=name)["Table"]
        seen[name + " items"] = sorted(map(repr, dynamodb.scan(TableName=name)["Items"]))
        seen[name + " tags"] = dynamodb.list_tags_of_resource(ResourceArn=seen[name]["TableArn"])["Tags"]
        seen[name + " ttl"] = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    for arn in arns:
        seen[arn] = streams.get_records(ShardIterator=horizon(streams, arn))["Records"]
    return seen


def test_are_tables_streams_and_tokens_as_they_were_acknowledged(aws: LocalAws) -> None:
    dynamodb, streams = client(aws, "dynamodb"), client(aws, "dynamodbstreams")
    orders, payments = make_table(aws, "orders"), make_table(aws, "payments")
    for number in range(30):
        dynamodb.put_item(TableName="orders", Item=item(f"o{number}", data={"B": b"\x00\xff"}))
        dynamodb.put_item(TableName="payments", Item=item(f"p{number}"))
    dynamodb.delete_item(TableName="orders", Key=item("o3"))
    dynamodb.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    both = [{"Put": {"TableName": name, "Item": item("both")}} for name in ("orders", "payments")]
    conditional = [{"Put": {**put["Put"], "ConditionExpression": "attribute_not_exists(id)"}} for put in both]
    dynamodb.transact_write_items(TransactItems=conditional, ClientRequestToken="once")
    dynamodb.delete_table(TableName="payments")
    again = make_table(aws, "payments")
    dynamodb.put_item(TableName="payments", Item=item("new"))
    arns = [made["LatestStreamArn"] for made in (orders, payments, again)]
    midway = streams.get_records(ShardIterator=horizon(streams, arns[0]), Limit=10)["NextShardIterator"]
    before = everything(aws, ["orders", "payments"], arns)
    assert [len(before[arn]) for arn in arns] == [32, 31, 1]

    kill(aws)
    assert everything(aws, ["orders", "payments"], arns) == before
    assert len(streams.get_records(ShardIterator=midway)["Records"]) == 22
    dynamodb.transact_write_items(TransactItems=conditional, ClientRequestToken="once")  # the same answer as before
    dynamodb.put_item(TableName="orders", Item=item("later"))

    kill(aws)
    last = everything(aws, ["orders", "payments"], arns)
    assert last[arns[0]][:-1] == before[arns[0]]
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in last[arns[0]]]
    assert numbers == sorted(set(numbers))


def test_are_objects_and_their_versions_kept(aws: LocalAws) -> None:
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    aws.save()
    versions = [s3.put_object(Bucket="kept", Key="one", Body=body)["VersionId"] for body in (b"first", b"second")]
    kill(aws)
    bodies = [s3.get_object(Bucket="kept", Key="one", VersionId=version)["Body"].read() for version in versions]
    assert bodies == [b"first", b"second"]


def test_is_half_a_line_of_the_journal_left_out(aws: LocalAws, tmp_path: Path) -> None:
    made = make_table(aws, "orders")
    dynamodb = client(aws, "dynamodb")
    dynamodb.put_item(TableName="orders", Item=item("whole"))
    dynamodb.put_item(TableName="orders", Item=item("half"))
    aws_pid = aws.running_pid
    assert aws_pid is not None
    os.kill(aws_pid, signal.SIGSTOP)
    (journal,) = tmp_path.rglob("dynamodb.journal")
    journal.write_bytes(journal.read_bytes()[:-20])
    os.kill(aws_pid, signal.SIGCONT)
    kill(aws)
    seen = everything(aws, ["orders"], [made["LatestStreamArn"]])
    assert len(seen["orders items"]) == len(seen[made["LatestStreamArn"]]) == 1
