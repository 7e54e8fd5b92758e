"""`Stamps` over the four tables: in each one row that no query of the others meets, since its keys are `#stamp`.

Layout: the table's keys, stamp (N), stamped_at (N), table_ids (M: name in TABLES -> the table's id, S).

Rules
- Read and written by transactions: never a moment at which one table is ahead of the others.
- No time to live: the row has no `expires_at`.

Called by the use cases through the port; wired by the handlers and the command line.
"""

from __future__ import annotations

from typing import Any

from tabletrail.aws.all_or_none import put_all
from tabletrail.aws.commit import TableNames
from tabletrail.aws.rows import Item, decode_value, encode_value
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.stamps import TABLES, Stamp, Stamped
from tabletrail.errors import TabletrailError

RESERVED = "#stamp"
"""Value of each key of the reserved rows."""
_KEYS = {
    "streams": ("fleet_partition", "stream_arn"),
    "streams_shards": ("stream_arn", "shard_id"),
    "segments": ("segment_id",),
    "runs": ("name",),
}


class TableStamps:
    """`client` as for `TableCheckpoints`; describing a table may be repeated."""

    def __init__(self, client: Any, tables: TableNames, runs: str, tries: Tries) -> None:
        self._client, self._tries = client, tries
        self._names = dict(zip(TABLES, (tables.streams, tables.shards, tables.segments, runs), strict=True))

    def read(self) -> Stamped:
        ids = {table: self._table_id(name) for table, name in self._names.items()}
        gets = [{"Get": {"TableName": self._names[table], "Key": _key(table)}} for table in TABLES]
        reply = self._tries.run("TransactGetItems", lambda: self._client.transact_get_items(TransactItems=gets))
        items = [response.get("Item") for response in reply["Responses"]]
        return Stamped({table: _decode(item) for table, item in zip(TABLES, items, strict=True)}, ids)

    def write(self, before: Stamped, stamp: Stamp) -> bool:
        puts = [{"Put": self._put(table, before.stamps[table], stamp)} for table in TABLES]
        return put_all(self._client, self._tries, puts)

    def _put(self, table: str, before: Stamp | None, stamp: Stamp) -> dict[str, Any]:
        item: Item = {
            **_key(table),
            "stamp": encode_value(stamp.number),
            "stamped_at": encode_value(stamp.at),
            "table_ids": encode_value(stamp.ids),
        }
        request: dict[str, Any] = {"TableName": self._names[table], "Item": item}
        if before is None:
            return {**request, "ConditionExpression": "attribute_not_exists(stamp)"}
        return {
            **request,
            "ConditionExpression": "stamp = :before",
            "ExpressionAttributeValues": {":before": encode_value(before.number)},
        }

    def _table_id(self, name: str) -> str:
        try:
            table = self._tries.run("DescribeTable", lambda: self._client.describe_table(TableName=name))["Table"]
        except RefusedError as error:
            if error.code == "ResourceNotFoundException":
                raise TabletrailError(f"there is no table {name}: deploy the stack again, or restore it") from error
            raise
        return str(table.get("TableId") or table["CreationDateTime"])


def _key(table: str) -> Item:
    return {name: {"S": RESERVED} for name in _KEYS[table]}


def _decode(item: Item | None) -> Stamp | None:
    if not item:
        return None
    return Stamp(*(decode_value(item[name]) for name in ("stamp", "stamped_at", "table_ids")))
