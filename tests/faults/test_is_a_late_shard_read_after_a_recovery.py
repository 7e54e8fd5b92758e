"""Does a recovery take a row that stands in for a shard that was never listed for that shard's own?"""

from __future__ import annotations

import pytest

from tests.faults.losses import minutes
from tests.faults.restoring import RestoredWorld, moment, restore


@pytest.mark.parametrize("is_begun", [False, True])
def test_is_a_shard_that_is_listed_at_last_read_to_its_end(is_begun: bool) -> None:
    """`is_begun`: it was, when the table was put back to the time at which a row still stood in for it."""
    world = RestoredWorld()
    arn = world.add_table("orders", shards=0)
    for shard_id, parent in (("grandparent", None), ("parent", "grandparent"), ("child", "parent")):
        world.stream.add_shard(arn, shard_id, parent)
        world.write(arn, shard_id, 3)
    world.stream.close(arn, "grandparent")
    world.stream.hide(arn, "parent", 2)
    world.stream.hide(arn, "grandparent", 2)
    minutes(world, 2)
    kept = moment(world)
    minutes(world, 40 if is_begun else 1)
    world.write(arn, "parent", 2)
    world.stream.close(arn, "parent")
    restore(world, ("streams_shards",), kept)
    world.recovery().apply("recover-1")
    minutes(world, 20)
    world.drain()
    world.assert_complete()
