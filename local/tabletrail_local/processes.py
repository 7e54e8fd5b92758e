"""Starts and ends the stack's processes. A process file names the process by id and start time, so that an id that was
given to somebody else meanwhile is never taken for ours, let alone ended. Callers: `opensearch`, `local_aws`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabletrail_local.errors import StartError, StopError
from tabletrail_local.private_files import read_json, write_private_json

# Generous, since a busy machine takes ten times longer than a quiet one.
START_LIMIT = 900.0  # seconds
STOP_LIMIT = 180.0  # seconds before a process that was asked to end is killed
_KILL_LIMIT = 30.0  # seconds
_INTERVAL = 0.1  # seconds between two looks


@dataclass(frozen=True)
class Launch:
    """What to start: command, its whole environment, its directory, the file for its output, the user to be."""

    command: list[str]
    environment: dict[str, str]
    directory: Path
    log: Path
    uid: int | None = None


def running_pid(pid_file: Path) -> int | None:
    """The id of the process that this file names, if that very process still runs."""
    known = read_json(pid_file)
    pid, started = known.get("pid"), known.get("started")
    if not isinstance(pid, int) or not isinstance(started, str):
        return None
    return pid if started_at(pid) == started else None


def was_left_running(pid_file: Path) -> bool:
    """Whether a process was started and is gone without `stop`: the machine went down, or somebody killed it."""
    return pid_file.exists() and running_pid(pid_file) is None


def started_at(pid: int) -> str | None:
    """A text that tells this process from every other one that ever had its id; None when it has ended."""
    if not Path("/proc/self/stat").exists():
        answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return answer.stdout.strip() or None
    try:
        content = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses itself; state is the 3rd field, start time the 22nd.
    fields = content.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot} {fields[19]}"


def start(launch: Launch, pid_file: Path) -> subprocess.Popen[bytes]:
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    if launch.log.exists():
        launch.log.replace(launch.log.with_name(f"{launch.log.name}.previous"))
    identity = {} if launch.uid is None else {"user": launch.uid, "group": launch.uid, "extra_groups": ()}
    with launch.log.open("wb") as output:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            launch.command,
            env=launch.environment,
            cwd=launch.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal must not reach it
            **identity,  # type: ignore[call-overload]
        )
    write_private_json(pid_file, {"pid": process.pid, "started": started_at(process.pid)})
    return process


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], what: str, *logs: Path) -> None:
    """Returns when `ready` says so; StartError when the process ends first or the limit passes."""
    begun = time.time()
    deadline = time.monotonic() + START_LIMIT
    while not ready():
        if process.poll() is not None:
            raise StartError(what, f"ended with code {process.returncode} while starting", _evidence(logs, begun))
        if time.monotonic() > deadline:
            raise StartError(what, f"was not ready after {START_LIMIT:.0f} s", _evidence(logs, begun))
        time.sleep(_INTERVAL)


def stop(pid_file: Path, what: str, limit: float = STOP_LIMIT) -> bool:
    """Ends the process that the file names and waits until it is gone, as its data stay locked until then.

    False when nothing of ours was running. The file goes either way; a stranger with the same id is left alone.
    """
    pid = running_pid(pid_file)
    if pid is not None:
        _signal(pid, signal.SIGTERM)
        if not _gone(pid_file, limit):
            _signal(pid, signal.SIGKILL)
            if not _gone(pid_file, _KILL_LIMIT):
                raise StopError(what, pid)
    pid_file.unlink(missing_ok=True)
    return pid is not None


def last_lines(log: Path, count: int = 25) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return "(no log)"


def _evidence(logs: Sequence[Path], since: float) -> str:
    """The ends of the logs that were written to; one that is older tells of another start."""
    slack = 5.0  # seconds: the process was started a moment before `since`
    recent = [log for log in logs if log.exists() and log.stat().st_mtime >= since - slack]
    return "\n".join(f"{log}:\n{last_lines(log)}" for log in recent) or "no log was written"


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _gone(pid_file: Path, limit: float) -> bool:
    deadline = time.monotonic() + limit
    while running_pid(pid_file) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_INTERVAL)
    return True
