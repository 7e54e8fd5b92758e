"""What an item looks like as {path: leaf}, written recursively from docs/format.md, to hold the diff against.

Called by the tests of the diff. Uses nothing of tabletrail's core.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

Leaf = tuple[str, str]


def leaf_view(image: dict[str, Any]) -> dict[str, Leaf]:
    """Each leaf of an image by its exact, uncut path."""
    view: dict[str, Leaf] = {}
    for name, value in image.items():
        _look(path_of("", name), value, view)
    return view


def _look(path: str, value: dict[str, Any], view: dict[str, Leaf]) -> None:
    [(kind, content)] = value.items()
    if kind == "M" and content:
        for name, inner in content.items():
            _look(path_of(path, name), inner, view)
    elif kind == "L" and content:
        for position, inner in enumerate(content):
            _look(path + "[" + str(position) + "]", inner, view)
    else:
        view[path] = (kind, text_of(kind, content))


def text_of(kind: str, content: Any) -> str:
    if kind in ("S", "N", "B"):
        return str(content)
    if kind in ("SS", "NS", "BS"):
        return "[" + ",".join(json.dumps(one, ensure_ascii=False) for one in sorted(content)) + "]"
    if kind == "BOOL":
        return "true" if content is True else "false"
    return {"NULL": "null", "M": "{}", "L": "[]"}[kind]


def path_of(parent: str, name: str) -> str:
    plain = name != "" and len(name) <= 255 and name == name.strip() and not any(_needs_quotes(c) for c in name)
    if plain:
        return parent + "." + name if parent else name
    shown = name if len(name) <= 255 else name[:255] + "…"
    text = json.dumps(shown, ensure_ascii=False)
    text = "".join(f"\\u{ord(c):04x}" if c == "=" or 0x7F <= ord(c) <= 0x9F else c for c in text)
    if len(name) > 255:
        text += "#" + hashlib.sha256(name.encode()).hexdigest()
    return parent + "[" + text + "]"


def _needs_quotes(character: str) -> bool:
    return character in '.[]"=…' or ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F


def cut_path(path: str) -> str:
    data = path.encode()
    if len(data) <= 512:
        return path
    return data[: 512 - 68].decode(errors="ignore") + "…#" + hashlib.sha256(data).hexdigest()


def cut_text(text: str) -> str:
    return text if len(text) <= 1000 else text[:1000] + "… (" + str(len(text) - 1000) + " more characters)"
