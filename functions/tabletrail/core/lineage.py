"""Which shards of a stream get rows, and when a shard may be read.

Rules
- A shard may be read when its parent's records are all committed: the parent has no row because the stream forgot it
  before we came, or its row is CLOSED_AND_PROCESSED.
- A listed shard without a row gets one, except where a descendant already has a row: then it was finished long ago,
  its row has expired, and a new row would read it twice.
- The listing may be inconsistent (a parent missing for a moment, still open beside its child): a missing parent with a
  row counts by its row, never by its absence.

Pure. Called by `tabletrail.plan`.
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
    """`new`: (shard, may it be read), as listed. `unblocked`: rows whose parent turned out finished."""

    new: tuple[tuple[Listed, bool], ...]
    unblocked: tuple[ShardRow, ...]


def plan_lineage(listed: Iterable[Listed], rows: Mapping[str, ShardRow]) -> LineagePlan:
    """Compares a complete listing with the rows that exist (of the listed shards and of their parents)."""
    shards = {shard.shard_id: shard for shard in listed}
    settled = _with_descendant_rows(shards, rows)
    new = tuple(
        (shard, _parent_is_processed(shard.parent_shard_id, shards, rows, settled))
        for shard in shards.values()
        if shard.shard_id not in rows and shard.shard_id not in settled
    )
    unblocked = tuple(
        row
        for row in rows.values()
        if not row.parent_processed and _parent_is_processed(row.parent_shard_id, shards, rows, settled)
    )
    return LineagePlan(new, unblocked)


def _with_descendant_rows(shards: Mapping[str, Listed], rows: Mapping[str, ShardRow]) -> set[str]:
    """Shards without a row of which a descendant has one that may be read."""
    settled: set[str] = set()
    for row in rows.values():
        if not row.parent_processed:
            continue
        ancestor = row.parent_shard_id
        while ancestor is not None and ancestor not in settled:
            if ancestor not in rows:
                settled.add(ancestor)
            ancestor = shards[ancestor].parent_shard_id if ancestor in shards else None
    return settled


def _parent_is_processed(
    parent: str | None, shards: Mapping[str, Listed], rows: Mapping[str, ShardRow], settled: set[str]
) -> bool:
    if parent is None or parent in settled:
        return True
    row = rows.get(parent)
    if row is not None:
        return row.status is ShardStatus.CLOSED_AND_PROCESSED
    return parent not in shards
