"""HTTP for the readers of a soak: the requests that the product signed, over kept connections, with little ceremony.

Why: of a GetRecords call's time in this process two thirds are urllib3's, and a laboratory day has a million of them.
Errors are botocore's, as the session in its place raises them; the product's retries see no difference.

Called by `soak_world`, in place of the SDK client's HTTP session.
"""

from __future__ import annotations

import re
import socket
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CRC = re.compile(rb"\r\nx-amz-crc32: *(\d+)", re.IGNORECASE)
CONNECT_SECONDS, READ_SECONDS = 2, 5


@dataclass(frozen=True, slots=True)
class LeanReply:
    status_code: int
    content: bytes
    headers: dict[str, str]


class LeanSession:
    """Has the one method of botocore's session that `SignedRequests` uses. Safe for any number of threads."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._address = (address.hostname or "127.0.0.1", address.port or 80)
        self._host = address.netloc
        self._free: deque[socket.socket] = deque()

    def send(self, request: Any) -> LeanReply:
        """Sends an AWSPreparedRequest and reads the whole reply."""
        connection = self._connection(request.url)
        try:
            connection.sendall(self._bytes_of(request))
            reply = _read(connection)
        except TimeoutError as error:
            connection.close()
            raise ReadTimeoutError(endpoint_url=request.url) from error
        except OSError as error:
            connection.close()
            raise ConnectionClosedError(endpoint_url=request.url) from error
        self._free.append(connection)
        return reply

    def close(self) -> None:
        while self._free:
            self._free.pop().close()

    def _connection(self, url: str) -> socket.socket:
        try:
            return self._free.pop()
        except IndexError:
            pass
        try:
            connection = socket.create_connection(self._address, CONNECT_SECONDS)
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        connection.settimeout(READ_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _bytes_of(self, request: Any) -> bytes:
        lines = [f"POST / HTTP/1.1\r\nHost: {self._host}"]
        for name, value in request.headers.items():
            lines.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + bytes(request.body)


def _read(connection: socket.socket) -> LeanReply:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _some(connection)
    head = received[:end]
    length = _LENGTH.search(head)
    if length is None:
        raise OSError("a reply without a length")
    parts, left = [received[end + 4 :]], int(length.group(1)) - (len(received) - end - 4)
    while left > 0:
        parts.append(_some(connection))
        left -= len(parts[-1])
    crc = _CRC.search(head)
    headers = {"x-amz-crc32": crc.group(1).decode()} if crc else {}
    return LeanReply(int(head[9:12]), b"".join(parts), headers)


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(262_144)
    if not received:
        raise OSError("the connection was closed")
    return received
