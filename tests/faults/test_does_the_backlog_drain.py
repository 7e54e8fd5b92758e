"""IndexSegments and ReportRun over fakes: oldest first, bounded, damage named, indices made, the lease freed."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from tabletrail.backlog import MOST_UNREAD
from tabletrail.errors import TransientError
from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.world import SETTINGS, World


def with_backlog(runs: int, settings: object = SETTINGS) -> World:
    """A log of `runs` segments of changes that OpenSearch was too troubled to take."""
    world = World(settings)  # type: ignore[arg-type]
    arn = world.add_table("orders")
    world.index.turn_away(503, times=10_000)
    for _ in range(runs):
        world.write(arn, "shard-0", 2)
        world.run()
    world.index.turned_away.clear()
    return world


def test_does_it_drain_oldest_first_at_a_bounded_rate() -> None:
    world = with_backlog(6, replace(SETTINGS, backlog_segments=3))
    first = world.drain()
    assert (first.segments, first.more) == (3, True)
    waiting = [row.segment_id for row in world.rows.segments.values() if not row.indexed_at]
    committed = [row.segment_id for row in sorted(world.rows.segments.values(), key=lambda row: row.committed_at)]
    assert waiting == [segment_id for segment_id in committed if segment_id in committed[3:]]
    second, third = world.drain(), world.drain()
    assert (second.segments, third.segments, third.more) == (3, 1, False)
    world.assert_complete()


def test_does_it_leave_young_segments_to_the_run_that_wrote_them() -> None:
    world = with_backlog(1)
    world.clock.advance(-60)
    assert world.backlog().run("early").segments == 0


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_is_a_damaged_segment_named_and_the_rest_indexed(damage: str) -> None:
    world = with_backlog(3)
    row = sorted(world.rows.segments.values(), key=lambda row: row.committed_at)[1]
    version, body = world.store.objects[row.key]
    if damage == "altered":
        forged = gzip.compress(gzip.decompress(body).replace(b"orders", b"ORDERS"))
        world.store.objects[row.key] = (version, forged)
    else:
        del world.store.objects[row.key]
    result = world.drain()
    assert result.damaged == [row.segment_id]
    assert result.segments == 3
    world.run()
    failures = world.notes.read("last_run")["failures"]
    assert failures == [f"segment {row.segment_id} is missing or altered"]
    world.store.objects[row.key] = (version, body)
    world.drain()
    world.run()
    assert world.notes.read("last_run")["failures"] == []
    world.assert_complete()


def test_does_it_stop_at_the_first_sign_of_trouble_and_free_its_lease() -> None:
    world = with_backlog(5, replace(SETTINGS, bulk_bytes=2_000))
    world.index.turn_away(429, times=100)
    before = len(world.index.bodies)
    result = world.drain()
    assert (result.segments, result.more) == (0, False)
    assert len(world.index.bodies) == before + 1
    assert not world.leases.held
    world.index.turned_away.clear()
    world.drain()
    world.assert_complete()


def test_is_a_request_that_is_too_large_halved() -> None:
    world = with_backlog(3)
    world.index.request_bytes = 3_000
    world.drain()
    world.assert_complete()


def test_is_an_index_that_a_waiting_segment_needs_made() -> None:
    world = World()
    arn = world.add_table("orders")
    world.index.indices.clear()
    world.write(arn, "shard-0", 2, created=int(world.clock.now()) - 40 * 24 * 3600)
    world.run()
    made = set(world.index.indices)
    assert len(made) == 3
    world.drain()
    world.assert_complete()


def test_does_trouble_with_the_keeper_fail_no_report_and_keep_no_lease() -> None:
    world = World()
    world.add_table("orders")
    world.faults.add(Fault(Way.BEFORE, method="keeper.existing"))
    world.run()
    assert world.notes.read("last_run")["indices"].startswith("TransientError")
    assert not world.leases.held


def test_is_the_lease_freed_when_the_report_dies() -> None:
    world = World()
    world.add_table("orders")
    world.faults.add(Fault(Way.BEFORE, method="segments.count_waiting", error=Crash))
    with pytest.raises(Crash):
        world.run()
    assert not world.leases.held


def test_are_lag_and_waiting_in_the_metrics() -> None:
    world = with_backlog(2)
    emitted = world.metrics.emitted[-1]
    assert emitted["WaitingSeconds"] == 60
    assert emitted["Failures"] == 0


def test_does_much_damage_hold_up_nothing_either() -> None:
    world = with_backlog(9, replace(SETTINGS, backlog_segments=2))
    damaged = sorted(world.rows.segments.values(), key=lambda row: row.committed_at)[:6]
    for row in damaged:
        del world.store.objects[row.key]
    for _ in range(2):
        world.drain()
    assert [row.segment_id for row in world.rows.segments.values() if not row.indexed_at] == [
        row.segment_id for row in damaged
    ]


class _Locked:
    """The world's store, which does not give some of its objects: their key is disabled, say."""

    def __init__(self, world: World, keys: set[str]) -> None:
        self._store, self._keys = world.store, keys

    def get(self, key: str, version_id: str) -> bytes:
        if key in self._keys:
            raise TransientError("GetObject was refused")
        return self._store.get(key, version_id)


def test_does_an_object_that_cannot_be_read_hold_up_no_other() -> None:
    world = with_backlog(5)
    locked, *_ = sorted(world.rows.segments.values(), key=lambda row: row.committed_at)
    world.clock.advance(61)
    backlog = world.backlog()
    backlog.store = _Locked(world, {locked.key})  # type: ignore[assignment]
    backlog.run("locked")
    assert [row.segment_id for row in world.rows.segments.values() if not row.indexed_at] == [locked.segment_id]
    assert world.notes.read("backlog")["trouble"] == "TransientError"
    world.drain()
    world.assert_complete()


def test_does_a_store_that_gives_nothing_end_the_call() -> None:
    world = with_backlog(MOST_UNREAD + 5)
    world.faults.add(Fault(Way.BEFORE, method="store.get", times=10_000))
    result = world.drain()
    assert (result.segments, result.trouble, result.damaged) == (0, "TransientError", [])
    assert world.faults.count("store.get") == MOST_UNREAD + 1
    assert not world.leases.held


def test_does_the_note_say_what_waits_since_when_and_why() -> None:
    world = with_backlog(2)
    world.index.turn_away(429, times=100)
    world.drain()
    first = world.notes.read("backlog")
    assert (first["trouble"], first["blocked"]) == ("429", {})
    world.drain()
    assert world.notes.read("backlog")["since"] == first["since"] < world.clock.now()
    world.index.turned_away.clear()
    world.drain()
    assert "trouble" not in world.notes.read("backlog")
