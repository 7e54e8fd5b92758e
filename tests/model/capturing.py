"""A capturing process, step by step: each step is one call through a port of `tabletrail.capture`, or its loss.

    view    the rows of a group, by an index that may lag: any of the readable ones
    read    each shard of the view: any number of the records ahead, the end or not, all children or some or none
    keep    a swap of one row without entries
    stage   one object
    commit  all or nothing; a reply that is lost leaves the process to read the segment's row
    offer   and mark: `tests.model.indexing`

The process may die before and after each step, and sleep at any point for as long as it likes.

What one slot holds: (phase, holds the lease, ...) and then, by phase, the view, the parts, or a segment's content.

Called by `tests.model.machine`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, product

from tests.model.reads import FRESH, Part, content_of, possible_parts
from tests.model.sizes import OPEN, PROCESSED, Content, Row, Segment, Sizes, Slot, State, Step

IDLE, VIEW, READ, STAGED, UNKNOWN, OFFER, MARK, HALF = range(8)


def steps(sizes: Sizes, state: State) -> Iterator[Step]:
    slots = state[7]
    is_led = any(slot[1] for slot in slots) or state[6]
    before = None
    for at, slot in enumerate(slots):
        if slot == before:
            continue
        before = slot
        rest = slots[:at] + slots[at + 1 :]
        if sizes.lease:
            yield from _lease(state, slot, rest, bool(is_led))
        if slot[0] != IDLE:
            yield "a run dies", False, _leaving(sizes, state, rest, slot)
        if slot[0] in STEPS:
            yield from STEPS[slot[0]](sizes, state, rest, slot)
    if state[6]:
        yield "a dead run's lease ends", True, (*state[:6], 0, *state[7:])


def _lease(state: State, slot: Slot, rest: tuple[Slot, ...], is_led: bool) -> Iterator[Step]:
    if slot[1]:
        yield "a live run's lease ends", False, with_slot(state, rest, (slot[0], 0, *slot[2:]))
        if slot[0] == IDLE:
            yield "a run ends and frees the lease", True, with_slot(state, rest, (IDLE, 0))
    elif slot[0] == IDLE and not is_led:
        yield "a run takes the lease", True, with_slot(state, rest, (IDLE, 1))


def with_slot(state: State, rest: tuple[Slot, ...], slot: Slot) -> State:
    return (*state[:7], tuple(sorted((*rest, slot))), state[8], state[9])


def _leaving(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> State:
    """The process is dead: its object, if it had staged one, is an orphan, and its lease lasts until it ends."""
    orphans = state[5]
    if slot[0] == STAGED:
        orphans = with_orphan(sizes, orphans, slot[3])
    lease = 1 if slot[1] else state[6]
    return (*state[:5], orphans, lease, tuple(sorted((*rest, (IDLE, 0)))), state[8], state[9])


def with_orphan(sizes: Sizes, orphans: tuple[Content, ...], content: Content) -> tuple[Content, ...]:
    if not sizes.orphans or not content or content in orphans:
        return orphans
    return tuple(sorted((*orphans, content)))


def _view(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    if sizes.lease and not slot[1]:
        return
    reads_blocked = "blocked children are read" in sizes.bugs
    readable = [
        (shard, row[0], row[1], row[4], row[3], 1)
        for shard, row in enumerate(state[0])
        if row is not None and row[1] != PROCESSED and (row[2] or reads_blocked)
    ]
    for size in range(1, len(readable) + 1):
        for view in combinations(readable, size):
            yield "a run reads rows", True, with_slot(state, rest, (VIEW, slot[1], view))


def _read(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    options = [possible_parts(sizes, seen, state[1]) for seen in slot[2]]
    for parts in product(*options):
        yield "a run reads the stream", True, with_slot(state, rest, (READ, slot[1], parts))


def _is_single(part: Part) -> bool:
    """It brings no entry and ends no shard: a swap of its own, and no loss if it fails."""
    return part[3] == part[2] and not part[4] and part[5] != PROCESSED


def _keep_or_stage(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    for part in slot[2]:
        if _is_single(part):
            left = tuple(other for other in slot[2] if other is not part)
            after = (READ, slot[1], left) if left else (IDLE, slot[1])
            yield "a run's swap fails", False, with_slot(state, rest, after)
            if part[FRESH]:
                yield "a run keeps a place", True, with_slot(*_moved(state, rest, (part,)), after)
            else:
                yield "a run's swap is lost", True, with_slot(state, rest, after)
            return
    content = content_of(slot[2])
    yield "a run stages an object", True, with_slot(state, rest, (STAGED, slot[1], slot[2], content))
    if content and sizes.orphans:
        left_behind = (*state[:5], with_orphan(sizes, state[5], content), *state[6:])
        yield "a put's reply is lost", False, with_slot(left_behind, rest, (IDLE, slot[1]))
        yield from _collisions(sizes, state, rest, slot, content)


def _collisions(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot, content: Content) -> Iterator[Step]:
    """The name is taken (412). The protocol stages under another one, so only the bugs make a difference."""
    if "a taken name is adopted" in sizes.bugs:
        for taken in {*state[5], *(segment[1] for segment in state[2])}:
            yield "a run adopts an object", False, with_slot(state, rest, (STAGED, slot[1], slot[2], taken))
    if "an object is overwritten" in sizes.bugs:
        for at, (row, _, marked) in enumerate(state[2]):
            log = (*state[2][:at], (row, content, marked), *state[2][at + 1 :])
            changed = (*state[:2], log, *state[3:])
            yield "a run overwrites an object", False, with_slot(changed, rest, (STAGED, slot[1], slot[2], content))


def _holds(sizes: Sizes, state: State, slot: Slot, part: Part) -> bool:
    """The condition on a row: its version, and that its parent is processed."""
    row = state[0][part[0]]
    if row is None or not (row[2] or "the commit does not ask for the parent" in sizes.bugs):
        return False
    return bool(part[FRESH]) or bool(sizes.bugs & {"the version is not compared", "the lease stands for the version"})


def _commit(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    _, lease, parts, object_ = slot
    left = tuple(part for part in parts if _holds(sizes, state, slot, part))
    content = content_of(parts)
    if len(left) < len(parts):
        orphaned = (*state[:5], with_orphan(sizes, state[5], object_), *state[6:])
        after = (READ, lease, left) if left else (IDLE, lease)
        yield "a commit loses", True, with_slot(orphaned, rest, after)
        yield "a lost commit's reply is lost", False, with_slot(orphaned, rest, _unknown(lease, content, -1))
        return
    if sizes.bugs & {"the checkpoint moves first", "the segment's row comes first"}:
        yield from _half(sizes, state, rest, slot)
        return
    moved, others = _moved(state, rest, parts)
    number = len(state[2]) if content else -1
    if content:
        moved = _logged(moved, (content, object_, 0))
    yield "a run commits", True, with_slot(moved, others, _after_commit(sizes, lease, content, number))
    yield "a commit's reply is lost", False, with_slot(moved, others, _unknown(lease, content, number))
    orphaned = (*state[:5], with_orphan(sizes, state[5], object_), *state[6:])
    yield "a commit fails", False, with_slot(orphaned, rest, _unknown(lease, content, -1))


def _half(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    """Two writes where the protocol has one."""
    _, lease, parts, object_ = slot
    if "the checkpoint moves first" in sizes.bugs:
        moved, others = _moved(state, rest, parts)
        yield "a run moves checkpoints alone", True, with_slot(moved, others, (HALF, lease, parts, object_))
    else:
        logged = _logged(state, (content_of(parts), object_, 0)) if content_of(parts) else state
        yield "a run writes the row alone", True, with_slot(logged, rest, (HALF, lease, parts, object_))


def _other_half(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    _, lease, parts, object_ = slot
    if "the checkpoint moves first" in sizes.bugs:
        content = content_of(parts)
        logged = _logged(state, (content, object_, 0)) if content else state
        yield "a run writes the row later", True, with_slot(logged, rest, (IDLE, lease))
    else:
        moved, others = _moved(state, rest, parts)
        yield "a run moves checkpoints later", True, with_slot(moved, others, (IDLE, lease))


def _settle(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    """The segment's row is read: it is there, or the cycle is given up."""
    _, lease, content, number = slot
    after = _after_commit(sizes, lease, content, number) if number >= 0 else (IDLE, lease)
    if "a lost reply is taken for success" in sizes.bugs:
        after = (OFFER, lease, content, number) if content else (IDLE, lease)
    if "a lost reply is taken for failure" in sizes.bugs and number >= 0:
        row, _, marked = state[2][number]
        log = (*state[2][:number], (row, (), marked), *state[2][number + 1 :])
        state, after = (*state[:2], log, *state[3:]), (IDLE, lease)
    yield "a run reads the segment's row", True, with_slot(state, rest, after)


