"""`RecoveredRows` over the tables `streams_shards` and `segments`.

Rules
- A shard's version may jump: behind the recovery no gap has a number, and no old reader a version, of before.
- A segment's row that is there is never touched: it is the commit.

Called by `tabletrail.recovery` through the port; wired by the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabletrail.aws.commit import TableNames
from tabletrail.aws.fetch import batch_get
from tabletrail.aws.rows import decode_segment, encode_segment, encode_shard
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.checkpoint import SegmentRow, ShardRow

_CONDITION_FAILED = "ConditionalCheckFailedException"


class TableRecoveredRows:
    """`client` as for `TableCheckpoints`."""

    def __init__(self, client: Any, tables: TableNames, tries: Tries) -> None:
        self._client, self._tables, self._tries = client, tables, tries

    def segments(self, segment_ids: Sequence[str]) -> dict[str, SegmentRow]:
        keys = [{"segment_id": {"S": segment_id}} for segment_id in segment_ids]
        items = batch_get(self._client, self._tries, self._tables.segments, keys)
        return {row.segment_id: row for row in map(decode_segment, items)}

    def put_segment(self, row: SegmentRow) -> None:
        self._put(
            TableName=self._tables.segments,
            Item=encode_segment(row),
            ConditionExpression="attribute_not_exists(segment_id)",
        )

    def put_shard(self, before: ShardRow | None, after: ShardRow) -> bool:
        request: dict[str, Any] = {"TableName": self._tables.shards, "Item": encode_shard(after)}
        if before is None:
            return self._put(**request, ConditionExpression="attribute_not_exists(shard_id)")
        return self._put(
            **request,
            ConditionExpression="#version = :before",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues={":before": {"N": str(before.version)}},
        )

    def _put(self, **request: Any) -> bool:
        """False if the condition failed; after a lost reply that may be our own success: the caller says it again."""
        try:
            self._tries.run("PutItem", lambda: self._client.put_item(**request))
        except RefusedError as error:
            if error.code != _CONDITION_FAILED:
                raise
            return False
        return True
