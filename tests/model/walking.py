"""What is not a capturing process: the walk that makes rows, the stream that forgets, rows that expire.

A walk is a listing with the rows that belong to it, then rows made, then parents stood in for and children unblocked,
then the stream's row with a gap if shards may have been lost between two walks. It may die after each of these.
What a walk decides is asked of the product's own `plan_lineage`, so that rule is explored itself.

The listing may be late (any shard may be missing) and show a parent as open beside its child. One thing is assumed of
it: a shard that is still there and never got a row is listed if its child is.

Called by `tests.model.machine`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations

from tabletrail.core.checkpoint import ShardRow, ShardStatus
from tabletrail.core.lineage import Listed, plan_lineage
from tests.model.capturing import stale, with_parent
from tests.model.sizes import OPEN, PROCESSED, TRIMMED, Row, Rows, Sizes, Slot, State, Step, is_stand_in

REST, TELL, ADD, UNBLOCK = range(4)
STATUSES = (ShardStatus.OPEN, ShardStatus.CLOSED, ShardStatus.CLOSED_AND_PROCESSED)
Decision = tuple[tuple[tuple[int, int], ...], tuple[int, ...], tuple[int, ...], int]
"""Rows to make (shard, may it be read), rows to unblock, parents to stand in for, and shards of a gap of the stream."""


def steps(sizes: Sizes, state: State) -> Iterator[Step]:
    if sizes.walks:
        yield from _walk(sizes, state)
        yield from _regroup(state)
    if sizes.trims:
        yield from _forget(sizes, state)
    yield from _expire(sizes, state)


def _walk(sizes: Sizes, state: State) -> Iterator[Step]:
    rows, walk = state[0], state[8]
    if walk[0] == REST:
        seen = set()
        is_late = "a stream's gap is told after its rows are made" in sizes.bugs
        for listed in _listings(sizes, rows, state[1]):
            decision = _decision(sizes, rows, listed, _lost(sizes, state))
            if decision not in seen and any(decision):
                seen.add(decision)
                first = TELL if decision[3] and not is_late else ADD
                yield "a walk lists shards", True, _with_walk(state, (first, *decision))
        return
    yield "a walk dies", False, _with_walk(state, (REST,))
    yield from WALK[walk[0]](sizes, state, walk)


def _tell(sizes: Sizes, state: State, walk: Slot) -> Iterator[Step]:
    """The gap comes before the rows: once they are there no walk knows any more what was missed."""
    content = ((len(sizes.parents), walk[4], 0, 0, TRIMMED),)
    told = (*state[:2], (*state[2], (content, content, 0)), *state[3:])
    after = (REST,) if "a stream's gap is told after its rows are made" in sizes.bugs else (ADD, *walk[1:4], 0)
    yield "a walk tells of a gap", True, _with_walk(told, after)


def _add(sizes: Sizes, state: State, walk: Slot) -> Iterator[Step]:
    rows = list(state[0])
    for shard, ready in walk[1]:
        if rows[shard] is None:
            is_told = any(link[0] == len(rows) and link[1] >> shard & 1 for row, _, _ in state[2] for link in row)
            rows[shard] = (0, OPEN, ready, int(is_told or walk[4] >> shard & 1), 0)
    yield "a walk makes rows", True, _with_walk((tuple(rows), *state[1:]), (UNBLOCK, (), *walk[2:]))


def _unblock(sizes: Sizes, state: State, walk: Slot) -> Iterator[Step]:
    _, _, unblocked, forgotten, gap = walk
    rows = list(state[0])
    for shard in forgotten:
        if rows[shard] is None:
            rows[shard] = (0, PROCESSED, 0, 1, 0)
    orphans = {child for parent in forgotten for child in sizes.children(parent) if _is_processed(rows[parent])}
    for child in {*unblocked, *orphans}:
        if rows[child] is not None:
            rows[child] = with_parent(rows[child])
    after = (TELL, (), (), (), gap) if gap else (REST,)
    yield "a walk unblocks children", True, _with_walk((tuple(rows), *state[1:]), after)


def _is_processed(row: Row | None) -> bool:
    return row is not None and row[1] == PROCESSED


def _with_walk(state: State, walk: tuple[object, ...]) -> State:
    return (*state[:8], walk, state[9])


def _listings(sizes: Sizes, rows: Rows, trimmed: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    there = [shard for shard in sizes.shards if not sizes.is_gone(shard, trimmed)]
    if "the walk leaves children to their parents" in sizes.bugs:
        there = [shard for shard in there if sizes.parents[shard] < 0]
    for size in range(len(there) + 1):
        for listed in combinations(there, size):
            parents = {sizes.parents[shard] for shard in listed} - {-1}
            if all(parent in listed or rows[parent] is not None or parent not in there for parent in parents):
                yield listed


@cache
def _decision(sizes: Sizes, rows: Rows, listed: tuple[int, ...], lost: int) -> Decision:
    plan = plan_lineage(
        [Listed(str(shard), _name(sizes.parents[shard])) for shard in listed],
        {str(shard): _row(sizes, shard, row) for shard, row in enumerate(rows) if row is not None},
    )
    assert not plan.late or sizes.bugs, "by the assumption on listings no shard is listed after a row stood in for it"
    made = tuple(sorted((int(shard.shard_id), int(ready)) for shard, ready in plan.new))
    if "rows are ready whatever their parents are" in sizes.bugs:
        made = tuple((shard, 1) for shard, _ in made)
    unblocked = tuple(sorted(int(row.shard_id) for row in plan.unblocked))
    missing = any(row is not None and row[1] != PROCESSED and shard not in listed for shard, row in enumerate(rows))
    is_noticed = missing or not listed or bool(made)
    return made, unblocked, tuple(int(shard) for shard in plan.forgotten), lost if is_noticed else 0


def _lost(sizes: Sizes, state: State) -> int:
    """Shards, as bits, that never had a row and of which the stream forgot something that no gap tells of."""
    told = 0
    for row, _, _ in state[2]:
        for link in row:
            told |= link[1] if link[0] == len(sizes.parents) else 0
    rows, trimmed = state[:2]
    lost = (s for s in sizes.shards if rows[s] is None and trimmed[s] and not _was_read(sizes, rows, s))
    return sum(1 << shard for shard in lost) & ~told


def _was_read(sizes: Sizes, rows: Rows, shard: int) -> bool:
    """Its row has expired: then a child's row may be read."""
    return any((row := rows[child]) is not None and row[2] for child in sizes.children(shard))


