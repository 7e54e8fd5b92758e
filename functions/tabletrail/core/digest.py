"""SHA-256 over a list of parts, so that no two lists give the same bytes.

Rules
- Each part is preceded by its length in bytes, 8 bytes big-endian. Text parts are UTF-8.
- The first part names what is hashed (a domain), so that a hash made for one purpose never passes for another.

Called by `identity` and `chain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def hash_of(parts: Iterable[str]) -> str:
    """Lower-case hex of the SHA-256 over all parts, each length-prefixed. UnicodeEncodeError for lone surrogates."""
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode()
        pieces.append(len(data).to_bytes(8, "big"))
        pieces.append(data)
    return sha256(b"".join(pieces)).hexdigest()
