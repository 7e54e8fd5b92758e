"""`Outbox` over the table that writers put rows into.

Rules
- Every read is consistent, and whole: keys that the service left are asked for again, or the call fails.
- Few large replies are held at once: a writer may put items of 400 KB. Those that are too large for a row are dropped
  as each reply comes.
- A read that fails ends the others of the same call, and no request is begun after the caller's deadline: a call of
  CaptureShards that waits for the outbox commits nothing meanwhile.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Any, TypeVar

from tabletrail.aws.fetch import batch_get, query
from tabletrail.aws.rows import Item
from tabletrail.aws.several import each
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.outbox import DELETED, RowKey, Span, is_row_sized
from tabletrail.deadline import Deadline
from tabletrail.errors import OutboxError, TransientError
from tabletrail.ports import Clock

BATCH = 100
"""Keys that one BatchGetItem takes."""
BATCHES_AT_ONCE = 4
"""Each may be answered with 16 MB."""
QUERIES_AT_ONCE = 12
MOST_DELETES = 100
"""Of one span."""
SECONDS = 12.0
"""Where the caller has no deadline."""

One = TypeVar("One")


class TableOutbox:
    """`client` is a `DirectCalls`."""

    def __init__(self, client: Any, table: str, tries: Tries, clock: Clock) -> None:
        self._client, self._table, self._tries, self._clock = client, table, tries, clock

    def rows(self, keys: Collection[RowKey], deadline: Deadline | None = None) -> list[Item]:
        # A row without one of its keys cannot be, and would have the whole batch refused.
        wanted = [_key(key) for key in sorted(set(keys)) if key.item and key.id]
        batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
        return [item for found in self._each(self._batch, batches, BATCHES_AT_ONCE, deadline) for item in found]

    def deletes(self, spans: Collection[Span], deadline: Deadline | None = None) -> dict[Span, list[Item]]:
        wanted = sorted(span for span in set(spans) if span.item and span.first_id)
        found = self._each(self._query, wanted, QUERIES_AT_ONCE, deadline)
        return {**{span: [] for span in spans}, **dict(zip(wanted, found, strict=True))}

    def _each(
        self, read: Callable[[One, Deadline], list[Item]], inputs: Sequence[One], threads: int, until: Deadline | None
    ) -> list[list[Item]]:
        deadline = until or Deadline.after(self._clock, SECONDS)

        def in_time(one: One) -> list[Item]:
            if deadline.passed():
                raise TransientError("the outbox was not read in time")
            return read(one, deadline)

        try:
            return each(in_time, inputs, threads)
        except RefusedError as error:
            raise OutboxError(f"the outbox {self._table} cannot be read: {error}") from error

    def _batch(self, keys: Sequence[Item], deadline: Deadline) -> list[Item]:
        return batch_get(self._client, self._tries.by(deadline), self._table, keys, keep=is_row_sized)

    def _query(self, span: Span, deadline: Deadline) -> list[Item]:
        found = query(
            self._client,
            self._tries.by(deadline),
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="#item = :item AND #id BETWEEN :first AND :last",
            FilterExpression="#action = :delete",
            ExpressionAttributeNames={f"#{name}": name for name in ("item", "id", "action")},
            ExpressionAttributeValues={
                ":item": {"S": span.item},
                ":first": {"S": span.first_id},
                ":last": {"S": span.last_id},
                ":delete": {"S": DELETED},
            },
        )
        return list(islice(filter(is_row_sized, found), MOST_DELETES))


def _key(key: RowKey) -> Item:
    return {"item": {"S": key.item}, "id": {"S": key.id}}
