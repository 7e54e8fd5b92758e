"""The real code over fakes, driven at random, and after each step compared with the model.

TABLETRAIL_MODEL_EXAMPLES asks for more examples than a change has to wait for, with other seeds each time.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tabletrail import capture, staging, walking
from tabletrail.errors import TabletrailError
from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.world import SETTINGS, World
from tests.model.abstraction import Lineage
from tests.model.following import Follower
from tests.model.passing import Interrupted, PassingStream

EXAMPLES = int(os.environ.get("TABLETRAIL_MODEL_EXAMPLES", "0"))
WAYS = (
    Fault(Way.BEFORE),
    Fault(Way.AFTER),
    Fault(Way.BEFORE, error=Crash),
    Fault(Way.AFTER, error=Crash),
)
CRITICAL = (
    "checkpoints.commit",
    "checkpoints.move_shard",
    "checkpoints.add_shards",
    "store.put",
    "stream.children",
    "index.create",
    "segments.mark_indexed",
)
CALLS = st.integers(0, 60) | st.sampled_from(CRITICAL) | st.just("checkpoints.commit")
"""Any of a run's calls through ports, which are about so many, or the next one of this method."""
WRITE = st.tuples(st.integers(0, 9), st.integers(1, 4))
"""Which of the open shards, and how many records."""
WRITES, SOME_WRITES = st.lists(WRITE, max_size=3), st.lists(WRITE, min_size=1, max_size=3)
TROUBLES = ("late children", "empty pages", "requests", "documents", "refused documents")


