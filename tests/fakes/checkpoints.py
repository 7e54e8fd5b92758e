"""The checkpoint tables in memory: swaps, the all-or-nothing commit, its token, and indexes that may lag.

Rules, as the service has them
- A commit checks every condition first and then applies everything, or nothing. Each losing row is named.
- A repeat with the token of a commit that succeeded within 600 s succeeds and does nothing; a repeat with other
  contents is a programming error. A commit that lost is not remembered.
- `parent_processed` only ever becomes true. Making it so does not touch `version` (see tabletrail.aws.commit).
- `Rows` is what is durable: a crash test keeps it and makes new ports over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tabletrail.core.checkpoint import (
    Commit,
    CommitResult,
    Committed,
    Lost,
    SegmentRow,
    ShardKey,
    ShardMove,
    ShardRow,
    StreamMove,
    StreamRow,
    StreamState,
)
from tabletrail.errors import TabletrailError
from tabletrail.ports import Clock

TOKEN_SECONDS = 600
TRANSACTION_ITEMS = 100


@dataclass
class Rows:
    """What the tables hold. `lag` is by how many seconds the index over groups and waiting segments lags."""

    streams: dict[str, StreamRow] = field(default_factory=dict)
    shards: dict[ShardKey, ShardRow] = field(default_factory=dict)
    segments: dict[str, SegmentRow] = field(default_factory=dict)
    tokens: dict[str, tuple[float, Commit]] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    """Each commit that took effect, in order: for checkers, the service keeps no such list."""
    lag: float = 0
    groups: dict[ShardKey, list[tuple[float, str | None]]] = field(default_factory=dict)
    """How each row's group changed, for the lag."""

    def store_shard(self, row: ShardRow, now: float) -> None:
        self.shards[row.key] = row
        self.groups.setdefault(row.key, []).append((now, row.group_id))

    def group_seen(self, key: ShardKey, now: float) -> str | None:
        seen = [group for at, group in self.groups.get(key, []) if at <= now - self.lag]
        return seen[-1] if seen else None


class FakeCheckpoints:
    """`Checkpoints` over `rows`."""

    def __init__(self, rows: Rows, clock: Clock) -> None:
        self._rows, self._clock = rows, clock

    def streams(self) -> list[StreamRow]:
        return [row for row in self.all_streams() if row.state is not StreamState.DONE]

    def all_streams(self) -> list[StreamRow]:
        return list(self._rows.streams.values())

    def live_shards(self, group_ids: Iterable[str]) -> list[ShardRow]:
        return [row for group_id in sorted(set(group_ids)) for row in self.group(group_id)]

    def group(self, group_id: str) -> list[ShardRow]:
        now = self._clock.now()
        keys = [key for key in self._rows.groups if self._rows.group_seen(key, now) == group_id]
        rows = [self._rows.shards[key] for key in keys if key in self._rows.shards]
        return [row for row in rows if row.group_id == group_id]

    def shards_of(self, stream_arn: str, shard_ids: Iterable[str] | None = None) -> list[ShardRow]:
        rows = [row for key, row in self._rows.shards.items() if key.stream_arn == stream_arn]
        wanted = None if shard_ids is None else set(shard_ids)
        return [row for row in rows if wanted is None or row.shard_id in wanted]

    def stream(self, stream_arn: str) -> StreamRow | None:
        return self._rows.streams.get(stream_arn)

    def add_shards(self, rows: Sequence[ShardRow]) -> None:
        for row in rows:
            if row.key not in self._rows.shards:
                self._store(row)

    def move_shard(self, move: ShardMove) -> bool:
        _check_move(move)
        row = self._rows.shards.get(move.before.key)
        if row is None or row.version != move.before.version:
            return False
        if move.before.parent_processed and not row.parent_processed:
            return False
        self._move(row, move.after)
        return True

    def move_stream(self, move: StreamMove) -> bool:
        if not self._stream_holds(move):
            return False
        self._rows.streams[move.after.stream_arn] = move.after
        return True

    def commit(self, commit: Commit) -> CommitResult:
        _check_commit(commit)
        at, earlier = self._rows.tokens.get(commit.token, (0.0, None))
        if earlier is not None and self._clock.now() - at <= TOKEN_SECONDS:
            if earlier != commit:
                raise TabletrailError("the same client token came with another transaction")
            return Committed()
        lost = self._lost(commit)
        if lost != Lost():
            return lost
        self._apply(commit)
        return Committed()

    def extend_expiry(self, keys: Sequence[ShardKey], expires_at: int) -> None:
        for key in keys:
            if key in self._rows.shards:
                self._rows.shards[key] = replace(self._rows.shards[key], expires_at=expires_at)

    def expire_rows(self) -> None:
        """What the table's time to live does, whenever it gets to it."""
        now = self._clock.now()
        for key, row in list(self._rows.shards.items()):
            if 0 < row.expires_at <= now:
                del self._rows.shards[key]

    def _lost(self, commit: Commit) -> Lost:
        shards = set()
        for move in commit.moves:
            row = self._rows.shards.get(move.before.key)
            if row is None or row.version != move.before.version or not row.parent_processed:
                shards.add(move.before.key)
        streams = {move.after.stream_arn for move in commit.streams if not self._stream_holds(move)}
        taken = commit.segment is not None and commit.segment.segment_id in self._rows.segments
        return Lost(frozenset(shards), frozenset(streams), taken)

    def _apply(self, commit: Commit) -> None:
        if commit.segment is not None:
            self._rows.segments[commit.segment.segment_id] = commit.segment
        for move in commit.moves:
            self._move(self._rows.shards[move.before.key], move.after)
        for child in commit.children:
            row = self._rows.shards.get(child.key, child)
            self._store(replace(row, parent_processed=True, group_id=row.group_id or child.group_id))
        for stream in commit.streams:
            self._rows.streams[stream.after.stream_arn] = stream.after
        self._rows.tokens[commit.token] = (self._clock.now(), commit)
        self._rows.commits.append(commit)

    def _move(self, row: ShardRow, after: ShardRow) -> None:
        self._store(replace(after, parent_processed=row.parent_processed or after.parent_processed))

    def _store(self, row: ShardRow) -> None:
        self._rows.store_shard(row, self._clock.now())

    def _stream_holds(self, move: StreamMove) -> bool:
        row = self._rows.streams.get(move.after.stream_arn)
        if move.before is None:
            return row is None
        return row is not None and row.version == move.before.version


def _check_move(move: ShardMove) -> None:
    assert move.before.key == move.after.key, "a move stays on one row"
    assert move.after.version == move.before.version + 1, "a move raises the version by one"


def _check_commit(commit: Commit) -> None:
    for move in commit.moves:
        _check_move(move)
    keys: list[object] = [move.before.key for move in commit.moves]
    keys += [child.key for child in commit.children]
    keys += [move.after.stream_arn for move in commit.streams]
    items = len(keys) + (commit.segment is not None)
    if not 0 < items <= TRANSACTION_ITEMS or len(keys) != len(set(keys)) or not 0 < len(commit.token) <= 36:
        raise TabletrailError(f"a transaction takes 1 to {TRANSACTION_ITEMS} different items, this one has {items}")
