"""The real OpenSearch is away, in each way it can be here: is anything lost, parked or there twice, and does it drain?

Capture, backlog and report are the product's own, OpenSearch is real; stream, tables and clock are stand-ins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tabletrail.aws import opensearch, opensearch_connect
from tabletrail_local.certificates import ensure_certificates
from tabletrail_local.info import StackInfo
from tests.end_to_end.real_index_world import MAY, START, RealIndex, RealIndexWorld, a_real_index
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def real(stack: StackInfo) -> Iterator[RealIndex]:
    with a_real_index(stack) as index:
        yield index


@pytest.fixture
def world(real: RealIndex, monkeypatch: pytest.MonkeyPatch) -> RealIndexWorld:
    monkeypatch.setattr(opensearch_connect, "SECRET_SECONDS", 0.0)  # the secret is read again for each request
    real.clear()
    return RealIndexWorld(clock=FakeClock(START), real=real)


@dataclass
class Trouble:
    begin: Callable[[RealIndex], Any]
    end: Callable[[RealIndex], Any]
    says: str


def cluster_block(index: RealIndex, value: bool | None) -> None:
    index.admin("PUT", "/_cluster/settings", {"persistent": {"cluster.blocks.read_only": value}})


def index_block(index: RealIndex, value: bool | None) -> None:
    index.admin("PUT", f"/{MAY}/_settings", {"index.blocks.read_only_allow_delete": value})


def another_authority(index: RealIndex) -> None:
    with TemporaryDirectory() as directory:
        ensure_certificates(Path(directory))
        index.ca_pem = (Path(directory) / "root-ca.pem").read_text()
    index.start_anew()


def right_authority(index: RealIndex) -> None:
    index.ca_pem = index.server.stack.ca_pem
    index.start_anew()


def new_password_in_secret(index: RealIndex) -> None:
    index.password = "Changed-0815-horse"


def hang(index: RealIndex) -> None:
    index.proxy.drop()
    index.proxy.mode = "hang"


def pass_again(index: RealIndex) -> None:
    index.proxy.mode = "pass"
    index.proxy.drop()


TROUBLES = {
    "connection refused": Trouble(lambda i: i.proxy.refuse(), lambda i: i.proxy.listen(), "cannot be reached"),
    "hanging": Trouble(hang, pass_again, "OpenSearch"),
    "half a reply": Trouble(lambda i: setattr(i.proxy, "mode", "cut"), pass_again, "OpenSearch"),
    "another authority": Trouble(another_authority, right_authority, "certificate is not trusted"),
    "the password was changed": Trouble(
        lambda i: i.set_user("Changed-0815-horse"), new_password_in_secret, "correct the secret (401)"
    ),
    "the role was taken away": Trouble(
        lambda i: i.set_user(i.password, ""), lambda i: i.set_user(i.password), "forbids"
    ),
    "the disk's flood stage": Trouble(
        lambda i: index_block(i, True), lambda i: index_block(i, None), f"{MAY} is read-only: is the disk"
    ),
    "a read-only cluster": Trouble(lambda i: cluster_block(i, True), lambda i: cluster_block(i, None), "read-only"),
    "a closed index": Trouble(
        lambda i: i.admin("POST", f"/{MAY}/_close"), lambda i: i.admin("POST", f"/{MAY}/_open"), f"{MAY} is closed"
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_an_outage_of_the_real_one(world: RealIndexWorld, name: str) -> None:
    trouble, arn = TROUBLES[name], world.add_table("orders")
    world.write(arn, "shard-0", 3)
    world.run()
    world.drain()
    assert world.waiting() == []
    trouble.begin(world.real)
    for _ in range(2):
        world.write(arn, "shard-0", 5)
        world.run()
    world.drain()
    waiting = world.waiting()
    assert len(waiting) == 2
    assert trouble.says in world.reasons()
    trouble.end(world.real)
    world.real.offered.clear()
    for _ in range(3):
        world.drain()
    assert world.waiting() == []
    assert world.reasons() == ""
    assert not any(row.parked for row in world.rows.segments.values())
    assert list(dict.fromkeys(world.real.offered)) in (waiting, []), "oldest first, or all was there already"
    world.assert_complete()


def test_an_index_without_its_primary_shard_holds_up_no_other(
    world: RealIndexWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opensearch, "_BULK", opensearch._BULK.replace("timeout=10s", "timeout=1s"))
    arn = world.add_table("orders")
    world.run()
    world.drain()
    real, lost = world.real, "tabletrail-v1-2098.06"
    real.admin("DELETE", f"/{lost}")
    nowhere = {"settings": {"index.routing.allocation.require._name": "nobody"}}
    real.admin("PUT", f"/{lost}?wait_for_active_shards=0", nowhere)
    june = int(world.clock.now()) + 30 * 24 * 3600
    for created in (june, None):
        world.write(arn, "shard-0", 2, **({"created": june} if created else {}))
        world.run()
    world.drain()
    assert [world.rows.segments[segment].indices for segment in world.waiting()] == [(lost,)]
    assert f"{lost} lacks a primary shard" in world.reasons()
    real.admin("PUT", f"/{lost}/_settings", {"index.routing.allocation.require._name": None})
    real.admin("GET", f"/_cluster/health/{lost}?wait_for_status=yellow")
    world.drain()
    world.assert_complete()


def test_an_outage_over_the_end_of_a_month_on_the_real_one(world: RealIndexWorld) -> None:
    arn = world.add_table("orders")
    world.run()
    world.real.proxy.refuse()
    world.clock.advance(100 * 24 * 3600)
    world.write(arn, "shard-0", 4)
    world.run()
    world.real.proxy.listen()
    made = world.notes.read("last_run")["indices"]
    assert "tabletrail-v1-2098.08" in made, "the keeper's own connection was well"
    world.real.admin("DELETE", "/tabletrail-v1-2098.08")
    world.drain()
    assert "tabletrail-v1-2098.08 is missing" in world.reasons()
    world.run()
    world.drain()
    world.assert_complete()


def spoil(document: dict[str, Any]) -> dict[str, Any]:
    """What the real mapping refuses; the reduced entry is of another kind and stays as it is."""
    return {**document, "@timestamp": "yesterday"} if document["tabletrail"]["kind"] == "change" else document


def test_a_lone_document_that_the_real_one_refuses_is_parked_within_minutes(world: RealIndexWorld) -> None:
    arn = world.add_table("orders")
    world.run()
    world.drain()
    world.real.spoils = spoil
    world.write(arn, "shard-0", 1)
    world.run()
    for _ in range(2):
        assert len(world.waiting()) == 1
        world.drain()
        world.run()
    world.drain()
    assert [row.parked for row in world.rows.segments.values() if row.parked] == [1]
    world.assert_complete()


def test_a_mapping_of_the_real_one_that_refuses_everything_parks_nothing(world: RealIndexWorld) -> None:
    world.real.admin("DELETE", f"/{MAY}")
    world.real.admin("PUT", f"/{MAY}", {"mappings": {"properties": {"message": {"type": "date"}}}})
    arn = world.add_table("orders")
    world.write(arn, "shard-0", 3)
    for _ in range(5):
        world.run()
        world.drain()
    assert not any(row.parked or row.indexed_at for row in world.rows.segments.values())
    (failure,) = world.notes.read("last_run")["failures"]
    assert "field message" in failure
    world.real.admin("DELETE", f"/{MAY}")
    world.run()
    world.drain()
    world.assert_complete()
