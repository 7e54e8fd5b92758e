"""`Segments` over the table `segments`. Its rows are made by the commit alone.

Layout: segment_id (S); sparse indexes `not_indexed`, `not_alerted`, `not_sealed`, each with the key attribute of its
own name (S, one of four) and `committed_order` (S), keys only. A row leaves an index when the attribute is removed.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any

from tabletrail.aws.fetch import PAGE, batch_get, query_keys
from tabletrail.aws.rows import WORK_SHARDS, Item, committed_at_of, committed_order, decode_segment, decode_value
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.errors import TabletrailError
from tabletrail.ports import SegmentPlace

NOT_INDEXED = "not_indexed"
COUNT_LIMIT = 10_000
OLDEST = 1_000


class TableSegments:
    """`client` as for `TableCheckpoints`."""

    def __init__(self, client: Any, table: str, tries: Tries) -> None:
        self._client, self._table, self._tries = client, table, tries

    def get(self, segment_id: str) -> SegmentRow | None:
        key = {"segment_id": {"S": segment_id}}
        reply = self._tries.run(
            "GetItem", lambda: self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        )
        return decode_segment(reply["Item"]) if "Item" in reply else None

    def waiting(self, before: int, limit: int, after: SegmentPlace | None = None) -> list[SegmentRow]:
        keys = self._waiting_keys(limit, committed_order(*after) if after else "")
        found: list[SegmentRow] = []
        while (wanted := limit - len(found)) > 0:
            some = list(
                takewhile(lambda key: committed_at_of(key["committed_order"]["S"]) < before, islice(keys, wanted))
            )
            found += self._unmarked(some)
            if len(some) < wanted:
                break
        return found

    def count_waiting(self) -> tuple[int, int]:
        orders = [key["committed_order"]["S"] for key in islice(self._waiting_keys(), COUNT_LIMIT)]
        return len(orders), committed_at_of(orders[0]) if orders else 0

    def waiting_indices(self) -> frozenset[str]:
        keys = [{"segment_id": key["segment_id"]} for key in islice(self._waiting_keys(), OLDEST)]
        items = batch_get(self._client, self._tries, self._table, keys, attributes=["indices"])
        return frozenset(index for item in items for index in decode_value(item["indices"]))

    def mark_indexed(self, segment_id: str, at: int, parked: int) -> None:
        try:
            self._tries.run("UpdateItem", lambda: self._mark(segment_id, at, parked))
        except RefusedError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            raise TabletrailError(f"segment {segment_id} has no row: only a committed segment can be marked") from error

    def _mark(self, segment_id: str, at: int, parked: int) -> None:
        self._client.update_item(
            TableName=self._table,
            Key={"segment_id": {"S": segment_id}},
            UpdateExpression=f"SET indexed_at = :at, parked = :parked REMOVE {NOT_INDEXED}",
            ConditionExpression="attribute_exists(segment_id)",
            ExpressionAttributeValues={":at": {"N": str(at)}, ":parked": {"N": str(parked)}},
        )

    def _unmarked(self, keys: list[Item]) -> list[SegmentRow]:
        """In order. The index lags: what was marked a moment ago is not work any more."""
        names = [{"segment_id": key["segment_id"]} for key in keys]
        rows = [decode_segment(item) for item in batch_get(self._client, self._tries, self._table, names)]
        return sorted((row for row in rows if not row.indexed_at), key=lambda row: (row.committed_at, row.segment_id))

    def _waiting_keys(self, page: int = PAGE, after: str = "") -> Iterator[Item]:
        """Keys behind `after` in the order of commit, merged from the index's four parts, each read as far as asked."""
        parts = [
            query_keys(
                self._client,
                self._tries,
                self._table,
                NOT_INDEXED,
                NOT_INDEXED,
                shard,
                min(page, PAGE),
                ("committed_order", after),
            )
            for shard in WORK_SHARDS
        ]
        return heapq.merge(*parts, key=lambda key: str(key["committed_order"]["S"]))
