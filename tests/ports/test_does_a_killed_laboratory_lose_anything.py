"""Does a laboratory that is killed and started again go on as if nothing had happened?"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tabletrail_lab.client import LabClient
from tests.ports.laboratory_reading import HttpCaller, change

LOCAL = Path(__file__).parents[2] / "local"
GENEROUS_SECONDS = 60.0


class Process:
    """`python -m tabletrail_lab` with a state directory, which can be killed and started again."""

    def __init__(self, state: Path, *options: str) -> None:
        self._state, self._options = state, options
        self._address = state / "address"
        self.start()

    def start(self) -> None:
        self._address.unlink(missing_ok=True)
        files = ["--state", str(self._state), "--address-file", str(self._address)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tabletrail_lab", *files, *self._options],
            env={**os.environ, "PYTHONPATH": str(LOCAL)},
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + GENEROUS_SECONDS
        while not self._address.exists():
            assert self._process.poll() is None, "it ended instead of listening"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.url = self._address.read_text()
        self.client = LabClient(self.url)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def end(self) -> int:
        self._process.terminate()
        return self._process.wait(GENEROUS_SECONDS)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def new(*options: str) -> Process:
        started.append(Process(tmp_path, *options))
        return started[-1]

    tmp_path.mkdir(exist_ok=True)
    yield new
    for process in started:
        process.kill()


def test_everything_stays_over_a_kill(start: Callable[..., Process]) -> None:
    process = start("--driven")
    arn = process.client.add_stream("orders", shards=3)
    process.client.generate(arn, 300, items=20, seed=1)
    first = process.client.shards(arn)[0]["shard_id"]
    process.client.split(arn, first, last_records=2)
    process.client.advance(3_600)
    process.client.write(arn, [change(f"after-{number}") for number in range(10)])
    truth, shards, now = process.client.truth(arn), process.client.shards(arn), process.client.now()
    caller = HttpCaller(process.url)
    iterator = caller.iterator(arn, first)
    page = caller.records(iterator)

    process.kill()
    process.start()

    assert process.client.truth(arn) == truth
    assert [shard | {"read_to": 0} for shard in process.client.shards(arn)] == [s | {"read_to": 0} for s in shards]
    assert process.client.now() == now
    assert HttpCaller(process.url).records(iterator)["Records"] == page["Records"]
    ((_, number, _),) = process.client.write(arn, [change("new")])
    assert int(number) > max(int(record["sequence"]) for record in truth)


def test_a_kill_between_any_two_writes_loses_and_doubles_nothing(start: Callable[..., Process]) -> None:
    process = start("--driven")
    arn = process.client.add_stream("orders", shards=2)
    written = []
    for turn in range(2):
        written += [row[2] for row in process.client.write(arn, [change(f"{turn}-{n}") for n in range(50)])]
        process.kill()
        process.start()
    assert [record["event_id"] for record in process.client.truth(arn)] == written
    assert sorted(HttpCaller(process.url).all_event_ids(arn)) == sorted(written)


def test_a_kill_amid_writes_keeps_what_was_acknowledged(start: Callable[..., Process]) -> None:
    process = start("--driven")
    arn = process.client.add_stream("orders", shards=2)
    acknowledged: list[str] = []
    tried = 0
    for turn in range(2):
        killer = threading.Timer(0.05 + 0.2 * turn, process.kill)
        killer.start()
        with contextlib.suppress(OSError):
            while True:
                tried += 1
                acknowledged += [row[2] for row in process.client.write(arn, [change(f"item-{tried}")])]
        killer.join()
        process.start()
    truth = process.client.truth(arn)
    assert {record["event_id"] for record in truth} >= set(acknowledged)
    assert len({record["key"] for record in truth}) == len(truth) <= tried
    assert sorted(HttpCaller(process.url).all_event_ids(arn)) == sorted(record["event_id"] for record in truth)


def test_half_a_line_at_the_end_is_a_command_that_never_was(start: Callable[..., Process], tmp_path: Path) -> None:
    process = start("--driven")
    arn = process.client.add_stream("orders")
    process.client.write(arn, [change("one")])
    process.kill()
    journal = tmp_path / "laboratory.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"at":1800000000.0,"do":"write","with":{"stream_a')
    process.start()
    process.client.write(arn, [change("two")])
    process.kill()
    process.start()
    assert len(process.client.truth(arn)) == 2


def test_a_running_clock_goes_on(start: Callable[..., Process]) -> None:
    process = start()
    process.client.advance(100_000)
    before = process.client.now()
    process.kill()
    process.start()
    assert before <= process.client.now() < before + GENEROUS_SECONDS


def test_a_plan_goes_on_at_the_same_address(start: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start("--port", str(port), "--plan", "7", "--speed", "40000")
    arn = process.client.add_stream("orders")
    for generations in (1, 2):
        deadline = time.monotonic() + GENEROUS_SECONDS
        while len(process.client.shards(arn)) <= generations:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        url = process.url
        process.kill()
        process.start()
        assert process.url == url
    assert process.end() == 0


def test_two_laboratories_do_not_share_a_directory(start: Callable[..., Process], tmp_path: Path) -> None:
    process = start()
    second = subprocess.run(
        [sys.executable, "-m", "tabletrail_lab", "--state", tmp_path],
        env={**os.environ, "PYTHONPATH": str(LOCAL)},
        capture_output=True,
        text=True,
        check=False,
        timeout=GENEROUS_SECONDS,
    )
    assert second.returncode == 1
    assert "another laboratory works with" in second.stderr
    assert process.end() == 0
