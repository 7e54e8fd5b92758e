"""In a stack with the laboratory, does everybody read its streams, and does it live and end with the stack?"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tabletrail_local import command, processes
from tabletrail_local import info as stack_info
from tabletrail_local import stack as stacks
from tabletrail_local.info import StackInfo
from tabletrail_local.laboratory import DYNAMODB, LAB, LocalLab
from tabletrail_local.local_aws import STREAMS_VARIABLE, LocalAws
from tabletrail_local.opensearch import OpenSearchServer
from tabletrail_local.paths import DIRECTORY_VARIABLE, StackPaths

pytestmark = pytest.mark.stack

WAIT_SECONDS = 120.0
FUNCTION = f"import os\ndef handler(event, context):\n    return os.environ.get({STREAMS_VARIABLE!r})\n"


def described(paths: StackPaths) -> StackInfo:
    return stacks._describe(paths, OpenSearchServer(paths).url, None, {}, LocalAws(paths))


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackPaths]:
    """A local AWS with a laboratory; no OpenSearch, as none is asked for here."""
    paths = StackPaths(tmp_path / "stack")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(paths.root))
    paths.root.mkdir()
    stacks._claim(paths)
    try:
        stacks.ensure_aws(paths, LAB)
        stack_info.save(described(paths), paths)
        yield paths
    finally:
        stacks.reset(paths)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["local", *arguments]))


def make_orders(info: StackInfo) -> str:
    arn: str = (
        info.session()
        .client("dynamodb")
        .create_table(
            TableName="orders",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]["LatestStreamArn"]
    )
    return arn


def put(info: StackInfo, *names: str) -> None:
    for name in names:
        info.session().client("dynamodb").put_item(TableName="orders", Item={"id": {"S": name}})


def shards(info: StackInfo, arn: str) -> list[str]:
    streams = info.session().client("dynamodbstreams")
    try:
        listed = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    except streams.exceptions.ResourceNotFoundException:
        return []  # the laboratory has not seen it yet
    return [shard["ShardId"] for shard in listed]


def names(info: StackInfo, arn: str) -> list[str]:
    """Of all records in all shards, sorted, doubled ones included."""
    streams, found = info.session().client("dynamodbstreams"), []
    for shard in shards(info, arn):
        asked = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(**asked)["ShardIterator"]
        while iterator:
            reply = streams.get_records(ShardIterator=iterator)
            found += [record["dynamodb"]["Keys"]["id"]["S"] for record in reply["Records"]]
            iterator = reply.get("NextShardIterator") if reply["Records"] else None
    return sorted(found)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def kill(component: LocalAws | LocalLab) -> None:
    pid = component.running_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: processes.running_pid(component.pid_file) is None)


def read_by_a_function(info: StackInfo) -> str | None:
    """The streams endpoint that a function of the local AWS sees."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("asked.py", FUNCTION)
    role = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [role]})
    iam, functions = info.session().client("iam"), info.session().client("lambda")
    arn = iam.create_role(RoleName="asked", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    code = {"ZipFile": archive.getvalue()}
    functions.create_function(FunctionName="asked", Runtime="python3.13", Role=arn, Handler="asked.handler", Code=code)
    answer: str | None = json.load(functions.invoke(FunctionName="asked")["Payload"])
    return answer


def test_does_everybody_read_the_laboratory(paths: StackPaths) -> None:
    info = stack_info.load(paths)
    url = LocalLab(paths).url
    assert info.streams_endpoint == url
    arn = make_orders(info)
    put(info, "a", "b", "c")
    eventually(lambda: names(info, arn) == ["a", "b", "c"])
    assert len(shards(info, arn)) == 4, "the local AWS itself has one"
    assert read_by_a_function(info) == url
    child = f"import boto3; print(len(boto3.client('dynamodbstreams').describe_stream(StreamArn={arn!r})"
    child += "['StreamDescription']['Shards']))"
    whole = info.aws_environment()
    by_files = {name: value for name, value in whole.items() if not name.startswith("AWS_ENDPOINT_URL")}
    for environment in (whole, by_files):
        answer = subprocess.run([sys.executable, "-c", child], env=environment, capture_output=True, check=True)
        assert answer.stdout.strip() == b"4"


def test_can_it_be_driven_by_hand(paths: StackPaths, capsys: pytest.CaptureFixture[str]) -> None:
    info = stack_info.load(paths)
    arn = make_orders(info)
    eventually(lambda: len(shards(info, arn)) == 4)
    first = shards(info, arn)[0]
    capsys.readouterr()
    assert run("lab", "roll", "table=orders", f"shard_id={first}") == 0
    assert json.loads(capsys.readouterr().out) in shards(info, arn)
    assert run("lab", "roll_all", f"stream_arn={arn}", "times=2") == 0
    assert json.loads(capsys.readouterr().out) == 8
    assert run("lab", "fault", "operation=DescribeStream", "kind=throttle") == 0
    assert run("lab") == 0
    assert "split stream_arn shard_id [last_records]" in capsys.readouterr().out
    for words, says in (
        (["dance"], "has no command dance"),
        (["roll", "shard_id"], "name=value"),
        (["roll", "table=orders"], "Its arguments: stream_arn, shard_id"),
        (["roll", "table=nobody", "shard_id=x"], "no stream of a table nobody"),
    ):
        assert run("lab", *words) == 1
        assert says in capsys.readouterr().err
    kill(LocalLab(paths))
    assert run("lab", "counts") == 1
    assert "`tabletrail local up` starts it" in capsys.readouterr().err


def test_does_it_go_on_after_kills_with_every_record_once(paths: StackPaths) -> None:
    info, lab, aws = stack_info.load(paths), LocalLab(paths), LocalAws(paths)
    arn = make_orders(info)
    put(info, "a")
    eventually(lambda: names(info, arn) == ["a"])
    address, before = lab.url, shards(info, arn)
    kill(lab)
    put(info, "b")
    kill(aws)
    stacks.ensure_aws(paths)
    put(info, "c")
    kill(aws)
    stacks.ensure_aws(paths)
    assert lab.url == address
    eventually(lambda: names(info, arn) == ["a", "b", "c"])
    assert shards(info, arn) == before
    pids = aws.running_pid, lab.running_pid
    stacks.ensure_aws(paths)
    assert (aws.running_pid, lab.running_pid) == pids, "what runs is left alone"


def test_does_the_stack_change_between_the_two(paths: StackPaths, capsys: pytest.CaptureFixture[str]) -> None:
    arn = make_orders(described(paths))
    put(described(paths), "a")
    eventually(lambda: names(described(paths), arn) == ["a"])
    capsys.readouterr()
    stacks.ensure_aws(paths, DYNAMODB)
    said = capsys.readouterr().out
    assert "tabletrail local reset" in said
    assert "starts again: its functions read its own streams" in said
    assert LocalLab(paths).running_pid is None
    assert described(paths).streams_endpoint is None
    assert read_by_a_function(described(paths)) is None
    assert STREAMS_VARIABLE not in described(paths).aws_environment()
    assert len(shards(described(paths), arn)) == 1
    stacks.ensure_aws(paths)
    assert LocalLab(paths).running_pid is None, "it stays as it was told"
    assert run("lab", "counts") == 1
    assert "--streams lab" in capsys.readouterr().err
    stacks.ensure_aws(paths, LAB)
    eventually(lambda: len(shards(described(paths), arn)) == 4)
    assert names(described(paths), arn) == ["a"]


def test_do_status_down_and_reset_know_it(paths: StackPaths, capsys: pytest.CaptureFixture[str]) -> None:
    assert [item.name for item in stacks.status(paths) if item.answers] == ["local AWS", "laboratory"]
    pid = LocalLab(paths).running_pid
    assert pid is not None
    kill(LocalLab(paths))
    assert [item.answers for item in stacks.status(paths) if item.name == "laboratory"] == [False]
    assert run("status") == 1
    stacks.ensure_aws(paths)
    assert stacks.down(paths) == ["the local AWS", "the laboratory"]
    assert LocalLab(paths).running_pid is None
    stacks.reset(paths)
    assert LocalLab(paths).mode == DYNAMODB
    assert {entry.name for entry in paths.root.iterdir()} == {"lock", "tabletrail-stack"}
