"""Is what CloudTrail says of each change said once, the same, whichever call fails and wherever a call dies?

Each call through a port, of each call of AttributeChanges, fails once in both ways or is the process's last. Then
normal calls follow. The log must hold the same entries as if nothing had happened, each once, and the index too.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.fakes.faulty import Crash, Fault, Way
from tests.fakes.faulty import Plan as Faults
from tests.faults.attributing import ALICE, BATCH, BOB, TrailWorld, begun

WAYS = {
    "fails before": Fault(Way.BEFORE),
    "reply lost": Fault(Way.AFTER),
    "dies before": Fault(Way.BEFORE, error=Crash),
    "dies after": Fault(Way.AFTER, error=Crash),
}


class Swept(TrailWorld):
    """Faults strike AttributeChanges alone."""

    def faults_off(self, work: Any) -> None:
        kept, self.faults = self.faults, Faults()
        work()
        self.faults = kept


def survive(world: Swept) -> None:
    """A call that failed or died is nothing that anybody repairs: the next one comes, when its lease has ended."""
    with suppress(Crash, Exception):
        world.attribute()
    world.clock.advance(world.settings.lease_seconds + 1)
    world.faults_off(world.run)


def world_of_calls() -> Swept:
    """A copy of its own for each turn."""
    world = _world_of_calls()
    return deepcopy(world, {id(world.faults): Faults()})  # the plan of faults holds a lock, and is empty


@cache
def _world_of_calls() -> Swept:
    """Two tables, callers of each kind, changes without a call, calls without a change, over several windows."""
    world, (orders, stock) = begun("orders", "stock", world=Swept())
    for number in range(4):
        world.call(orders, f"order-{number}", ALICE)
        world.call(stock, f"part-{number}", BATCH, "INSERT")
        world.clock.advance(20)
        world.call(orders, "order-hot", ALICE)
        world.call(orders, "order-hot", BOB)
        world.clock.advance(20)
        world.changed(stock, f"unseen-{number}")
        world.tell(orders, f"nothing-{number}", BOB)
        world.deliver()
        world.clock.advance(160)
        world.run()
    world.settle()
    return world


def story(world: Swept) -> None:
    survive(world)
    survive(world)


def said(world: TrailWorld) -> dict[str, Any]:
    """Each entry of kind attribution without its place, by its id."""
    found = world.found()
    told = {entry["event"]["id"]: {name: part for name, part in entry.items() if name != "log"} for entry in found}
    assert len(told) == len(found), "an entry stands twice in the log"
    return told


def recover(world: Swept) -> None:
    world.faults = Faults()
    for _ in range(3):
        survive(world)
    for _ in range(3):
        world.drain()


@pytest.fixture(scope="module")
def clean() -> tuple[list[str], dict[str, Any]]:
    """The names of all calls, and what is said where none fails."""
    world = world_of_calls()
    world.faults = Faults()
    story(world)
    calls = list(world.faults.calls)
    recover(world)
    world.assert_attributed()
    return calls, said(world)


def test_is_the_story_itself_whole(clean: tuple[list[str], dict[str, Any]]) -> None:
    calls, entries = clean
    actions = [entry["event"]["action"] for entry in entries.values()]
    assert {name: actions.count(name) for name in set(actions)} == {
        "attributed": 16,
        "unattributed": 4,
        "unrecorded": 4,
    }
    assert {name.partition(".")[0] for name in calls} >= {
        "checkpoints",
        "index",
        "leases",
        "listing",
        "notes",
        "rows",
        "segments",
        "stamps",
        "store",
        "trail",
    }


@pytest.mark.parametrize("way", WAYS)
def test_is_each_thing_said_once_whichever_call_fails(way: str, clean: tuple[list[str], dict[str, Any]]) -> None:
    calls, entries = clean
    for number in range(len(calls) + 1):
        world = world_of_calls()
        world.faults = Faults([replace(WAYS[way], number=number)])
        story(world)
        recover(world)
        struck = calls[number] if number < len(calls) else "none"
        try:
            world.assert_attributed()
            assert said(world) == entries
        except AssertionError as error:
            pytest.fail(f"call {number}, {struck}, {way}: {error}")


@pytest.mark.parametrize("way", WAYS)
def test_is_each_thing_said_once_where_a_second_fault_strikes_the_recovery(
    way: str, clean: tuple[list[str], dict[str, Any]]
) -> None:
    calls, entries = clean
    for number in range(0, len(calls), 3):
        world = world_of_calls()
        second = replace(WAYS[way], number=number + 7)
        world.faults = Faults([replace(WAYS["dies after"], number=number), second])
        story(world)
        recover(world)
        world.assert_attributed()
        assert said(world) == entries


@pytest.mark.parametrize("way", WAYS)
def test_does_attribution_begin_once_and_say_so(way: str) -> None:
    number, calls = 0, 1
    while number <= calls:
        world = Swept()
        arns = [world.add_table("orders"), world.add_table("stock")]
        world.minutes(2)
        world.faults = Faults([replace(WAYS[way], number=number)])
        survive(world)
        calls = max(calls, len(world.faults.calls))
        recover(world)
        told = [entry for entry in world.lines() if entry["event"]["action"] == "attribution_begun"]
        assert sorted(entry["stream"]["arn"] for entry in told) == sorted(arns)
        for arn in arns:
            assert world.rows.streams[arn].attributed_until > 0
        world.call(arns[0], "order-1", ALICE)
        world.deliver()
        world.clock.advance(400)
        world.settle()
        recover(world)
        world.assert_attributed()
        assert [entry["event"]["action"] for entry in world.of_item("order-1")] == ["attributed"]
        number += 1