def _name(shard: int) -> str | None:
    return str(shard) if shard >= 0 else None


def _row(sizes: Sizes, shard: int, row: Row) -> ShardRow:
    return ShardRow(
        "stream",
        str(shard),
        None if is_stand_in(row) else _name(sizes.parents[shard]),
        status=STATUSES[row[1]],
        parent_processed=bool(row[2]),
        version=0 if is_stand_in(row) else 1,
    )


def _regroup(state: State) -> Iterator[Step]:
    """A walk gives a row to another group: its version moves, and whoever read it before loses."""
    for shard, row in enumerate(state[0]):
        if row is not None and row[2] and row[1] != PROCESSED:
            slots = tuple(sorted(stale(state[7], 1 << shard)))
            if slots != state[7]:
                yield "a walk regroups a row", True, (*state[:7], slots, *state[8:])


def _forget(sizes: Sizes, state: State) -> Iterator[Step]:
    """The oldest first: a shard's records after its parent's, and the shard itself once it has ended."""
    trimmed = state[1]
    if not any(state[0]):
        return  # a stream's first walk is over long before the stream forgets anything
    for shard in sizes.shards:
        parent = sizes.parents[shard]
        if parent >= 0 and trimmed[parent] < sizes.records[parent]:
            continue
        is_last = trimmed[shard] == sizes.records[shard]
        may_go = sizes.children(shard) and (parent < 0 or sizes.is_gone(parent, trimmed))
        if sizes.is_gone(shard, trimmed) or (is_last and not may_go):
            continue
        forgotten = (*trimmed[:shard], trimmed[shard] + 1, *trimmed[shard + 1 :])
        yield "the stream forgets", False, (state[0], forgotten, *state[2:])


def _expire(sizes: Sizes, state: State) -> Iterator[Step]:
    """A finished shard's row expires, but not while the stream still lists the shard, nor within one walk: it lasts 48
    hours and a walk no longer than its function."""
    if state[8][0] != REST:
        return
    too_early = "finished rows expire while they are listed" in sizes.bugs
    for shard, row in enumerate(state[0]):
        if _is_processed(row) and (too_early or sizes.is_gone(shard, state[1])):
            rows = (*state[0][:shard], None, *state[0][shard + 1 :])
            slots = tuple(sorted(stale(state[7], 1 << shard)))
            yield "a row expires", False, (rows, *state[1:7], slots, *state[8:])


WALK = {TELL: _tell, ADD: _add, UNBLOCK: _unblock}
