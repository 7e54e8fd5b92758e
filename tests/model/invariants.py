"""What must hold in every state, by name. Each looks at what is durable only, and says what is wrong, or nothing.

    no loss      a record is in the log, or readable behind its shard's checkpoint, or forgotten by the stream
    no double    no record is in the log twice
    order        a shard's records stand in their order, and all of a parent's before the first of its child's
    checkpoint   it is exactly behind the last record of its shard in the log: never before it, never beyond
    readable     the object of each committed segment has the committed content
    gap          what the stream forgot, and reading went on behind, is in the log as a gap
    index        each entry in the index is in the log
    marked       each entry of a segment that is marked lies in the index, whole or reduced

`monotone` is asked of each step, `live` of the whole graph (`tests.model.explorer`). The tests of the real code ask all
of the first eight of its durable state (`tests.model.abstraction`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tests.model.sizes import NO_GAP, PROCESSED, Link, Rows, Segment, Sizes, State, is_stand_in


@lru_cache(maxsize=1_000_000)
def _links(log: tuple[Segment, ...], shard: int) -> tuple[tuple[int, Link], ...]:
    """A shard's links in the log's order, each with its segment's number."""
    return tuple((number, link) for number, (row, _, _) in enumerate(log) for link in row if link[0] == shard)


@lru_cache(maxsize=1_000_000)
def committed(log: tuple[Segment, ...], shard: int) -> tuple[int, ...]:
    """Numbers of the shard's records in the log's order."""
    return tuple(record for _, (_, _, first, end, _) in _links(log, shard) for record in range(first, end))


def no_loss(sizes: Sizes, state: State) -> str:
    rows, trimmed, log = state[:3]
    for shard, row in enumerate(rows):
        done = committed(log, shard)
        for record in range(min(trimmed[shard], sizes.records[shard]), sizes.records[shard]):
            if record not in done and row is not None and (row[0] > record or row[1] == PROCESSED):
                return f"record {record} of shard {shard} is in no segment and behind the checkpoint"
    return ""


def no_double(sizes: Sizes, state: State) -> str:
    for shard in sizes.shards:
        done = committed(state[2], shard)
        if len(done) != len(set(done)):
            return f"a record of shard {shard} is in two segments"
    return ""


def order(sizes: Sizes, state: State) -> str:
    for shard, parent in enumerate(sizes.parents):
        done = committed(state[2], shard)
        if list(done) != sorted(done):
            return f"shard {shard} is out of order"
        if parent >= 0 and done:
            first = min(number for number, link in _links(state[2], shard) if link[3] > link[2])
            if any(number >= first for number, link in _links(state[2], parent) if link[3] > link[2]):
                return f"a record of shard {shard} stands before one of its parent"
            if _is_unread(sizes, state, parent):
                return f"a record of shard {shard} is in the log and its parent is not read to its end"
    return ""


def _is_unread(sizes: Sizes, state: State, shard: int) -> bool:
    """A record of it will still be read."""
    row, done = state[0][shard], committed(state[2], shard)
    ahead = [record for record in range(state[1][shard], sizes.records[shard]) if record not in done]
    return bool(ahead) and (row is None or row[1] != PROCESSED)


def checkpoint(sizes: Sizes, state: State) -> str:
    for shard, row in enumerate(state[0]):
        done = committed(state[2], shard)
        if row is None or is_stand_in(row):
            continue
        if row[0] != (done[-1] + 1 if done else 0):
            return f"the checkpoint of shard {shard} is not where the log ends"
    return ""


def readable(sizes: Sizes, state: State) -> str:
    for number, (row, object_, _) in enumerate(state[2]):
        if object_ != row:
            return f"segment {number} has not the bytes that its row names"
    return ""


def gap(sizes: Sizes, state: State) -> str:
    rows, trimmed, log = state[:3]
    for shard in sizes.shards:
        done = committed(log, shard)
        row = rows[shard]
        for record in range(min(trimmed[shard], sizes.records[shard])):
            is_passed = any(other > record for other in done) or (row is not None and row[1] == PROCESSED)
            if record not in done and is_passed and not is_told(sizes, log, shard, record):
                return f"record {record} of shard {shard} is missing and no gap says so"
    return ""


def is_told(sizes: Sizes, log: tuple[Segment, ...], shard: int, record: int) -> bool:
    """A gap of the shard begins behind the last record before this one, or one of the stream stands for a beginning."""
    before = [other + 1 for other in committed(log, shard) if other < record]
    position = before[-1] if before else 0
    told = any(link[4] != NO_GAP and link[1] == position for _, link in _links(log, shard))
    of_stream = (link[1] for _, link in _links(log, len(sizes.parents)))
    return told or (position == 0 and any(shards >> shard & 1 for shards in of_stream))


def index(sizes: Sizes, state: State) -> str:
    logged = 0
    for number, (row, _, _) in enumerate(state[2]):
        logged |= sizes.bits(row, number)
    return "an entry is in the index and not in the log" if (state[3] | state[4]) & ~logged else ""


def marked(sizes: Sizes, state: State) -> str:
    for number, (row, _, is_marked) in enumerate(state[2]):
        if is_marked and sizes.bits(row, number) & ~(state[3] | state[4]):
            return f"segment {number} is marked and an entry of it is not in the index"
    return ""


def step_is_monotone(before: Rows, after: Rows) -> str:
    """No checkpoint goes back, nothing finished or unblocked becomes otherwise, except that a row expires."""
    for shard, (old, new) in enumerate(zip(before, after, strict=True)):
        if old is None or new is None:
            continue
        if new[0] < old[0] or new[1] < old[1] or new[2] < old[2]:
            return f"the row of shard {shard} went back"
    return ""


def is_captured(sizes: Sizes, state: State) -> bool:
    """Each record is in the log, or forgotten by the stream and told of."""
    for shard in sizes.shards:
        done = committed(state[2], shard)
        for record in range(sizes.records[shard]):
            is_forgotten = record < state[1][shard]
            if record not in done and not (is_forgotten and is_told(sizes, state[2], shard, record)):
                return False
    return True


def is_complete(sizes: Sizes, state: State) -> bool:
    """Everything is captured, each shard finished, each segment marked: only one of which all that is missing in the
    index is refused there may wait."""
    for shard, row in enumerate(state[0]):
        if not (sizes.is_gone(shard, state[1]) if row is None else row[1] == PROCESSED):
            return False
    if not is_captured(sizes, state):
        return False
    waits = ~(state[3] | state[4] | sizes.poison_bits())
    return not sizes.indexes or all(
        is_marked or not sizes.bits(row, number) & waits for number, (row, _, is_marked) in enumerate(state[2])
    )


INVARIANTS: dict[str, Callable[[Sizes, State], str]] = {
    "no loss": no_loss,
    "no double": no_double,
    "order": order,
    "checkpoint": checkpoint,
    "readable": readable,
    "gap": gap,
    "index": index,
    "marked": marked,
}
