"""KEY of `tabletrail history`: the item's readable id, or its key as JSON.

Pure. JSON may be DynamoDB's typed form ({"id": {"S": "order#17"}}) or plain ({"id": "order#17", "line": 3}).

Called by `history`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail.core.change import item_of
from tabletrail.core.parked import ITEM_ID_BYTES
from tabletrail.core.paths import cut_with_hash
from tabletrail.core.values import SCALARS
from tabletrail.errors import EntryError, QueryError
from tabletrail_cli.patterns import Clause

LEGAL = 'the readable key (order#17; two parts: a/b) or JSON ({"id": "order#17"} or {"id": {"S": "order#17"}})'


@dataclass(frozen=True, slots=True)
class ItemKey:
    """`ids`: the readable ids that the item may have; two for a key of two parts, as JSON does not tell which one comes
    first. `parts`, by path the texts that each may stand for, then tell the item from one whose parts are the other way
    round; else they are empty."""

    ids: tuple[str, ...]
    parts: Mapping[str, Sequence[str]]

    def candidates(self) -> Clause:
        """Entries that are surely the item's own: those that hold its whole key."""
        terms = [{"terms": {f"item.key.{path}": list(texts)}} for path, texts in self.parts.items()]
        return {"bool": {"filter": [{"terms": {"item.id": list(self.ids)}}, *terms]}}

    def clause(self) -> Clause:
        """All of the item's entries, also parked ones, which hold no key and a long id cut."""
        cut = [cut_with_hash(one, ITEM_ID_BYTES) for one in self.ids]
        return {"terms": {"item.id": sorted({*self.ids, *cut})}}


def item_key(text: str) -> ItemKey:
    """QueryError shows the legal forms."""
    if not text.strip():
        raise QueryError(f"KEY is empty: give {LEGAL}")
    if not text.lstrip().startswith("{"):
        return ItemKey((text,), {})
    try:
        # Numbers as they are written: a float would round a long one.
        found = json.loads(text, parse_int=_Digits, parse_float=_Digits)
        keys = {name: _typed(value) for name, value in found.items()}
        readings = [item_of(keys, first) for first in keys or [""]]
    except (ValueError, EntryError) as error:
        raise QueryError(f"KEY is not a key ({error}): give {LEGAL}") from None
    ids = tuple(dict.fromkeys(readable for readable, _ in readings))
    return ItemKey(ids, {path: [text] for path, text in readings[0][1].items()} if len(ids) > 1 else {})


class _Digits(str):
    """A number's own text."""


def _typed(value: Any) -> dict[str, str]:
    if isinstance(value, _Digits):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, dict) and len(value) == 1:
        kind, content = next(iter(value.items()))
        if kind in SCALARS and isinstance(content, str):
            return {kind: str(content)}
    raise EntryError("a part of it is neither text, number nor {type: text}")
