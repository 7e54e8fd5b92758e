"""`Segments` over the table `segments`. Its rows are made by the commit alone.

Layout: segment_id (S); sparse indexes `not_indexed`, `not_alerted`, `not_sealed`, each with the key attribute of its
own name (S, one of four) and `committed_order` (S), keys only. A row leaves an index when the attribute is removed.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, takewhile
from typing import Any

from tabletrail.aws.fetch import PAGE, batch_get, query_keys
from tabletrail.aws.rows import (
    WORK_SHARDS,
    Item,
    committed_at_of,
    committed_order,
    decode_segment,
    decode_value,
    encode_value,
)
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.errors import TabletrailError
from tabletrail.ports import SegmentPlace

NOT_INDEXED = "not_indexed"
NOT_ALERTED = "not_alerted"
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
        keys = self._keys(NOT_INDEXED, limit, after)
        young = takewhile(lambda key: committed_at_of(key["committed_order"]["S"]) < before, keys)
        return self._rows(young, limit, lambda row: not row.indexed_at)

    def count_waiting(self) -> tuple[int, int]:
        return _counted(self._keys(NOT_INDEXED))

    def waiting_indices(self) -> frozenset[str]:
        keys = [{"segment_id": key["segment_id"]} for key in islice(self._keys(NOT_INDEXED), OLDEST)]
        items = batch_get(self._client, self._tries, self._table, keys, attributes=["indices"])
        return frozenset(index for item in items for index in decode_value(item["indices"]))

    def mark_indexed(self, segment_id: str, at: int, parked: int) -> None:
        update = f"SET indexed_at = :at, parked = :parked REMOVE {NOT_INDEXED}"
        self._mark(segment_id, update, {":at": encode_value(at), ":parked": encode_value(parked)})

    def unalerted(self, limit: int, after: SegmentPlace | None = None) -> list[SegmentRow]:
        return self._rows(self._keys(NOT_ALERTED, limit, after), limit, lambda row: not row.alerted_at)

    def count_unalerted(self) -> tuple[int, int]:
        return _counted(self._keys(NOT_ALERTED))

    def note_alerted(self, segment_id: str, taken: Sequence[tuple[str, int]]) -> None:
        self._mark(segment_id, "SET alerted_to = :taken", {":taken": encode_value(taken)})

    def mark_alerted(self, segment_id: str, at: int) -> None:
        update = f"SET alerted_at = :at REMOVE {NOT_ALERTED}, alerted_to"
        self._mark(segment_id, update, {":at": encode_value(at)})

    def _mark(self, segment_id: str, update: str, values: dict[str, Any]) -> None:
        def call() -> None:
            self._client.update_item(
                TableName=self._table,
                Key={"segment_id": {"S": segment_id}},
                UpdateExpression=update,
                ConditionExpression="attribute_exists(segment_id)",
                ExpressionAttributeValues=values,
            )

        try:
            self._tries.run("UpdateItem", call)
        except RefusedError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            raise TabletrailError(f"segment {segment_id} has no row: only a committed segment can be marked") from error

    def _rows(self, keys: Iterator[Item], limit: int, is_work: Callable[[SegmentRow], bool]) -> list[SegmentRow]:
        """The first `limit` of these that are work. The index lags: what was marked a moment ago is not."""
        found: list[SegmentRow] = []
        while (wanted := limit - len(found)) > 0:
            some = list(islice(keys, wanted))
            names = [{"segment_id": key["segment_id"]} for key in some]
            rows = [decode_segment(item) for item in batch_get(self._client, self._tries, self._table, names)]
            found += sorted(filter(is_work, rows), key=lambda row: (row.committed_at, row.segment_id))
            if len(some) < wanted:
                break
        return found

    def _keys(self, index: str, page: int = PAGE, after: SegmentPlace | None = None) -> Iterator[Item]:
        """Keys behind `after` in the order of commit, merged from the index's four parts, each read as far as asked."""
        parts = [
            query_keys(
                self._client,
                self._tries,
                self._table,
                index,
                index,
                shard,
                min(page, PAGE),
                ("committed_order", committed_order(*after) if after else ""),
            )
            for shard in WORK_SHARDS
        ]
        return heapq.merge(*parts, key=lambda key: str(key["committed_order"]["S"]))


def _counted(keys: Iterator[Item]) -> tuple[int, int]:
    """How many there are, up to COUNT_LIMIT, and when the first was committed (0 if none)."""
    orders = [key["committed_order"]["S"] for key in islice(keys, COUNT_LIMIT)]
    return len(orders), committed_at_of(orders[0]) if orders else 0
