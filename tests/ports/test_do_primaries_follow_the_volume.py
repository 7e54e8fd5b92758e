"""Does a new index on the real server get its primaries by the volume of the period before, from whoever makes it?

A primary shard is meant to hold 40 GB; here it is some kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest

from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_primaries import primaries_setting
from tabletrail.aws.opensearch_shelf import OpenSearchShelf
from tabletrail.core.primaries import SHARDS_A_NODE
from tabletrail.errors import TransientError
from tests.ports.opensearch_server import Server, unused_name
from tests.ports.rebuilder import a_rebuilder
from tests.ports.searched_entries import Entries, put, text

pytestmark = pytest.mark.stack

FULL, PRESENT, AHEAD = (f"tabletrail-v1-2071.{month}" for month in ("05", "07", "08"))
"""2071: years that only this test has. June's is lost."""


@pytest.fixture(scope="module")
def full(server: Server) -> Iterator[int]:
    """Bytes that May holds, which has two primaries."""
    remove(server)
    made = Entries()
    for n in range(400):
        made.add(f"entry {n}", f"order#{n}", None, {"note": text(f"{n * 7919:x}" * 9)})
    try:
        assert server.ask("index-owner", "PUT", f"/{FULL}", {"settings": {"index.number_of_shards": 2}}).ok
        put(server, FULL, made.documents)
        assert server.ask("admin", "POST", f"/{FULL}/_forcemerge?max_num_segments=1&flush=true").ok
        stats = server.ask("admin", "GET", f"/{FULL}/_stats/store").data
        yield int(stats["_all"]["primaries"]["store"]["size_in_bytes"])
    finally:
        remove(server)


def remove(server: Server) -> None:
    for name in (FULL, PRESENT, AHEAD):
        server.ask("admin", "DELETE", f"/{name}*")


def shape(server: Server, index: str) -> tuple[int, bool]:
    """(primaries, is it write-once)"""
    settings: dict[str, Any] = server.ask("admin", "GET", f"/{index}").data[index]["settings"]["index"]
    return int(settings["number_of_shards"]), settings["append_only"]["enabled"] == "true"


def test_the_index_owner_makes_as_many_as_the_period_before_filled(server: Server, full: int) -> None:
    keeper = OpenSearchKeeper(server.client("index-owner"), shard_bytes=full // 2 - 1)
    assert keeper.ensure(PRESENT)
    assert shape(server, PRESENT) == (ceil(full / (full // 2 - 1)), True) == (3, True)
    assert keeper.ensure(AHEAD)
    assert shape(server, AHEAD) == (3, True), "the present one has just begun"
    assert not keeper.ensure(AHEAD)


def test_every_primary_is_written_to_and_searched(server: Server, full: int) -> None:
    made = Entries(first=10**21)
    for n in range(60):
        made.add(f"ahead {n}", f"order#{n}", None, {"a": text("b")})
    put(server, AHEAD, made.documents)
    stats = server.ask("admin", "GET", f"/{AHEAD}/_stats/docs?level=shards").data["indices"][AHEAD]["shards"]
    counts = [copy["docs"]["count"] for shard in stats.values() for copy in shard if copy["routing"]["primary"]]
    assert len(counts) == 3
    assert min(counts) > 0
    found = server.ask("reader", "POST", f"/{AHEAD}/_count", {"query": {"term": {"event.action": "insert"}}})
    assert found.data["count"] == 60


def test_a_rebuild_gets_what_the_volume_asks_for_too_and_no_more_than_a_node_can_use(server: Server, full: int) -> None:
    with a_rebuilder(server) as user:
        shelf = OpenSearchShelf(server.client(user), shard_bytes=full // 50)
        shelf.make_hidden(f"{FULL}-r000002")
    assert shape(server, f"{FULL}-r000002") == (SHARDS_A_NODE, True)


def test_small_volumes_and_names_of_no_period_get_one(server: Server, full: int) -> None:
    owner = server.client("index-owner")
    assert primaries_setting(owner, AHEAD) == {"index.number_of_shards": 1}
    assert primaries_setting(owner, unused_name()) == {}


def test_who_may_not_ask_for_sizes_makes_no_index(server: Server, full: int) -> None:
    with pytest.raises(TransientError, match="does not tell how large"):
        primaries_setting(server.client("writer"), AHEAD)
