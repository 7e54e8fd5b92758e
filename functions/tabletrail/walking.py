"""The full walk over a stream's shards: the net below CHILD_SHARDS, paced for the whole account.

Rules
- A stream is walked when it is new, whenever it has no live shard or one that waits for a parent which nobody reads,
  and else every quarter of an hour.
- Listed shards without rows get them, as the lineage allows; rows whose parent turned out finished are unblocked. A
  parent that two walks did not list gets a row that stands in for it; should it be listed after that, it is read, and
  an entry says that its changes come late.
- Between two walks that lie as far apart as the stream keeps records, shards may have come and gone, and new ones may
  have lost their beginnings: one gap of the stream says so for all of them.
- Rows of finished shards live on while the stream still lists them, so that none is made twice.
- A stream that has ended and has no live shard left is done: that is a coverage entry, and its rows lose their groups.

Called by `tabletrail.plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from tabletrail.core.checkpoint import (
    Commit,
    ShardMove,
    ShardRow,
    ShardStatus,
    StreamMove,
    StreamRow,
    StreamState,
)
from tabletrail.core.grouping import assign_groups
from tabletrail.core.lineage import LineagePlan, Listed, plan_lineage, stand_in
from tabletrail.core.walk import LISTED_LATE_SECONDS, RETENTION_SECONDS
from tabletrail.core.watch import READ_ON_SECONDS, is_read_past, may_have_missed, new_row, new_row_behind_gap
from tabletrail.coverage import Coverage
from tabletrail.errors import ShardGoneError, TransientError
from tabletrail.ports import Checkpoints, Clock, StreamReader, StreamView
from tabletrail.settings import Settings

UNBLOCK_AT_ONCE = 50
DOUBT_SECONDS = 45
"""A second walk, in the next run, is the earliest to confirm that the stream has forgotten a parent."""
LATE_NAMED = 5
"""Late shards that an entry names."""


@dataclass(slots=True)
class Walker:
    """Walks streams, one after the other. `live` is kept up to date for the grouping."""

    stream: StreamReader
    checkpoints: Checkpoints
    coverage: Coverage
    clock: Clock
    settings: Settings
    live: dict[tuple[str, str], ShardRow]
    gaps: int = 0
    """Gap entries that were committed with streams' rows."""

    def is_due(self, row: StreamRow) -> bool:
        """A stream without a shard to read has ended, or its last one's children were listed late: it does not wait.
        Nor does a shard whose parent is neither finished nor read by anyone."""
        live = self._live_of(row)
        orphans = [
            one for one in live if not one.parent_processed and (row.stream_arn, one.parent_shard_id) not in self.live
        ]
        if not live or orphans:
            return True
        return self.clock.now() - row.last_walk_at >= self.settings.walk_seconds

    def walk(self, row: StreamRow) -> StreamRow:
        """The stream's row afterwards. TransientError, ThrottledError leave all as it was: the next run walks again."""
        try:
            view = self.stream.describe(row.stream_arn)
        except ShardGoneError:
            view = StreamView("DISABLED", row.view_type, ())
        now = int(self.clock.now())
        rows = self._rows(row, view)
        plan = plan_lineage(_listed(view), rows)
        is_behind_gap = may_have_missed(row, now, _ids(view), self._live_of(row), rows.keys())
        if is_behind_gap:
            # Before the new rows, which would hide it. A run that dies in between leaves the next one their ages.
            long_ago = replace(row, last_walk_at=now - RETENTION_SECONDS + 2 * LISTED_LATE_SECONDS)
            row = self._tell(row, long_ago, "unwatched", gap="unwatched")
        if plan.late:
            named = ", ".join(shard.shard_id for shard, _ in plan.late[:LATE_NAMED])
            row = self._tell(row, row, "shard_late", detail=f"{len(plan.late)} of them: {named}")
        self._add(row, plan, rows, is_behind_gap=is_behind_gap)
        self._unblock([*plan.unblocked, *self._without_parents(row, plan, rows)])
        self._extend(view, rows)
        if self._is_over(row, view):
            return self._finish(row)
        walked = replace(row, last_walk_at=now, version=row.version + 1)
        return walked if self.checkpoints.move_stream(StreamMove(row, walked)) else row

    def _tell(self, before: StreamRow, after: StreamRow, what: str, *, gap: str = "", detail: str = "") -> StreamRow:
        """The row after the entry's commit. What an entry must say first is not done without it."""
        moved = self.coverage.move(before, after, what, gap=gap, detail=detail)
        if moved is None:
            raise TransientError("another run moved the stream's row: the next walk lists it again")
        self.gaps += bool(gap)
        return moved

    def _live_of(self, row: StreamRow) -> list[ShardRow]:
        return [found for (stream_arn, _), found in self.live.items() if stream_arn == row.stream_arn]

    def _rows(self, row: StreamRow, view: StreamView) -> dict[str, ShardRow]:
        """Rows of the listed shards, of the live ones that are no longer listed, and of the parents that count."""
        live = self._live_of(row)
        wanted = {shard.shard_id for shard in view.shards} | {found.shard_id for found in live}
        wanted |= {shard.parent_shard_id for shard in view.shards if shard.parent_shard_id}
        wanted |= {found.parent_shard_id for found in live if found.parent_shard_id and not found.parent_processed}
        return {found.shard_id: found for found in self.checkpoints.shards_of(row.stream_arn, sorted(wanted))}

    def _add(self, row: StreamRow, plan: LineagePlan, rows: dict[str, ShardRow], *, is_behind_gap: bool) -> None:
        now = self.clock.now()
        make = new_row_behind_gap if is_behind_gap else new_row
        made = [make(row, shard, now, is_ready=ready) for shard, ready in plan.new]
        late = [new_row_behind_gap(row, shard, now, is_ready=ready) for shard, ready in plan.late]
        homeless = [
            found
            for found in rows.values()
            if not found.group_id and found.status is not ShardStatus.CLOSED_AND_PROCESSED
        ]
        newcomers = [new.key for new in [*made, *late, *homeless]]
        groups = assign_groups(self.live.values(), newcomers, self.settings.group_shards)
        made = [replace(new, group_id=groups.pop(new.key)) for new in made]
        self.checkpoints.add_shards(made)
        self._remember(
            found
            for found in rows.values()
            if found.group_id and found.key not in groups and found.status is not ShardStatus.CLOSED_AND_PROCESSED
        )
        self._remember(made)
        for new in late:
            self._move(rows[new.shard_id], replace(new, group_id=groups.pop(new.key)))
        before = {found.key: found for found in [*self.live.values(), *homeless]}
        for key, group_id in groups.items():
            self._move(before[key], replace(before[key], group_id=group_id))

    def _move(self, before: ShardRow, after: ShardRow) -> None:
        after = replace(after, version=before.version + 1)
        if self.checkpoints.move_shard(ShardMove(before, after)):
            self._remember([after])

    def _without_parents(self, row: StreamRow, plan: LineagePlan, rows: Mapping[str, ShardRow]) -> list[ShardRow]:
        """Rows whose parents the stream has forgotten, as far as a second walk confirms it."""
        if not plan.forgotten or self.clock.now() - row.last_walk_at < DOUBT_SECONDS:
            return []
        expires_at = int(self.clock.now()) + self.settings.finished_row_hours * 3600
        self.checkpoints.add_shards([stand_in(row.stream_arn, parent, expires_at) for parent in plan.forgotten])
        # Another run's commit may just have made the parent's own row: then that one counts.
        found = {one.shard_id: one for one in self.checkpoints.shards_of(row.stream_arn, plan.forgotten)}
        finished = {shard_id for shard_id, one in found.items() if one.status is ShardStatus.CLOSED_AND_PROCESSED}
        return [one for one in rows.values() if not one.parent_processed and one.parent_shard_id in finished]

    def _unblock(self, rows: Sequence[ShardRow]) -> None:
        for start in range(0, len(rows), UNBLOCK_AT_ONCE):
            children = tuple(rows[start : start + UNBLOCK_AT_ONCE])
            self.checkpoints.commit(Commit(uuid4().hex, None, children=children))
            for child in children:
                latest = self.live.get((child.stream_arn, child.shard_id), child)
                self._remember([replace(latest, parent_processed=True)])

    def _remember(self, rows: Iterable[ShardRow]) -> None:
        for row in rows:
            self.live[row.stream_arn, row.shard_id] = row

    def _extend(self, view: StreamView, rows: dict[str, ShardRow]) -> None:
        """Only what would expire within half the time is written again."""
        now = int(self.clock.now())
        hours = self.settings.finished_row_hours * 3600
        listed = {shard.shard_id for shard in view.shards}
        ageing = [row.key for row in rows.values() if row.shard_id in listed and 0 < row.expires_at < now + hours // 2]
        if ageing:
            self.checkpoints.extend_expiry(ageing, now + hours)

    def _is_over(self, row: StreamRow, view: StreamView) -> bool:
        if row.state is not StreamState.ENDING:
            return False
        live = self._live_of(row)
        if self.clock.now() - row.ending_at < READ_ON_SECONDS:
            return False
        if view.status == "DISABLED":
            return not live
        return all(is_read_past(found, row.ending_at) for found in live) or self._is_forgotten(row)

    def _is_forgotten(self, row: StreamRow) -> bool:
        """All that was written before the table left has been trimmed, read or not."""
        return self.clock.now() - row.ending_at >= RETENTION_SECONDS

    def _finish(self, row: StreamRow) -> StreamRow:
        """Its shards lose their groups first: a crash in between leaves an ENDING stream that is finished again."""
        live = self._live_of(row)
        is_read = all(is_read_past(found, row.ending_at) for found in live)
        for found in live:
            self.checkpoints.move_shard(ShardMove(found, replace(found, group_id=None, version=found.version + 1)))
            del self.live[found.stream_arn, found.shard_id]
        done = replace(row, state=StreamState.DONE, last_walk_at=int(self.clock.now()))
        moved = self.coverage.move(row, done, "stream_ended", gap="" if is_read else "unread")
        self.gaps += bool(moved and not is_read)
        return moved or row


def _listed(view: StreamView) -> list[Listed]:
    return [Listed(shard.shard_id, shard.parent_shard_id) for shard in view.shards]


def _ids(view: StreamView) -> frozenset[str]:
    return frozenset(shard.shard_id for shard in view.shards)
