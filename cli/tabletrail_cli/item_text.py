"""An item for reading: one line for each attribute, numbers with all their digits.

Pure. Called by `history`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tabletrail.core.values import SCALARS, view
from tabletrail_cli.output import visible


def item_lines(item: Mapping[str, Any]) -> Iterator[str]:
    """Attributes in the order of their names. `item` is DynamoDB's typed JSON."""
    for name in sorted(item):
        yield f"  {visible(name)}: {visible(value_text(item[name]))}"


def value_text(value: Any) -> str:
    """A typed value in JSON's manner without its types; text that stands alone has no quotes."""
    kind, content = next(iter(value.items()))
    return str(content) if kind in SCALARS else _nested(value)


def _nested(value: Any) -> str:
    kind, content = next(iter(value.items()))
    if kind == "M":
        members = (f"{json.dumps(name, ensure_ascii=False)}: {_nested(member)}" for name, member in content.items())
        return "{" + ", ".join(members) + "}"
    if kind == "L":
        return "[" + ", ".join(map(_nested, content)) + "]"
    if kind in ("S", "B"):
        return json.dumps(content, ensure_ascii=False)
    leaf, _ = view(value)
    return leaf[1] if leaf else ""
