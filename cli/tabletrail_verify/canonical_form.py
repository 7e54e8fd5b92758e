"""Canonical JSON and the hashes over it, as docs/format.md has them.

Rules
- Written from the page and from RFC 8785, not from the code that writes the log: a mistake there must show here.
- A number with a fraction, or one that a double cannot hold, has no place in the log: it is refused when parsed.

Called by every check.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

GENESIS = "0" * 64
VERSION = "tabletrail/v1"
CHAIN = "tabletrail/v1/chain"

_BEYOND_THE_BASIC_PLANE = re.compile("[\U00010000-\U0010ffff]")
_EXACT = 2**53
_MOST_CHARACTERS = 17
_compact = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode


class FormError(ValueError):
    """Bytes that are not what the format says; the text names what is wrong, never item data."""


def parse(data: bytes) -> Any:
    """The value of one JSON text. FormError if it is none, or holds what the format has no place for."""
    try:
        return json.loads(data.decode("utf-8"), parse_float=_refuse, parse_constant=_refuse, parse_int=_whole)
    except UnicodeDecodeError:
        raise FormError("it is not UTF-8") from None
    except RecursionError:
        raise FormError("it is nested deeper than any entry") from None
    except FormError:
        raise
    except ValueError:
        raise FormError("it is not JSON") from None


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes. FormError for what has none."""
    try:
        text = _compact(value)
        # Code points and UTF-16 code units sort alike as long as no character lies beyond the basic plane.
        if not text.isascii() and _BEYOND_THE_BASIC_PLANE.search(text):
            text = _by_code_unit(value)
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise FormError("a text holds half of a surrogate pair") from None
    except RecursionError:
        raise FormError("it is nested deeper than any entry") from None


def hash_of(parts: Iterable[str]) -> str:
    """H of the page: SHA-256 over the parts, each behind its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def event_hash(entry: Mapping[str, Any]) -> str:
    """`event.hash` as it must be. FormError if the entry has no canonical form."""
    bare = dict(entry)
    bare.pop("log", None)
    event = bare.get("event")
    if isinstance(event, dict):
        bare["event"] = {name: value for name, value in event.items() if name != "hash"}
    return hashlib.sha256(canonical(bare)).hexdigest()


def chain_of(previous: str, stream_arn: str, shard_id: str, ends: tuple[str, str, int], sequences: str) -> str:
    """A link's `chain`; `ends` is first, last, count."""
    first, last, count = ends
    return hash_of((CHAIN, previous, stream_arn, shard_id, first, last, str(count), sequences))


def field(document: Any, path: str) -> Any:
    """The value at a dotted path of maps; None where there is none."""
    for name in _names(path):
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


@cache
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _by_code_unit(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_compact(name)}:{_by_code_unit(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_by_code_unit, value)) + "]"
    return _compact(value)


def _refuse(_: str) -> Any:
    raise FormError("it holds a number that is not whole")


def _whole(text: str) -> int:
    if len(text) > _MOST_CHARACTERS or not -_EXACT < int(text) < _EXACT:
        raise FormError("it holds a whole number that a double cannot hold")
    return int(text)
