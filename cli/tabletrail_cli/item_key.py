"""KEY of `tabletrail history`: the item's readable id, or its key as JSON.

Pure. JSON may be DynamoDB's typed form ({"id": {"S": "order#17"}}) or plain ({"id": "order#17", "line": 3}).

Called by `history`.
"""

from __future__ import annotations

import json
from typing import Any

from tabletrail.core.change import item_of
from tabletrail.core.parked import ITEM_ID_BYTES
from tabletrail.core.paths import cut_with_hash
from tabletrail.core.values import SCALARS
from tabletrail.errors import EntryError, QueryError
from tabletrail_cli.patterns import Clause

LEGAL = 'the readable key (order#17; two parts: a/b) or JSON ({"id": "order#17"} or {"id": {"S": "order#17"}})'


def key_clause(text: str) -> Clause:
    """Finds the entries of the item, also parked ones, which hold a long id cut. QueryError shows the legal forms."""
    whole = item_id(text)
    return {"terms": {"item.id": sorted({whole, cut_with_hash(whole, ITEM_ID_BYTES)})}}


def item_id(text: str) -> str:
    """The readable id that entries of the item carry."""
    if not text.strip():
        raise QueryError(f"KEY is empty: give {LEGAL}")
    if not text.lstrip().startswith("{"):
        return text
    try:
        # Numbers as they are written: a float would round a long one.
        keys = json.loads(text, parse_int=_Digits, parse_float=_Digits)
        return item_of({name: _typed(value) for name, value in keys.items()})[0]
    except (ValueError, EntryError) as error:
        raise QueryError(f"KEY is not a key ({error}): give {LEGAL}") from None


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
