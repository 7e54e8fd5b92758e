"""What the fakes of clusters share: an address over TLS, and an answer in JSON."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tabletrail_local.certificates import ensure_certificates


class JsonHandler(BaseHTTPRequestHandler):
    """A subclass answers every method in `do_GET` and its like."""

    protocol_version = "HTTP/1.1"

    def reply(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def authority(directory: Path) -> str:
    """The certificate that signs those of `serving`, as PEM."""
    ensure_certificates(directory)
    return (directory / "root-ca.pem").read_text()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], directory: Path) -> Iterator[str]:
    """The address, https, while it answers. `authority` must have been asked before."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "node.pem", directory / "node-key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
