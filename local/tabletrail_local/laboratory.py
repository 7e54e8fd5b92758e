"""The stream laboratory of the stack: the local AWS's streams, in shards that roll, split and make trouble on command.

It takes the records over from the local AWS; whoever reads streams in this stack, the functions first, reads them here.
What it acknowledged is kept, even after a kill; troubles that it was told to make are forgotten by every end.

Callers: `stack`, `local_aws` (which needs the address), `lab_command`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from tabletrail_local import processes
from tabletrail_local.console import step
from tabletrail_local.environments import without_aws
from tabletrail_local.paths import StackPaths
from tabletrail_local.ports import LOOPBACK, choose_port
from tabletrail_local.private_files import read_json, remember

NAME = "the laboratory"
DYNAMODB, LAB = "dynamodb", "lab"
MODES = (DYNAMODB, LAB)
"""Whose streams the functions and commands read: the local AWS's own, or the laboratory's."""
_MODE, _UPSTREAM = "streams", "lab_upstream"
_TIMEOUTS = (5.0, 30.0)  # seconds to connect, and to wait for an answer


@dataclass(frozen=True)
class LocalLab:
    paths: StackPaths

    @property
    def pid_file(self) -> Path:
        return self.paths.pid_file("lab")

    @property
    def mode(self) -> str:
        """What the last `up` was told; of a new stack `dynamodb`."""
        return str(read_json(self.paths.state).get(_MODE, DYNAMODB))

    @property
    def url(self) -> str | None:
        """None in a stack without laboratory. Chosen before it runs, because the local AWS starts first."""
        port = read_json(self.paths.state).get("lab")
        return f"http://{LOOPBACK}:{port}" if self.mode == LAB and port else None

    @property
    def running_pid(self) -> int | None:
        return processes.running_pid(self.pid_file)

    def is_ready(self) -> bool:
        if self.url is None:
            return False
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy stands between us and our own machine
                answer = session.post(f"{self.url}/lab", json={"do": "now"}, timeout=_TIMEOUTS)
        except requests.RequestException:
            return False
        return answer.ok

    def choose(self, mode: str) -> None:
        """From now on the stack has these streams. Ends a laboratory that is not wanted, else sees to its address."""
        remember(self.paths.state, **{_MODE: mode})
        if mode != LAB:
            self.stop()
        elif self.running_pid is None or not self.is_ready():
            self.stop()
            choose_port(self.paths, "lab")

    def ensure_running(self, upstream: str, credentials: dict[str, str]) -> bool:
        """Returns when it answers, in a stack that was told to have it. False when it already ran.

        `upstream` is the local AWS's address, `credentials` the variables that an SDK reads them from.
        """
        state = read_json(self.paths.state)
        if self.running_pid is not None and self.is_ready() and state.get(_UPSTREAM) == upstream:
            return False
        self.stop()
        directory = self.paths.root / "lab"
        directory.mkdir(parents=True, exist_ok=True)
        remember(self.paths.state, **{_UPSTREAM: upstream})
        port = state["lab"]
        with step(f"starting the laboratory on port {port}"):
            command = [sys.executable, "-m", "tabletrail_lab", "--port", str(port), "--state", str(directory / "state")]
            launch = processes.Launch(
                [*command, "--upstream", upstream],
                {**without_aws(), **credentials},
                directory,
                self.paths.logs / "lab.log",
            )
            process = processes.start(launch, self.pid_file)
            processes.wait_until(self.is_ready, process, NAME, launch.log)
        return True

    def stop(self) -> bool:
        return processes.stop(self.pid_file, NAME)
