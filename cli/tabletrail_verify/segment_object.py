"""The lines of one segment's object, a piece at a time. Nothing is trusted: not a length, not the end.

Called by `segment_check` and `stream_walk`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from tabletrail_verify.canonical_form import FormError

_GZIP = 31
_PIECE = 1 << 18
LONGEST_LINE = 64 << 20
"""Two images of 400 KB give some 2 MB; what is longer than this was not written by tabletrail."""


def lines_of(body: bytes) -> Iterator[bytes]:
    """Each line without its end. FormError names the line (the header is 0) where the bytes stop making sense."""
    number, rest = 0, bytearray()
    try:
        for piece in _unpacked(body):
            *whole, last = piece.split(b"\n")
            for part in whole:
                rest += part
                yield bytes(rest)
                number, rest = number + 1, bytearray()
            rest += last
            if len(rest) > LONGEST_LINE:
                raise FormError(f"line {number} is longer than any line that is written")
    except zlib.error:
        raise FormError(f"the compressed bytes are damaged at or behind line {number}") from None
    if rest:
        raise FormError(f"the segment ends within line {number}")


def _unpacked(body: bytes) -> Iterator[bytes]:
    """The plain bytes of the one gzip member, with the checks of its trailer."""
    unpacker = zlib.decompressobj(_GZIP)
    view = memoryview(body)
    at = 0
    while not unpacker.eof:
        waiting = unpacker.unconsumed_tail
        if not waiting:
            waiting = bytes(view[at : at + _PIECE])
            at += len(waiting)
        if not waiting:
            piece = unpacker.decompress(b"", _PIECE)
            if not piece and not unpacker.eof:
                raise FormError("the segment's end is missing")
        else:
            piece = unpacker.decompress(waiting, _PIECE)
        yield piece
    if unpacker.unused_data or at < len(body):
        raise FormError("something follows the segment's end")
