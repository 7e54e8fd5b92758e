"""What stands in an entry for a value that was declared sensitive: a keyed token.

    token:5f3a…  = "token:" and the first 16 bytes, in hex, of HMAC-SHA256(key, parts), each part length-prefixed:
                   "tabletrail/v1/token", the value's type, its text

Rules
- The same type and text give the same token, wherever they stand: equality can be asked, nothing else.
- Without the key nobody can try values until one fits. The key is never shown, in no text and no error.
- Texts of different types have different tokens: the number 5 and the text 5 are two values.

Called by the makers of entries and by the command line, which asks for a value by its token.
"""

from __future__ import annotations

import hmac

PREFIX = "token:"
LENGTH = len(PREFIX) + 32
SHORTEST_KEY = 32
"""Bytes: as much as HMAC-SHA256 can make use of."""
NAME = "name"
"""The type of an attribute's name that is data itself; a value has DynamoDB's type: S, N, B, SS, NS, BS, BOOL, NULL, M
or L, the last two for {} and []."""

_DOMAIN = "tabletrail/v1/token"


class Tokens:
    """Makes tokens with one key. ValueError if the key has fewer than 32 bytes."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if type(key) is not bytes or len(key) < SHORTEST_KEY:
            raise ValueError(f"the key of tokens needs {SHORTEST_KEY} bytes or more")
        self._key = key

    def __call__(self, kind: str, text: str) -> str:
        """The token of a value of this type and text. UnicodeEncodeError for a lone surrogate."""
        pieces: list[bytes] = []
        for part in (_DOMAIN, kind, text):
            data = part.encode()
            pieces.append(len(data).to_bytes(8, "big"))
            pieces.append(data)
        return PREFIX + hmac.digest(self._key, b"".join(pieces), "sha256")[:16].hex()

    def __repr__(self) -> str:
        return "Tokens(...)"

    def __reduce__(self) -> str:
        raise TypeError("the key of tokens is not to be written anywhere")
