"""What does a rebuild refuse to do: with another at work, over damaged segments, over an index that holds more than the
log, against an index in trouble?
"""

from __future__ import annotations

import gzip

import pytest

from tabletrail.errors import LeaseHeldError, QueryError, TransientError
from tests.fakes.shelf import FakeShelf
from tests.faults.rebuilding import Rebuilding, a_log, each_entry_is_validated_once, settle

__all__ = ["each_entry_is_validated_once"]

pytestmark = pytest.mark.usefixtures("each_entry_is_validated_once")


def test_are_two_rebuilds_at_once_refused() -> None:
    rebuilding = a_log()
    other: list[type[Exception]] = []

    def happen(step: int) -> None:
        if step == 20:
            with pytest.raises(LeaseHeldError):
                Rebuilding(rebuilding.world, owner="another").run()
            other.append(LeaseHeldError)

    rebuilding.happen = happen
    rebuilding.run()
    assert other
    Rebuilding(rebuilding.world, owner="another").run()


def test_does_a_rebuild_that_lost_its_lease_stop_before_it_replaces_anything() -> None:
    """A machine that slept: another one took the lease, and this one wakes."""
    rebuilding = a_log()
    before = rebuilding.world.index.indices[rebuilding.name]

    def happen(step: int) -> None:
        if step == 20:
            rebuilding.world.leases.held["reindex"] = ("another", int(rebuilding.world.clock.now()) + 1000)

    rebuilding.happen = happen
    with pytest.raises(LeaseHeldError):
        rebuilding.run(rebuilding.name)
    assert rebuilding.world.index.indices[rebuilding.name] is before
    assert rebuilding.world.leases.held["reindex"][0] == "another"


@pytest.mark.parametrize("damage", ["altered", "missing"])
@pytest.mark.parametrize("force", [False, True])
def test_is_a_damaged_segment_named_and_the_index_in_use_kept(damage: str, force: bool) -> None:
    rebuilding = a_log()
    world = rebuilding.world
    row = next(row for row in world.rows.segments.values() if rebuilding.name in row.indices and row.entries > 2)
    held = version, body = world.store.objects[row.key]
    if damage == "altered":
        forged = gzip.compress(gzip.decompress(body).replace(b"orders", b"ORDERS").replace(b"payments", b"PAYMENTS"))
        world.store.objects[row.key] = (version, forged)
    else:
        del world.store.objects[row.key]
    before = dict(world.index.documents())
    (result,) = rebuilding.run(rebuilding.name, force=force)
    assert set(result.damaged) == {row.segment_id}
    assert result.in_use == force
    if not force:
        assert world.index.documents() == before
    world.store.objects[row.key] = held
    (mended,) = rebuilding.run(rebuilding.name)
    assert (mended.in_use, mended.damaged) == (True, {})
    assert mended.target.endswith("3" if force else "2"), "what was filled is used"
    world.assert_complete()


def test_is_an_index_kept_though_it_lacks_the_damaged_entries_too() -> None:
    rebuilding = a_log()
    world = rebuilding.world
    row = next(row for row in world.rows.segments.values() if rebuilding.name in row.indices and row.entries > 2)
    held = world.store.objects.pop(row.key)
    documents = world.index.indices[rebuilding.name]
    for id_ in [id_ for id_, document in documents.items() if document["log"]["segment"] == row.segment_id]:
        del documents[id_]
    (result,) = rebuilding.run(rebuilding.name)
    assert (result.in_use, set(result.damaged), result.lacking) == (False, {row.segment_id}, {})
    world.store.objects[row.key] = held
    rebuilding.run(rebuilding.name)
    world.assert_complete()


def test_is_a_lost_index_filled_though_a_segment_is_damaged() -> None:
    rebuilding = a_log()
    world = rebuilding.world
    row = next(row for row in world.rows.segments.values() if rebuilding.name in row.indices and row.entries > 2)
    held = world.store.objects.pop(row.key)
    rebuilding.lose(rebuilding.name)
    (result,) = rebuilding.run(rebuilding.name)
    assert (result.in_use, set(result.damaged)) == (True, {row.segment_id})
    world.store.objects[row.key] = held
    rebuilding.run(rebuilding.name, only_missing=True)
    world.assert_complete()


def test_is_an_index_that_holds_more_than_the_log_kept_unless_it_is_forced() -> None:
    """Another log's entries in the same index, or rows of segments that a restored table lost."""
    rebuilding = a_log()
    documents = rebuilding.world.index.indices[rebuilding.name]
    some = next(iter(documents.values()))
    foreign = {**some, "table": {**some["table"], "arn": "another"}}
    documents["foreign"] = foreign
    (result,) = rebuilding.run(rebuilding.name)
    assert (result.in_use, result.lacking) == (False, {"another": 1})
    assert rebuilding.world.index.documents()["foreign"] == foreign
    (forced,) = rebuilding.run(rebuilding.name, force=True)
    assert forced.in_use
    rebuilding.world.assert_complete()


def test_is_an_entry_that_took_a_parked_ones_place_later_no_reason_to_keep_the_index() -> None:
    rebuilding = a_log()
    documents = rebuilding.world.index.indices[rebuilding.name]
    some = next(iter(documents.values()))
    documents["retried"] = {**some, "tabletrail": {**some["tabletrail"], "supersedes": some["event"]["id"]}}
    rebuilding.world.index.refuses = lambda _: False
    (result,) = rebuilding.run(rebuilding.name)
    assert result.in_use
    rebuilding.world.assert_complete()


def test_is_trouble_with_the_index_waited_for_and_given_up_at_last() -> None:
    rebuilding = a_log()
    world = rebuilding.world
    rebuilding.happen = lambda step: world.index.turn_away(429, times=3) if step == 20 else None
    rebuilding.run(rebuilding.name)
    world.assert_complete()
    assert len(world.clock.sleeps) >= 3
    before = dict(world.index.documents())
    rebuilding.happen = lambda step: world.index.turn_away(503, times=1000) if step == 20 else None
    with pytest.raises(TransientError, match="go on from here"):
        rebuilding.run(rebuilding.name)
    assert world.index.documents() == before
    world.index.turned_away.clear()
    rebuilding.happen = lambda _: None
    rebuilding.run(rebuilding.name)
    world.assert_complete()


def test_is_a_period_that_nobody_knows_refused() -> None:
    rebuilding = a_log()
    with pytest.raises(QueryError, match=r"neither an index .*2024\.01"):
        rebuilding.run("tabletrail-v1-2024.01")
    assert not rebuilding.world.leases.held


def test_does_an_index_that_a_run_made_meanwhile_stand_in_no_ones_way() -> None:
    """The index in use is lost while the new one is filled, and a run makes an empty one under its name."""
    rebuilding = a_log()

    def happen(step: int) -> None:
        if step == 25:
            rebuilding.lose(rebuilding.name)
            FakeShelf(rebuilding.world.index).ensure(rebuilding.name)

    rebuilding.happen = happen
    rebuilding.run(rebuilding.name)
    settle(rebuilding)
    rebuilding.world.assert_complete()
