"""Names of places inside an item, and how long texts are cut.

A path is made of attribute names and list positions: `status`, `address.city`, `lines[2].qty`.

Rules
- A name is written as it is, unless it is empty, begins or ends with white space, or holds one of . [ ] " = or an
  ellipsis or a control character. Then it is a JSON string in brackets, `["a.b"]`, nested `address["zip.code"]`, with
  `=` as \\u003d (the search index glues path and value together with it). So two places never share a path.
- A name over 255 characters is quoted too, cut, and followed by the SHA-256 of all of it: `["beginning…"#hash]`.
- A path over 512 bytes keeps its beginning and ends with an ellipsis, `#` and the SHA-256 of the whole. A name with an
  ellipsis is always quoted, so no uncut path looks like a cut one.
- A text over 1,000 characters (code points) keeps the first 1,000 and says how many it lost.

Called by `diff` and by the makers of entries; by the command line to build queries.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256

PATH_BYTES = 512
NAME_CHARACTERS = 255
TEXT_CHARACTERS = 1000

_HASH_MARK_BYTES = len("…#".encode()) + 64
_CONTROL = "\\x00-\\x1f\\x7f-\\x9f"
_PLAIN_NAME = re.compile(rf'(?!\s)[^.\[\]"=…{_CONTROL}]+(?<!\s)')
_RAW_IN_JSON = re.compile("[=\\x7f-\\x9f]")
_POSITION = re.compile(r'(\["(?:[^"\\]|\\.)*"(?:#[0-9a-f]{64})?\])|\[\d+\]')


def member(path: str, name: str) -> str:
    """The path of `name` in the map at `path`, which is empty for the item itself."""
    if len(name) <= NAME_CHARACTERS and _PLAIN_NAME.fullmatch(name):
        return f"{path}.{name}" if path else name
    return path + quoted(name)


def quoted(name: str) -> str:
    """`["name"]`, with `=` and control characters escaped; `["beginning…"#sha256]` for a name over 255 characters."""
    shown = name if len(name) <= NAME_CHARACTERS else name[:NAME_CHARACTERS] + "…"
    text = json.dumps(shown, ensure_ascii=False)
    text = _RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return f"[{text}]" if shown is name else f"[{text}#{sha256(name.encode()).hexdigest()}]"


def normalised(path: str) -> str:
    """The path without its positions: `lines[2].qty` becomes `lines[].qty`. For uncut paths."""
    return _POSITION.sub(lambda match: match[1] or "[]", path) if "[" in path else path


def cut_path(path: str) -> str:
    """The path as entries write it: at most 512 bytes, still distinct."""
    # No character takes more than 4 bytes: the common case needs no encoding.
    if len(path) * 4 <= PATH_BYTES:
        return path
    return cut_with_hash(path, PATH_BYTES)


def cut_with_hash(text: str, limit: int) -> str:
    """`text`, or its beginning, an ellipsis, `#` and the SHA-256 of all of it: at most `limit` bytes."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return data[: limit - _HASH_MARK_BYTES].decode(errors="ignore") + hash_mark(text)


def hash_mark(text: str) -> str:
    """What ends a cut text that must stay distinct: an ellipsis, `#` and the SHA-256 of all of it."""
    return "…#" + sha256(text.encode()).hexdigest()


def cut_text(text: str) -> str:
    """`text`, or its first 1,000 characters and a mark: `… (234 more characters)`."""
    if len(text) <= TEXT_CHARACTERS:
        return text
    return f"{text[:TEXT_CHARACTERS]}… ({len(text) - TEXT_CHARACTERS} more characters)"
