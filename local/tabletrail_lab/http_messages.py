"""HTTP/1.1 as far as the SDKs need it: requests out of a stream of bytes, replies into one.

Rules
- Keep-alive unless the client says otherwise; bodies by Content-Length alone.
- Replies carry what the service's carry: a request id and the body's CRC-32.

Called by `server`, which is fast only as long as this is lean.
"""

from __future__ import annotations

import re
import zlib
from itertools import count
from typing import NamedTuple

MOST_HEAD, MOST_BODY = 65_536, 256 * 1_048_576
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)")
_TARGET = re.compile(rb"\r\nx-amz-target:[ \t]*([^\r\n]*)", re.IGNORECASE)
_AUTHORIZATION = re.compile(rb"\r\nauthorization:[ \t]*([^\r\n]*)")
_CLOSES = re.compile(rb"\r\nconnection:[ \t]*close")
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue")
_REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found", 500: b"Internal Server Error"}
_REPLY = (
    b"HTTP/1.1 %d %s\r\nx-amzn-RequestId: %s\r\nx-amz-crc32: %d\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s"
)
_numbers = count(1)


class BadRequestError(Exception):
    """Bytes that are no request; the connection is beyond repair."""


class Request(NamedTuple):
    method: bytes
    path: bytes
    target: str
    authorization: bytes | None
    body: bytes
    closes: bool


class Parser:
    """Takes bytes as they come and gives whole requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.wants_continue = False

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Request | None:
        """None until one is whole."""
        buffer = self._buffer
        end = buffer.find(_END)
        if end < 0:
            if len(buffer) > MOST_HEAD:
                raise BadRequestError
            return None
        original = bytes(buffer[: end + 2])
        head = original.lower()
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if length > MOST_BODY or b"\r\ntransfer-encoding:" in head:
            raise BadRequestError
        whole = end + 4 + length
        if len(buffer) < whole:
            self.wants_continue = _EXPECTS.search(head) is not None and len(buffer) == end + 4
            return None
        body = bytes(buffer[end + 4 : whole])
        del buffer[:whole]
        parts = original[: original.find(b"\r\n")].split(b" ")
        if len(parts) != 3:
            raise BadRequestError
        target, authorization = _TARGET.search(original), _AUTHORIZATION.search(head)
        return Request(
            parts[0],
            parts[1],
            target[1].decode("latin-1") if target else "",
            authorization[1] if authorization else None,
            body,
            _CLOSES.search(head) is not None,
        )


def reply(status: int, body: bytes, closes: bool, content_type: bytes = b"application/x-amz-json-1.0") -> bytes:
    return _REPLY % (
        status,
        _REASONS.get(status, b"Error"),
        _request_id(),
        zlib.crc32(body),
        content_type,
        b"Connection: close\r\n" if closes else b"",
        len(body),
        body,
    )


def _request_id() -> bytes:
    """52 letters and digits, as the service's are; unlike them, these count."""
    return b"LAB%023dVV4KQNSO5AEMVJF66Q9ASUAAJG" % next(_numbers)
