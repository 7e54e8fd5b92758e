"""A lone document that its index refuses is parked; behind a mapping that refuses everything, everything waits."""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail.backlog import FINDING_SECONDS
from tests.fakes.faulty import Fault, Way
from tests.faults.world import World

INDEX = "tabletrail-v1-2027.01"


def is_full(document: dict[str, Any]) -> bool:
    """What a document near the limits is refused for: never the reduced one that takes its place."""
    return bool(document["tabletrail"]["kind"] == "change")


def a_lone_refused_document() -> World:
    """All that waits is one change, which its index refuses, and which is never followed by another one."""
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.drain()
    world.write(arn, "shard-0", 1)
    world.index.refuses = is_full
    world.run()
    return world


def minutes(world: World, count: int) -> None:
    """Both machines, each minute; the backlog's call first, as it may come."""
    for _ in range(count):
        world.drain()
        world.run()


def test_is_a_lone_refused_document_parked_within_minutes() -> None:
    world = a_lone_refused_document()
    assert world.drain().parked == 0, "nothing shows yet that the index takes anything"
    minutes(world, 2)
    (row,) = [row for row in world.rows.segments.values() if row.parked]
    assert row.indexed_at
    world.assert_complete()
    minutes(world, 1)
    note = world.notes.read("backlog")
    assert not note["blocked"]
    assert not world.notes.read("last_run")["failures"]


def test_does_a_wrong_mapping_park_nothing_and_say_where_it_is_wrong() -> None:
    world = a_lone_refused_document()
    world.index.departures[INDEX] = "field item.id"
    minutes(world, 10)
    assert [row.parked for row in world.rows.segments.values() if not row.indexed_at] == [0]
    (failure,) = world.notes.read("last_run")["failures"]
    assert INDEX in failure
    assert "field item.id" in failure
    world.index.departures.clear()
    world.index.refuses = lambda _: False
    minutes(world, 2)
    assert not any(row.parked for row in world.rows.segments.values())
    world.assert_complete()


def test_is_a_finding_forgotten_before_the_index_could_be_another() -> None:
    world = a_lone_refused_document()
    world.drain()
    world.run()
    world.clock.advance(FINDING_SECONDS)
    assert world.drain().parked == 0
    minutes(world, 2)
    world.assert_complete()


def test_does_trouble_with_the_look_at_the_index_park_nothing() -> None:
    world = a_lone_refused_document()
    world.faults.add(Fault(Way.BEFORE, method="keeper.departure", times=100))
    minutes(world, 3)
    assert [row.parked for row in world.rows.segments.values() if not row.indexed_at] == [0]
    (failure,) = world.notes.read("last_run")["failures"]
    assert "cannot be looked at" in failure
    assert not world.leases.held


def test_does_nothing_look_at_indices_while_none_refuses() -> None:
    world = World()
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 3)
    minutes(world, 3)
    assert world.faults.count("keeper.departure") == 0
    assert "definitions" not in world.notes.notes


@pytest.mark.parametrize("good", [1, 5])
def test_is_it_parked_at_once_beside_a_good_one(good: int) -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.write(arn, "shard-0", good + 1)
    refused = iter([True])
    world.index.refuses = lambda document: is_full(document) and next(refused, False)
    world.run()
    assert sum(row.parked for row in world.rows.segments.values()) == 1
    world.drain()
    world.assert_complete()
