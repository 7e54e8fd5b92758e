"""Which shards of a stream get rows, and when a shard may be read.

Rules
- A shard may be read when its parent's records are all committed: it has no parent, or the parent's row is
  CLOSED_AND_PROCESSED.
- A listed shard without a row gets one, except where a descendant already has a row that may be read: then it was
  finished long ago, its row has expired, and a new row would read it twice.
- The listing may be inconsistent: a parent missing for a moment, or still open beside its child. A missing parent with
  a row counts by its row. One without a row may be forgotten by the stream, as the parents of a new stream's oldest
  shards mostly are, or be listed a moment later: so its child waits for another walk. If that does not list it either,
  a row stands in for it (`stand_in`), finished, and its child is read.
- A shard that is listed after a row stood in for it is late: it is read all the same, and the log says that its changes
  come behind those of its children.

Why a finished shard is not read twice. A shard's row expires at the earliest 24 hours after the last walk that listed
it, and while it is there the shard counts by it. After that the shard's child has a row that may be read, which
keeps it from getting one; or the child's row has expired too, or never was, and then the shard ended more than 24 hours
ago and the stream has nothing left of it. A stand-in is no exception: when it expires, its shard had ended 48 hours
before.

Pure. Called by `tabletrail.walking`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tabletrail.core.checkpoint import ShardRow, ShardStatus


@dataclass(frozen=True, slots=True)
class Listed:
    """A shard as the stream lists it."""

    shard_id: str
    parent_shard_id: str | None


@dataclass(frozen=True, slots=True)
class LineagePlan:
    """`new`: (shard, may it be read), as listed. `unblocked`: rows whose parent turned out finished.

    `forgotten`: parents that neither this walk nor the one that made their children's rows has listed. `late`: (shard,
    may it be read) for shards that are listed though rows stand in for them.
    """

    new: tuple[tuple[Listed, bool], ...]
    unblocked: tuple[ShardRow, ...]
    forgotten: tuple[str, ...] = ()
    late: tuple[tuple[Listed, bool], ...] = ()


def plan_lineage(listed: Iterable[Listed], rows: Mapping[str, ShardRow]) -> LineagePlan:
    """Compares a complete listing with the rows that exist: of the listed shards, of the live ones and of their
    parents."""
    shards = {shard.shard_id: shard for shard in listed}
    late_ids = {shard_id for shard_id in shards if shard_id in rows and is_stand_in(rows[shard_id])}
    # A shard that is late was never read: for its children it counts like one that is being read.
    read = {shard_id: row for shard_id, row in rows.items() if shard_id not in late_ids}
    settled = _with_descendant_rows(shards, rows)
    new: list[tuple[Listed, bool]] = []
    late: list[tuple[Listed, bool]] = []
    for shard in shards.values():
        if shard.shard_id in read or shard.shard_id in settled:
            continue
        is_ready = _parent_is_processed(shard.parent_shard_id, read, settled)
        (late if shard.shard_id in late_ids else new).append((shard, is_ready))
    blocked = [row for row in read.values() if not row.parent_processed and not is_stand_in(row)]
    unblocked = tuple(row for row in blocked if _parent_is_processed(row.parent_shard_id, read, settled))
    parents = {row.parent_shard_id for row in blocked if row.parent_shard_id} - settled
    forgotten = tuple(sorted(parents - shards.keys() - rows.keys()))
    return LineagePlan(tuple(new), unblocked, forgotten, tuple(late))


def stand_in(stream_arn: str, shard_id: str, expires_at: int) -> ShardRow:
    """The row of a parent that was never listed: finished, so that its child may be read."""
    return ShardRow(stream_arn, shard_id, status=ShardStatus.CLOSED_AND_PROCESSED, expires_at=expires_at)


def is_stand_in(row: ShardRow) -> bool:
    """A row that was read and finished has moved at least once."""
    return row.status is ShardStatus.CLOSED_AND_PROCESSED and row.version == 0


def _with_descendant_rows(shards: Mapping[str, Listed], rows: Mapping[str, ShardRow]) -> set[str]:
    """Shards without a row of which a descendant has one that may be read."""
    settled: set[str] = set()
    for row in rows.values():
        if not row.parent_processed:
            continue
        ancestor = row.parent_shard_id
        while ancestor is not None and ancestor not in settled:
            if ancestor in rows:
                break  # it counts by its row, and so do those before it
            settled.add(ancestor)
            ancestor = shards[ancestor].parent_shard_id if ancestor in shards else None
    return settled


def _parent_is_processed(parent: str | None, rows: Mapping[str, ShardRow], settled: set[str]) -> bool:
    if parent is None or parent in settled:
        return True
    return parent in rows and rows[parent].status is ShardStatus.CLOSED_AND_PROCESSED
