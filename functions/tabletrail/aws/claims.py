"""`Claims` over the stack's own table.

Layout: id (S), claimed_by (S), expires_at (N, time to live).

Rules
- A claim is put if there is none, or if it is the claimant's own: so it may be made again, whatever became of the
  reply, and by two runs at once.
- Up to a hundred are one transaction. Where some are refused nothing of it was written: those are left out, and the
  rest is put again. So each turn ends the work or has fewer claims.
- A claim outlives the record: no stream holds one for so long, so nothing can come with it again.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from tabletrail.aws.fetch import batch_get
from tabletrail.aws.rows import Item
from tabletrail.aws.several import each
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.outbox import RowClaim
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError, TransientError
from tabletrail.ports import Clock

BATCH = 100
"""What one transaction writes, and what one BatchGetItem reads."""
AT_ONCE = 4
KEPT_SECONDS = 3 * 86_400
SECONDS = 12.0
"""Where the caller has no deadline. After it nothing is begun: what was not claimed is converted by a later call."""

One = TypeVar("One")


class TableClaims:
    """`client` is a `DirectCalls`."""

    def __init__(self, client: Any, table: str, tries: Tries, clock: Clock) -> None:
        self._client, self._table, self._tries, self._clock = client, table, tries, clock

    def claim(self, claims: Sequence[RowClaim], deadline: Deadline | None = None) -> frozenset[str]:
        if len({claim.key for claim in claims}) < len(claims):
            raise TabletrailError("a row of the outbox is claimed twice at once: report this bug")
        until = deadline or Deadline.after(self._clock, SECONDS)
        taken = each(lambda batch: self._claim(batch, until), _batches(claims), AT_ONCE)
        return frozenset().union(*taken)

    def claimants(self, keys: Collection[str], deadline: Deadline | None = None) -> dict[str, str]:
        until = deadline or Deadline.after(self._clock, SECONDS)
        wanted: list[Item] = [{"id": {"S": key}} for key in sorted(set(keys))]
        found = each(lambda batch: self._read(batch, until), _batches(wanted), AT_ONCE)
        return {item["id"]["S"]: item["claimed_by"]["S"] for items in found for item in items}

    def _read(self, keys: Sequence[Item], until: Deadline) -> list[Item]:
        if until.passed():
            raise TransientError("claims were not read in time")
        return batch_get(self._client, self._tries.by(until), self._table, keys)

    def _claim(self, claims: Sequence[RowClaim], until: Deadline) -> frozenset[str]:
        """The keys of these that others have; all the rest is made."""
        expires_at = str(int(self._clock.now()) + KEPT_SECONDS)
        taken: frozenset[str] = frozenset()
        left = list(claims)
        while left:
            if until.passed():
                raise TransientError("rows of the outbox were not claimed in time")
            refused = self._refused(left, expires_at, self._tries.by(until))
            if not refused:
                break
            taken |= refused
            left = [claim for claim in left if claim.key not in refused]
        return taken

    def _refused(self, claims: Sequence[RowClaim], expires_at: str, tries: Tries) -> frozenset[str]:
        """Keys that others have. If there are none, all claims stand; if there are, none was written."""
        request = {"TransactItems": [{"Put": self._put(claim, expires_at)} for claim in claims]}
        try:
            tries.run("TransactWriteItems", lambda: self._client.transact_write_items(**request))
        except RefusedError as error:
            reasons = error.response.get("CancellationReasons", [])
            keys = {
                claim.key
                for claim, reason in zip(claims, reasons, strict=False)
                if reason.get("Code") == "ConditionalCheckFailed"
            }
            if not keys:
                raise
            return frozenset(keys)
        return frozenset()

    def _put(self, claim: RowClaim, expires_at: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": {"id": {"S": claim.key}, "claimed_by": {"S": claim.claimant}, "expires_at": {"N": expires_at}},
            "ConditionExpression": "attribute_not_exists(id) OR claimed_by = :me",
            "ExpressionAttributeValues": {":me": {"S": claim.claimant}},
        }


def _batches(all_of_them: Sequence[One]) -> list[Sequence[One]]:
    return [all_of_them[start : start + BATCH] for start in range(0, len(all_of_them), BATCH)]
