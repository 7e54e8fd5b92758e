"""Serves the fake cluster of `tests.fakes.ism` over TLS, as the adapters expect a cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import TransportError

from tests.fakes.ism import FakeCluster
from tests.fakes.tls_server import JsonHandler, authority, serving


@contextmanager
def served(cluster: FakeCluster, directory: Path) -> Iterator[FakeCluster]:
    """The cluster at a TLS address of its own."""
    cluster.ca_pem = authority(directory)
    with serving(_handler(cluster), directory) as cluster.url:
        yield cluster


def _handler(cluster: FakeCluster) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(JsonHandler):
        def _answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length", 0)))
            what = f"{self.command} {urlsplit(self.path).path}"
            with lock:
                cluster.heard.append(what)
                status, body = cluster.answer(self.command, self.path, json.loads(text) if text else {})
            try:
                cluster.before_answer(what)
            except ConnectionError:
                self.close_connection = True
                return
            content = json.dumps(body).encode()
            self.reply(status, content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815  # the names that http.server calls

    return Handler


class _Transport:
    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster

    def perform_request(
        self, method: str, url: str, params: Any = None, body: Any = None, timeout: Any = None, headers: Any = None
    ) -> Any:
        path, _, query = url.partition("?")
        query = "&".join([*filter(None, [query]), *(f"{name}={value}" for name, value in (params or {}).items())])
        self._cluster.heard.append(f"{method} {path}")
        status, data = self._cluster.answer(method, f"{path}?{query}", dict(body or {}))
        try:
            self._cluster.before_answer(f"{method} {path}")
        except ConnectionError as error:
            raise NoConnection("N/A", str(error), error) from error
        if status >= 300:
            raise TransportError(status, "error", data)
        return data


def client_of(cluster: FakeCluster) -> Any:
    """As an OpenSearch client to `ask`, without a connection: for tests that ask very often."""
    return SimpleNamespace(transport=_Transport(cluster))
