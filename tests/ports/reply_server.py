"""A tiny HTTP server that gives the replies it is told to, broken ones among them, and keeps what it was sent."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.ports.serving import QuietHandler, served


@dataclass(frozen=True)
class Canned:
    """`missing` bytes fewer are sent than Content-Length says; `hangs_up` sends nothing at all."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    hangs_up: bool = False


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ReplyServer:
    """Gives `replies` one after the other; the last one for ever."""

    url: str = ""
    replies: list[Canned] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    def say(self, *replies: Canned) -> None:
        self.replies = list(replies)
        self.received.clear()

    def next_reply(self) -> Canned:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def reply_server() -> Generator[ReplyServer]:
    server = ReplyServer()

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def setup(self) -> None:
            super().setup()
            server.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            reply = server.next_reply()
            if reply.hangs_up:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) - reply.missing])
            self.close_connection = self.close_connection or reply.missing > 0

    with served(Handler) as server.url:
        yield server
