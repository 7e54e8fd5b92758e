"""Which of the possible writes of some changes are still possible once each change has one of its own.

Pure combinatorics: changes and units are numbers.

Rules
- A call's write of an item makes one record at most. So a unit that another change must have is not this change's.
- If there are not enough units for the changes, a call is missing, and nothing can be concluded: `None`.
- Bounded: above `EDGES` possible pairs nothing is concluded either.

Called by `witness`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

EDGES = 2_000
"""Pairs looked at together. Work grows with their square: 44 changes of one item, each of which may be any of 44
writes, take 6 ms. Where there are more there is little to tell apart."""

Edges = Mapping[int, frozenset[int]]


def groups(edges: Mapping[int, Collection[int]]) -> list[list[int]]:
    """The changes in groups that share no unit with one another, each ascending, in order of their first."""
    owner: dict[int, int] = {}
    first: dict[int, int] = {change: change for change in edges}

    def root(change: int) -> int:
        while first[change] != change:
            first[change] = first[first[change]]
            change = first[change]
        return change

    for change in sorted(edges):
        for unit in edges[change]:
            one, other = sorted((root(owner.setdefault(unit, change)), root(change)))
            first[other] = one
    found: dict[int, list[int]] = {}
    for change in sorted(edges):
        found.setdefault(root(change), []).append(change)
    return list(found.values())


def remaining(edges: Edges) -> dict[int, frozenset[int]] | None:
    """`edges` without those that no pairing of every change with a unit of its own contains; None if there is no such
    pairing or too much to look at."""
    if sum(len(units) for units in edges.values()) > EDGES:
        return None
    unit_of: dict[int, int] = {}
    change_of: dict[int, int] = {}
    for change in sorted(edges):
        if not _pair(change, edges, unit_of, change_of, frozenset()):
            return None
    return {
        change: frozenset(unit for unit in units if _is_possible(change, unit, edges, unit_of, change_of))
        for change, units in edges.items()
    }


def _is_possible(change: int, unit: int, edges: Edges, unit_of: dict[int, int], change_of: dict[int, int]) -> bool:
    """True if a full pairing has this pair: the one who has the unit now must find another."""
    if unit_of[change] == unit or unit not in change_of:
        return True
    units, changes = dict(unit_of), dict(change_of)
    loser = changes.pop(unit)
    del changes[units.pop(change)]
    del units[loser]
    return _pair(loser, edges, units, changes, frozenset({unit}))


def _pair(change: int, edges: Edges, unit_of: dict[int, int], change_of: dict[int, int], taken: frozenset[int]) -> bool:
    """Give `change` a unit that is not `taken`, moving others where needed; False if none can be had. Breadth first: no
    recursion."""
    came_from: dict[int, int] = {}
    waiting = [change]
    for one in waiting:
        for unit in sorted(edges[one] - taken):
            if unit in came_from:
                continue
            came_from[unit] = one
            if unit in change_of:
                waiting.append(change_of[unit])
                continue
            _move(unit, came_from, unit_of, change_of)
            return True
    return False


def _move(unit: int, came_from: dict[int, int], unit_of: dict[int, int], change_of: dict[int, int]) -> None:
    """Each change on the way back from the free `unit` leaves the unit it had to the one before it."""
    free: int | None = unit
    while free is not None:
        change = came_from[free]
        left = unit_of.get(change)
        unit_of[change], change_of[free] = free, change
        free = left
