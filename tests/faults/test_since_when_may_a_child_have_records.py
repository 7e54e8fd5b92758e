"""Is what a child lost told, and nothing else, where its parent's end was seen before its children could be asked for?

Such a parent waits, closed, for its children. Its row says when it was last known to be open: only before that it is
sure that no child had a record.
"""

from __future__ import annotations

import pytest

from tabletrail.errors import ThrottledError
from tests.fakes.faulty import throttle
from tests.faults.losses import HOUR, assert_said_once, audited, forget, minutes
from tests.faults.world import World


def _outage(world: World, arn: str, hours: int) -> None:
    """The shard ends at once; then its end is seen, and its children, which no walk lists yet, cannot be asked for."""
    world.stream.split(arn, "shard-0", "child")
    world.write(arn, "child", 2)
    world.clock.advance(hours * HOUR)
    world.stream.hide(arn, "child", 1)
    world.faults.add(throttle("stream.children", times=1))


def test_is_nothing_told_where_nothing_was_lost() -> None:
    world = World()
    arn, _ = audited(world)
    minutes(world, 90)
    _outage(world, arn, 23)
    assert_said_once(world)
    world.assert_complete()


@pytest.mark.parametrize("had_records", [False, True])
def test_is_told_what_the_child_lost_while_it_could_not_be_read_either(
    monkeypatch: pytest.MonkeyPatch, had_records: bool
) -> None:
    world = World()
    arn = world.add_table("orders")
    if had_records:
        world.write(arn, "shard-0", 2)
    minutes(world, 20)
    _outage(world, arn, 20)
    open_iterator = world.stream.iterator_after

    def refuse_child(stream_arn: str, shard_id: str, sequence_no: str | None) -> str:
        if shard_id == "child":
            raise ThrottledError("slow down")
        return open_iterator(stream_arn, shard_id, sequence_no)

    with monkeypatch.context() as patch:
        patch.setattr(world.stream, "iterator_after", refuse_child)
        minutes(world, 2)
        for _ in range(12):
            world.run()
            world.clock.advance(HOUR // 2)
    forget(world, arn)
    world.write(arn, "child", 2)
    assert_said_once(world, ("trimmed", "child", ""))
    world.assert_complete()
