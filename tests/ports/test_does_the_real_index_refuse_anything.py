"""Hostile items, wrong mappings and documents that the real server refuses: does the log go on, is each one found?

The log is the fakes' (`World`), the index is the stack's OpenSearch: what is refused there is refused by the server.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.core import diff
from tabletrail.core.periods import index_of
from tabletrail_local.info import StackInfo
from tests.core.hostile import BREAKS, broken, hostile_items
from tests.fakes.stream import make_record
from tests.faults.world import World
from tests.ports.opensearch_server import Server
from tests.ports.real_index import MONTH, RealIndex, world_over

pytestmark = pytest.mark.stack

NESTED = "index.mapping.nested_objects.limit"
WRONG = {
    "dynamic": False,
    "properties": {"message": {"type": "long"}, "event": {"properties": {"id": {"type": "keyword"}}}},
}
"""Each entry has a sentence in `message`: such an index refuses them all."""


@pytest.fixture
def both(stack: StackInfo) -> Iterator[tuple[World, RealIndex]]:
    with world_over(Server(stack)) as found:
        yield found


def minutes(world: World, count: int) -> None:
    for _ in range(count):
        world.drain()
        world.run()


def kinds(real: RealIndex) -> Counter[str]:
    return Counter(one["tabletrail"]["kind"] for one in real.documents().values())


def is_waiting(world: World) -> bool:
    return any(not row.indexed_at for row in world.rows.segments.values())


def month_of(world: World, ago: int = 0) -> str:
    return index_of(int(world.clock.now()) - ago, world.settings.index_period)


def test_is_every_hostile_item_stored_whole_and_none_parked(both: tuple[World, RealIndex]) -> None:
    world, real = both
    arn = world.add_table("orders")
    for what, content in hostile_items().items():
        keys = {"id": {"S": what}}
        item = keys | content
        changed = copy.deepcopy(item) | {"status": {"S": "shipped"}}
        for event, old, new in (("INSERT", None, item), ("MODIFY", item, changed), ("REMOVE", changed, None)):
            world.write(arn, "shard-0", 1, event=event, keys=keys, old=old, new=new)
            world.write(arn, "shard-0", 1)
    world.run()
    minutes(world, 1)
    world.assert_complete()
    assert kinds(real) == {"coverage": 1, "change": 6 * len(hostile_items())}


def test_is_every_unreadable_record_found_in_the_index(both: tuple[World, RealIndex]) -> None:
    world, real = both
    arn = world.add_table("orders")
    slots = world.stream.streams[arn].shards["shard-0"].slots
    for what in BREAKS:
        world.stream.write(arn, "shard-0", 1)
        world.stream._next += 1
        made = make_record(str(world.stream._next), old={"v": {"S": "a"}}, new={"v": {"S": "b"}})
        slots.append(
            broken({**made, "dynamodb": {**made["dynamodb"], "ApproximateCreationDateTime": world.clock.now()}}, what)
        )
    world.run()
    minutes(world, 1)
    world._assert_index_is_the_log()
    assert kinds(real) == {"coverage": 1, "change": len(BREAKS), "unreadable": len(BREAKS)}
    assert not is_waiting(world)


def test_is_one_refused_document_among_many_parked_alone(both: tuple[World, RealIndex]) -> None:
    world, real = both
    arn = world.add_table("orders")
    world.run()
    real.setting(month_of(world), NESTED, 5)
    poison = {f"n{place}": {"N": str(place)} for place in range(6)}
    for _ in range(3):
        world.write(arn, "shard-0", 10)
        world.write(arn, "shard-0", 1, keys={"id": {"S": "poison"}}, old={}, new=poison)
    world.write(arn, "shard-0", 10)
    world.run()
    world.assert_complete()
    assert kinds(real) == {"coverage": 1, "change": 40, "parked": 3}
    parked = [one for one in real.documents().values() if one["tabletrail"]["kind"] == "parked"]
    assert {one["item"]["id"] for one in parked} == {"poison"}
    assert {one["tabletrail"]["parked"]["reason"] for one in parked} <= {
        "mapper_parsing_exception",
        "illegal_argument_exception",
    }


def test_is_a_lone_refused_document_parked_within_minutes(
    both: tuple[World, RealIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the conversion let a number through that no `double` holds. DynamoDB has none: nothing else is refused."""
    world, real = both
    arn = world.add_table("orders")
    world.run()
    world.drain()
    monkeypatch.setattr(diff, "is_searchable_number", lambda _: True)
    world.write(arn, "shard-0", 1, keys={"id": {"S": "poison"}}, old={"n": {"N": "1"}}, new={"n": {"N": "1E+400"}})
    world.run()
    assert kinds(real) == {"coverage": 1}
    assert is_waiting(world)
    minutes(world, 3)
    world.assert_complete()
    assert kinds(real) == {"coverage": 1, "parked": 1}


def test_does_a_mapping_that_refuses_everything_park_nothing_and_wait_until_it_is_right(
    both: tuple[World, RealIndex],
) -> None:
    world, real = both
    arn = world.add_table("orders")
    world.run()
    month = month_of(world)
    before = kinds(real)
    real.replace(month, WRONG)
    for _ in range(4):
        world.write(arn, "shard-0", 5)
        # An index of another month is well: what it takes says nothing of this one.
        world.write(arn, "shard-0", 2, created=int(world.clock.now()) - 2 * MONTH)
        minutes(world, 1)
    minutes(world, 3)
    assert len(world.captured()[arn, "shard-0"]) == 28, "capture goes on"
    assert kinds(real) == {"change": 8}, "the other month's, and nothing parked in this one"
    assert is_waiting(world)
    assert not any(row.parked for row in world.rows.segments.values())
    failures = world.notes.read("last_run")["failures"]
    assert any(month in failure and "not as this release defines it" in failure for failure in failures), failures

    real.delete(month)
    real.ensure(month)
    minutes(world, 5)
    found = kinds(real)
    assert found == {"change": 28}
    assert not is_waiting(world)
    assert not any(row.parked for row in world.rows.segments.values())
    # What was in the deleted index is the log's to give back (`tabletrail reindex`), not the backlog's.
    assert before == {"coverage": 1}


def test_does_a_limit_that_was_set_too_low_wait_too_where_it_refuses_everything(both: tuple[World, RealIndex]) -> None:
    world, real = both
    arn = world.add_table("orders")
    world.run()
    month = month_of(world)
    real.setting(month, NESTED, 0)

    def one(number: str) -> dict[str, Any]:
        return {"n": {"N": number}}

    world.write(arn, "shard-0", 4, old=one("1"), new=one("2"))
    minutes(world, 4)
    assert (kinds(real), is_waiting(world)) == ({"coverage": 1}, True)
    real.setting(month, NESTED, 1000)
    minutes(world, 3)
    world.assert_complete()
    assert kinds(real) == {"coverage": 1, "change": 4}
