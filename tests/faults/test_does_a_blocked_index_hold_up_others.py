"""Does an index that takes nothing hold up what waits for another one, and what does it cost while it does?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tabletrail.waiting import PASS_SECONDS
from tests.faults.world import SETTINGS, World

JANUARY, DECEMBER = "tabletrail-v1-2027.01", "tabletrail-v1-2026.12"
BLOCKED = (403, "cluster_block_exception")
DAY = 24 * 3600


def two_periods(old: int, new: int, settings: object = SETTINGS) -> World:
    """`old` segments that wait for December's index, then `new` ones that wait for January's."""
    world = World(settings)  # type: ignore[arg-type]
    arn = world.add_table("orders")
    world.run()
    world.drain()
    world.index.ensure(DECEMBER)
    december = int(world.clock.now()) - 40 * DAY
    world.index.turn_away(503, times=10_000)
    for number in range(old + new):
        world.write(arn, "shard-0", 1, **({"created": december} if number < old else {}))
        world.run()
    world.index.turned_away.clear()
    return world


def waiting_for(world: World, index: str) -> int:
    return sum(not row.indexed_at and index in row.indices for row in world.rows.segments.values())


@pytest.mark.parametrize(
    "block",
    [
        BLOCKED,
        (429, "cluster_block_exception"),
        (400, "index_closed_exception"),
        (404, "index_not_found_exception"),
        (503, "unavailable_shards_exception"),
    ],
)
def test_does_one_blocked_index_hold_up_no_other(block: tuple[int, str]) -> None:
    world = two_periods(7, 5, replace(SETTINGS, backlog_segments=3))
    world.index.blocks[DECEMBER] = block
    for _ in range(4):
        world.drain()
    assert waiting_for(world, JANUARY) == 0
    assert waiting_for(world, DECEMBER) == 7
    fact = world.notes.read("backlog")["blocked"][DECEMBER]
    assert fact["why"] == f"{block[0]} {block[1]}"
    world.index.blocks.clear()
    for _ in range(3):
        world.drain()
    assert world.notes.read("backlog")["blocked"] == {}
    world.assert_complete()


def test_does_a_blocked_index_cost_one_request_a_call_and_a_bounded_number_of_rows() -> None:
    world = two_periods(20, 4, replace(SETTINGS, backlog_segments=2))
    world.index.blocks[DECEMBER] = BLOCKED
    looked = 6
    for _ in range(14):
        before, asked = len(world.index.bodies), world.faults.count("segments.waiting")
        world.clock.advance(61)
        backlog = world.backlog()
        backlog.looks = looked
        result = backlog.run("backlog")
        refused = sum(DECEMBER.encode() in body for body in world.index.bodies[before:])
        assert refused == 1, "one segment shows that the index is still blocked"
        assert world.faults.count("segments.waiting") - asked <= looked // 2
        assert result.segments <= 2
    assert waiting_for(world, JANUARY) == 0, "the kept place leads past more rows than a call looks at"


def test_is_an_index_that_returned_drained_oldest_first_though_others_were_let_past() -> None:
    world = two_periods(6, 2, replace(SETTINGS, backlog_segments=2))
    world.index.blocks[DECEMBER] = BLOCKED
    for _ in range(4):
        world.drain()
    assert waiting_for(world, JANUARY) == 0
    world.index.blocks.clear()
    done: list[str] = []
    order = [row.segment_id for row in sorted(world.rows.segments.values(), key=lambda row: row.committed_at)]
    left = [segment_id for segment_id in order if not world.rows.segments[segment_id].indexed_at]
    while waiting_for(world, DECEMBER):
        world.drain()
        done += [s for s in left if world.rows.segments[s].indexed_at and s not in done]
        assert done == left[: len(done)]
    world.assert_complete()


def test_is_half_a_segment_searchable_while_its_other_half_waits() -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.drain()
    world.index.ensure(DECEMBER)
    world.index.blocks[DECEMBER] = BLOCKED
    world.write(arn, "shard-0", 1, created=int(world.clock.now()) - 40 * DAY)
    world.run()
    world.drain()
    assert set(world.notes.read("backlog")["blocked"]) == {DECEMBER}
    world.index.turn_away(503)
    world.write(arn, "shard-0", 2, created=int(world.clock.now()) - 40 * DAY)
    world.write(arn, "shard-0", 3)
    world.run()
    world.drain()
    _, row = [row for row in world.rows.segments.values() if not row.indexed_at]
    assert set(row.indices) == {DECEMBER, JANUARY}
    assert sum(d["tabletrail"]["kind"] == "change" for d in world.index.indices[JANUARY].values()) == 3
    world.drain()
    world.index.blocks.clear()
    world.drain()
    world.assert_complete()


def test_do_halves_of_segments_hold_up_nothing() -> None:
    """More of them than a call offers, each with one half that waits."""
    world = World(replace(SETTINGS, backlog_segments=3))
    arn = world.add_table("orders")
    world.run()
    world.drain()
    world.index.ensure(DECEMBER)
    world.index.turn_away(503, times=10_000)
    for number in range(9):
        if number < 6:
            world.write(arn, "shard-0", 1, created=int(world.clock.now()) - 40 * DAY)
        world.write(arn, "shard-0", 1)
        world.run()
    world.index.turned_away.clear()
    world.index.blocks[DECEMBER] = BLOCKED
    for _ in range(7):
        world.drain()
    assert waiting_for(world, DECEMBER) == waiting_for(world, JANUARY) == 6
    world.index.blocks.clear()
    for _ in range(4):
        world.drain()
    world.assert_complete()


def test_is_what_waits_for_a_second_index_behind_the_kept_place_found_when_that_returns() -> None:
    """No newer segment needs it: only the pass that begins again can tell."""
    world = two_periods(4, 3, replace(SETTINGS, backlog_segments=2))
    world.index.blocks |= {DECEMBER: BLOCKED, JANUARY: BLOCKED}
    for _ in range(6):
        world.drain()
    assert set(world.notes.read("backlog")["blocked"]) == {DECEMBER, JANUARY}
    del world.index.blocks[JANUARY]
    for _ in range(PASS_SECONDS // 60 + 4):
        world.drain()
    assert waiting_for(world, JANUARY) == 0
    assert set(world.notes.read("backlog")["blocked"]) == {DECEMBER}


def test_does_the_kept_place_move_past_nothing_that_waits_for_more_than_a_blocked_index() -> None:
    world = two_periods(4, 3, replace(SETTINGS, backlog_segments=4))
    world.index.blocks[DECEMBER] = BLOCKED
    world.drain()
    world.index.item_statuses = [429]
    world.drain()
    assert waiting_for(world, JANUARY) == 1, "one document was turned away by a full queue"
    assert "429" in world.notes.read("backlog")["trouble"]
    world.drain()
    assert waiting_for(world, JANUARY) == 0


@pytest.mark.parametrize("trouble", ["blocked", "damaged"])
@pytest.mark.parametrize("old", [1, 7])
def test_is_a_segment_found_that_was_committed_long_after_it_was_staged(trouble: str, old: int) -> None:
    """As by a function that froze in between: its row comes to stand before the kept place."""
    world = two_periods(old, 0, replace(SETTINGS, backlog_segments=3))
    waiting = sorted(row.committed_at for row in world.rows.segments.values() if not row.indexed_at)
    if trouble == "blocked":
        world.index.blocks[DECEMBER] = BLOCKED
    else:
        for row in [row for row in world.rows.segments.values() if not row.indexed_at]:
            del world.store.objects[row.key]
    for _ in range(4):
        world.drain()
    assert world.notes.read("backlog")["place"]
    known = set(world.rows.segments)
    (arn,) = world.rows.streams
    world.index.turn_away(503, times=1)
    world.write(arn, "shard-0")
    world.run()
    (late,) = world.rows.segments.keys() - known
    world.rows.segments[late] = replace(world.rows.segments[late], committed_at=waiting[0] - 1)
    for _ in range(PASS_SECONDS // 60 + 2):
        world.drain()
    assert world.rows.segments[late].indexed_at, "passed over as long as anything else waits"
