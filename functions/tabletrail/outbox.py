"""Step 2 of the commit protocol, before the conversion: what the outbox tells of the records that were read.

    read      rows by the ids of marks, rows of plain deletes by their time     `Outbox`
    choose    which row tells of which record                                   tabletrail.core.evidence
    claim     each row for the one record that it tells of                      `Claims`

Rules
- Only for records of tables whose policy says that their writers use it, and only for those of which a row can tell.
  Where there is no such table nothing is called, and no record is looked at.
- Claims stand before anything is converted with them. They name the record, not the run: whoever reads the record
  again, after a crash or at the same time, is granted the same.
- A shard whose rows cannot be read is left out of this call and stays due, until its oldest record that asks is
  `PATIENCE_SECONDS` old. Then it is converted without them, and its entries say so: the stream will not wait for ever.
- A shard whose claims cannot be made is left out in any case: they are part of what is committed.
- The others are not held up.

Called by `tabletrail.parts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from tabletrail.conversions import Conversions
from tabletrail.core.attribution_policy import MARKED
from tabletrail.core.checkpoint import ShardKey, StreamRow
from tabletrail.core.evidence import Ask, Joining, Reading, ask_of, joined, keys_of, settled
from tabletrail.core.marks import NEAR_SECONDS
from tabletrail.core.outbox import Evidence, OutboxRow, RowClaim, RowKey, Span, row_in
from tabletrail.errors import TabletrailError
from tabletrail.ports import Clock
from tabletrail.reading import ShardRead

PATIENCE_SECONDS = 3600
"""How long records wait for an outbox that cannot be read: an hour of the 24 for which their stream keeps them."""

KEPT_SECONDS = 23 * 3600
"""A stream that is read for the first time holds at least what was written since then: it keeps 24 hours."""

TOGETHER_SECONDS = 2
"""A stream that is so much younger than its table came with it: before that nothing can have been written."""


class Outbox(Protocol):
    """The table that writers put rows into, in the transaction of what they write. Only read, and always consistently:
    where a record has come, the row that was written with it is seen. What is too large for a row (`is_row_sized`) is
    none, and is not held. May be repeated; retries throttling a few times.

    All calls: TransientError, ThrottledError; OutboxError if there is no such table or it may not be read.
    """

    def rows(self, keys: Collection[RowKey]) -> list[dict[str, Any]]:
        """The items of a row's size at these keys, in typed JSON, in no order; all that are there, or an error."""

    def deletes(self, spans: Collection[Span]) -> dict[Span, list[dict[str, Any]]]:
        """Each span's items of a row's size whose `action` is `delete`, in the order of their ids, the first 100."""


class Claims(Protocol):
    """Which record each row of the outbox was joined with. Durable on return, consistent between processes, kept for
    longer than a record can be read again. May be repeated: the same claim is granted again. TransientError,
    ThrottledError: then some of them may stand.
    """

    def claim(self, claims: Sequence[RowClaim]) -> frozenset[str]:
        """Makes them, each key once among them; returns the keys that another claimant has. Retries conflicts."""

    def claimants(self, keys: Collection[str]) -> dict[str, str]:
        """Who has which of these, consistent; nothing for those that nobody has."""


Found = Mapping[int, Evidence]
"""What is told of a read's records, by their positions; nothing for those of which nothing is known."""
NOTHING: Found = {}


@dataclass(slots=True)
class _Asked:
    """A read's records that ask, by their positions."""

    read: ShardRead
    asks: dict[int, Ask]

    @property
    def oldest(self) -> int:
        return min(ask.seconds for ask in self.asks.values())


