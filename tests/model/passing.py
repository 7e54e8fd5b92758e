"""A stream over fakes in which time passes: records are forgotten after 24 hours, new shards may be listed late.

Called by `tests.model.test_does_the_code_follow_the_model`.
"""

from __future__ import annotations

from collections.abc import Callable

from tabletrail.core.walk import LISTED_LATE_SECONDS, RETENTION_SECONDS
from tabletrail.ports import Shard, StreamView
from tests.fakes.faulty import Fault
from tests.fakes.faulty import Plan as Faults
from tests.fakes.stream import FakeShard, FakeStream
from tests.faults.world import World


class PassingStream(FakeStream):
    """`lists_late`: shards with a parent are not listed for their first minutes, as long as the product allows for."""

    lists_late = False

    def __init__(self, world: World) -> None:
        super().__init__(world.clock, page_records=3)
        self._next = 90
        self.born: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    def add_shard(self, arn: str, shard_id: str, parent: str | None = None) -> None:
        super().add_shard(arn, shard_id, parent)
        self.born[shard_id] = self._clock.now()

    def close(self, arn: str, shard_id: str) -> None:
        super().close(arn, shard_id)
        self.ended[shard_id] = self._clock.now()

    def describe(self, stream_arn: str) -> StreamView:
        view = super().describe(stream_arn)
        return StreamView(view.status, view.view_type, self._known(view.shards))

    def children(self, stream_arn: str, shard_id: str) -> tuple[Shard, ...]:
        return self._known(super().children(stream_arn, shard_id))

    def forget(self, arn: str) -> int:
        """Records and ended shards of more than 24 hours ago. How many records went."""
        horizon = self._clock.now() - RETENTION_SECONDS
        shards = self.streams[arn].shards
        gone = sum(self._trim_old(arn, shard, horizon) for shard in shards.values())
        parents = {shard.parent for shard in shards.values()}
        for shard_id in [name for name in shards if name in parents and self.ended[name] <= horizon]:
            self.forget_shard(arn, shard_id)
        return gone

    def _trim_old(self, arn: str, shard: FakeShard, horizon: float) -> int:
        gone = 0
        while old := [slot for slot in shard.slots[shard.trimmed :] if slot]:
            if old[0]["dynamodb"]["ApproximateCreationDateTime"] > horizon:
                break
            self.trim(arn, shard.shard_id, 1)
            gone += 1
        return gone

    def _known(self, shards: tuple[Shard, ...]) -> tuple[Shard, ...]:
        if not self.lists_late:
            return shards
        young = self._clock.now() - LISTED_LATE_SECONDS / 2
        return tuple(one for one in shards if one.parent_shard_id is None or self.born[one.shard_id] < young)


class Interrupted(Faults):
    """Faults, and work of somebody else in the middle of a call: `others` by the call's number or `port.method`."""

    def __init__(self) -> None:
        super().__init__()
        self.others: dict[int | str, Callable[[], object]] = {}

    def note(self, call: str) -> Fault | None:
        other = self.others.pop(len(self.calls), None) or self.others.pop(call, None)
        if other is not None:
            other()
        return super().note(call)

    def clear(self) -> None:
        self._faults.clear()
        self.others.clear()