def _unknown(lease: int, content: Content, number: int) -> Slot:
    return (UNKNOWN, lease, content, number)


def _after_commit(sizes: Sizes, lease: int, content: Content, number: int) -> Slot:
    if not sizes.indexes or not content:
        return (IDLE, lease)
    return (MARK if "marked before it is indexed" in sizes.bugs else OFFER, lease, content, number)


def _logged(state: State, segment: Segment) -> State:
    return (*state[:2], (*state[2], segment), *state[3:])


def _moved(state: State, rest: tuple[Slot, ...], parts: tuple[Part, ...]) -> tuple[State, tuple[Slot, ...]]:
    """The rows after their swaps, children made or unblocked, and what other processes read of them no longer fresh."""
    rows: list[Row | None] = list(state[0])
    touched = 0
    for shard, position, first, end, _, status, children, horizon, said, _ in parts:
        row = rows[shard]
        assert row is not None
        rows[shard] = (end if end > first else position, status, row[2], said, horizon)
        touched |= 1 << shard
        for child in range(len(rows)):
            if children >> child & 1:
                rows[child] = with_parent(rows[child])
    return (tuple(rows), *state[1:]), stale(rest, touched)


def with_parent(row: Row | None) -> Row:
    """A child's upsert: the row is made, or keeps all it has; its version stays."""
    return (0, OPEN, 1, 0, 0) if row is None else (row[0], row[1], 1, row[3], row[4])


def stale(slots: tuple[Slot, ...], touched: int) -> tuple[Slot, ...]:
    """Rows moved: whoever read them before will lose the swap."""
    return tuple(
        (*slot[:2], _stale(slot[2], touched), *slot[3:]) if slot[0] in (VIEW, READ, STAGED) else slot for slot in slots
    )


@cache
def _stale(views: tuple[tuple[int, ...], ...], touched: int) -> tuple[tuple[int, ...], ...]:
    return tuple((*view[:-1], 0) if touched >> view[0] & 1 else view for view in views)


STEPS = {
    IDLE: _view,
    VIEW: _read,
    READ: _keep_or_stage,
    STAGED: _commit,
    UNKNOWN: _settle,
    HALF: _other_half,
}