class Life(RuleBasedStateMachine):
    """One table's stream, runs, backlogs, and all that may go wrong."""

    @initialize(roots=st.integers(1, 2), records=st.integers(2, 6))
    def begin(self, roots: int, records: int) -> None:
        self.faults = Interrupted()
        self.world = World(replace(SETTINGS, cycle_records=records), self.faults)
        self.stream = PassingStream(self.world)
        self.world.stream = self.world.tables.stream = self.stream
        self.arn = self.world.add_table("orders", shards=roots)
        self.names = itertools.count()
        self.lineage = Lineage({f"shard-{number}": None for number in range(roots)})
        self.follower = Follower(self.world, self.arn, self.lineage)
        self.forgotten = 0
        self.world.run()  # what was written before the table joined is not promised

    def _look(self) -> None:
        self.forgotten += self.stream.forget(self.arn)
        self.follower.look()

    def _survive(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (Crash, TabletrailError):
            self.world.clock.advance(60)
        self.faults.clear()
        self._look()

    def _open(self) -> list[str]:
        return [name for name, shard in self.stream.streams[self.arn].shards.items() if not shard.closed]

    def _write(self, writes: list[tuple[int, int]]) -> None:
        for which, count in writes:
            shard = self._open()[which % len(self._open())]
            self.world.write(self.arn, shard, count, **({"event": "EXPLODE"} if which > 6 else {}))

    @precondition(lambda self: len(self.lineage.parents) < 9)
    @rule(writes=WRITES, which=st.integers(0, 9), children=st.integers(1, 2), begun=WRITES, late=st.booleans())
    def end(
        self, writes: list[tuple[int, int]], which: int, children: int, begun: list[tuple[int, int]], late: bool
    ) -> None:
        """A shard rolls or splits; DescribeStream may still show it open."""
        self._write(writes)
        shard = self._open()[which % len(self._open())]
        born = [f"child-{next(self.names)}" for _ in range(children)]
        self.stream.split(self.arn, shard, *born)
        self.stream.streams[self.arn].shards[shard].shown_open = late
        self.lineage.parents |= dict.fromkeys(born, shard)
        self._write(begun)

    @rule(writes=WRITES)
    def run(self, writes: list[tuple[int, int]]) -> None:
        self._write(writes)
        self._survive(self.world.run)

    @rule(writes=SOME_WRITES, call=CALLS, way=st.sampled_from(WAYS))
    def run_with_a_fault(self, writes: list[tuple[int, int]], call: int | str, way: Fault) -> None:
        self._write(writes)
        at = self._call(call)
        self.faults.add(replace(way, number=at) if isinstance(at, int) else replace(way, method=at))
        self._survive(self.world.run)

    def _call(self, call: int | str) -> int | str:
        """A method, or the number of the call that so many others come before."""
        return call if isinstance(call, str) else len(self.faults.calls) + call

    @rule(writes=SOME_WRITES, call=CALLS, slept=st.sampled_from((0, 90, 1200)), second=st.none() | CALLS)
    def run_twice_at_once(
        self, writes: list[tuple[int, int]], call: int | str, slept: int, second: int | str | None
    ) -> None:
        """In the middle of a call another run does all its work; the first wakes later, and a third may be at work."""
        self._write(writes)
        if second is not None:
            self.faults.others[self._call(second)] = lambda: self._race(0)
        self.faults.others[self._call(call)] = lambda: self._race(slept)
        self._survive(self.world.run)

    def _race(self, slept: int) -> None:
        """A rival that sleeps long fails to read one shard: so the first loses some of its swaps, and not all."""
        if slept > 90:
            self.faults.add(Fault(Way.BEFORE, method="stream.read"))
        self.world.leases.held.clear()
        plan = self.world.planner("rival").run(f"rival{next(self.names)}")
        for group in plan["groups"]:
            self.world.capture_until_done(group)
        self.world.clock.advance(slept)

    @rule(call=st.none() | st.integers(0, 9), way=st.sampled_from(WAYS))
    def drain(self, call: int | None, way: Fault) -> None:
        if call is not None:
            self.faults.add(replace(way, number=len(self.faults.calls) + call))
        self._survive(self.world.drain)

    @rule(kind=st.sampled_from(TROUBLES), number=st.integers(0, 9))
    def make_trouble(self, kind: str, number: int) -> None:
        """In the stream's listing or its pages, or in the index."""
        index = self.world.index
        if kind == "late children":
            self.stream.lists_late = not self.stream.lists_late
        elif kind == "empty pages":
            self.stream.add_empty_pages(self.arn, self._open()[number % len(self._open())], number)
        elif kind == "requests":
            index.turn_away((403, 413, 429, 503)[number % 4], 1 + number % 3)
        elif kind == "documents":
            index.item_statuses.extend([(429, 503)[number % 2]] * (1 + number % 3))
        else:
            # A number above 4: none is refused any more.
            index.refuses = lambda document: (
                document["tabletrail"]["kind"] == "change"
                and document["stream"]["sequence"][-1] in str(number)[number > 4 :]
            )

    @rule(seconds=st.sampled_from((50, 400, 3600)))
    def let_time_pass(self, seconds: int) -> None:
        self.world.clock.advance(seconds)
        self._look()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.faults.clear()
        self.stream.lists_late = False
        self.world.index.turned_away.clear()
        self.world.index.item_statuses.clear()
        self.world.index.refuses = lambda _: False
        self.world.clock.advance(400)
        for _ in range(20):
            self._survive(self.world.run)
            self._survive(self.world.drain)
        self.follower.assert_complete()
        if not self.forgotten:
            self.world.assert_complete()


class LongLife(Life):
    """The same over days: the stream forgets, rows expire."""

    @rule(hours=st.sampled_from((12, 20, 25, 50)))
    def let_hours_pass(self, hours: int) -> None:
        self.world.clock.advance(hours * 3600)
        self._look()

    @rule()
    def expire_rows(self) -> None:
        self.world.checkpoints().expire_rows()
        self._look()


@pytest.mark.parametrize(("machine", "examples"), [(Life, 60), (LongLife, 60)])
def test_is_every_step_of_the_code_one_of_the_model(
    machine: type[Life], examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count(1)
    for module in (staging, walking):
        monkeypatch.setattr(module, "uuid4", lambda: UUID(int=next(numbers)))
    monkeypatch.setattr(capture, "READERS", 1)  # one thread: the same calls in the same order each time
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=30,
            derandomize=not EXAMPLES,
            deadline=None,
            database=None,
            # Making a failing example small takes minutes: that is for whoever asks for it.
            phases=set(Phase) - (set() if EXAMPLES else {Phase.shrink, Phase.explain}),
            suppress_health_check=list(HealthCheck),
        ),
    )
