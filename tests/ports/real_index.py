"""The real OpenSearch in the place of the fake index of a `World`: the same log, the server's own judgement.

Its indices lie decades ahead, away from what others write, and are removed at the end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tabletrail.aws.opensearch import OpenSearchIndex, OpenSearchKeeper
from tabletrail.aws.opensearch_definition import definitions_in, departure_of
from tabletrail.core.periods import indices_ahead
from tabletrail.ports import BulkReply
from tests.fakes.clock import FakeClock
from tests.faults.world import World
from tests.ports.opensearch_server import MAPPINGS, Server

LATER = 3_800_000_000
"""The year 2090: months that only one test has."""
MONTH = 31 * 86_400
PAGE = 100


class RealIndex:
    """`EntryIndex` as the writer and `ReleaseKeeper` as the index owner; `bodies` is what was sent."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.index = OpenSearchIndex(server.client("writer"))
        self.keeper = OpenSearchKeeper(server.client("index-owner"))
        self.mine: list[str] = []

    def create(self, body: bytes) -> BulkReply:
        return self.index.create(body)

    def ensure(self, index: str) -> bool:
        if index not in self.mine:
            self.mine.append(index)
        return self.keeper.ensure(index)

    def existing(self) -> frozenset[str]:
        return self.keeper.existing()

    def departure(self, index: str) -> str:
        return departure_of(self.server.client("index-owner"), index, definitions_in(MAPPINGS))

    def documents(self) -> dict[str, Any]:
        """All that searches see in the test's own indices, by id."""
        path = ",".join(self.mine)
        assert self.server.ask("admin", "POST", f"/{path}/_refresh").ok
        found: dict[str, Any] = {}
        body: dict[str, Any] = {"size": PAGE, "sort": [{"event.id": "asc"}]}
        while True:
            reply = self.server.ask("admin", "POST", f"/{path}/_search", body)
            assert reply.ok, reply.reason
            hits = reply.data["hits"]["hits"]
            found |= {hit["_id"]: hit["_source"] for hit in hits}
            if len(hits) < PAGE:
                return found
            body["search_after"] = hits[-1]["sort"]

    def setting(self, index: str, name: str, value: Any) -> None:
        assert self.server.ask("admin", "PUT", f"/{index}/_settings", {name: value}).ok

    def replace(self, index: str, mappings: dict[str, Any]) -> None:
        """By one that an administrator made by hand."""
        self.delete(index)
        made = self.server.ask("admin", "PUT", f"/{index}", {"mappings": mappings})
        assert made.ok, made.reason

    def delete(self, index: str) -> None:
        assert self.server.ask("admin", "DELETE", f"/{index}").ok


@contextmanager
def world_over(server: Server) -> Iterator[tuple[World, RealIndex]]:
    """A world whose clock stands in a month of its own, and whose entries go to the real server."""
    server.install()
    world = World(clock=FakeClock(LATER + random.randrange(100) * MONTH))
    real = RealIndex(server)
    world.index = real  # type: ignore[assignment]
    try:
        for index in indices_ahead(int(world.clock.now()), world.settings.index_period):
            real.ensure(index)
        yield world, real
    finally:
        for index in real.mine:
            server.ask("admin", "DELETE", f"/{index}")
