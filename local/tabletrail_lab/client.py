"""The laboratory's commands from another process.

Rules
- One method for each of `Laboratory`'s commands, with the same name, arguments and result.
- LabError for what the laboratory refuses; OSError if it cannot be reached.

Called by tests, benchmarks and plans.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from tabletrail_lab.commands import COMMANDS
from tabletrail_lab.errors import LabError
from tabletrail_lab.laboratory import Laboratory

PAGE = 50_000


class LabClient:
    """`url` as the laboratory printed it. Not for several threads at once."""

    def __init__(self, url: str, timeout: float = 120.0) -> None:
        self.url = url
        address = urlsplit(url)
        self._connection = HTTPConnection(address.hostname or "127.0.0.1", address.port or 80, timeout=timeout)

    def do(self, name: str, **arguments: Any) -> Any:
        """Any command by its name."""
        body = json.dumps({"do": name, **arguments}).encode()
        try:
            status, content = self._post(body)
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise OSError(f"the laboratory at {self.url} gave no reply to {name}: {error!r}") from error
        reply = json.loads(content)
        if status != 200:
            raise LabError(reply["error"])
        return reply["result"]

    def truth(self, stream_arn: str) -> list[dict[str, Any]]:
        """All of it, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.do("truth", stream_arn=stream_arn, start=len(found), limit=PAGE)
            found += page
            if len(page) < PAGE:
                return found

    def close(self) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in COMMANDS:
            raise AttributeError(name)
        names = _argument_names(name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if len(args) > len(names):
                raise TypeError(f"{name} takes {', '.join(names)}")
            return self.do(name, **dict(zip(names, args, strict=False)), **kwargs)

        return call

    def _post(self, body: bytes) -> tuple[int, bytes]:
        self._connection.request("POST", "/lab", body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        return reply.status, reply.read()


def _argument_names(name: str) -> list[str]:
    return list(inspect.signature(getattr(Laboratory, name)).parameters)[1:]
