"""Do calls of AttributeChanges at once, beside runs that capture, or one that wakes late say anything twice?

Every call through a port is a turn, and the seed decides whose turn it is. The lease is out of the way: it makes two at
once rare, and nothing may depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from tests.fakes.faulty import Plan as Faults
from tests.fakes.turns import Sleeper, Turns
from tests.faults.attributing import ALICE, BATCH, BOB, TrailWorld, begun
from tests.faults.test_do_runs_at_once_double_anything import EveryoneMay, one_run

LATE_SECONDS = 1200


def world_of_calls() -> TrailWorld:
    world = _world_of_calls()
    return deepcopy(world, {id(world.faults): Faults()})  # the plan of faults holds a lock, and is empty


@cache
def _world_of_calls() -> TrailWorld:
    """Two tables whose windows are due, and changes that nobody has read."""
    world, (orders, stock) = begun("orders", "stock", world=TrailWorld())
    for number in range(3):
        world.call(orders, f"order-{number}", ALICE)
        world.call(stock, f"part-{number}", BATCH, "INSERT")
        world.clock.advance(30)
        world.call(orders, "order-hot", ALICE)
        world.call(orders, "order-hot", BOB)
        world.tell(orders, f"nothing-{number}", BOB)
        world.clock.advance(120)
        world.deliver()
        world.run()
    world.settle()
    world.call(stock, "part-late", BOB)
    return world


def said(world: TrailWorld) -> dict[str, Any]:
    found = world.found()
    told = {entry["event"]["id"]: {name: part for name, part in entry.items() if name != "log"} for entry in found}
    assert len(told) == len(found), "an entry stands twice in the log"
    return told


def finish(world: TrailWorld) -> dict[str, Any]:
    """What is said at last, when normal calls have come."""
    world.deliver()
    world.settle()
    world.clock.advance(400)
    world.run()
    world.attribute()
    for _ in range(4):
        world.drain()
    world.assert_attributed()
    return said(world)


@cache
def expected() -> dict[str, Any]:
    world = world_of_calls()
    world.attribute()
    found = finish(world)
    assert len(found) == 16
    return found


def at_once(world: TrailWorld, turns: Turns, names: list[str], sleeper: Sleeper | None = None) -> None:
    faults, leases = world.faults, world.leases
    world.faults, world.leases = turns, EveryoneMay()  # type: ignore[assignment]
    programs: dict[str, Callable[[], object]] = {
        name: lambda name=name: world.attribution().run(name)  # type: ignore[misc]
        for name in names
    }
    programs["run"] = one_run(world, "run-beside")
    turns.run(programs, sleeper, lambda: world.clock.advance(LATE_SECONDS))
    world.faults, world.leases = faults, leases


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c"]], ids=["two", "three"])
def test_is_each_thing_said_once_in_whatever_order_they_come(names: list[str]) -> None:
    for seed in range(25):
        world, turns = world_of_calls(), Turns(seed)
        at_once(world, turns, names)
        assert finish(world) == expected(), f"seed {seed}\n" + "\n".join(turns.calls)


def test_is_each_thing_said_once_where_replies_are_lost_and_calls_die_beside_others() -> None:
    for seed in range(40):
        world, turns = world_of_calls(), Turns(seed, lost=0.06, dies=0.02)
        at_once(world, turns, ["a", "b"])
        assert finish(world) == expected(), f"seed {seed}\n" + "\n".join(turns.calls)


def test_does_a_call_that_wakes_late_say_nothing_again() -> None:
    """It stops before each of its calls in turn, while another does all the work and time goes by."""
    call = 0
    while True:
        world, turns = world_of_calls(), Turns(call)
        at_once(world, turns, ["zombie", "other"], Sleeper("zombie", call))
        calls = sum(name.startswith("zombie ") for name in turns.calls)
        assert finish(world) == expected(), f"asleep before call {call}\n" + "\n".join(turns.calls)
        if call >= calls:
            break
        call += 1
    assert call > 10
