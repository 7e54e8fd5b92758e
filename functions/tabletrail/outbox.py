"""Step 2a of the commit protocol: what the outbox tells of the records that were read, before they are converted.

    read      rows by the ids of marks, and of plain deletes by their time    `Outbox`
    decide    which row is which record's                                     tabletrail.core.evidence
    claim     each row for the one record that it tells of                    `Claims`

Called by `tabletrail.parts`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from tabletrail.core.outbox import RowClaim, RowKey, Span


class Outbox(Protocol):
    """The table that writers put rows into, in the transaction of what they write. Only read, and always consistently:
    where a record has come, the row that was written with it is seen. May be repeated; retries throttling a few times.

    All calls: TransientError, ThrottledError; OutboxError if there is no such table or it may not be read.
    """

    def rows(self, keys: Collection[RowKey]) -> list[dict[str, Any]]:
        """The items that lie at these keys, in typed JSON, in no order; all of them that are there, or an error."""

    def deletes(self, spans: Collection[Span]) -> dict[Span, list[dict[str, Any]]]:
        """For each span the items in it whose `action` is `delete`, in the order of their ids, the first 100 of them."""


class Claims(Protocol):
    """Which record each row of the outbox was joined with. Durable on return, consistent between processes, kept for
    longer than a record can be read again. May be repeated: the same claim is granted again. TransientError,
    ThrottledError: then some of them may stand.
    """

    def claim(self, claims: Sequence[RowClaim]) -> frozenset[str]:
        """Makes them, each key once among them; returns the keys that another claimant has. Retries conflicts."""

    def claimants(self, keys: Collection[str]) -> dict[str, str]:
        """Who has which of these, consistent; nothing for those that nobody has."""
