"""Does each foreseen trouble end in one message that says what to do, and does `reset` touch only what is ours?"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from tabletrail_local import command, service_user, stack
from tabletrail_local.errors import ForeignDirectoryError, LocalStackError, UnreachableDirectoryError
from tabletrail_local.paths import DIRECTORY_VARIABLE, StackPaths
from tabletrail_local.service_user import blocking_directory, claim_directory, opensearch_directory


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["local", *arguments]))


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "stack"))
    return tmp_path / "stack"


def test_do_status_down_and_reset_work_where_nothing_is(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 1
    assert run("down") == 0
    assert run("reset") == 0
    assert not directory.exists()
    assert "Traceback" not in capsys.readouterr().err


def test_does_deploy_without_a_stack_say_what_to_do(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("deploy") == 1
    assert "run `tabletrail local up` first" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--opensearch", "https://search.example")])
def test_does_a_named_server_need_a_password(
    directory: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(command.PASSWORD_VARIABLE, raising=False)
    assert run("up", *arguments) == 1
    assert "--opensearch-password-file" in capsys.readouterr().err


def test_is_a_named_server_without_https_refused(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(command.PASSWORD_VARIABLE, "secret")
    assert run("up", "--opensearch", "http://search.example") == 1
    assert "https://" in capsys.readouterr().err


def test_is_a_directory_with_somebody_s_files_left_alone(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "OpenSearchServer", None)  # nothing may be started, not even when this test fails
    directory.mkdir()
    (directory / "thesis.txt").write_text("years of work")
    for act in (stack.up, stack.reset):
        with pytest.raises(ForeignDirectoryError, match="TABLETRAIL_LOCAL_DIR"):
            act(StackPaths(directory))
    assert run("reset") == 1
    assert [entry.name for entry in directory.iterdir()] == ["thesis.txt"]


def test_are_bad_parameters_refused() -> None:
    from tabletrail_local.deploy import parse_parameters

    assert parse_parameters(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}
    with pytest.raises(LocalStackError, match="Name=value"):
        parse_parameters(["A"])


class TestRunAsRoot:
    """Where OpenSearch lies when it must run as another user. That we are root is pretended; the modes are real."""

    @pytest.fixture(autouse=True)
    def _as_root(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service_user, "service_uid", lambda: 65530)

    @pytest.fixture
    def open_place(self, tmp_path: Path) -> Path:
        """A directory whose parents let everybody pass, as far as they are ours."""
        place = tmp_path / "open"
        place.mkdir()
        return place

    def test_is_a_closed_parent_noticed(self, tmp_path: Path) -> None:
        closed = tmp_path / "home"
        (closed / "project").mkdir(parents=True)
        closed.chmod(0o700)
        blocking = blocking_directory(closed / "project" / "opensearch")
        assert blocking is not None
        assert closed.is_relative_to(blocking)

    def test_does_it_lie_elsewhere_then(
        self, tmp_path: Path, open_place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service_user, "_TEMPORARY_PLACES", (open_place,))
        monkeypatch.setattr(
            service_user, "blocking_directory", lambda path: None if open_place in path.parents else tmp_path
        )
        first = opensearch_directory(StackPaths(tmp_path / "a"))
        assert first.parent == open_place
        assert first != opensearch_directory(StackPaths(tmp_path / "b"))

    def test_is_there_a_message_when_nowhere_is_reachable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service_user, "_TEMPORARY_PLACES", ())
        monkeypatch.setattr(service_user, "blocking_directory", lambda path: tmp_path)
        with pytest.raises(UnreachableDirectoryError, match=r"chmod o\+x"):
            opensearch_directory(StackPaths(tmp_path))

    def test_is_a_planted_link_refused(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        os.symlink(tmp_path / "elsewhere", tmp_path / "planted")
        with pytest.raises(UnreachableDirectoryError):
            claim_directory(tmp_path / "planted")
