"""What DescribeStream shows, and the ways in which its view may be inconsistent.

Rules
- A trouble lasts for a number of DescribeStream calls of its stream, whatever they ask for.
- It changes what is shown and nothing else: records, iterators and lineage stay true.
- A child that was listed once is not hidden any more.

Called by `api` with each DescribeStream; set by `laboratory`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabletrail_lab.shards import Shard
from tabletrail_lab.streams import Stream


class View:
    """One stream's view. `late`: how many calls each new child stays out of."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._hidden: list[Shard] = []
        self.late = 0
        self.parent_open_calls = 0
        self.miss_parent_calls = 0

    def hide_children(self, calls: int) -> None:
        """Children that come from now on, and those that nobody was shown yet, stay out of `calls` calls."""
        self.late = calls
        self._hide(shard for shard in self._stream.shards if shard.parent is not None and not shard.was_listed)

    def born(self, *children: Shard) -> None:
        self._hide(children)

    def page(
        self, child_of: str | None, behind: str | None, limit: int, now: float
    ) -> tuple[list[dict[str, Any]], str | None]:
        """The shards of one call and the last one's id if there are more."""
        known = self._stream.listing(behind, now) if child_of is None else self._children(child_of, behind, now)
        shown = [shard for shard in known if self._is_shown(shard, now)]
        page, more = shown[:limit], len(shown) > limit
        entries = [self._entry(shard) for shard in page]
        for shard in page:
            shard.was_listed = True
        self._count_down()
        return entries, page[-1].shard_id if more else None

    def _children(self, parent_id: str, behind: str | None, now: float) -> list[Shard]:
        before = self._stream.forgotten(now)
        children = [shard for shard in self._stream.children_of(parent_id) if not shard.is_gone(before)]
        return sorted((c for c in children if c.shard_id > (behind or "")), key=lambda shard: shard.shard_id)

    def _is_shown(self, shard: Shard, now: float) -> bool:
        if shard.hidden_calls:
            return False
        return not (self.miss_parent_calls and shard.children and self._has_unread(shard, now))

    def _has_unread(self, shard: Shard, now: float) -> bool:
        return max(shard.read_to, shard.horizon(self._stream.oldest(now))) < shard.count

    def _entry(self, shard: Shard) -> dict[str, Any]:
        numbers = {"StartingSequenceNumber": str(shard.starting)}
        if shard.ending is not None and not (self.parent_open_calls and any(c.is_open for c in shard.children)):
            numbers["EndingSequenceNumber"] = str(shard.ending)
        entry: dict[str, Any] = {"ShardId": shard.shard_id, "SequenceNumberRange": numbers}
        if shard.parent is not None:
            entry["ParentShardId"] = shard.parent.shard_id
        return entry

    def _count_down(self) -> None:
        self.parent_open_calls = max(0, self.parent_open_calls - 1)
        self.miss_parent_calls = max(0, self.miss_parent_calls - 1)
        for shard in self._hidden:
            shard.hidden_calls -= 1
        self._hidden = [shard for shard in self._hidden if shard.hidden_calls]

    def _hide(self, shards: Iterable[Shard]) -> None:
        for shard in shards:
            shard.hidden_calls = self.late
            if self.late and shard not in self._hidden:
                self._hidden.append(shard)
        self._hidden = [shard for shard in self._hidden if shard.hidden_calls]
