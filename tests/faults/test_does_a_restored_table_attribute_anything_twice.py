"""A table of checkpoints is deleted or restored: is a change attributed twice after `recover`, or never?

Calls come for some hours; a call of AttributeChanges dies between staging and commit, and one behind its commit. Then
each choice of tables is lost, or is as it was at one of some moments.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from functools import cache
from itertools import combinations

import pytest

from tabletrail.core.stamps import TABLES
from tests.fakes.faulty import Crash, Fault, Plan, Way
from tests.faults.attributing import ALICE, BATCH, BOB, TrailWorld, begun
from tests.faults.restoring import NOTHING, Moment, RestoredWorld, moment, restore

CHOICES = [tables for number in range(1, len(TABLES) + 1) for tables in combinations(TABLES, number)]
DEATHS = {2: (Way.AFTER, "store.put"), 4: (Way.BEFORE, "index.create")}
HOURS = 6


class RestoredTrailWorld(TrailWorld, RestoredWorld):
    """A trail's world whose log is what the rows of segments say."""


def hour(world: RestoredTrailWorld, number: int) -> None:
    orders, stock = (next(arn for arn in world.stream.streams if f"/{name}/" in arn) for name in ("orders", "stock"))
    for minute in range(5):
        world.call(orders, f"order-{number}-{minute}", ALICE)
        if number != 3:
            world.call(stock, f"part-{minute}", BATCH)
        world.tell(stock, f"nothing-{number}-{minute}", BOB)
        world.clock.advance(100)
        world.deliver()
        world.run()
    world.settle()
    if number in DEATHS:
        way, method = DEATHS[number]
        world.faults.add(Fault(way, method=method, error=Crash))
    with suppress(Crash):
        world.attribute()
    world.clock.advance(world.settings.lease_seconds + 1)


@cache
def _story() -> tuple[RestoredTrailWorld, dict[int, Moment]]:
    """The world at its end, and what the tables held in the midst of it, by hour."""
    world, _ = begun("orders", "stock", world=RestoredTrailWorld())
    moments = {}
    for number in range(HOURS):
        hour(world, number)
        moments[number] = moment(world)
    return world, moments


def story() -> RestoredTrailWorld:
    world, _ = _story()
    return deepcopy(world, {id(world.faults): Plan()})


def go_on(world: RestoredTrailWorld) -> None:
    """What comes after: another hour of calls, and whatever was left."""
    world.minutes(20)
    hour(world, HOURS)
    world.settle()
    world.attribute()
    for _ in range(4):
        world.drain()


def test_is_the_story_itself_whole() -> None:
    world = story()
    assert len(world.store.objects) > len(world.rows.segments), "a call that died left an object without a row"
    go_on(world)
    world.assert_attributed()
    assert world.actions() == {"attributed": 65, "unrecorded": 35}


@pytest.mark.parametrize("tables", CHOICES, ids="+".join)
def test_does_a_lost_table_attribute_nothing_twice(tables: tuple[str, ...]) -> None:
    for at in (None, 2):
        for in_place in (False, True):
            if in_place and at is None:
                continue
            world = story()
            _, moments = _story()
            restore(world, tables, NOTHING if at is None else moments[at], in_place=in_place)
            if world.stamping(world._ports()).trouble(world.stamping(world._ports()).stamps.read()):
                assert world.attribute().failures, "nothing is attributed before the recovery"
                world.clock.advance(400)
                assert world.recovery().apply("somebody").is_applied
            go_on(world)
            try:
                world.assert_attributed()
                assert world.actions() == {"attributed": 65, "unrecorded": 35}
            except AssertionError as error:
                pytest.fail(f"{tables} as at {at}, in place: {in_place}: {error}")
