"""The commit of judged windows: a segment of entries, and each stream's row moved over its window, at once.

The crash argument. The transaction is the only point where anything happens: before it the object is an orphan and the
rows stand before the window, after it the entries are in the log and the rows stand behind it. A window without an
entry moves its row all the same, in the same transaction or in one of its own.

Rules
- A row that loses the compare-and-swap was moved by another: its entries are dropped and the rest is staged anew. Its
  window is judged again, if it still is one.
- A lost reply is settled by reading: the segment's row, or, without a segment, a moved row itself.
- Segments have no links: their entries are of no record. Recovery knows them by their entries' ids.
- What the index does not take is the backlog's work.

Called by `tabletrail.attribute`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from tabletrail.attribution_result import AttributionResult
from tabletrail.core.checkpoint import Commit, Committed, Lost, StreamMove, StreamRow
from tabletrail.core.entry import Entry
from tabletrail.core.judgement import Judged
from tabletrail.coverage import Coverage
from tabletrail.errors import CommitUnknownError, TabletrailError
from tabletrail.staging import Staged, new_attempt

GROUP = "attribution"
"""Stands in a segment's name where no group of shards does."""
MOVES = 50
"""Streams in one transaction."""
ENTRIES = 10_000
"""Entries in one segment, but for a single stream's, whose window is whole or not at all."""

Moves = Mapping[str, tuple[StreamRow, StreamRow]]
"""By stream ARN: the row as it was read, and as it shall be; its version is set here."""


@dataclass(frozen=True, slots=True)
class AttributionCommit:
    """Commits windows. `coverage` brings the ports, and the run's name."""

    coverage: Coverage
    result: AttributionResult

    def commit(self, moves: Moves, judged: Judged) -> None:
        """What stands, in as many transactions as it takes. CommitUnknownError, TransientError: what was committed
        before counts."""
        for batch in _batches(moves, judged):
            self._commit(batch, judged)

    def _commit(self, batch: dict[str, StreamMove], judged: Judged) -> None:
        """Each turn drops at least one stream or ends."""
        while batch:
            staged = self._stage(batch, judged)
            commit = Commit(
                token=staged.token if staged else new_attempt(),
                segment=staged.row if staged else None,
                streams=tuple(batch.values()),
            )
            try:
                result = self.coverage.checkpoints.commit(commit)
            except CommitUnknownError:
                if not self._is_committed(commit):
                    raise
                result = Committed()
            if isinstance(result, Lost):
                left = {arn: move for arn, move in batch.items() if arn not in result.streams}
                if len(left) == len(batch) and not result.segment_exists:
                    return
                batch = left
                continue
            self._count(batch, judged, staged)
            if staged is not None:
                self._index(staged)
            return

    def _stage(self, batch: Mapping[str, StreamMove], judged: Judged) -> Staged | None:
        entries = [entry for arn in batch for entry in judged.entries.get(arn, ())]
        return self.coverage.stager.stage(self.coverage.run_id, GROUP, (), entries) if entries else None

    def _is_committed(self, commit: Commit) -> bool:
        if commit.segment is not None:
            return self.coverage.segments.get(commit.segment.segment_id) is not None
        move = commit.streams[0]
        return self.coverage.checkpoints.stream(move.after.stream_arn) == move.after

    def _count(self, batch: Mapping[str, StreamMove], judged: Judged, staged: Staged | None) -> None:
        self.result.windows += len(batch)
        for arn in batch:
            self.result.count(judged.counts.get(arn, {}))
        if staged is not None:
            self.result.segments += 1
            self.result.entries += staged.row.entries

    def _index(self, staged: Staged) -> None:
        waiting = self.coverage.indexer.offer(staged.documents).waiting
        self.result.waiting += sum(waiting.values())
        if not waiting:
            parked = 0
            with suppress(TabletrailError):  # committed: the backlog marks what is not marked here
                self.coverage.segments.mark_indexed(staged.row.segment_id, int(self.coverage.clock.now()), parked)


def _batches(moves: Moves, judged: Judged) -> Iterator[dict[str, StreamMove]]:
    batch: dict[str, StreamMove] = {}
    held = 0
    for arn, (before, after) in sorted(moves.items()):
        entries: list[Entry] = judged.entries.get(arn, [])
        if batch and (len(batch) == MOVES or held + len(entries) > ENTRIES):
            yield batch
            batch, held = {}, 0
        batch[arn] = StreamMove(before, replace(after, version=before.version + 1))
        held += len(entries)
    if batch:
        yield batch
