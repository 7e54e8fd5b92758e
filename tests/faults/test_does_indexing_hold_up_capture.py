"""Does a slow or failing index hold up the capture, or outlast its function?"""

from __future__ import annotations

import gc
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from tabletrail.aside import InThread
from tabletrail.capture import CaptureTask
from tabletrail.collector import paused
from tabletrail.errors import TransientError
from tabletrail.index import INDEX_RESERVE_SECONDS
from tabletrail.ports import BulkReply
from tests.fakes.faulty import Crash, Fault, Way
from tests.fakes.index import FakeIndex
from tests.faults.world import SETTINGS, World

FUNCTION_LIMIT = 60
SLOWEST_REPLY = 21
"""Seconds until a request to the index is given up: 4 to read the secret, 2 to connect, 15 to read."""


def test_work_aside_happens_in_order_and_one_at_a_time() -> None:
    aside, seen, at_work = InThread(), [], threading.Lock()

    def work(number: int) -> None:
        assert at_work.acquire(blocking=False), "two pieces were under way"
        seen.append((number, threading.get_ident()))
        at_work.release()

    for number in range(50):
        aside.start(lambda number=number: work(number))  # type: ignore[misc]
    aside.finish()
    assert [number for number, _ in seen] == list(range(50))
    assert threading.get_ident() not in {thread for _, thread in seen}


def test_a_piece_that_hangs_is_waited_for_once_and_holds_up_no_more() -> None:
    aside, release = InThread(patience=0), threading.Event()
    assert aside.start(lambda: _assert(release.wait(60)))
    assert [aside.start(release.set) for _ in range(3)] == [False] * 3
    release.set()
    aside.finish()
    assert aside.start(release.clear), "after its end the next one begins"
    aside.finish()


def test_an_index_that_hangs_holds_up_no_commit() -> None:
    world = _busy_world()
    well = _busy_world()
    well.capture().run(CaptureTask("run", "g0000", int(well.clock.now()) + 1000))
    capture = world.capture()
    capture.aside = InThread(patience=0)
    hanging = capture.indexer.index = _HangingIndex(world, until=len(well.rows.commits))
    result = capture.run(CaptureTask("run", "g0000", int(world.clock.now()) + 1000))
    assert hanging.saw_all, "every segment was committed while the first request hung"
    assert len(world.rows.commits) == len(well.rows.commits) > 4
    assert result.waiting == result.entries == 20
    world.clock.advance(60)
    for _ in range(4):
        world.drain()
    world.assert_complete()


def test_no_thread_is_left_behind_even_if_the_work_failed() -> None:
    before = threading.active_count()
    aside = InThread()

    def fail() -> None:
        raise Crash

    aside.start(fail)
    with pytest.raises(Crash):
        aside.finish()
    aside.finish()
    assert threading.active_count() == before


def test_a_failure_aside_stops_the_next_start() -> None:
    aside, seen = InThread(), []

    def fail() -> None:
        raise Crash

    aside.start(fail)
    with pytest.raises(Crash):
        aside.start(lambda: seen.append("begun"))
    aside.finish()
    assert seen == []


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("method", ["index.create", "segments.mark_indexed", "checkpoints.commit"])
def test_a_process_that_dies_with_a_segment_aside_loses_nothing(method: str, way: Way) -> None:
    world = _busy_world()
    for nth in range(4):
        world.faults.add(Fault(way, method=method, nth=nth, error=Crash))
    for _ in range(12):
        with suppress(Crash):
            _capture(world, "g0000")
        world.clock.advance(60)
    world.run()
    for _ in range(4):
        world.drain()
    assert world.faults.struck
    world.assert_complete()


def test_no_request_is_begun_that_could_outlast_the_function() -> None:
    world = _busy_world(cycle_records=20, bulk_bytes=3000)
    slow = _SlowIndex(world)
    capture = world.capture()
    capture.indexer.index = slow
    began = world.clock.now()
    result = capture.run(CaptureTask("run", "g0000", int(began) + 1000))
    assert world.clock.now() - began < FUNCTION_LIMIT
    assert slow.requests >= 2
    assert result.failures == []
    assert result.waiting > 0, "what was not sent waits"
    world.run()
    for _ in range(4):
        world.drain()
    world.assert_complete()


def test_a_backlog_that_time_cut_off_asks_for_another_call_at_once() -> None:
    world = _busy_world(cycle_records=2)
    world.index.turn_away(503)
    world.run()
    world.clock.advance(120)
    backlog = world.backlog()
    backlog.settings = replace(backlog.settings, bulk_bytes=1)
    backlog.indexer.index = _SlowIndex(world)
    began = world.clock.now()
    result = backlog.run("backlog")
    assert world.clock.now() - began < FUNCTION_LIMIT
    assert result.more
    for _ in range(4):
        world.drain()
    world.assert_complete()


def test_the_collector_rests_during_a_capture_and_works_after_it() -> None:
    assert gc.isenabled()
    with paused():
        assert not gc.isenabled()
        with paused():
            pass
        assert not gc.isenabled(), "the outer block is not over"
    assert gc.isenabled()
    with pytest.raises(Crash), paused():
        raise Crash
    assert gc.isenabled()


class _HangingIndex:
    """Answers nothing before the world has so many commits; then the connection is cut."""

    def __init__(self, world: World, until: int) -> None:
        self._world, self._until = world, until
        self.saw_all = False

    def create(self, _body: bytes) -> BulkReply:
        limit = time.monotonic() + 60
        while not self.saw_all and time.monotonic() < limit:
            time.sleep(0.001)
            self.saw_all = len(self._world.rows.commits) >= self._until
        raise TransientError("OpenSearch did not answer in time")


class _SlowIndex:
    """The world's index. Its first reply takes until just before the last moment at which a request may be begun, and
    each later one as long as one may."""

    def __init__(self, world: World) -> None:
        self._index: FakeIndex = world.index
        self._world = world
        self.requests = 0

    def create(self, body: bytes) -> BulkReply:
        self.requests += 1
        last_moment = self._world.settings.function_seconds - INDEX_RESERVE_SECONDS
        self._world.clock.advance(last_moment - 1 if self.requests == 1 else SLOWEST_REPLY)
        return self._index.create(body)


def _assert(is_true: bool) -> None:
    assert is_true


def _busy_world(cycle_records: int = 4, bulk_bytes: int = 5_000_000) -> World:
    """One table whose records make several segments, planned and not captured yet."""
    world = World(replace(SETTINGS, cycle_records=cycle_records, bulk_bytes=bulk_bytes))
    world.stream.page_records = 2
    arn = world.add_table("orders")
    world.planner("plan").run("plan")
    world.leases.release("audit_run", "plan")
    world.write(arn, "shard-0", 20)
    return world


def _capture(world: World, group: str) -> None:
    capture = world.capture()
    capture.aside = InThread()
    capture.run(CaptureTask("run", group, int(world.clock.now()) + 1000))
