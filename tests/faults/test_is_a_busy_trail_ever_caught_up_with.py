"""Is a trail of so many files that a call has no time for all of them caught up with, after it was left behind?"""

from __future__ import annotations

from collections.abc import Iterator

from tabletrail.attribute import FILES_SECONDS, READ_SECONDS
from tabletrail.errors import TrailError
from tabletrail.trail import TrailFile
from tests.fakes.trail import FakeTrail
from tests.faults.attributing import ALICE, HOUR, quiet

EVERY = 600
"""Seconds between two files."""
AT_ONCE = 18
"""Files that one call has time for: three hours of them."""


class SlowTrail(FakeTrail):
    is_refused = False

    def files(self, since: int, until: int) -> Iterator[TrailFile]:
        if self.is_refused:
            raise TrailError("AttributeChanges may not list the bucket")
        for file in super().files(since, until):
            self.clock.sleep(READ_SECONDS / AT_ONCE)
            yield file


def test_is_a_busy_trail_caught_up_with() -> None:
    world = quiet()
    orders = next(arn for arn in world.rows.streams if ":table/orders/" in arn)
    world.trail = trail = SlowTrail(world.clock)
    trail.is_refused = True
    for number in range(30):
        world.clock.advance(EVERY)
        world.run()
        world.call(orders, f"order-{number}", ALICE)
        world.deliver()
        world.attribute()
    world.settle()
    trail.is_refused = False
    behind = [world.clock.now() - world.rows.streams[orders].attributed_until]
    assert AT_ONCE * EVERY < FILES_SECONDS < behind[0]
    while world.attribution().run("owner").more:
        behind.append(world.clock.now() - world.rows.streams[orders].attributed_until)
        assert len(behind) < 100, "it never catches up"
    assert world.clock.now() - world.rows.streams[orders].attributed_until < 2 * HOUR
    world.assert_attributed()
    assert world.actions() == {"attributed": 30}
