"""Is a long list whole, is its output safe to read, and does each failure have its line and its exit code?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail_cli.output import Output, json_line, visible
from tabletrail_cli.place import local_place
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import Document, Story, indexed, order_of, planted, tabletrail
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack

MANY = 25_000


@pytest.fixture(scope="module")
def server(stack: StackInfo) -> Server:
    found = Server(stack)
    found.install()
    return found


@pytest.fixture(scope="module")
def story(server: Server) -> Iterator[Story]:
    with planted(server) as found:
        yield found


def _small(table: str, n: int) -> Document:
    """Whole pages share one second; some thousand share one sequence number too, so that only the id orders them."""
    return {
        "@timestamp": f"2032-01-01T00:00:{n // 5000:02d}Z",
        "event": {"id": f"{n * 7919 % MANY:064x}", "sequence_key": f"{n // 2000:040d}", "action": "modify"},
        "log": {"index": "tabletrail-v1-2032.01", "line": n, "segment": "planted"},
        "message": f"entry {n}",
        "table": {"name": table},
        "tabletrail": {"kind": "change"},
    }


def test_given_more_entries_than_any_window_does_each_come_once_and_in_order(server: Server) -> None:
    table = f"many-{uuid.uuid4().hex[:8]}"
    documents = [_small(table, n) for n in range(MANY)]
    with indexed(server, documents):
        for order in ("asc", "desc"):
            result = tabletrail("search", "--table", table, "--all", "--order", order, "--json", "--local")
            found = [order_of(one) for one in result.entries]
            assert found == sorted(map(order_of, documents), reverse=order == "desc")
        limited = tabletrail("search", "--table", table, "--limit", "1234", "--json", "--local")
        assert len(limited.ids) == 1234
        assert "1234 of 25,000 entries" in limited.err


def run(*words: str, environment: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, its output in a pipe."""
    command = [sys.executable, "-m", "tabletrail_cli.main", *words]
    env = {**os.environ, **(environment or {})}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False, **options)


