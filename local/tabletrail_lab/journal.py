"""What outlives a `kill -9`: each journaled command, a line of JSON, in one file of the state directory.

Rules
- A line is handed to the kernel before its command takes effect: what a client was told of is in the file, as long as
  the machine itself stays up.
- The first line holds what the laboratory was made with, its secret and its start: the same seed, iterators and time.
- Half a line at the end is a command that had no effect and no reply: it is cut off.
- One laboratory at a time: the file is locked.

Called by `python -m tabletrail_lab`.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tabletrail_lab.clocks import DRIVEN_START, DrivenClock, RunningClock
from tabletrail_lab.errors import LabError
from tabletrail_lab.laboratory import Laboratory

NAME = "laboratory.journal"


class Journal:
    """The open file. `laboratory` makes one that goes on where the file ends."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / NAME
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise LabError(f"another laboratory works with {directory}: stop it, or give another --state") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def laboratory(self, *, seed: int = 0, driven: bool = False, speed: float = 1.0) -> Laboratory:
        """The arguments are those of a new one; one that is in the file keeps its own."""
        lines = self._whole_lines()
        first = json.loads(lines[0]) if lines else new_header(seed, driven, speed)
        if not lines:
            self._append(first)
        laboratory = made(first)
        for line in lines[1:]:
            entry = json.loads(line)
            laboratory.replay(entry["do"], entry["with"], entry["at"])
        laboratory.journal = self.note
        return laboratory

    def note(self, name: str, arguments: Mapping[str, Any], at: float) -> None:
        self._append({"at": at, "do": name, "with": arguments})

    def _append(self, content: Mapping[str, Any]) -> None:
        line = json.dumps(content, separators=(",", ":")).encode() + b"\n"
        while line:
            line = line[os.write(self._file, line) :]

    def _whole_lines(self) -> list[bytes]:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self._file, whole)
        return content[:whole].splitlines()


def made(header: Mapping[str, Any]) -> Laboratory:
    """A laboratory as a journal's first line describes it."""
    clock = DrivenClock(header["start"]) if header["driven"] else RunningClock(header["start"], header["speed"])
    return Laboratory(clock, header["seed"], secret=header["secret"])


def new_header(seed: int, driven: bool, speed: float) -> dict[str, Any]:
    start = DRIVEN_START if driven else time.time()
    return {
        "format": 1,
        "seed": seed,
        "secret": secrets.token_hex(16),
        "driven": driven,
        "speed": speed,
        "start": start,
    }
