"""A TLS server that gives prepared answers and remembers the requests: for what the real one gives only in trouble.

Answers are what OpenSearch 2.19.4 and its security plugin were seen to send, and what the proxy before Amazon's domains
is documented to send.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tabletrail_local.certificates import ensure_certificates


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    content_type: str = "application/json"


@dataclass
class Heard:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stub:
    """The next requests get those of `first`, then `answers` by "METHOD /path" without the query, or `otherwise`.

    With `hang` it never answers.
    """

    url: str = ""
    ca_pem: str = ""
    ca_file: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    otherwise: Answer = field(default_factory=lambda: Answer(404, {"error": "nothing prepared"}))
    first: list[Answer] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    hang: bool = False

    def writes(self) -> list[str]:
        return [f"{one.method} {one.target}" for one in self.heard if one.method != "GET"]


@contextmanager
def a_stub(directory: Path, certificate: str = "node") -> Iterator[Stub]:
    """`certificate` "admin" is one that is made out to no address; with "" the server speaks plain HTTP."""
    ensure_certificates(directory)
    stub = Stub(ca_file=str(directory / "root-ca.pem"), ca_pem=(directory / "root-ca.pem").read_text())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(directory / f"{certificate}.pem", directory / f"{certificate}-key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    stub.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            stub.heard.append(Heard(self.command, self.path, headers, body))
            if stub.hang:
                stub.released.wait(30)
                return
            answer = stub.answers.get(f"{self.command} {self.path.partition('?')[0]}", stub.otherwise)
            if stub.first:
                answer = stub.first.pop(0)
            content = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content.encode())

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815  # the names that http.server calls

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
