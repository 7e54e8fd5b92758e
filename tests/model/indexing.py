"""Steps 5 and 6: entries are offered to the index and segments marked, by the run that committed them or by a backlog.

A bulk request may store any of its documents, each whole or not at all, and its reply may be lost after that. A
document that the index refuses is parked where the index was seen to take another one; else it waits.

Called by `tests.model.machine`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.capturing import IDLE, MARK, OFFER, with_slot
from tests.model.sizes import Content, Sizes, Slot, State, Step

TAKEN, DONE = 1, 2


def steps(sizes: Sizes, state: State) -> Iterator[Step]:
    before = None
    for at, slot in enumerate(state[7]):
        if slot != before and slot[0] in (OFFER, MARK):
            yield from _of_run(sizes, state, state[7][:at] + state[7][at + 1 :], slot)
        before = slot
    before = None
    for at, slot in enumerate(state[9]):
        if slot != before:
            yield from _of_backlog(sizes, state, state[9][:at] + state[9][at + 1 :], slot)
        before = slot


def _of_run(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    phase, lease, content, number = slot
    if phase == MARK:
        after: Slot = (OFFER if "marked before it is indexed" in sizes.bugs else IDLE, lease, content, number)
        yield "a run marks a segment", True, with_slot(marked(state, number), rest, _short(after))
        return
    for label, is_fair, changed, is_whole in offers(sizes, state, content, number):
        goes_on = is_whole and number >= 0 and "marked before it is indexed" not in sizes.bugs
        then: Slot = (MARK, lease, content, number) if goes_on else (IDLE, lease)
        yield f"a run {label}", is_fair, with_slot(changed, rest, then)


def _short(slot: Slot) -> Slot:
    return slot[:2] if slot[0] == IDLE else slot


def _of_backlog(sizes: Sizes, state: State, rest: tuple[Slot, ...], slot: Slot) -> Iterator[Step]:
    if slot[0] == 0:
        for number, (row, object_, is_marked) in enumerate(state[2]):
            if not is_marked and object_ == row:
                yield "a backlog takes a segment", True, _with_backlog(state, rest, (TAKEN, number))
        return
    yield "a backlog dies", False, _with_backlog(state, rest, (0,))
    number = slot[1]
    if slot[0] == DONE:
        yield "a backlog marks a segment", True, _with_backlog(marked(state, number), rest, (0,))
        return
    for label, is_fair, changed, is_whole in offers(sizes, state, state[2][number][1], number):
        then: Slot = (DONE, number) if is_whole else (0,)
        yield f"a backlog {label}", is_fair, _with_backlog(changed, rest, then)


def _with_backlog(state: State, rest: tuple[Slot, ...], slot: Slot) -> State:
    return (*state[:9], tuple(sorted((*rest, slot))))


def marked(state: State, number: int) -> State:
    row, object_, _ = state[2][number]
    log = (*state[2][:number], (row, object_, 1), *state[2][number + 1 :])
    return (*state[:2], log, *state[3:])


def offers(sizes: Sizes, state: State, content: Content, number: int) -> Iterator[tuple[str, bool, State, bool]]:
    """What one request may do: (what, without a fault, the state then, may the segment be marked)."""
    documents = sizes.bits(content, number)
    there = documents & (state[3] | state[4])
    poison = documents & sizes.poison_bits()
    new = documents & ~there & ~poison
    for stored in _subsets(new):
        full = state[3] | stored
        is_lost_whole = "refused documents count as stored" in sizes.bugs
        if stored == new or is_lost_whole:
            yield from _parked(sizes, state, documents, full, poison)
        else:
            yield "is told to wait", False, _with_index(state, full, state[4]), False
        yield "loses a bulk reply", False, _with_index(state, full, state[4]), False


def _parked(
    sizes: Sizes, state: State, documents: int, full: int, poison: int
) -> Iterator[tuple[str, bool, State, bool]]:
    refused = poison & ~state[4]
    if not refused:
        yield "offers documents", True, _with_index(state, full, state[4]), True
        return
    is_proven = bool(documents & (full | state[4]))
    counts = "refused documents count as stored" in sizes.bugs
    if is_proven:
        yield "parks a document", True, _with_index(state, full, state[4] | refused), True
    yield "has to wait with a refused document", not is_proven, _with_index(state, full, state[4]), counts


def _with_index(state: State, full: int, parked: int) -> State:
    return (*state[:3], full, parked, *state[5:])


def _subsets(bits: int) -> Iterator[int]:
    subset = bits
    while True:
        yield subset
        if not subset:
            return
        subset = (subset - 1) & bits
