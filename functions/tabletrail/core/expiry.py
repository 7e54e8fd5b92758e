"""By which attribute TTL removed an item.

Rules
- A record of a removal by TTL says that it was one, and nothing of why. The table's TTL attribute is known beside it,
  as it was when it was last looked up: it may have become another since.
- So it is told only where the removed item bears it out: it held a number there, of seconds that had passed. An item
  without one is not removed by TTL.
- Who set it is not in the record: the mark in the old image is that of the last marked write, whatever that wrote. The
  entries of changes of this attribute tell, for whoever looks for them.

Called by the conversion.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import Any

from tabletrail.core.diff import Hide, Image, shown_name
from tabletrail.core.places import Place


def told_by_expiry(attribute: str, old: Image | None, seconds: int, root: Place[Any], hide: Hide) -> dict[str, str]:
    """`ttl_attribute` of an entry, if the item that was removed at `seconds` bears it out; hidden if such a name is
    data. `attribute` is empty if none is known."""
    if not attribute or old is None or not _had_passed(old.get(attribute), seconds):
        return {}
    return {"ttl_attribute": shown_name(attribute, root, root.into(attribute), hide)}


def _had_passed(value: Any, seconds: int) -> bool:
    text = value.get("N") if type(value) is dict else None
    try:
        return type(text) is str and Decimal(text) <= seconds
    except DecimalException:
        return False
