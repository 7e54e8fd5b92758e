"""A segment: one gzip object of NDJSON, the log's own form.

    line 0     {"entries":n,"format":1,"group":…,"links":[…],"run":…,"segment":id,"tabletrail":"segment"}
    line 1..n  {"entry":<document with log>,"images":{"form":"plain","new":{…}|null,"old":{…}|null}}

Rules
- The same arguments give the same bytes, with the same build of zlib.
- Documents are never dumped a second time: an entry's canonical bytes are put into its line as they are.
- Reading unpacks a piece at a time and trusts nothing: not the length, not the count, not the end.

Called by the capture (encode), the index of the backlog, replay and verify (read).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from tabletrail.core.canonical import canonical
from tabletrail.core.checkpoint import ShardLink
from tabletrail.core.document import Entry, with_log
from tabletrail.errors import SegmentError

FORMAT = 1
LEVEL = 3
"""Of zlib: an eighth smaller than level 1 for 1 ms more on a page of 1,000 records; 6 doubles the time."""
_GZIP = 31
_PIECE = 1 << 18
LONGEST_LINE = 64 << 20
"""Far above what DynamoDB's 400 KB items can make, far below what would exhaust a function."""

_ENTRY = b'{"entry":'
_IMAGES = b',"images":{"form":"'


@dataclass(frozen=True, slots=True)
class EncodedSegment:
    """`documents` are the entries' bytes with `log`, in order: what the index gets. `sha256` is of `body`."""

    body: bytes
    sha256: str
    documents: list[bytes]


@dataclass(frozen=True, slots=True)
class Header:
    segment_id: str
    run_id: str
    group_id: str
    links: tuple[ShardLink, ...]
    entries: int


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. `entry` and `images` are parsed; `document` is the entry's very bytes, as the index gets them."""

    number: int
    entry: dict[str, Any]
    images: dict[str, Any]
    document: bytes

    @property
    def id(self) -> str:
        return str(self.entry["event"]["id"])

    @property
    def index(self) -> str:
        return str(self.entry["log"]["index"])


def encode(
    segment_id: str, run_id: str, group_id: str, links: Sequence[ShardLink], entries: Sequence[Entry]
) -> EncodedSegment:
    """The segment's object. Its lines are in the order of `entries`."""
    header = {
        "entries": len(entries),
        "format": FORMAT,
        "group": group_id,
        "links": [asdict(link) for link in links],
        "run": run_id,
        "segment": segment_id,
        "tabletrail": "segment",
    }
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    pieces = [packer.compress(canonical(header) + b"\n")]
    documents = []
    for line, entry in enumerate(entries, 1):
        document = with_log(entry.document, entry.index, segment_id, line)
        documents.append(document)
        pieces.append(packer.compress(b'{"entry":%b,"images":%b}\n' % (document, entry.images)))
    pieces.append(packer.flush())
    body = b"".join(pieces)
    return EncodedSegment(body, sha256(body).hexdigest(), documents)


def read(body: bytes) -> Iterator[Header | Line]:
    """The header, then each line, a line at a time. SegmentError names the line where the bytes stop making sense."""
    lines = _lines(body)
    first = next(lines, None)
    if first is None:
        raise SegmentError("line 0: the segment is empty")
    header = _header(first)
    yield header
    number = 0
    for number, data in enumerate(lines, 1):
        yield _line(number, data)
    if number != header.entries:
        raise SegmentError(f"line {number + 1}: the header promises {header.entries} entries, there are {number}")


def _header(data: bytes) -> Header:
    try:
        fields = json.loads(data)
        if fields["tabletrail"] != "segment" or fields["format"] != FORMAT:
            raise SegmentError(f"line 0: this is no segment of format {FORMAT}; a newer release may read it")
        links = tuple(ShardLink(**link) for link in fields["links"])
        return Header(fields["segment"], fields["run"], fields["group"], links, fields["entries"])
    except (ValueError, KeyError, TypeError) as error:
        raise SegmentError(f"line 0: the header is damaged ({type(error).__name__})") from None


def _line(number: int, data: bytes) -> Line:
    try:
        fields = json.loads(data)
        entry, images = fields["entry"], fields["images"]
        # The document ends where the images begin. No map in a document has a key `images` with a map in it.
        document = data[len(_ENTRY) : data.index(_IMAGES)]
        if entry["log"]["line"] != number or not data.startswith(_ENTRY) or not entry["event"]["id"]:
            raise SegmentError(f"line {number}: the entry says it is line {entry['log']['line']}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SegmentError(f"line {number}: the line is damaged ({type(error).__name__})") from None
    return Line(number, entry, images, document)


def _lines(body: bytes) -> Iterator[bytes]:
    """Each line without its end. Holds one line and one piece at a time."""
    number, rest = 0, bytearray()
    try:
        for piece in _unpacked(body):
            first, *others = piece.split(b"\n")
            rest += first
            for part in others:
                yield bytes(rest)
                number += 1
                rest = bytearray(part)
            if len(rest) > LONGEST_LINE:
                raise SegmentError(f"line {number}: it is longer than any line that is written")
    except zlib.error as error:
        raise SegmentError(f"line {number}: the compressed bytes are damaged ({error})") from None
    if rest:
        raise SegmentError(f"line {number}: the segment ends within it")


def _unpacked(body: bytes) -> Iterator[bytes]:
    """The plain bytes, at most _PIECE at a time, with the checks of gzip's trailer. zlib.error for any damage."""
    unpacker = zlib.decompressobj(_GZIP)
    for start in range(0, len(body), _PIECE):
        waiting = body[start : start + _PIECE]
        while waiting and not unpacker.eof:
            yield unpacker.decompress(waiting, _PIECE)
            waiting = unpacker.unconsumed_tail
        if unpacker.eof and (unpacker.unused_data or start + _PIECE < len(body)):
            raise zlib.error("something follows the end")
    while not unpacker.eof:
        piece = unpacker.decompress(b"", _PIECE)
        if not piece:
            raise zlib.error("the end is missing")
        yield piece
