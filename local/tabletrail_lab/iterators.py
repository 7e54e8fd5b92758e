"""Shard iterators: text that says stream, shard, position and time of making, signed.

Rules
- Nothing is kept for one: any process may use it, and a laboratory that starts again from its journal still knows it.
- One that another laboratory signed, or that was altered, is refused as the service refuses nonsense.
- A position is (records before it, empty pages already passed since the last of them).

Called by `api`.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from tabletrail_lab.errors import invalid

SECONDS = 900
"""How long an iterator lives."""
_SIGNATURE = 12


class Position(NamedTuple):
    record: int
    empties: int = 0


class Iterator(NamedTuple):
    stream_arn: str
    shard_id: str
    position: Position
    made_at: float


class Seal:
    """Makes and opens iterators under one laboratory's secret."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), digest_size=32).digest()

    def make(self, stream_arn: str, shard_id: str, position: Position, now: float) -> str:
        head = f"{stream_arn}|1|"
        body = f"{shard_id}|{position.record}|{position.empties}|{int(now * 1_000)}".encode()
        return head + urlsafe_b64encode(self._sign(head.encode() + body) + body).decode()

    def open(self, token: str) -> Iterator:
        """ValidationException for text that this laboratory did not make."""
        try:
            arn, one, coded = token.rsplit("|", 2)
            content = urlsafe_b64decode(coded.encode())
            signature, body = content[:_SIGNATURE], content[_SIGNATURE:]
            genuine = one == "1" and signature == self._sign(f"{arn}|1|".encode() + body)
        except ValueError:
            genuine = False
        if not genuine:
            raise invalid("Invalid ShardIterator")
        shard_id, index, empties, made = body.decode().split("|")
        return Iterator(arn, shard_id, Position(int(index), int(empties)), int(made) / 1_000)

    def _sign(self, content: bytes) -> bytes:
        return hashlib.blake2b(content, key=self._key, digest_size=_SIGNATURE).digest()
