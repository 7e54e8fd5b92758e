"""Does ReportRun close, merge and open a period's index on the real OpenSearch, with the index owner's rights alone?

The server has no ISM, as the local stack never has: so all of it is ReportRun's own work here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from tabletrail.aws.clock import SystemClock
from tabletrail.aws.opensearch_periods import OpenSearchPeriods
from tabletrail.closing import NOTE, Closing, Shelf
from tabletrail.core.lifecycle import CLOSE_AFTER_SECONDS, REST_SECONDS
from tabletrail.core.periods import index_of, span_of
from tabletrail.core.rebuilds import Job
from tests.fakes.holds import FakeHoldBook
from tests.fakes.segments import FakeSegments
from tests.faults.world import World
from tests.ports.ism_contract import unused_period
from tests.ports.opensearch_server import GOOD, Server, bulk
from tests.ports.real_index import RealIndex, world_over
from tests.ports.rebuilder import a_rebuilder

pytestmark = pytest.mark.stack

LIMIT_SECONDS = 120


@dataclass
class OwnPeriods(OpenSearchPeriods):
    """The adapter, with eyes for the test's own indices only: others on this server are not this test's to close."""

    server: Server
    mine: list[str]
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.server.client("index-owner"))

    def look(self) -> Shelf:
        shelf = super().look()
        return replace(shelf, indices=tuple(one for one in shelf.indices if one.name in self.mine))


def until(condition: Callable[[], bool]) -> None:
    clock = SystemClock()
    end = clock.monotonic() + LIMIT_SECONDS
    while not condition():
        assert clock.monotonic() < end, "it did not become so in time"
        clock.sleep(0.2)


@pytest.fixture
def place(server: Server) -> Iterator[tuple[World, RealIndex, str]]:
    """A world over the real index, and the name of the period in which it begins."""
    with world_over(server) as (world, real):
        yield world, real, index_of(int(world.clock.now()), world.settings.index_period)


@dataclass
class Ends:
    """Runs of ReportRun's part, each new as in the function."""

    world: World
    periods: OwnPeriods

    def run(self) -> None:
        world = self.world
        segments = FakeSegments(world.rows, world.clock)
        ports = (self.periods, FakeHoldBook(), segments, world.leases, world.notes)
        Closing(*ports, world.clock, world.settings).run("run")
        note = world.notes.read(NOTE)
        assert (note["trouble"], note["failures"], note["has_ism"]) == ("", [], False)

    def shown(self, name: str) -> tuple[bool, bool]:
        return next((one.is_blocked, one.is_merged) for one in self.periods.look().indices if one.name == name)


def to_the_end(world: World, name: str) -> None:
    """The clock stands where the period may be closed; nothing has run meanwhile."""
    span = span_of(name)
    assert span is not None
    world.clock.advance(span[1] + CLOSE_AFTER_SECONDS + 60 - world.clock.now())


def test_is_it_blocked_merged_opened_for_late_entries_and_closed_again(place: tuple[World, RealIndex, str]) -> None:
    world, real, name = place
    ends = Ends(world, OwnPeriods(real.server, real.mine))
    stream = world.add_table("orders")
    world.run()
    for _ in range(3):
        world.write(stream, "shard-0", 2)
        world.run()
        assert real.server.ask("admin", "POST", f"/{name}/_refresh").ok
    world.write(stream, "shard-0", 2)  # of this period, and not captured before its end
    to_the_end(world, name)
    world.notes.write("reindex", Job("all", name=name, target=name).facts())
    ends.run()
    assert ends.shown(name) == (False, False), "a rebuild fills it"
    world.notes.write("reindex", Job().facts())
    ends.run()
    assert ends.shown(name)[0]
    ends.run()
    until(lambda: ends.shown(name) == (True, True))
    late(ends, real, name)
    again(ends, name)


def late(ends: Ends, real: RealIndex, name: str) -> None:
    """Entries for the closed index wait, are never parked, and go in when it is open again."""
    world = ends.world
    world.run()
    drained = world.drain()
    assert (drained.parked, drained.waiting > 0) == (0, True)
    blocked = world.notes.read("backlog")["blocked"]
    assert blocked[name]["why"] == "403 cluster_block_exception"
    ends.run()
    assert ends.shown(name)[0] is False
    world.drain()
    assert world.notes.read("backlog")["blocked"] == {}
    assert not any(row.parked for row in world.rows.segments.values())
    world.assert_complete()
    assert len(real.documents()) == len(world.lines())


def again(ends: Ends, name: str) -> None:
    ends.run()
    assert not ends.shown(name)[0], "it rests open for an hour"
    ends.world.clock.advance(REST_SECONDS)
    ends.run()
    assert ends.shown(name)[0]
    ends.run()
    until(lambda: ends.shown(name) == (True, True))


def test_is_a_rebuilt_index_closed_behind_the_name_that_entries_have(server: Server) -> None:
    name = unused_period()
    index = name + "-r000002"
    periods = OwnPeriods(server, [name])
    assert server.ask("admin", "PUT", f"/{index}", {"aliases": {name: {"is_write_index": True}}}).ok
    try:
        (one,) = periods.look().indices
        assert (one.name, one.index, one.is_blocked) == (name, index, False)
        periods.block(one.index)
        refused = server.ask("writer", "POST", "/_bulk", bulk((name, "late", GOOD))).data["items"][0]["create"]
        assert refused["error"]["type"] == "cluster_block_exception"
        periods.unblock(one.index)
        assert server.ask("writer", "POST", "/_bulk", bulk((name, "late", GOOD))).data["errors"] is False
    finally:
        server.ask("admin", "DELETE", f"/{index}")


def test_does_a_closed_index_keep_what_it_has_from_who_may_open_it(server: Server) -> None:
    """Opening is a change of settings: it reaches no entry, and takes no property of a write-once index away."""
    with server.an_index() as name:
        assert server.ask("writer", "POST", "/_bulk?refresh=true", bulk((name, "fixed", GOOD))).data["errors"] is False
        before = server.document(name, "fixed")
        owner = OpenSearchPeriods(server.client("index-owner"))
        owner.block(name)
        owner.unblock(name)
        owner.merge(name)
        assert (
            server.ask("index-owner", "PUT", f"/{name}/_settings", {"index.append_only.enabled": False}).status == 400
        )
        assert server.ask("index-owner", "DELETE", f"/{name}").status == 403
        assert server.ask("index-owner", "POST", f"/{name}/_search", {}).status == 403
        assert server.document(name, "fixed") == before


def test_is_deletion_a_right_of_its_own(server: Server) -> None:
    """ISM works as whoever added the policy: without this role beside it, the index owner's policy deletes nothing."""
    with server.an_index() as name, a_rebuilder(server, "tabletrail_index_owner") as owner:
        assert server.ask(owner, "DELETE", f"/{name}").status == 403
    roles = ("tabletrail_index_owner", "tabletrail_retention")
    with server.an_index() as name, a_rebuilder(server, *roles) as owner:
        assert server.ask(owner, "GET", f"/{name}/_count").status == 403
        assert server.ask(owner, "DELETE", f"/{name}").ok
        assert server.ask(owner, "DELETE", "/.opendistro_security").status == 403
    with server.an_index() as name, a_rebuilder(server, "tabletrail_snapshots") as owner:
        assert server.ask(owner, "GET", f"/{name}/_count").status == 403
        assert server.ask(owner, "DELETE", f"/{name}").status == 403
        missing = server.ask(owner, "PUT", "/_snapshot/tabletrail-none/one", {"indices": name})
        assert (missing.status, "repository_missing_exception" in missing.reason) == (404, True)
