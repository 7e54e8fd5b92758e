"""What was written, kept by the writers themselves: for each item its images, one change after the other.

Images are compared by value: DynamoDB may write a number or order a set in another way than it was sent.

Callers: `load_writer` adds, `load_check` compares.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

Image = dict[str, dict[str, Any]]
ItemKey = tuple[str, str]
"""The table's name and the normal form of the item's key attributes."""

_DIGITS = Context(prec=60)
"""More than DynamoDB's 38, so that nothing is rounded before it is compared."""


def normal(image: Mapping[str, Any] | None) -> str | None:
    """One text for all ways to write the same image in typed JSON; None for no image."""
    return None if image is None else json.dumps(_attributes(image), sort_keys=True)


def _attributes(image: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in image.items()}


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "M":
        return {kind: _attributes(content)}
    if kind == "L":
        return {kind: [_value(each) for each in content]}
    if kind in ("NS", "SS", "BS"):
        return {kind: sorted(_scalar(kind[0], each) for each in content)}
    return {kind: _scalar(kind, content)}


def _scalar(kind: str, content: Any) -> Any:
    if kind == "N":
        return str(Decimal(content).normalize(_DIGITS))
    if kind == "B" and isinstance(content, bytes):
        return base64.b64encode(content).decode()
    return content


@dataclass
class Truth:
    """Each item's expected changes as (old, new) in normal form, in the order in which its one writer made them."""

    changes: dict[ItemKey, list[tuple[str | None, str | None]]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0

    def add(self, key: ItemKey, old: Image | None, new: Image | None) -> None:
        """A write that changes nothing makes no record, so it is no change."""
        change = (normal(old), normal(new))
        if change[0] != change[1]:
            self.changes[key].append(change)
            self.count += 1

    def join(self, other: Truth) -> None:
        """Another writer's truth; no two writers share an item."""
        self.changes.update(other.changes)
        self.count += other.count
