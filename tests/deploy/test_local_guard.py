"""Can anything that the stack starts reach a real AWS account, or a proxy when it means this machine?"""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tabletrail_local import info as stack_info
from tabletrail_local.environments import for_java, without_aws
from tabletrail_local.errors import ForeignAccountError, NotUpError
from tabletrail_local.guard import is_loopback, require_local_account
from tabletrail_local.info import Login, StackInfo
from tabletrail_local.paths import StackPaths

IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::{0}:root</Arn><UserId>{0}</UserId><Account>{0}</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class Sts:
    """Answers every question with the caller identity of one account."""

    def __init__(self, account: str) -> None:
        body = IDENTITY.format(account).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def described(endpoint: str, directory: Path) -> StackInfo:
    (directory / "credentials").write_text("[default]\naws_access_key_id=test\naws_secret_access_key=test\n")
    (directory / "config").write_text("[default]\n")
    roles = (stack_info.ADMIN_ROLE, stack_info.WRITER_ROLE, stack_info.INDEX_OWNER_ROLE, stack_info.READER_ROLE)
    return StackInfo(
        directory=str(directory),
        opensearch_url="https://127.0.0.1:9200",
        ca_file=None,
        logins={role: Login(role, "secret") for role in roles},
        aws_endpoint=endpoint,
        region="us-east-1",
        account_id="000000000000",
        access_key="test",
        secret_key="test",
        aws_config_file=str(directory / "config"),
        aws_credentials_file=str(directory / "credentials"),
    )


@pytest.fixture
def hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that is set up for a real account, behind a proxy that is not there."""
    for name, value in {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": "/nowhere",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("hostile_environment")
def test_is_the_local_account_let_through_whatever_the_caller_s_environment(tmp_path: Path) -> None:
    with Sts("000000000000") as endpoint:
        require_local_account(described(endpoint, tmp_path))


def test_is_another_account_refused(tmp_path: Path) -> None:
    with Sts("123456789012") as endpoint, pytest.raises(ForeignAccountError, match="serves account 123456789012"):
        require_local_account(described(endpoint, tmp_path))


def test_is_a_stack_file_that_names_another_account_refused(tmp_path: Path) -> None:
    with Sts("123456789012") as endpoint, pytest.raises(ForeignAccountError, match="is not the local"):
        require_local_account(dataclasses.replace(described(endpoint, tmp_path), account_id="123456789012"))


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://sts.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://127.0.0.1.example.com:4566",
        "http://127.0.0.1@example.com",
        "",
    ],
)
def test_is_an_endpoint_elsewhere_refused_unasked(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(ForeignAccountError, match="not on this machine"):
        require_local_account(described(endpoint, tmp_path))


def test_does_a_silent_endpoint_count_as_foreign(tmp_path: Path) -> None:
    with Sts("000000000000") as endpoint:
        pass
    with pytest.raises(ForeignAccountError, match="does not say whose it is"):
        require_local_account(described(endpoint, tmp_path))


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://127.9.9.9", True), ("http://[::1]:1", True), ("https://localhost", True), ("x", False)],
)
def test_what_counts_as_this_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.usefixtures("hostile_environment")
def test_does_a_child_see_our_aws_and_nothing_of_the_caller_s(tmp_path: Path) -> None:
    environment = described("http://127.0.0.1:4566", tmp_path).aws_environment()
    assert {name for name in environment if name.startswith("AWS_")} == {
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["HTTP_PROXY"] == "http://127.0.0.1:9"
    assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.usefixtures("hostile_environment")
def test_does_a_child_s_own_sdk_find_the_local_account(tmp_path: Path) -> None:
    ask = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    with Sts("000000000000") as endpoint:
        environment = described(endpoint, tmp_path).aws_environment()
        answer = subprocess.run(
            [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True
        )
    assert answer.stdout.strip() == "000000000000"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"no_proxy": "corp.example, localhost"}, "corp.example,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "*"}, "*,127.0.0.1,localhost,::1"),
    ],
)
def test_is_loopback_kept_from_the_proxy(before: dict[str, str], after: str) -> None:
    environment = without_aws({**before, "HTTPS_PROXY": "http://proxy.example"})
    assert environment == {**before, "HTTPS_PROXY": "http://proxy.example", "NO_PROXY": after, "no_proxy": after}


def test_does_java_get_no_options_of_other_programs() -> None:
    assert "JAVA_TOOL_OPTIONS" not in for_java({"JAVA_TOOL_OPTIONS": "-Xmx1m", "PATH": "/bin"})


def test_is_the_stack_file_whole_and_private(tmp_path: Path) -> None:
    paths = StackPaths(tmp_path)
    with pytest.raises(NotUpError, match="tabletrail local up"):
        stack_info.load(paths)
    described_stack = described("http://127.0.0.1:4566", tmp_path)
    stack_info.save(described_stack, paths)
    assert stack_info.load(paths) == described_stack
    assert stat.S_IMODE(paths.stack.stat().st_mode) == 0o600
    paths.stack.write_text(json.dumps({"half": "a file"}))
    with pytest.raises(NotUpError):
        stack_info.load(paths)
