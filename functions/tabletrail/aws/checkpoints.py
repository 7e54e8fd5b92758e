"""`Checkpoints` over the tables `streams` and `streams_shards`, and the commit over these and `segments`.

Layout
- streams: fleet_partition (S), stream_arn (S).
- streams_shards: stream_arn (S), shard_id (S); index `by_group`: group_id (S), shard_id (S), keys only, sparse; time to
  live `expires_at`.

Rules
- Rows are read consistently; an index only says which ones to read.
- A swap whose reply was lost is sent again, and may then fail because of its own success: the row tells (`_is_ours`).

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from tabletrail.aws.commit import (
    TableNames,
    lost_rows,
    shard_item_key,
    shard_update,
    stream_item_key,
    stream_put,
    transaction,
)
from tabletrail.aws.fetch import batch_get, query, query_keys
from tabletrail.aws.rows import FLEET_PARTITION, decode_shard, decode_stream, encode_shard
from tabletrail.aws.several import each
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.checkpoint import (
    Commit,
    CommitResult,
    Committed,
    ShardKey,
    ShardMove,
    ShardRow,
    StreamMove,
    StreamRow,
    StreamState,
)
from tabletrail.errors import CommitUnknownError, TabletrailError

BY_GROUP = "by_group"
_CONDITION_FAILED = "ConditionalCheckFailedException"


class TableCheckpoints:
    """`client` must not retry by itself (`clients.dynamodb_client`): `tries` has to know of each try."""

    def __init__(self, client: Any, tables: TableNames, tries: Tries) -> None:
        self._client, self._tables, self._tries = client, tables, tries

    def streams(self) -> list[StreamRow]:
        return [row for row in self.all_streams() if row.state is not StreamState.DONE]

    def all_streams(self) -> list[StreamRow]:
        """Those that are DONE too, consistent."""
        items = query(
            self._client,
            self._tries,
            TableName=self._tables.streams,
            ConsistentRead=True,
            KeyConditionExpression="fleet_partition = :partition",
            ExpressionAttributeValues={":partition": {"S": FLEET_PARTITION}},
        )
        return [decode_stream(item) for item in items]

    def live_shards(self, group_ids: Iterable[str]) -> list[ShardRow]:
        groups = each(self.group, sorted(set(group_ids)))
        return [row for rows in groups for row in rows]

    def group(self, group_id: str) -> list[ShardRow]:
        keys = query_keys(self._client, self._tries, self._tables.shards, BY_GROUP, "group_id", group_id)
        wanted = [{"stream_arn": key["stream_arn"], "shard_id": key["shard_id"]} for key in keys]
        rows = [decode_shard(item) for item in batch_get(self._client, self._tries, self._tables.shards, wanted)]
        # The index lags: a row that it still shows may have finished or moved to another group.
        return [row for row in rows if row.group_id == group_id]

    def shards_of(self, stream_arn: str, shard_ids: Iterable[str] | None = None) -> list[ShardRow]:
        if shard_ids is not None:
            keys = [shard_item_key(ShardKey(stream_arn, shard_id)) for shard_id in shard_ids]
            return [decode_shard(item) for item in batch_get(self._client, self._tries, self._tables.shards, keys)]
        items = query(
            self._client,
            self._tries,
            TableName=self._tables.shards,
            ConsistentRead=True,
            KeyConditionExpression="stream_arn = :arn",
            ExpressionAttributeValues={":arn": {"S": stream_arn}},
        )
        return [decode_shard(item) for item in items]

    def stream(self, stream_arn: str) -> StreamRow | None:
        item = self._get(self._tables.streams, stream_item_key(stream_arn))
        return decode_stream(item) if item else None

    def add_shards(self, rows: Sequence[ShardRow]) -> None:
        each(self._add_shard, rows)

    def move_shard(self, move: ShardMove) -> bool:
        """A walk may move a row whose parent is not processed, so this is asked only where `before` counted on it."""
        request = shard_update(move, self._tables, needs_parent=move.before.parent_processed)
        return self._swap("UpdateItem", lambda: self._client.update_item(**request), lambda: self._is_ours(move))

    def move_stream(self, move: StreamMove) -> bool:
        request = stream_put(move, self._tables)
        return self._swap(
            "PutItem",
            lambda: self._client.put_item(**request),
            lambda: self.stream(move.after.stream_arn) == move.after,
        )

    def commit(self, commit: Commit) -> CommitResult:
        items = transaction(commit, self._tables)
        try:
            self._tries.run(
                "TransactWriteItems",
                lambda: self._client.transact_write_items(TransactItems=items, ClientRequestToken=commit.token),
                lost=CommitUnknownError,
            )
        except RefusedError as error:
            if error.code == "IdempotentParameterMismatchException":
                raise TabletrailError(
                    "a client token was used for two different commits: a token belongs to one attempt; report this bug"
                ) from error
            reasons = error.response.get("CancellationReasons", [])
            if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                raise
            return lost_rows(commit, reasons)
        return Committed()

    def extend_expiry(self, keys: Sequence[ShardKey], expires_at: int) -> None:
        each(lambda key: self._extend(key, expires_at), keys)

    def _add_shard(self, row: ShardRow) -> None:
        self._swap(
            "PutItem",
            lambda: self._client.put_item(
                TableName=self._tables.shards,
                Item=encode_shard(row),
                ConditionExpression="attribute_not_exists(shard_id)",
            ),
            lambda: True,  # a row is there, whoever made it
        )

    def _extend(self, key: ShardKey, expires_at: int) -> None:
        self._swap(
            "UpdateItem",
            lambda: self._client.update_item(
                TableName=self._tables.shards,
                Key=shard_item_key(key),
                UpdateExpression="SET expires_at = :at",
                # A row that has expired meanwhile must not come back as a stub without a checkpoint.
                ConditionExpression="attribute_exists(shard_id)",
                ExpressionAttributeValues={":at": {"N": str(expires_at)}},
            ),
            lambda: True,
        )

    def _swap(self, what: str, call: Callable[[], Any], is_ours: Callable[[], bool]) -> bool:
        """True if the call took effect. `is_ours` is asked only if the condition failed after a try without an answer.

        Should another writer have moved on from our own effect meanwhile, this says False: the caller reads again, and
        finds its move and the other's.
        """
        try:
            self._tries.run(what, call)
        except RefusedError as error:
            if error.code != _CONDITION_FAILED:
                raise
            return error.may_have_happened and is_ours()
        return True

    def _is_ours(self, move: ShardMove) -> bool:
        item = self._get(self._tables.shards, shard_item_key(move.after.key))
        if not item:
            return False
        row = decode_shard(item)
        # Both may be written without a move: the flag by a parent's commit, the expiry by a walk.
        return (
            replace(row, parent_processed=move.after.parent_processed, expires_at=move.after.expires_at) == move.after
        )

    def _get(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        reply = self._tries.run("GetItem", lambda: self._client.get_item(TableName=table, Key=key, ConsistentRead=True))
        item: dict[str, Any] = reply.get("Item", {})
        return item
