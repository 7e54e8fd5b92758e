"""Step 2 of the commit protocol: what one shard brings to a commit: its entries, its next row, its children's rows.

Rules
- Each record gives exactly one entry; one that cannot be converted gives an `unreadable` one. Nothing is dropped.
- Where writers use the outbox, its rows are read and claimed before (`tabletrail.outbox`). A read that has to wait for
  them brings nothing, and is read again.
- A shard is finished only if its end was seen, and its children were asked for in this very cycle. If they could not be
  asked for, it stays CLOSED and they are asked for again. Children that are refused or listed late are the walk's.
- A child's row carries since when something may have been written to it: not before its parent was last known to be
  open.
- A gap becomes an entry in the same commit that moves the checkpoint over it.

Called by `tabletrail.capture`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tabletrail.conversions import Conversions
from tabletrail.core.chain import link_of
from tabletrail.core.checkpoint import ShardLink, ShardRow, ShardStatus, StreamRow
from tabletrail.core.entry import Conversion, Entry, Source, convert, gap_entry
from tabletrail.core.outbox import NO_EVIDENCE
from tabletrail.core.sources import source_of
from tabletrail.core.walk import LISTED_LATE_SECONDS, read_until
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError, TransientError
from tabletrail.outbox import NOTHING, EvidenceFinder, Found
from tabletrail.ports import Clock, StreamReader
from tabletrail.reading import ShardRead, record_time, sequence_of
from tabletrail.settings import Settings

CHILDREN = 60
"""Of one shard, in its commit: the transaction has 100 items. A split makes two; the walk would find the rest."""


@dataclass(frozen=True, slots=True)
class Part:
    """One shard's share of a commit: from `before` to `after`."""

    read: ShardRead
    before: ShardRow
    after: ShardRow
    entries: tuple[Entry, ...]
    link: ShardLink | None
    children: tuple[ShardRow, ...]
    must_commit: bool
    """Entries or children hang on it: it goes into the transaction."""
    is_worth_keeping: bool
    """Only a place on a walk: a single swap, and no loss if it fails."""


