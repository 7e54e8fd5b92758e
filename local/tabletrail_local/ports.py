"""The stack's ports on 127.0.0.1. They are remembered, because what was deployed knows the addresses."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from tabletrail_local.paths import StackPaths
from tabletrail_local.private_files import read_json, write_private_json

LOOPBACK = "127.0.0.1"
_RELEASE_LIMIT = 2.0  # seconds
_PREFERRED = {"opensearch": 19200, "opensearch_transport": 19300, "aws": 14566, "lab": 14567}


@dataclass(frozen=True)
class ChosenPort:
    number: int
    instead_of: int | None  # the remembered port, when another process has taken it meanwhile


def choose_port(paths: StackPaths, name: str) -> ChosenPort:
    """The remembered port when it is free, else a free one, which is remembered from now on."""
    state = read_json(paths.state)
    remembered = state.get(name)
    if isinstance(remembered, int) and _becomes_free(remembered):
        return ChosenPort(remembered, None)
    preferred = _PREFERRED[name]
    number = preferred if remembered != preferred and is_free(preferred) else _any_free_port()
    write_private_json(paths.state, {**state, name: number})
    return ChosenPort(number, remembered if isinstance(remembered, int) else None)


def _becomes_free(port: int) -> bool:
    """Waits a moment: of a process that was killed, the last threads may still hold it."""
    deadline = time.monotonic() + _RELEASE_LIMIT
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: connections that are just closing do not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _any_free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        number: int = probe.getsockname()[1]
        return number
