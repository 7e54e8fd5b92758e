"""Does the stack keep what it holds, whatever happens to its processes, and is it closed to everybody else?"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from tabletrail_local import info as stack_info
from tabletrail_local import stack as stacks
from tabletrail_local.guard import require_local_account
from tabletrail_local.info import StackInfo
from tabletrail_local.local_aws import LocalAws
from tabletrail_local.opensearch import OpenSearchServer
from tabletrail_local.paths import DIRECTORY_VARIABLE, StackPaths
from tabletrail_local.ports import LOOPBACK

pytestmark = pytest.mark.stack

DEMO_USERS = {"anomalyadmin", "kibanaro", "kibanaserver", "logstash", "readall", "snapshotrestore"}


def ask_opensearch(stack: StackInfo, role: str, method: str, path: str, body: Any = None) -> requests.Response:
    login = stack.login(role)
    with requests.Session() as session:
        session.trust_env = False
        url = stack.opensearch_url + path
        return session.request(
            method, url, json=body, auth=(login.user, login.password), verify=stack.ca_file, timeout=120
        )


@dataclass
class OwnStack:
    """A stack beside the one of `make test`, handled by the commands that people use, each in a process of its own."""

    paths: StackPaths

    def run(self, *arguments: str, expect: int = 0) -> str:
        environment = {**os.environ, DIRECTORY_VARIABLE: str(self.paths.root)}
        command = [sys.executable, "-m", "tabletrail_local", *arguments]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert answer.returncode == expect, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr

    def info(self) -> StackInfo:
        return stack_info.load(self.paths)

    def pids(self) -> tuple[int | None, int | None]:
        return OpenSearchServer(self.paths).running_pid, LocalAws(self.paths).running_pid


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStack]:
    own_stack = OwnStack(StackPaths(tmp_path_factory.mktemp("own") / "stack"))
    try:
        own_stack.run("up")
        yield own_stack
    finally:
        own_stack.run("reset")


def put_document(stack: StackInfo, name: str) -> None:
    answer = ask_opensearch(stack, "admin", "PUT", f"/kept/_doc/{name}?refresh=true", {"name": name})
    assert answer.status_code == 201, answer.text


def has_document(stack: StackInfo, name: str) -> bool:
    return ask_opensearch(stack, "admin", "GET", f"/kept/_doc/{name}").status_code == 200


def test_does_each_user_get_in_and_only_the_administrator_change_users(stack: StackInfo) -> None:
    for role in stack.logins:
        assert ask_opensearch(stack, role, "GET", "/_plugins/_security/authinfo").status_code == 200
        expected = 200 if role == stack_info.ADMIN_ROLE else 403
        users = ask_opensearch(stack, role, "GET", "/_plugins/_security/api/internalusers")
        assert users.status_code == expected, role
        if role == stack_info.ADMIN_ROLE:
            assert DEMO_USERS.isdisjoint(users.json())


def test_is_nobody_let_in_without_a_password(stack: StackInfo) -> None:
    assert requests.get(stack.opensearch_url, verify=stack.ca_file, timeout=120).status_code == 401


def test_does_the_local_aws_know_only_its_own_keys(stack: StackInfo) -> None:
    require_local_account(stack)
    stranger = boto3.client(
        "dynamodb",
        endpoint_url=stack.aws_endpoint,
        region_name=stack.region,
        aws_access_key_id="AKIASOMEBODY",
        aws_secret_access_key="guessed",
        config=Config(proxies={}),
    )
    with pytest.raises(ClientError, match="security token"):
        stranger.list_tables()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's list of listening sockets")
def test_is_every_port_on_loopback_only(stack: StackInfo) -> None:
    ports = {int(url.rpartition(":")[2]) for url in (stack.opensearch_url, stack.aws_endpoint)}
    addresses = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            host, port = address.split(":")
            if state == "0A" and int(port, 16) in ports:
                addresses.add(host[-8:])
    assert addresses == {"0100007F"}, "127.0.0.1, also as an IPv6 address"


def test_does_up_leave_alone_what_runs(own: OwnStack) -> None:
    own.run("up")
    before = own.pids()
    assert None not in before
    own.run("up")
    assert own.pids() == before
    assert own.run("status").count("answers") == 2


def test_does_it_come_back_after_its_processes_were_killed(own: OwnStack) -> None:
    own.run("up")
    put_document(own.info(), "killed")
    for pid in own.pids():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    assert "down" in own.run("status", expect=1)
    assert "ended without `tabletrail local down`" in own.run("up")
    assert has_document(own.info(), "killed")


def test_does_it_keep_its_data_when_a_port_was_taken_meanwhile(own: OwnStack) -> None:
    own.run("up")
    put_document(own.info(), "moved")
    own.run("down")
    assert own.pids() == (None, None)
    taken = int(own.info().opensearch_url.rpartition(":")[2])
    with closing(socket.create_server((LOOPBACK, taken))):
        assert f"port {taken} is in use" in own.run("up")
    assert not own.info().opensearch_url.endswith(f":{taken}")
    assert has_document(own.info(), "moved")


def test_can_another_server_be_named_and_are_its_users_respected(own: OwnStack, tmp_path: Path) -> None:
    own.run("up")
    server = own.info()
    admin = server.login(stack_info.ADMIN_ROLE)
    password_file = tmp_path / "password"
    password_file.write_text(admin.password + "\n")
    guest = OwnStack(StackPaths(tmp_path / "guest"))
    named = ["--opensearch", server.opensearch_url, "--opensearch-password-file", str(password_file)]
    trusted = [*named, "--opensearch-ca", str(server.ca_file)]
    try:
        assert "--opensearch-ca" in guest.run("up", *named, expect=1)
        assert "already has tabletrail_writer" in guest.run("up", *trusted, expect=1)
        for role in (stack_info.WRITER_ROLE, stack_info.INDEX_OWNER_ROLE, stack_info.READER_ROLE):
            path = f"/_plugins/_security/api/internalusers/{server.login(role).user}"
            assert ask_opensearch(server, "admin", "DELETE", path).status_code == 200
        guest.run("up", *trusted)
        assert guest.pids()[0] is None
        assert "elsewhere" in guest.run("status")
        assert ask_opensearch(guest.info(), "writer", "GET", "/_plugins/_security/authinfo").status_code == 200
    finally:
        guest.run("reset")
    assert own.pids()[0] is not None, "the named server is not ours to stop"


def test_do_changes_and_locks_of_the_local_aws_survive_a_restart(tmp_path: Path) -> None:
    paths = StackPaths(tmp_path / "aws-only")
    paths.root.mkdir()
    aws = LocalAws(paths)
    try:
        aws.ensure_running()
        session = stacks._describe(paths, "", None, {}, aws).session()
        stream = make_table_with_stream(session)
        make_locked_object(session)
        iterator = shard_iterator(session, stream)
        aws.stop()
        aws.ensure_running()
        session.client("dynamodb").put_item(TableName="kept", Item={"pk": {"S": "after"}})
        assert keys_at(session, shard_iterator(session, stream)) == ["before", "after"]
        assert keys_at(session, iterator) == ["before", "after"]
        version = session.client("s3").list_object_versions(Bucket="kept")["Versions"][0]["VersionId"]
        with pytest.raises(ClientError, match="AccessDenied"):
            session.client("s3").delete_object(Bucket="kept", Key="locked", VersionId=version)
    finally:
        aws.stop()


def make_table_with_stream(session: Any) -> str:
    client = session.client("dynamodb")
    table = client.create_table(
        TableName="kept",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.put_item(TableName="kept", Item={"pk": {"S": "before"}})
    arn: str = table["TableDescription"]["LatestStreamArn"]
    return arn


def make_locked_object(session: Any) -> None:
    client = session.client("s3")
    client.create_bucket(Bucket="kept", ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    client.put_object_lock_configuration(
        Bucket="kept", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    client.put_object(Bucket="kept", Key="locked", Body=b"1")


def shard_iterator(session: Any, stream: str) -> str:
    client = session.client("dynamodbstreams")
    shard = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    answer = client.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    iterator: str = answer["ShardIterator"]
    return iterator


def keys_at(session: Any, iterator: str) -> list[str]:
    records = session.client("dynamodbstreams").get_records(ShardIterator=iterator)["Records"]
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in records]