@dataclass(frozen=True, slots=True)
class PartMaker:
    stream: StreamReader
    clock: Clock
    settings: Settings
    conversions: Conversions
    evidence: EvidenceFinder | None = None

    def make(
        self, reads: Sequence[ShardRead], streams: Mapping[str, StreamRow], deadline: Deadline | None = None
    ) -> list[Part]:
        """One part for each read that need not wait, in their order. After the deadline nothing is asked of the outbox,
        and no shard's children are asked for any more.

        RulesError, TransientError if a stream's rules cannot be loaded: nothing is converted without them.
        """
        found = self.evidence.find(reads, streams, deadline) if self.evidence else {}
        return [
            self._part(read, streams[read.row.stream_arn], found.get(read.row.key, NOTHING), deadline)
            for read in reads
            if not read.is_left_out
        ]

    def last_record_time(self, read: ShardRead) -> int:
        """Of the last record of this read or of the row, seconds since the epoch; 0 if there never was one."""
        return record_time(read.records[-1]) if read.records else read.row.last_record_at

    def _part(self, read: ShardRead, stream: StreamRow, found: Found, deadline: Deadline | None) -> Part:
        source = source_of(stream, read.row.shard_id)
        conversion = self.conversions.of(stream.rules_version)
        now = int(self.clock.now())
        entries = [
            convert(record, source, conversion, now, found.get(number, NO_EVIDENCE))
            for number, record in enumerate(read.records)
        ]
        link = self._link(read)
        if read.gap:
            entries.append(self._gap(read, source, conversion, link))
        children = self._children(read, stream, deadline)
        after = self._after(read, link, is_finished=children is not None)
        must_commit = bool(entries) or children is not None
        return Part(
            read=read,
            before=read.row,
            after=after,
            entries=tuple(entries),
            link=link,
            children=children or (),
            must_commit=must_commit,
            is_worth_keeping=not must_commit and self._is_worth_keeping(read, after),
        )

    def _gap(self, read: ShardRead, source: Source, conversion: Conversion, link: ShardLink | None) -> Entry:
        """What vanished lies behind the records of this very read; what was trimmed, before them."""
        is_behind = read.gap == "vanished" and link is not None
        return gap_entry(
            source,
            conversion,
            last_position=link.last if link and is_behind else read.row.sequence_no,
            certainty="possible",
            observed_at=int(self.clock.now()),
            reason=read.gap,
            number=read.row.version + 1,
        )

    def _link(self, read: ShardRead) -> ShardLink | None:
        numbers = [number for record in read.records if (number := sequence_of(record)) is not None]
        if not numbers:
            return None
        return link_of(read.row.chain_hash, read.row.stream_arn, read.row.shard_id, numbers)

    def _children(self, read: ShardRead, stream: StreamRow, deadline: Deadline | None) -> tuple[ShardRow, ...] | None:
        """The children's rows if the shard is finished now; None while it is not."""
        if not read.is_ended or read.failure or (deadline is not None and deadline.passed()):
            return None
        row = read.row
        try:
            shards = self.stream.children(row.stream_arn, row.shard_id)
        except TransientError as error:
            read.failure = type(error).__name__
            return None
        except TabletrailError:
            shards = ()  # gone, or refused: asking again tells no more than the walk, which reports its own trouble
        since = self._born_after(read, stream)
        return tuple(
            ShardRow(
                row.stream_arn,
                shard.shard_id,
                row.shard_id,
                parent_processed=True,
                group_id=row.group_id,
                iterator_obtained_at=since,
            )
            for shard in shards[:CHILDREN]
        )

    def _born_after(self, read: ShardRead, stream: StreamRow) -> int:
        """A moment at which the shard's children had no records: it was still open itself; or, where that is not known
        behind a gap, a walk did not list them."""
        walked = max(stream.last_walk_at - LISTED_LATE_SECONDS, 0)
        return max(read_until(read.row), self.last_record_time(read), 0) or walked

    def _after(self, read: ShardRead, link: ShardLink | None, *, is_finished: bool) -> ShardRow:
        row = read.row
        status = ShardStatus.OPEN
        if is_finished:
            status = ShardStatus.CLOSED_AND_PROCESSED
        elif read.is_ended:
            status = ShardStatus.CLOSED
        # Until its children are asked for, it tells when it was last known to be open: before that they had no records.
        is_left = read.is_ended and not is_finished
        now = int(self.clock.now())
        return replace(
            row,
            sequence_no=link.last if link else row.sequence_no,
            status=status,
            group_id=None if is_finished else row.group_id,
            iterator=read.iterator,
            iterator_obtained_at=max(read_until(row), 0) if is_left else read.iterator_obtained_at,
            version=row.version + 1,
            records=row.records + len(read.records),
            last_record_at=max([row.last_record_at, *map(record_time, read.records)]),
            chain_hash=link.chain if link else row.chain_hash,
            walk_debt=0 if read.is_ended else read.walk_debt,
            resume_at_horizon=read.restarts_at_horizon and link is None,
            gaps=row.gaps + bool(read.gap),
            expires_at=now + self.settings.finished_row_hours * 3600 if is_finished else 0,
        )

    def _is_worth_keeping(self, read: ShardRead, after: ShardRow) -> bool:
        """A walk's place, a new iterator in good time, a closed shard; not each look at a quiet shard."""
        row = read.row
        if after.status is not row.status or after.resume_at_horizon is not row.resume_at_horizon:
            return True
        if read.iterator is None or not read.pages:
            # A new iterator that read nothing is worth less than the row's: that tells since when nothing was seen.
            return False
        if row.iterator is None or row.walk_debt or after.walk_debt:
            return True
        return after.iterator_obtained_at - row.iterator_obtained_at >= self.settings.keep_iterator_seconds
