"""Does a crash, a lost reply or a run beside others change whom the log names, where rows of the outbox tell it?

Every call through a port fails once in both ways, and the process dies before and after it, those to the outbox and to
the claims too. The entries must be those of a world without faults, to the byte.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.outbox_story import Story
from tests.fakes.turns import Sleeper, Turns
from tests.faults.outboxed_world import (
    Entries,
    actors,
    entries,
    first_half,
    outboxed_world,
    prove_the_story,
    second_half,
    write,
)
from tests.faults.test_do_runs_at_once_double_anything import at_once
from tests.faults.test_does_a_crash_lose_or_double_anything import WAYS, survive
from tests.faults.world import World


def begun() -> tuple[World, str, Story, int]:
    """A world at work and the story's first half, told; the number of its records."""
    world, orders = outboxed_world()
    world.run()
    story = Story(now_ms=int(world.clock.now() * 1000))
    first_half(story)
    return world, orders, story, len(story.made)


def recover(world: World) -> None:
    """Normal runs, until a dead run's lease has ended and all is caught up."""
    for _ in range(8):
        survive(world, world.run)
    for _ in range(2):
        survive(world, world.drain)


def live(world: World, orders: str, story: Story, half: int) -> None:
    """Both halves, the second behind a split, each with its runs."""
    write(world, orders, "shard-0", story, story.made[:half])
    survive(world, world.run)
    second_half(story)
    world.stream.split(orders, "shard-0", "left", "right")
    for shard_id, place in (("left", "1"), ("right", "2")):
        write(world, orders, shard_id, story, [one for one in story.made[half:] if _place(one.record) == place])
    survive(world, world.run)
    survive(world, world.run)
    survive(world, world.drain)


def _place(record: dict[str, object]) -> object:
    data: dict = record["dynamodb"]  # type: ignore[assignment, type-arg]
    return data["Keys"]["pk"]["S"]


def calm() -> tuple[Entries, list[str], list[int]]:
    """The entries without faults, the calls, and which of them come after the story began."""
    told = begun()
    world = told[0]
    first = len(world.faults.calls)
    live(*told)
    world.assert_complete()
    return entries(world), world.faults.calls, [*range(first, len(world.faults.calls) + 3)]


CALM, CALLS, NUMBERS = calm()


def test_does_the_story_have_each_kind_of_answer() -> None:
    prove_the_story(actors(CALM))
    assert {"outbox.rows", "outbox.deletes", "claims.claimants", "claims.claim"} <= set(CALLS)


@pytest.mark.parametrize("way", WAYS)
def test_are_the_entries_the_same_whichever_call_fails(way: str) -> None:
    for number in NUMBERS:
        told = begun()
        world = told[0]
        world.faults.add(replace(WAYS[way], number=number))
        live(*told)
        recover(world)
        struck = world.faults.calls[number]
        world.assert_complete()
        assert entries(world) == CALM, f"call {number}, {struck}, {way}"


@pytest.mark.parametrize("way", WAYS)
def test_does_a_second_fault_in_the_recovery_change_nothing(way: str) -> None:
    asked = [number for number in NUMBERS[:-3] if CALLS[number].startswith(("outbox.", "claims."))]
    for number in asked:
        for later in (1, 2, 9):
            told = begun()
            world = told[0]
            world.faults.add(replace(WAYS["dies after"], number=number))
            world.faults.add(replace(WAYS[way], number=number + later))
            live(*told)
            recover(world)
            world.assert_complete()
            assert entries(world) == CALM, f"call {number}, {CALLS[number]}, then {later} later {way}"


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c"], ["a", "a'"]], ids=["two", "three", "doubled start"])
def test_are_the_entries_the_same_in_whatever_order_runs_come(names: list[str]) -> None:
    for seed in range(12):
        _at_once(Turns(seed), names, f"seed {seed}")


def test_are_the_entries_the_same_where_replies_are_lost_and_runs_die_beside_others() -> None:
    for seed in range(30):
        _at_once(Turns(seed, lost=0.08, dies=0.03), ["a", "b", "c"], f"seed {seed}")


def test_does_a_run_that_wakes_after_twenty_minutes_take_no_row() -> None:
    call, calls = 0, 1
    while call < calls:
        turns = Turns(call)
        _at_once(turns, ["zombie", "other"], f"asleep before call {call}", Sleeper("zombie", call))
        calls = sum(name.startswith("zombie ") for name in turns.calls)
        call += 1
    assert call > 10


def _at_once(turns: Turns, names: list[str], story: str, sleeper: Sleeper | None = None) -> None:
    """Runs at once over the first half, and over the second."""
    world, orders, told, half = begun()
    write(world, orders, "shard-0", told, told.made[:half])
    at_once(world, turns, names, sleeper)
    second_half(told)
    world.stream.split(orders, "shard-0", "left", "right")
    for shard_id, place in (("left", "1"), ("right", "2")):
        write(world, orders, shard_id, told, [one for one in told.made[half:] if _place(one.record) == place])
    if sleeper is None:
        at_once(world, turns, names)
    recover(world)
    world.assert_complete()
    assert entries(world) == CALM, f"{story}\n" + "\n".join(turns.calls)
