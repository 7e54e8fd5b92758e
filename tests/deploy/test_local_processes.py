"""Which process is ours? A process file must never lead to ending somebody else's, and never hide one of ours."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tabletrail_local import processes
from tabletrail_local.errors import StartError
from tabletrail_local.paths import StackPaths
from tabletrail_local.ports import LOOPBACK, choose_port
from tabletrail_local.private_files import read_json

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


def launch(command: list[str], directory: Path) -> processes.Launch:
    return processes.Launch(command, dict(os.environ), directory, directory / "log")


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 60 s"
        time.sleep(0.02)


def test_is_a_started_process_found_and_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "x.pid"
    process = processes.start(launch(SLEEP, tmp_path), pid_file)
    assert processes.running_pid(pid_file) == process.pid
    assert processes.stop(pid_file, "it")
    assert processes.running_pid(pid_file) is None
    assert not pid_file.exists()
    assert process.wait(timeout=60) != 0


def test_does_a_stranger_with_the_same_id_survive(tmp_path: Path, stranger: subprocess.Popen[bytes]) -> None:
    pid_file = tmp_path / "x.pid"
    pid_file.write_text(json.dumps({"pid": stranger.pid, "started": "another boot 12345"}))
    assert processes.running_pid(pid_file) is None
    assert processes.was_left_running(pid_file)
    assert not processes.stop(pid_file, "it")
    assert stranger.poll() is None
    assert not pid_file.exists()


@pytest.mark.parametrize("content", ["", "4711", "{", '{"pid": "1"}', '{"pid": 1}', '{"pid": null, "started": null}'])
def test_is_a_damaged_process_file_nobody_s(tmp_path: Path, content: str) -> None:
    pid_file = tmp_path / "x.pid"
    pid_file.write_text(content)
    assert processes.running_pid(pid_file) is None
    assert not processes.stop(pid_file, "it")


def test_is_a_zombie_taken_for_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "x.pid"
    process = processes.start(launch([sys.executable, "-c", ""], tmp_path), pid_file)
    wait_for(lambda: processes.running_pid(pid_file) is None)
    assert process.returncode is None, "nobody collected it, so it was still a zombie"
    process.wait()


def test_is_a_process_killed_that_does_not_listen(tmp_path: Path) -> None:
    pid_file = tmp_path / "x.pid"
    process = processes.start(launch(STUBBORN, tmp_path), pid_file)
    wait_for(lambda: "deaf" in (tmp_path / "log").read_text())
    assert processes.stop(pid_file, "it", limit=0.3)
    assert process.wait(timeout=60) == -9


def test_does_a_failed_start_show_the_end_of_the_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('no such luck'); sys.exit(7)"]
    started = processes.start(launch(command, tmp_path), tmp_path / "x.pid")
    with pytest.raises(StartError, match=r"code 7(.|\n)*no such luck"):
        processes.wait_until(lambda: False, started, "it", tmp_path / "log")


def test_is_a_port_kept_while_it_is_free_and_left_when_it_is_taken(tmp_path: Path) -> None:
    paths = StackPaths(tmp_path)
    first = choose_port(paths, "aws")
    assert choose_port(paths, "aws").number == first.number
    with socket.create_server((LOOPBACK, first.number)):
        moved = choose_port(paths, "aws")
    assert moved.number != first.number
    assert moved.instead_of == first.number
    assert read_json(paths.state)["aws"] == moved.number
    assert choose_port(paths, "aws").number == moved.number
