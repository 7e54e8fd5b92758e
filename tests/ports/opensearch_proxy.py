"""A connection between a client and the real OpenSearch that can be taken away: refused, hanging, or cut in mid-reply.

It passes bytes and knows nothing of TLS, so certificates are the server's own.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HANDSHAKE_BYTES = 2_500
"""A client has sent less than this before its request; a bulk request is longer."""
CUT_BYTES = 40
"""Of the reply to a long request, less than its head."""


@dataclass
class Proxy:
    """`mode`: pass | hang (accepts, and never answers) | cut (the request arrives, the reply does not)."""

    target: tuple[str, int]
    mode: str = "pass"
    url: str = ""
    _listener: socket.socket | None = None
    _port: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", self._port))
        self._listener, self._port = listener, listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self._port}"
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """Nothing listens any more, and nothing that was connected is."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop()

    def drop(self) -> None:
        """Cuts all connections, as a server that goes away does."""
        while self._open:
            _close(self._open.pop())

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._open.append(client)
            if self.mode == "hang":
                continue
            server = socket.create_connection(self.target)
            self._open.append(server)
            sent = [0]
            for pump in ((client, server, sent, True), (server, client, sent, False)):
                threading.Thread(target=self._pump, args=pump, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, sent: list[int], is_request: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_request:
                    sent[0] += len(data)
                elif self.mode == "cut" and sent[0] > HANDSHAKE_BYTES:
                    sink.sendall(data[:CUT_BYTES])
                    break
                sink.sendall(data)
        _close(source)
        _close(sink)


@contextmanager
def a_proxy(url: str) -> Iterator[Proxy]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    proxy = Proxy((parts.hostname, parts.port or 443))
    proxy.listen()
    try:
        yield proxy
    finally:
        proxy.refuse()


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
