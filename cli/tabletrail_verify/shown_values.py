"""What an entry shows of values against the whole images in its line, and against what was declared sensitive.

Rules
- A value that was declared sensitive stands in the entry as a token, nowhere else and never in clear.
- A value in clear is the image's. A token is the image's value under the key, where the key may be read.
- Each leaf of a path that can be taken apart is compared: not one whose name was hidden or cut itself.

Called by `segment_check`.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail_verify.canonical_form import field
from tabletrail_verify.places import Pattern, Step, steps_of
from tabletrail_verify.published_rules import PublishedRules, hides

Problem = tuple[str, str]
"""(code, detail): no detail holds item data."""
Key = Callable[[], bytes | None]
"""The key of the tokens, None if it may not be read. Asked for only where there is a token."""

TEXT_CHARACTERS = 1000
_TOKEN = re.compile(r"token:[0-9a-f]{32}")
_DOMAIN = "tabletrail/v1/token"


@dataclass(slots=True)
class ShownValues:
    rules: PublishedRules
    key: Key
    uncompared: int = 0
    """Tokens that could not be compared, as their key may not be read."""

    def problems(self, entry: Any, images: Any) -> Iterator[Problem]:
        """Of one line; both parsed JSON, and may be anything."""
        patterns = self.rules.hidden(field(entry, "tabletrail.rules_version"), field(entry, "table.name"))
        old, new = field(images, "old"), field(images, "new")
        yield from self._side(field(entry, "before"), [old], patterns, "before")
        yield from self._side(field(entry, "after"), [new], patterns, "after")
        yield from self._side(field(entry, "item.key"), [new, old], patterns, "item.key")
        yield from _id_problem(field(entry, "item"))
        yield from _context_problem(field(entry, "context"), patterns)
        for one in field(entry, "numbers") or () if patterns else ():
            steps = steps_of(str(field(one, "path")))
            if steps and hides(patterns, steps):
                yield "value-clear", "a number that was declared sensitive stands in numbers"

    def _side(self, shown: Any, images: list[Any], patterns: Sequence[Pattern], where: str) -> Iterator[Problem]:
        if not isinstance(shown, dict):
            return
        for path, text in shown.items():
            steps = steps_of(path)
            if steps is None or not isinstance(text, str):
                continue
            is_token = _is_token(text)
            if patterns and not is_token and hides(patterns, steps):
                yield "value-clear", f"a value that was declared sensitive stands in {where} as it is"
            found = _first(images, steps)
            if found is not None and found[1] != text and not self._agrees(found, text, is_token=is_token):
                yield "value-differs", f"a value in {where} is not the image's"

    def _agrees(self, value: tuple[str, str], text: str, *, is_token: bool) -> bool:
        kind, whole = value
        if text.startswith(whole[:TEXT_CHARACTERS] + "…"):
            return True
        if not is_token:
            return False
        key = self.key()
        self.uncompared += key is None
        return key is None or token_of(key, kind, whole) == text


def no_key() -> bytes | None:
    """`Key` of somebody who may not read it."""
    return None


def token_of(key: bytes, kind: str, text: str) -> str:
    """As docs/format.md has it."""
    parts = [part.encode("utf-8", "surrogatepass") for part in (_DOMAIN, kind, text)]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return "token:" + hmac.digest(key, message, "sha256")[:16].hex()


def _id_problem(item: Any) -> Iterator[Problem]:
    """A key that stands as a token in item.key must not stand in clear in item.id."""
    keys, readable = field(item, "key"), field(item, "id")
    if not isinstance(keys, dict) or not isinstance(readable, str):
        return
    hidden = [text for text in keys.values() if isinstance(text, str) and _is_token(text)]
    if not all(token in readable for token in hidden):
        yield "value-clear", "item.id does not show the token that item.key has"


def _context_problem(shown: Any, patterns: Sequence[Pattern]) -> Iterator[Problem]:
    """What a row of the outbox gave is hidden as if it stood in a mark. No image has it to compare it with."""
    for path, text in shown.items() if isinstance(shown, dict) and patterns else ():
        steps = steps_of(path)
        if steps is not None and not _is_token(str(text)) and hides(patterns, ("_audit", "context", *steps)):
            yield "value-clear", "a value that was declared sensitive stands in context as it is"


def _is_token(text: str) -> bool:
    return text.startswith("token:") and _TOKEN.fullmatch(text) is not None


def _first(images: Sequence[Any], steps: Sequence[Step]) -> tuple[str, str] | None:
    """(type, text) of the leaf at that place of the first image that has one there."""
    for image in images:
        value: Any = {"M": image}
        for step in steps:
            inside = value.get("L" if isinstance(step, int) else "M") if isinstance(value, dict) else None
            if isinstance(step, int):
                value = inside[step] if isinstance(inside, list) and step < len(inside) else None
            else:
                value = inside.get(step) if isinstance(inside, dict) else None
        if isinstance(value, dict) and len(value) == 1:
            ((kind, content),) = value.items()
            text = content if isinstance(content, str) else _text_of(kind, content)
            if text is not None:
                return kind, text
    return None


def _text_of(kind: str, content: Any) -> str | None:
    """Of what is no text, number or binary; None for a map or list with something in it."""
    if kind in ("SS", "NS", "BS") and isinstance(content, list):
        return json.dumps(sorted(content), ensure_ascii=False, separators=(",", ":"))
    if kind == "BOOL":
        return "true" if content else "false"
    if kind == "NULL":
        return "null"
    return None if content else {"M": "{}", "L": "[]"}.get(kind)
