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
- All this has one bound of time, within the call's. What it does not suffice for is left out without a failure, and is
  first in the next cycle. Where it did not suffice for anything, the largest is what cannot be read.
- Records are asked about by the round, a bounded number in each, in their order: so is what is held of their rows. A
  shard may need many rounds. What a shard's early rounds claimed stands, where a later one failed.

Called by `tabletrail.parts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from tabletrail.conversions import Conversions
from tabletrail.core.attribution_policy import MARKED
from tabletrail.core.checkpoint import ShardKey, StreamRow
from tabletrail.core.evidence import Ask, Joining, Reading, ask_of, joined, keys_of, settled
from tabletrail.core.marks import NEAR_SECONDS
from tabletrail.core.outbox import Evidence, OutboxRow, RowClaim, RowKey, Span, row_in
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.ports import Clock
from tabletrail.reading import ShardRead

PATIENCE_SECONDS = 3600
"""How long records wait for an outbox that cannot be read: an hour of the 24 for which their stream keeps them."""

SECONDS = 25.0
"""For the evidence of one cycle: half of what a call has, so that a fresh one always has it when its cycle is read."""

ROUND = 500
"""Records that are asked about at once. A plain delete may have a hundred rows, each with 8 KB of context."""

KEPT_SECONDS = 23 * 3600
"""A stream that is read for the first time holds at least what was written since then: it keeps 24 hours."""

TOGETHER_SECONDS = 2
"""A stream that is so much younger than its table came with it: before that nothing can have been written."""


class Outbox(Protocol):
    """The table that writers put rows into, in the transaction of what they write. Only read, and always consistently:
    where a record has come, the row that was written with it is seen. What is too large for a row (`is_row_sized`) is
    none, and is not held. May be repeated; retries throttling a few times.

    All calls: TransientError, ThrottledError; OutboxError if there is no such table or it may not be read. No request
    is begun after `deadline`: TransientError if some are left then.
    """

    def rows(self, keys: Collection[RowKey], deadline: Deadline | None = None) -> list[dict[str, Any]]:
        """The items of a row's size at these keys, in typed JSON, in no order; all that are there, or an error."""

    def deletes(self, spans: Collection[Span], deadline: Deadline | None = None) -> dict[Span, list[dict[str, Any]]]:
        """Each span's items of a row's size whose `action` is `delete`, in the order of their ids, the first 100."""


class Claims(Protocol):
    """Which record each row of the outbox was joined with. Durable on return, consistent between processes, kept for
    longer than a record can be read again. May be repeated: the same claim is granted again. TransientError,
    ThrottledError: then some of them may stand. No request is begun after `deadline`: TransientError if some are left.
    """

    def claim(self, claims: Sequence[RowClaim], deadline: Deadline | None = None) -> frozenset[str]:
        """Makes them, each key once among them; returns the keys that another claimant has. Retries conflicts."""

    def claimants(self, keys: Collection[str], deadline: Deadline | None = None) -> dict[str, str]:
        """Who has which of these, consistent; nothing for those that nobody has."""


Found = Mapping[int, Evidence]
"""What is told of a read's records, by their positions; nothing for those of which nothing is known."""
NOTHING: Found = {}


@dataclass(slots=True)
class _Asked:
    """A read's records that ask, and what they were told, by their positions."""

    read: ShardRead
    asks: dict[int, Ask]
    found: dict[int, Evidence] = field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        return len(self.found) == len(self.asks)

    @property
    def oldest(self) -> int:
        return min(ask.seconds for ask in self.asks.values())


_Round = Sequence[tuple[_Asked, int]]
"""Records to ask about at once: each read's, and their positions in it."""


@dataclass(frozen=True, slots=True)
class EvidenceFinder:
    """Asks for all reads of a cycle together."""

    outbox: Outbox
    claims: Claims
    clock: Clock
    conversions: Conversions

    def find(
        self, reads: Iterable[ShardRead], streams: Mapping[str, StreamRow], deadline: Deadline | None = None
    ) -> dict[ShardKey, Found]:
        """By the shard of each read that has records which ask. A read that must wait has nothing in the result, and
        its `failure` is set; not if there was no time for it before the deadline: then it `has_more`. `trouble` is set
        of one that did not wait any longer.

        RulesError, TransientError if a stream's rules cannot be loaded.
        """
        asked = [_Asked(read, asks) for read in reads if (asks := self._asks(read, streams))]
        limit = self._limit(deadline)
        for a_round in _rounds(asked):
            failure = self._tell(a_round, limit)
            if failure:
                untold = [one for one in asked if not one.is_told]
                if limit.passed():
                    had_all = limit is not deadline and len(untold) == len(asked)
                    untold = _postponed(untold, a_round if had_all else ())
                self._end(untold, failure, deadline)
                break
        return {one.read.row.key: one.found for one in asked if one.is_told}

    def _limit(self, deadline: Deadline | None) -> Deadline:
        """The call's own deadline where that leaves less than `SECONDS`."""
        limit = Deadline.after(self.clock, SECONDS)
        return limit if deadline is None or deadline.at > limit.at else deadline

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

    def _tell(self, a_round: _Round, limit: Deadline) -> str:
        """Empty, or why nothing is told of these records."""
        try:
            joining = self._read([one.asks[number] for one, number in a_round], limit)
        except TabletrailError as error:
            return f"outbox: {type(error).__name__}"
        return self._claim(a_round, joining, limit)

    def _read(self, asks: Sequence[Ask], limit: Deadline) -> Joining:
        """Everything that the outbox has for these, in at most two calls."""
        keys = {key for ask in asks if (key := ask.key) and not ask.is_foreign}
        rows = {RowKey(row.item, row.id): row for row in _rows(self.outbox.rows(keys, limit))} if keys else {}
        spans = {ask.span for ask in asks if ask.span and joined(ask, rows) is None}
        found = self.outbox.deletes(spans, limit) if spans else {}
        return Joining(rows, {span: list(_rows(items)) for span, items in found.items()})

    def _claim(self, a_round: _Round, joining: Joining | None, limit: Deadline) -> str:
        """Tells what is known when all claims stand; `joining` is None where the outbox could not be read. Empty, or
        why they do not."""
        try:
            if joining is not None:
                names = {key for rows in joining.deletes.values() for row in rows for key in keys_of(row)}
                joining = replace(joining, claimants=self.claims.claimants(names, limit) if names else {})
            choose = Joining({}).choose_unread if joining is None else joining.choose
            choices = [choose(one.asks[number]) for one, number in a_round]
            claims = [claim for choice in choices if (claim := choice.claim)]
            refused = self.claims.claim(claims, limit) if claims else frozenset()
        except TabletrailError as error:
            return f"claims: {type(error).__name__}"
        for (one, number), choice in zip(a_round, choices, strict=True):
            one.found[number] = settled(choice, refused)
        return ""

    def _end(self, untold: Sequence[_Asked], failure: str, deadline: Deadline | None) -> None:
        """Without the outbox, or without its claims. Those for whom that took too long get a bound of time of their
        own for the claims that they need all the same."""
        if failure.startswith("outbox"):
            untold = self._out_of_patience(untold, failure)
            limit, failure = self._limit(deadline), ""
            for a_round in _rounds(untold):
                failure = failure or self._claim(a_round, None, limit)
        for one in untold:
            if not one.is_told:
                _leave(one.read, failure)

    def _out_of_patience(self, untold: Sequence[_Asked], failure: str) -> list[_Asked]:
        """Those that are converted without the outbox; the others are left out."""
        latest = self.clock.now() - PATIENCE_SECONDS
        for one in untold:
            if one.oldest >= latest:
                _leave(one.read, failure)
            else:
                one.read.trouble = f"made without the {failure}"
        return [one for one in untold if one.oldest < latest]


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


def _rounds(asked: Iterable[_Asked]) -> Iterator[_Round]:
    """All that is not told yet, `ROUND` by `ROUND`."""
    left = [(one, number) for one in asked for number in one.asks if number not in one.found]
    return (left[start : start + ROUND] for start in range(0, len(left), ROUND))


def _postponed(untold: Sequence[_Asked], had_all: _Round) -> list[_Asked]:
    """Leaves those out for which there was no time: they come first in the next cycle, or in the next call.

    `had_all`: the round that had all the time that there is, and did not end. The largest read in it is what no time
    suffices for, and is returned: the others may have waited for it alone.
    """
    slow = max((one for one, _ in had_all), key=lambda one: len(one.asks), default=None)
    for one in untold:
        if one is not slow:
            one.read.has_more, one.read.is_left_out = True, True
    return [] if slow is None else [slow]


def _leave(read: ShardRead, failure: str) -> None:
    read.failure, read.has_more, read.is_left_out = failure, False, True


def _rows(items: Iterable[dict[str, Any]]) -> Iterable[OutboxRow]:
    return (row for item in items if (row := row_in(item)) is not None)
