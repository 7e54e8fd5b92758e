"""The rows that a stream's shards must have so that exactly what the log has is not read again.

Rules
- A shard goes on behind the last record that the log has of it. A checkpoint never goes back.
- A child's commit asserts that its parent is finished, so the ancestors of a shard of which the log has records, or
  whose row says that its parent is processed, are finished. Of no other shard is that known from the log: it is open,
  is read to its end behind its last record, and is finished there.
- A shard that the stream has forgotten gets no new row: nothing is left to read. A row that is there stays, and the
  usual rule says whether something is missing.
- A shard without records in the log and without a row is left to the walk, which makes its row at the horizon.
- Of a stream that is over no shard is in a group: none is read.
- A row that stands in for a shard which was never listed proves nothing: it stays as it is, so that the walk knows the
  shard as late. Where the log has records of it, it was listed after that row was made: it is open behind the last.
- Each row gets a version far above any of before: no gap's number comes twice, no reader of before can move it.

Pure. Called by `tabletrail.recovery`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tabletrail.core.adoption import Head
from tabletrail.core.checkpoint import ShardRow, ShardStatus, is_after
from tabletrail.core.lineage import Listed, is_stand_in


@dataclass(frozen=True, slots=True)
class ShardPut:
    """`before` as it is in the table, None if it is missing. `is_moved`: its place, or that it is finished, is new."""

    before: ShardRow | None
    after: ShardRow
    is_moved: bool


def rebuilt_shards(
    stream_arn: str,
    listed: Iterable[Listed],
    rows: Mapping[str, ShardRow],
    heads: Mapping[str, Head],
    version: int,
    expires_at: int,
    *,
    is_over: bool = False,
) -> list[ShardPut]:
    """`listed` by the stream; `rows` that are there, `heads` of the log, by shard. Finished rows get `expires_at`."""
    parents = {shard_id: row.parent_shard_id for shard_id, row in rows.items()}
    shards = {shard.shard_id: shard for shard in listed}
    parents |= {shard_id: shard.parent_shard_id for shard_id, shard in shards.items()}
    finished = _finished(parents, rows, heads)
    puts = []
    for shard_id in sorted(shards.keys() | rows.keys()):
        before = rows.get(shard_id)
        is_late = before is not None and is_stand_in(before)
        if is_late and shard_id not in heads:
            continue
        row = before if before and not is_late else ShardRow(stream_arn, shard_id, parents[shard_id])
        after = _moved(row, heads.get(shard_id))
        if shard_id in finished and not is_late:
            after = _as_finished(after, expires_at)
        elif before is None and shard_id not in heads:
            continue
        if is_over:
            after = replace(after, group_id=None)
        parent = parents[shard_id]
        is_free = after.parent_processed or shard_id in heads or parent is None or parent in finished
        after = replace(after, parent_processed=is_free, version=max(version, row.version + 1))
        is_moved = replace(after, version=row.version) != before
        puts.append(ShardPut(before, after, is_moved))
    return puts


def _finished(parents: Mapping[str, str | None], rows: Mapping[str, ShardRow], heads: Mapping[str, Head]) -> set[str]:
    finished = {shard_id for shard_id, row in rows.items() if row.status is ShardStatus.CLOSED_AND_PROCESSED}
    proofs = [shard_id for shard_id in parents if shard_id in heads]
    proofs += [shard_id for shard_id, row in rows.items() if row.parent_processed]
    proofs += [shard_id for shard_id in finished if not is_stand_in(rows[shard_id])]
    for proof in proofs:
        ancestor = parents.get(proof)
        while ancestor is not None and ancestor not in finished:
            finished.add(ancestor)
            ancestor = parents.get(ancestor)
    return finished


def _moved(row: ShardRow, head: Head | None) -> ShardRow:
    """At the log's last record, if the row stands before it. What it kept of its walk belongs to another place."""
    if head is None or not head.last or not is_after(head.last, row.sequence_no):
        return row
    return replace(
        row,
        sequence_no=head.last,
        chain_hash=head.chain,
        records=max(row.records, head.count),
        status=ShardStatus.OPEN if row.status is ShardStatus.CLOSED else row.status,
        iterator=None,
        iterator_obtained_at=0,
        walk_debt=0,
        resume_at_horizon=False,
    )


def _as_finished(row: ShardRow, expires_at: int) -> ShardRow:
    return replace(
        row,
        status=ShardStatus.CLOSED_AND_PROCESSED,
        parent_processed=True,
        group_id=None,
        iterator=None,
        walk_debt=0,
        expires_at=row.expires_at or expires_at,
    )
