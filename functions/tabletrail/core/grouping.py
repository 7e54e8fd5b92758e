"""Which shards are read by the same call of CaptureShards.

Rules
- A group holds at most `size` shards, so that one transaction can commit all of them.
- A shard stays in its group; only a group that outgrew its size gives shards away (children are born into their
  parent's group). Moving one loses nothing: its row is moved by compare-and-swap, and two readers are safe.
- Groups have numbers from 0, filled from the lowest: an empty group costs no call.

Pure. Called by `tabletrail.plan`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tabletrail.core.checkpoint import ShardKey, ShardRow


def group_name(number: int) -> str:
    return f"g{number:04d}"


def assign_groups(live: Iterable[ShardRow], newcomers: Sequence[ShardKey], size: int) -> dict[ShardKey, str]:
    """The group of each newcomer and of each live shard that must move; the others stay where they are."""
    members: dict[str, list[ShardKey]] = defaultdict(list)
    for row in live:
        if row.group_id is not None:
            members[row.group_id].append(row.key)
    waiting = [*_overflow(members, size), *newcomers]
    assigned: dict[ShardKey, str] = {}
    number = 0
    for key in waiting:
        while len(members[group_name(number)]) >= size:
            number += 1
        members[group_name(number)].append(key)
        assigned[key] = group_name(number)
    return assigned


def _overflow(members: dict[str, list[ShardKey]], size: int) -> list[ShardKey]:
    moved: list[ShardKey] = []
    for name, keys in members.items():
        if len(keys) > size:
            keys.sort()
            moved += keys[size:]
            members[name] = keys[:size]
    return moved
