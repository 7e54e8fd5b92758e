"""A handler of HTTP that answers on 127.0.0.1, on a free port, as long as a test needs it.

Called by the servers that tests ask in the place of AWS.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or each reply waits for a delayed acknowledgement

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's own name
        pass


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """The server's address."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