@dataclass(frozen=True, slots=True)
class EvidenceFinder:
    """Asks once for all reads of a cycle."""

    outbox: Outbox
    claims: Claims
    clock: Clock
    conversions: Conversions

    def find(self, reads: Iterable[ShardRead], streams: Mapping[str, StreamRow]) -> dict[ShardKey, Found]:
        """By the shard of each read that has records which ask. The `failure` of a read that must wait is set, and it
        has nothing in the result; `trouble` of one that did not wait any longer.

        RulesError, TransientError if a stream's rules cannot be loaded.
        """
        asked = [_Asked(read, asks) for read in reads if (asks := self._asks(read, streams))]
        return self._told(asked) if asked else {}

    def _asks(self, read: ShardRead, streams: Mapping[str, StreamRow]) -> dict[int, Ask]:
        if not read.records:
            return {}
        stream = streams[read.row.stream_arn]
        said = self.conversions.of(stream.rules_version).policy.of(stream.table_name).attribution
        if not said.outbox:
            return {}
        sure_from = sure_from_ms(read, stream, streams)
        reading = Reading(stream.stream_arn, stream.table_name, sure_from, said.deletes == MARKED)
        asks = ((number, ask_of(record, reading)) for number, record in enumerate(read.records))
        return {number: ask for number, ask in asks if ask is not None}

    def _told(self, asked: list[_Asked]) -> dict[ShardKey, Found]:
        joining = None
        try:
            joining = self._read([ask for one in asked for ask in one.asks.values()])
        except TabletrailError as error:
            asked = self._out_of_patience(asked, type(error).__name__)
        try:
            return self._claimed(asked, joining)
        except TabletrailError as error:
            for one in asked:
                _leave(one.read, f"claims: {type(error).__name__}")
            return {}

    def _read(self, asks: Sequence[Ask]) -> Joining:
        """Everything that the outbox has for these, in at most two calls."""
        keys = {key for ask in asks if (key := ask.key) and not ask.is_foreign}
        rows = {RowKey(row.item, row.id): row for row in _rows(self.outbox.rows(keys))} if keys else {}
        spans = {ask.span for ask in asks if ask.span and joined(ask, rows) is None}
        found = self.outbox.deletes(spans) if spans else {}
        return Joining(rows, {span: list(_rows(items)) for span, items in found.items()})

    def _claimed(self, asked: Sequence[_Asked], joining: Joining | None) -> dict[ShardKey, Found]:
        """What is told when all claims stand; `joining` is None where the outbox could not be read."""
        if joining is not None:
            names = {key for rows in joining.deletes.values() for row in rows for key in keys_of(row)}
            joining = replace(joining, claimants=self.claims.claimants(names) if names else {})
        choose = Joining({}).choose_unread if joining is None else joining.choose
        chosen = [(one, {number: choose(ask) for number, ask in one.asks.items()}) for one in asked]
        claims = [claim for _, choices in chosen for choice in choices.values() if (claim := choice.claim)]
        refused = self.claims.claim(claims) if claims else frozenset()
        return {
            one.read.row.key: {number: settled(choice, refused) for number, choice in choices.items()}
            for one, choices in chosen
        }

    def _out_of_patience(self, asked: list[_Asked], error: str) -> list[_Asked]:
        """Those that are converted without the outbox; the others are left out."""
        latest = self.clock.now() - PATIENCE_SECONDS
        for one in asked:
            if one.oldest >= latest:
                _leave(one.read, f"outbox: {error}")
            else:
                one.read.trouble = f"made without the outbox: {error}"
        return [one for one in asked if one.oldest < latest]


def sure_from_ms(read: ShardRead, stream: StreamRow, streams: Mapping[str, StreamRow]) -> int | None:
    """`Reading.sure_from_ms` for the records of this read.

    The stream's ARN ends with the time at which it was switched on. What came before is in none, or in the one before
    it, and while that is still read, a copy may come before its write. A write may lie in a gap, or before what the
    stream still had when its table joined. A mark's time is its writer's: so long as a clock may be ahead, it may have
    been made before the stream began, but in a table that was made with its stream.
    """
    is_behind_gap = read.row.gaps or read.row.resume_at_horizon or read.gap == "trimmed"
    is_behind_another = any(
        other.table_arn == stream.table_arn and other.stream_arn < stream.stream_arn for other in streams.values()
    )
    if is_behind_gap or is_behind_another:
        return None
    try:
        began = datetime.fromisoformat(stream.stream_arn.rpartition("/")[2] + "+00:00")
    except ValueError:
        return None
    since = max(began.timestamp(), stream.joined_at - KEPT_SECONDS)
    is_whole = since - stream.table_made_at <= TOGETHER_SECONDS
    return int((since if is_whole else since + NEAR_SECONDS) * 1000)


def _leave(read: ShardRead, failure: str) -> None:
    read.failure, read.has_more, read.is_left_out = failure, False, True


def _rows(items: Iterable[dict[str, Any]]) -> Iterable[OutboxRow]:
    return (row for item in items if (row := row_in(item)) is not None)
