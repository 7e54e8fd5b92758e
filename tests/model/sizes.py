"""What one exploration is about: how many shards, records and processes, which powers the world has, which bugs.

A state of the model is one tuple of tuples of small numbers, so that it can be a key and is cheap to copy:

    rows     for each shard None, or (position, status, parent_processed, said, at_horizon)
    trimmed  for each shard how many of its records the stream forgot; one more than it has: the shard itself is gone
    log      committed segments in order: (content of the row, content of its object, marked as indexed)
    full     bits of the entries that lie in the index whole
    parked   bits of the entries that lie there reduced
    orphans  contents of objects without a row
    lease    1 while a run that died holds the lease; a live run's own slot says that it holds it
    slots    capturing processes, sorted, since none is told from another
    walk     the one walking process
    backlogs indexing processes, sorted

`position` counts records: the first `position` ones of the shard are behind the checkpoint. `said`: what the stream
forgot between there and the next record is in the log as a gap. Versions are not in the state: a process remembers of
each row that it read whether the row still has that version (`fresh`), which is all that a compare-and-swap asks. So
runs may follow each other without end, and the states are still finite in number.

Called by every module of the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

Row = tuple[int, int, int, int, int]
Rows = tuple[Row | None, ...]
Link = tuple[int, int, int, int, int]
"""What a segment holds of a shard: (shard, position before, first, end, gap); records are first..end-1, from 0.

A gap of the whole stream has the number behind the last shard's, and for a position the shards that it tells of, as
bits.
"""
Content = tuple[Link, ...]
Segment = tuple[Content, Content, int]
Slot = tuple[Any, ...]
State = tuple[
    Rows,
    tuple[int, ...],
    tuple[Segment, ...],
    int,
    int,
    tuple[Content, ...],
    int,
    tuple[Slot, ...],
    Slot,
    tuple[Slot, ...],
]
Step = tuple[str, bool, State]
"""What happened, whether it belongs to a continuation without faults, and the state then."""

OPEN, CLOSED, PROCESSED = 0, 1, 2
NO_GAP, TRIMMED, VANISHED = 0, 1, 2


def is_stand_in(row: Row) -> bool:
    """The row of a shard that no walk has listed, made finished so that its child may be read."""
    return row[1] == PROCESSED and bool(row[3])


@dataclass(frozen=True)
class Sizes:
    """One configuration. `parents[s]` is the number of shard s's parent, -1 if it has none."""

    name: str
    parents: tuple[int, ...]
    records: tuple[int, ...]
    runs: int = 2
    walks: bool = True
    """Rows are made, unblocked and regrouped by walks; without them a root's row is there from the start."""
    trims: bool = False
    """The stream forgets records and shards; rows of forgotten shards expire."""
    lease: bool = False
    """Runs take the lease, which may end at any time. Without it any number of runs is at work at any time."""
    indexes: bool = False
    backlogs: int = 0
    poison: tuple[tuple[int, int], ...] = ()
    """Records (shard, number) whose documents the index refuses."""
    orphans: bool = False
    """Objects without a row are remembered, and a new object's name may be one that is taken."""
    bugs: frozenset[str] = frozenset()
    """Seeded ones, by the names in `tests.model.bugs`."""

    def with_bugs(self, *bugs: str) -> Sizes:
        return replace(self, bugs=self.bugs | set(bugs))

    @property
    def shards(self) -> range:
        return range(len(self.parents))

    def children(self, shard: int) -> tuple[int, ...]:
        return tuple(child for child in self.shards if self.parents[child] == shard)

    def is_gone(self, shard: int, trimmed: tuple[int, ...]) -> bool:
        return trimmed[shard] > self.records[shard]

    def initial(self) -> State:
        """Records lie in the stream; nothing was read. That a reader may see fewer of them stands for later writes."""
        root: Row = (0, OPEN, 1, 0, 0)
        rows = tuple(None if self.walks or parent >= 0 else root for parent in self.parents)
        slots: tuple[Slot, ...] = ((0, 0),) * self.runs
        return (rows, (0,) * len(self.parents), (), 0, 0, (), 0, slots, (0,), ((0,),) * self.backlogs)

    def bits(self, content: Content, number: int) -> int:
        """A content's entries as bits; `number` is its segment's place in the log, which gap entries need."""
        found = 0
        for shard, _, first, end, gap in content:
            found |= ((1 << end) - (1 << first)) << sum(self.records[:shard])  # none of a gap of the whole stream
            if gap and number >= 0:
                found |= 1 << (sum(self.records) + number * (len(self.parents) + 1) + shard)
        return found

    def poison_bits(self) -> int:
        return sum(1 << (sum(self.records[:shard]) + number) for shard, number in self.poison)