def test_given_a_pipe_is_the_output_plain(story: Story) -> None:
    loud = {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TERM": "xterm-256color"}
    result = run("search", "--table", story.orders, "--all", "--diff", "--local", environment=loud)
    assert result.returncode == 0
    assert "\x1b" not in result.stdout + result.stderr
    assert "status: paid → shipped" in result.stdout


def test_given_a_terminal_does_no_byte_of_an_item_reach_it_as_control(story: Story) -> None:
    """A pseudo-terminal: colours of ours are there, the item's own escape sequence is written out."""
    import pty

    ours, theirs = pty.openpty()
    words = ["search", "--item", "odd#7", "--table", story.orders, "--diff", "--local"]
    command = [sys.executable, "-m", "tabletrail_cli.main", *words]
    with subprocess.Popen(
        command, stdout=theirs, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        seen = _drain(ours)
        assert process.wait() == 0
    assert "\x1b[" in seen
    assert "\x1b[31mred" not in seen
    assert "\\x1b[31mred" in seen
    assert "\u202e" not in seen


def _drain(descriptor: int) -> str:
    seen = b""
    while True:
        try:
            piece = os.read(descriptor, 65_536)
        except OSError:
            piece = b""
        if not piece:
            return seen.decode()
        seen += piece


def test_given_a_reader_that_leaves_early_is_there_no_complaint(story: Story) -> None:
    command = f"'{sys.executable}' -m tabletrail_cli.main search --table {story.orders} --all --diff --local | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120, check=False)
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""


def test_given_nothing_matches_is_the_exit_code_1(story: Story) -> None:
    result = run("search", "--table", story.orders, "--actor", "nobody", "--local")
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "nothing found\n")


@pytest.mark.parametrize(
    "words",
    [
        ("search", "--number", "price > 1"),
        ("search", "--since", "yesterday"),
        ("search", "--since", "1h", "--until", "2h"),
        ("search", "--facets", "colour"),
        ("search", "--zone", "Nowhere/City"),
        ("search", "--limit", "0"),
        ("history", "orders", "{"),
        ("history", "orders", "order#1", "--at", "soon"),
    ],
    ids=" ".join,
)
def test_given_bad_input_is_there_one_line_and_exit_code_2(words: tuple[str, ...]) -> None:
    result = tabletrail(*words, "--local")
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("tabletrail: ")
    assert len(result.err.splitlines()) == 1


def test_given_no_such_option_is_the_exit_code_2_too() -> None:
    assert tabletrail("search", "--colour", "red").code == 2
    assert tabletrail("search", "--limit", "few").code == 2
    assert tabletrail().code == 2


def _named(stack: StackInfo, folder: Path, **changes: str) -> dict[str, str]:
    """The environment that names the local OpenSearch as any other server is named."""
    reader = stack.login("reader")
    password, ca = folder / "password", folder / "ca.pem"
    password.write_text(changes.pop("password", reader.password) + "\n")
    ca.write_text(changes.pop("ca", stack.ca_pem))
    named = {
        "TABLETRAIL_OPENSEARCH_ENDPOINT": stack.opensearch_url,
        "TABLETRAIL_OPENSEARCH_USER": reader.user,
        "TABLETRAIL_OPENSEARCH_PASSWORD_FILE": str(password),
        "TABLETRAIL_OPENSEARCH_CA": str(ca),
    }
    return {**named, **changes}


def test_given_a_server_named_by_the_environment_is_it_asked(stack: StackInfo, story: Story, tmp_path: Path) -> None:
    result = run("search", "--table", story.customers, "--limit", "3", "--json", environment=_named(stack, tmp_path))
    assert result.returncode == 0
    assert {json.loads(line)["table"]["name"] for line in result.stdout.splitlines()} == {story.customers}


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"TABLETRAIL_OPENSEARCH_ENDPOINT": "https://127.0.0.1:9"}, 3, "OpenSearch cannot be reached"),
        ({"TABLETRAIL_OPENSEARCH_ENDPOINT": "http://127.0.0.1:9"}, 2, "must start with https://"),
        ({"password": "wrong"}, 3, "does not know this user or password (401)"),
        ({"ca": ""}, 3, "certificate is not trusted"),
        ({"ca": "no certificate"}, 2, "not a PEM certificate"),
        (
            {"TABLETRAIL_OPENSEARCH_PASSWORD_FILE": "/nowhere/password"},
            2,
            "password file /nowhere/password cannot be read",
        ),
        ({"TABLETRAIL_OPENSEARCH_USER": ""}, 2, "give both"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_given_a_server_that_does_not_answer_is_there_one_line_that_helps(
    stack: StackInfo, tmp_path: Path, changes: dict[str, str], code: int, said: str
) -> None:
    result = run("search", environment=_named(stack, tmp_path, **changes))
    assert result.returncode == code, result.stderr
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_given_no_place_at_all_is_it_said_how_to_name_one(tmp_path: Path) -> None:
    result = run("search", environment={"TABLETRAIL_LOCAL_DIR": str(tmp_path / "none")})
    assert result.returncode == 2
    assert "say where: --stack NAME, --local or --opensearch URL" in result.stderr


def test_given_a_local_stack_and_nothing_else_is_it_said_that_it_is_used(story: Story) -> None:
    result = run("search", "--table", story.orders, "--limit", "1")
    assert "using the local stack" in result.stderr
    assert "using the local stack" not in run("search", "--table", story.orders, "--local").stderr


def test_given_a_local_search_is_the_callers_aws_account_never_asked(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places, credentials and endpoints of the caller that would fail at once if anything touched them."""
    foreign = {
        "AWS_PROFILE": "no-such-profile",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "TABLETRAIL_STACK": "no-such-stack",
        "TABLETRAIL_OPENSEARCH_ENDPOINT": "https://127.0.0.1:9",
    }
    assert run("search", "--table", story.orders, environment=foreign).returncode == 3
    assert run("search", "--table", story.orders, "--local", environment=foreign).returncode == 0
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    assert local_place("tabletrail").session.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_is_text_made_visible_and_json_left_json() -> None:
    assert visible("a\x1b[1m\nb\x9b\u202e") == "a\\x1b[1m\\nb\\x9b\\u202e"
    odd = {"text": 'Köln\x1b\x9b\u202e"\ud800'}
    assert json.loads(json_line(odd)) == odd
    assert "Köln" in json_line(odd)


def test_given_no_colour_is_wanted_is_a_terminal_spoken_to_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        written = ""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            self.written += text
            return len(text)

    monkeypatch.setenv("NO_COLOR", "1")
    terminal: Any = Terminal()
    Output(stdout=terminal).line(("red", "red"), " and plain")
    assert terminal.written == "red and plain\n"
