"""Is a pair of change and call kept exactly if some full assignment has it?"""

from __future__ import annotations

from itertools import product
from math import isqrt

from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.pairing import EDGES, groups, remaining

graphs = st.dictionaries(st.integers(0, 5), st.frozensets(st.integers(0, 6), max_size=4), min_size=1, max_size=5)


def all_assignments(edges: dict[int, frozenset[int]]) -> list[dict[int, int]]:
    """Every way to give each change a unit of its own, by trying them all."""
    ways = (dict(zip(edges, units, strict=True)) for units in product(*edges.values()))
    return [way for way in ways if len(set(way.values())) == len(way)]


@given(graphs)
def test_what_remains_is_what_some_full_assignment_has(edges: dict[int, frozenset[int]]) -> None:
    ways = all_assignments(edges)
    found = remaining(edges)
    if not ways:
        assert found is None
    else:
        assert found == {change: frozenset(way[change] for way in ways) for change in edges}


@given(graphs)
def test_groups_share_no_unit_and_leave_no_change_out(edges: dict[int, frozenset[int]]) -> None:
    found = groups(edges)
    assert sorted(change for group in found for change in group) == sorted(edges)
    units = [frozenset().union(*(edges[change] for change in group)) for group in found]
    assert sum(map(len, units)) == len(frozenset().union(*units))


def test_above_the_bound_nothing_is_concluded() -> None:
    side = isqrt(EDGES)
    square = {change: frozenset(range(side)) for change in range(side)}
    assert remaining(square) == square
    assert remaining({change: units | {side, side + 1} for change, units in square.items()}) is None
