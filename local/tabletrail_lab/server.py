"""The laboratory behind HTTP on 127.0.0.1: the API at `/`, the commands at `/lab`.

Rules
- One thread, one event loop: a reply is made while nothing else is.
- A request must be signed, but whose key it is does not matter.
- A fault that gives no reply closes the connection, at once or after a while; no half of a reply is sent.

Called by tests (`serve`) and by `python -m tabletrail_lab`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Generator
from typing import cast

from tabletrail_lab.answering import Reply, error_reply
from tabletrail_lab.control import obey
from tabletrail_lab.errors import ApiError
from tabletrail_lab.http_messages import BadRequestError, Parser, Request, reply
from tabletrail_lab.laboratory import Laboratory

HOST = "127.0.0.1"
PREFIX = "DynamoDBStreams_20120810."
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_JSON = b"application/json"
_UNSIGNED = ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")
_ODDLY_SIGNED = ApiError("IncompleteSignatureException", "Authorization header is no AWS4-HMAC-SHA256 signature")


class _Connection(asyncio.Protocol):
    """One client. Requests are answered in order; while one is held back the next ones wait."""

    def __init__(self, laboratory: Laboratory, loop: asyncio.AbstractEventLoop) -> None:
        self._laboratory, self._loop = laboratory, loop
        self._parser = Parser()
        self._transport: asyncio.Transport
        self._held: asyncio.TimerHandle | None = None
        self._reader: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        if self._held is not None:
            self._held.cancel()
        self._let_go()

    def data_received(self, data: bytes) -> None:
        self._parser.feed(data)
        self._work()

    def _work(self) -> None:
        try:
            while self._held is None and not self._transport.is_closing():
                request = self._parser.next()
                if request is None:
                    if self._parser.wants_continue:
                        self._transport.write(_CONTINUE)
                    return
                self._answer(request)
        except BadRequestError:
            self._transport.close()

    def _answer(self, request: Request) -> None:
        if request.path == b"/lab":
            status, body = obey(self._laboratory, request.body)
            self._send(reply(status, body, request.closes, _JSON), request.closes)
            return
        answer = self._api(request)
        if answer.action == "close":
            self._transport.abort()
        elif answer.action == "hold":
            self._hold(answer, answer.seconds, self._transport.abort)
        else:
            message = reply(answer.status, answer.body, request.closes)
            if answer.delay:
                self._hold(answer, answer.delay, lambda: self._send(message, request.closes))
            else:
                self._send(message, request.closes)

    def _api(self, request: Request) -> Reply:
        if request.authorization is None:
            return error_reply(_UNSIGNED)
        if not request.authorization.startswith(b"aws4-hmac-sha256 credential="):
            return error_reply(_ODDLY_SIGNED)
        operation = request.target.removeprefix(PREFIX) if request.target.startswith(PREFIX) else ""
        try:
            content = json.loads(request.body)
        except ValueError:
            content = None
        return self._laboratory.answer(operation, content)

    def _send(self, message: bytes, closes: bool) -> None:
        self._transport.write(message)
        if closes:
            self._transport.close()

    def _hold(self, answer: Reply, seconds: float, then: Callable[[], object]) -> None:
        self._reader = answer.holds_reader

        def act() -> None:
            self._held = None
            self._let_go()
            then()
            self._work()

        self._held = self._loop.call_later(seconds, act)

    def _let_go(self) -> None:
        if self._reader is not None:
            self._laboratory.read_ended(self._reader)
            self._reader = None


async def listen(laboratory: Laboratory, port: int = 0) -> tuple[asyncio.Server, str]:
    """A server on that port, or on a free one, and its URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(laboratory, loop), HOST, port, backlog=1_024)
    return server, f"http://{HOST}:{server.sockets[0].getsockname()[1]}"


@contextlib.contextmanager
def serve(laboratory: Laboratory, port: int = 0) -> Generator[str]:
    """Serves from a thread of this process; gives the URL. At the end open connections are closed."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    urls: list[str] = []
    stop = asyncio.Event()

    async def run() -> None:
        server, url = await listen(laboratory, port)
        urls.append(url)
        started.set()
        await stop.wait()
        server.close()

    def work() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=work, name="laboratory", daemon=True)
    thread.start()
    started.wait()
    if not urls:
        raise OSError(f"the laboratory cannot listen on {HOST}:{port}")
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
