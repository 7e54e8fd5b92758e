"""The full walk over a stream's shards: the net below CHILD_SHARDS, paced for the whole account.

Rules
- A stream is walked when it is new, whenever it has no live shard, and else every quarter of an hour.
- Listed shards without rows get them, as the lineage allows; rows whose parent turned out finished are unblocked.
- Rows of finished shards live on while the stream still lists them, so that none is made twice.
- A stream that has ended and has no live shard left is done: that is a coverage entry, and its rows lose their groups.

Called by `tabletrail.plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from tabletrail.core.checkpoint import (
    Commit,
    ShardKey,
    ShardMove,
    ShardRow,
    ShardStatus,
    StreamMove,
    StreamRow,
    StreamState,
)
from tabletrail.core.grouping import assign_groups
from tabletrail.core.lineage import LineagePlan, Listed, plan_lineage
from tabletrail.core.walk import RETENTION_SECONDS, debt_after
from tabletrail.coverage import Coverage
from tabletrail.errors import ShardGoneError
from tabletrail.ports import Checkpoints, Clock, StreamReader, StreamView
from tabletrail.settings import Settings

READ_ON_SECONDS = 600
"""A stream whose table left is read on this long: longer than a record takes to appear and a run to fetch it."""
UNBLOCK_AT_ONCE = 50


@dataclass(slots=True)
class Walker:
    """Walks streams, one after the other. `live` is kept up to date for the grouping."""

    stream: StreamReader
    checkpoints: Checkpoints
    coverage: Coverage
    clock: Clock
    settings: Settings
    live: dict[tuple[str, str], ShardRow]

    def is_due(self, row: StreamRow) -> bool:
        """A stream without a shard to read has ended, or its last one's children were listed late: it does not wait."""
        if not any(stream_arn == row.stream_arn for stream_arn, _ in self.live):
            return True
        return self.clock.now() - row.last_walk_at >= self.settings.walk_seconds

    def walk(self, row: StreamRow) -> StreamRow:
        """The stream's row afterwards. TransientError, ThrottledError leave all as it was: the next run walks again."""
        try:
            view = self.stream.describe(row.stream_arn)
        except ShardGoneError:
            view = StreamView("DISABLED", row.view_type, ())
        rows = self._rows(row, view)
        self._add(row, plan_lineage(_listed(view), rows), rows)
        self._extend(view, rows)
        if self._is_over(row, view):
            return self._finish(row)
        walked = replace(row, last_walk_at=int(self.clock.now()), version=row.version + 1)
        return walked if self.checkpoints.move_stream(StreamMove(row, walked)) else row

    def _rows(self, row: StreamRow, view: StreamView) -> dict[str, ShardRow]:
        """Rows of the listed shards, of their parents and of the live ones that are no longer listed."""
        wanted = {shard.shard_id for shard in view.shards}
        wanted |= {shard.parent_shard_id for shard in view.shards if shard.parent_shard_id}
        wanted |= {shard_id for stream_arn, shard_id in self.live if stream_arn == row.stream_arn}
        return {found.shard_id: found for found in self.checkpoints.shards_of(row.stream_arn, sorted(wanted))}

    def _add(self, row: StreamRow, plan: LineagePlan, rows: dict[str, ShardRow]) -> None:
        debt = debt_after(_born(row.stream_arn), self.clock.now())
        made = [
            ShardRow(row.stream_arn, shard.shard_id, shard.parent_shard_id, parent_processed=ready, walk_debt=debt)
            for shard, ready in plan.new
        ]
        homeless = [
            found
            for found in rows.values()
            if not found.group_id and found.status is not ShardStatus.CLOSED_AND_PROCESSED
        ]
        groups = assign_groups(self.live.values(), [new.key for new in [*made, *homeless]], self.settings.group_shards)
        made = [replace(new, group_id=groups.pop(new.key)) for new in made]
        self.checkpoints.add_shards(made)
        self._remember(found for found in rows.values() if found.group_id and found.key not in groups)
        self._remember(made)
        self._regroup({found.key: found for found in [*self.live.values(), *homeless]}, groups)
        for start in range(0, len(plan.unblocked), UNBLOCK_AT_ONCE):
            children = plan.unblocked[start : start + UNBLOCK_AT_ONCE]
            self.checkpoints.commit(Commit(uuid4().hex, None, children=children))
            self._remember(replace(child, parent_processed=True) for child in children)

    def _regroup(self, rows: Mapping[ShardKey, ShardRow], groups: Mapping[ShardKey, str]) -> None:
        for key, group_id in groups.items():
            before = rows[key]
            after = replace(before, group_id=group_id, version=before.version + 1)
            if before.parent_processed and self.checkpoints.move_shard(ShardMove(before, after)):
                self._remember([after])

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
        live = [found for (stream_arn, _), found in self.live.items() if stream_arn == row.stream_arn]
        if self.clock.now() - row.ending_at < READ_ON_SECONDS:
            return False
        if view.status == "DISABLED":
            return not live
        return all(_is_read_past(found, row.ending_at) for found in live) or self._is_forgotten(row)

    def _is_forgotten(self, row: StreamRow) -> bool:
        """All that was written before the table left has been trimmed, read or not."""
        return self.clock.now() - row.ending_at >= RETENTION_SECONDS

    def _finish(self, row: StreamRow) -> StreamRow:
        """Its shards lose their groups first: a crash in between leaves an ENDING stream that is finished again."""
        live = [found for (stream_arn, _), found in self.live.items() if stream_arn == row.stream_arn]
        is_read = all(_is_read_past(found, row.ending_at) for found in live)
        for found in live:
            self.checkpoints.move_shard(ShardMove(found, replace(found, group_id=None, version=found.version + 1)))
            del self.live[found.stream_arn, found.shard_id]
        done = replace(row, state=StreamState.DONE, last_walk_at=int(self.clock.now()))
        return self.coverage.move(row, done, "stream_ended", gap="" if is_read else "unread") or row


def _is_read_past(row: ShardRow, moment: int) -> bool:
    """True if the shard was read at its present, some time after `moment`: a debt says that it was not its present."""
    is_past = row.iterator_obtained_at >= moment + READ_ON_SECONDS // 2
    return row.parent_processed and not row.walk_debt and is_past


def _listed(view: StreamView) -> list[Listed]:
    return [Listed(shard.shard_id, shard.parent_shard_id) for shard in view.shards]


def _born(stream_arn: str) -> float:
    """When the stream was made, from its label (the end of its ARN); the retention ago if the label says nothing."""
    try:
        return datetime.fromisoformat(stream_arn.rsplit("/", 1)[-1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return -float(RETENTION_SECONDS)
