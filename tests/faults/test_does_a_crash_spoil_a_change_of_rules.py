"""Rules change while something dies: each call fails once in both ways, and the process dies before and after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.ruled import FIRST, SECRET, V2, assert_under_rules, write
from tests.faults.test_does_a_crash_lose_or_double_anything import WAYS, survive
from tests.faults.world import World


def recover(world: World) -> None:
    """Normal runs, until a dead run's lease has ended and its shards are read again."""
    for _ in range(9):
        survive(world, world.run)
    survive(world, world.drain)


def begin() -> World:
    """Two tables under the first rules."""
    world = World()
    world.publish(FIRST)
    for arn in (world.add_table("orders"), world.add_table("payments")):
        write(world, arn, 1)
    world.run()
    return world


def story(world: World) -> None:
    """Values are declared sensitive while records arrive, and a table joins."""
    survive(world, lambda: world.publish(FIRST, SECRET))
    for arn in (*world.rows.streams, world.add_table("late")):
        write(world, arn, 2)
    survive(world, world.run)


def calls_of_the_story() -> tuple[int, int]:
    world = begin()
    before = len(world.faults.calls)
    story(world)
    return before, len(world.faults.calls)


FIRST_CALL, CALLS = calls_of_the_story()


@pytest.mark.parametrize("way", WAYS)
def test_does_it_stay_whole_whichever_call_fails(way: str) -> None:
    for number in range(FIRST_CALL, CALLS):
        world = begin()
        world.faults.add(replace(WAYS[way], number=number))
        story(world)
        struck = world.faults.calls[number] if number < len(world.faults.calls) else "none"
        try:
            assert_under_rules(world)
            survive(world, lambda: world.publish(FIRST, SECRET))  # noqa: B023 -- called at once
            recover(world)
            world.assert_complete()
            assert_under_rules(world)
            assert {row.rules_version for row in world.rows.streams.values()} == {V2}
        except AssertionError as error:
            pytest.fail(f"call {number}, {struck}, {way}: {error}")


def test_are_all_calls_of_the_rules_in_the_story() -> None:
    world = begin()
    story(world)
    assert {"rules.put", "rules.get", "token_key.read", "notes.write", "notes.read"} <= set(
        world.faults.calls[FIRST_CALL:]
    )
