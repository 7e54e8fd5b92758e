"""Bulk requests: NDJSON bodies for the index, each at most so many bytes.

Rules
- Only `create`, with our own id: a document that is there already answers 409 and stays as it is.
- Documents go in as their bytes are. One that is too large by itself goes alone: the index decides what to do with it.

Called by the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tabletrail.core.document import quote


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """`ids` are the documents' ids in the order of the body."""

    body: bytes
    ids: tuple[str, ...]


def requests(items: Iterable[tuple[str, str, bytes]], max_bytes: int) -> Iterator[BulkRequest]:
    """Requests for (id, index name, document) in order, each body at most `max_bytes` unless it is one document."""
    pieces: list[bytes] = []
    ids: list[str] = []
    size = 0
    for entry_id, index, document in items:
        piece = b'{"create":{"_index":%b,"_id":%b}}\n%b\n' % (quote(index).encode(), quote(entry_id).encode(), document)
        if ids and size + len(piece) > max_bytes:
            yield BulkRequest(b"".join(pieces), tuple(ids))
            pieces, ids, size = [], [], 0
        pieces.append(piece)
        ids.append(entry_id)
        size += len(piece)
    if ids:
        yield BulkRequest(b"".join(pieces), tuple(ids))
