"""What reading one shard may bring to a commit: any number of the records ahead, the end or not, a gap, children.

Called by `tests.model.capturing`; and by `tests.model.following`, which asks whether what the real code committed is
among it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations

from tests.model.sizes import CLOSED, NO_GAP, OPEN, PROCESSED, TRIMMED, VANISHED, Content, Sizes

Seen = tuple[int, int, int, int, int, int]
"""Of a row in a view: (shard, position, status, at_horizon, said, fresh)."""
Part = tuple[int, int, int, int, int, int, int, int, int, int]
"""(shard, position, first, end, gap, status after, children as bits, at_horizon after, said after, fresh)."""
FRESH = 9


@cache
def possible_parts(sizes: Sizes, seen: Seen, trimmed: tuple[int, ...]) -> tuple[Part, ...]:
    """Everything that reading this shard may bring."""
    shard, position, status, horizon, said, fresh = seen
    if status == CLOSED:
        return tuple(_ended(sizes, seen, position, position, NO_GAP))
    if sizes.is_gone(shard, trimmed):
        return tuple(_ended(sizes, seen, position, position, VANISHED))
    forgot = trimmed[shard]
    gap = NO_GAP if "no gap is written" in sizes.bugs else TRIMMED
    behind: Part = (shard, position, position, position, gap, OPEN, 0, 1, 1, fresh)
    if position and not horizon and forgot > position:
        return (behind,)
    is_lost = forgot > position and not said
    found = list(_records(sizes, seen, max(position, forgot), gap if is_lost else NO_GAP))
    if position and not horizon and forgot == position:
        # The position itself is forgotten and nothing behind it: time tells whether that is a possible gap.
        found += [behind, (shard, position, position, position, NO_GAP, OPEN, 0, 1, said, fresh)]
    return tuple(found)


def _records(sizes: Sizes, seen: Seen, first: int, gap: int) -> Iterator[Part]:
    shard, position, _, horizon, said, fresh = seen
    total = sizes.records[shard]
    if "reading begins at the latest record" in sizes.bugs and not position:
        first = total
    for end in range(first, total + 1):
        still_horizon = int(bool(horizon) and end == first)
        still_said = int(end == first and bool(said or gap))
        yield (shard, position, first, end, gap, OPEN, 0, still_horizon, still_said, fresh)
        if end == total or "an empty page is taken for the end" in sizes.bugs:
            yield from _ended(sizes, seen, first, end, gap)


def _ended(sizes: Sizes, seen: Seen, first: int, end: int, gap: int) -> Iterator[Part]:
    """The end was seen. Its children are listed, or some of them are late, or they could not be asked for."""
    shard, position, status, _, _, fresh = seen
    if status == OPEN:
        yield (shard, position, first, end, gap, CLOSED, 0, 0, 0, fresh)
    children = sizes.children(shard)
    if "children are not made with their parent's end" in sizes.bugs:
        children = ()
    for size in range(len(children) + 1):
        for listed in combinations(children, size):
            bits = sum(1 << child for child in listed)
            yield (shard, position, first, end, gap, PROCESSED, bits, 0, 0, fresh)


def content_of(parts: tuple[Part, ...]) -> Content:
    return tuple((s, position, first, end, gap) for s, position, first, end, gap, *_ in parts if end > first or gap)
