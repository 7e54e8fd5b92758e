"""`holding.HoldBook`: a reserved row in the tables `runs` and `segments`, both written at once.

Layout: the table's key is `#holds`; number (N), every (L of maps, as `core.holds.Hold` names its fields).

Rules
- A table that was restored, or made anew, has an older copy than the other: the newer one counts, and the next change
  writes both again. Holds are lost only if both tables are.
- No time to live: the row has no `expires_at`.

Called by `wiring` and the command line.
"""

from __future__ import annotations

from typing import Any

from tabletrail.aws.all_or_none import put_all
from tabletrail.aws.rows import Item, decode_value, encode_value
from tabletrail.aws.tries import Tries
from tabletrail.core.holds import Holds, newest

RESERVED = "#holds"


class TableHolds:
    """`client` as for `TableCheckpoints`."""

    def __init__(self, client: Any, runs: str, segments: str, tries: Tries) -> None:
        self._client, self._tries = client, tries
        self._places: tuple[tuple[str, Item], ...] = (
            (runs, {"name": {"S": RESERVED}}),
            (segments, {"segment_id": {"S": RESERVED}}),
        )

    def read(self) -> Holds:
        return newest(self._copies())

    def write(self, before: Holds, after: Holds) -> bool:
        copies = self._copies()
        if newest(copies) != before:
            return False
        puts = [{"Put": _put(table, key, after, copy)} for (table, key), copy in zip(self._places, copies, strict=True)]
        return put_all(self._client, self._tries, puts)

    def _copies(self) -> tuple[Holds | None, ...]:
        return tuple(self._copy(table, key) for table, key in self._places)

    def _copy(self, table: str, key: Item) -> Holds | None:
        reply = self._tries.run("GetItem", lambda: self._client.get_item(TableName=table, Key=key, ConsistentRead=True))
        if "Item" not in reply:
            return None
        return Holds.from_facts({name: decode_value(reply["Item"][name]) for name in ("number", "every")})


def _put(table: str, key: Item, after: Holds, before: Holds | None) -> dict[str, Any]:
    item = {**key, **{name: encode_value(value) for name, value in after.facts().items()}}
    request: dict[str, Any] = {"TableName": table, "Item": item, "ExpressionAttributeNames": {"#number": "number"}}
    if before is None:
        return {**request, "ConditionExpression": "attribute_not_exists(#number)"}
    return {
        **request,
        "ConditionExpression": "#number = :before",
        "ExpressionAttributeValues": {":before": encode_value(before.number)},
    }
