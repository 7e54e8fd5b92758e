"""Kills by SIGKILL, at random, of what a local stack consists of; each is started again after a while, as its
supervisor would do it.

Which is killed when follows from the seed; which process of a function it hits does not, as they come and go.

Caller: `chaos`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tabletrail_local import processes
from tabletrail_local.laboratory import LocalLab
from tabletrail_local.local_aws import LocalAws
from tabletrail_local.opensearch import OpenSearchServer
from tabletrail_local.paths import StackPaths

WORKER, OPENSEARCH, AWS, LAB = "worker", "OpenSearch", "local AWS", "laboratory"
_WEIGHTS = {WORKER: 5, LAB: 3, AWS: 2, OPENSEARCH: 1}
_AWAY = {OPENSEARCH: (5.0, 25.0), AWS: (0.0, 6.0), LAB: (0.0, 10.0)}
"""Seconds for which it is left alone, at least and at most."""
_TICK_SECONDS = 0.05
_BUSY_SECONDS = 12.0
"""For so long a process of a function that is at work is waited for; else one that is not is killed."""


@dataclass
class Kills:
    """`spared` are parts of functions' names whose processes live; `aws_is_back` is called after each of its starts."""

    paths: StackPaths
    random: random.Random
    pauses: tuple[float, float]
    """Seconds between two kills, at least and at most."""
    spared: tuple[str, ...]
    aws_is_back: Callable[[], None]
    say: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)
    _under_way: dict[str, Future[None]] = field(default_factory=dict)
    _round: list[str] = field(default_factory=list)
    """What is still to be killed once, so that even a short run has every kind."""

    def run(self, over: Event) -> None:
        """Returns when it is over and everything runs again."""
        self._round = self.random.sample(list(_WEIGHTS), len(_WEIGHTS))
        with ThreadPoolExecutor(len(_AWAY)) as supervisors:
            while not over.wait(self.random.uniform(*self.pauses)):
                kind = self._next()
                if kind == WORKER:
                    self._kill_worker()
                    continue
                away = self.random.uniform(*_AWAY[kind])
                self._end_of(kind)
                self._kill(kind)
                self._under_way[kind] = supervisors.submit(self._start_again, kind, away)
        for each in self._under_way.values():
            each.result()

    def _next(self) -> str:
        if self._round:
            return self._round.pop()
        return self.random.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]

    def _end_of(self, kind: str) -> None:
        """An earlier start of the same must be through: what is down cannot be killed."""
        if kind in self._under_way:
            self._under_way.pop(kind).result()

    def _component(self, kind: str) -> LocalAws | LocalLab | OpenSearchServer:
        if kind == OPENSEARCH:
            return OpenSearchServer(self.paths)
        return LocalAws(self.paths) if kind == AWS else LocalLab(self.paths)

    def _kill(self, kind: str) -> None:
        component = self._component(kind)
        pid = component.running_pid
        if pid is None:
            raise RuntimeError(f"{kind} is not a process of this stack, or it died by itself")
        os.kill(pid, signal.SIGKILL)
        while processes.running_pid(component.pid_file) is not None:
            time.sleep(_TICK_SECONDS)
        self.counts[kind] += 1
        self.say(f"killed {kind} (process {pid})")

    def _start_again(self, kind: str, away: float) -> None:
        time.sleep(away)
        component = self._component(kind)
        if isinstance(component, LocalLab):
            aws = LocalAws(self.paths)
            component.ensure_running(aws.endpoint, aws.credentials)
        else:
            component.ensure_running()
        if kind == AWS:
            self.aws_is_back()

    def _kill_worker(self) -> None:
        busy, workers = self._find_workers()
        if not workers:
            return
        chosen = self.random.choice(busy or workers)
        name = _command_line(chosen).partition("-lambda-tabletrail-")[2].partition("Function")[0] or "?"
        try:
            os.kill(chosen, signal.SIGKILL)
        except ProcessLookupError:
            return  # it ended by itself in this moment
        self.counts[WORKER] += 1
        self.counts[f"{WORKER}: {name}, {'at work' if busy else 'idle'}"] += 1
        self.say(f"killed a process of {name}, {'at work' if busy else 'idle'}")

    def _find_workers(self) -> tuple[list[int], list[int]]:
        """Those at work, and all."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            pid = LocalAws(self.paths).running_pid
            workers = [] if pid is None else [each for each in _workers(pid) if not self._is_spared(each)]
            before = {each: _ticks(each) for each in workers}
            time.sleep(_TICK_SECONDS)
            busy = [each for each in workers if _ticks(each) > before[each]]
            if busy or time.monotonic() > deadline:
                return busy, workers

    def _is_spared(self, pid: int) -> bool:
        command = _command_line(pid)
        return any(name in command for name in self.spared)


def _workers(parent: int) -> list[int]:
    """The processes of functions below this ministack, and below no other."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and int(fields[1]) == parent and "_worker.py" in _command_line(int(entry.name)):
                found.append(int(entry.name))
    return sorted(found)


def _stat(pid: int) -> list[str]:
    """From the third field on; empty if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in "ZX" else fields


def _ticks(pid: int) -> int:
    """CPU time used."""
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
