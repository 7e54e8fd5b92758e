"""A fleet's day: what happens in which minute, and the run that begins in each.

Rules
- Before the day one table is audited for ten minutes, and then nothing is captured for 25 and a half hours: what its
  stream forgets meanwhile is lost, and must be said.
- In the day one run and one backlog begin in each laboratory minute. In some minutes two runs come at once, in some one
  falls asleep for twenty minutes; tables join, one leaves, one's stream is switched off and on; OpenSearch is away for
  an hour; faults strike ports and streams all the time.
- After the day nothing is written and nothing fails any more, until the walks behind the last changes must have ended.

Called by `__main__` and by the test.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tabletrail_lab.client import LabClient
from tests.soak.fleet import TableSize, sizes
from tests.soak.soak_world import SoakWorld
from tests.soak.together import Zombie, two_at_once

GETS_A_SHARD, BYTES_A_SHARD = 250, 100_000_000
"""The laboratory's clock stands still while a run reads, so a second of it stands for the 50 of a run: fifty times the
5 calls and 2 MB. DescribeStream's 10 calls a second of the account hold as they are: the product's pacer sleeps."""
FIRST_MINUTES, OUTAGE_MINUTES = 10, 1_530
CALM_MINUTES = 60
TOGETHER, SLEEPY = 0.02, 0.01
SLEEP_MINUTES = 20
AWAY = (503, 429, 403, 0)
"""How OpenSearch fails while it is away, each for a quarter of the time; 0: no reply at all."""


@dataclass
class Soak:
    """`hours` of `tables` tables with `shards` shards. `told` gets a line for each hour."""

    client: LabClient
    seed: int
    hours: float
    tables: int
    shards: int
    told: Callable[[str], None] = lambda _: None
    outage_step: int = 1
    """Minutes between the changes in the outage before the day: with more there are fewer records."""
    arns: dict[str, str] = field(default_factory=dict)
    """By table, its present stream."""
    left_at: dict[str, float] = field(default_factory=dict)
    """By stream of a table that left: what is written later is not promised."""
    outage: str = ""
    """The stream that nobody read for too long."""
    switched: list[str] = field(default_factory=list)
    """New streams that replaced one."""
    events: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    runs_before: int = 0
    """Those before the day."""
    quiet_shard_runs: int = 0
    open_shards: list[int] = field(default_factory=list)
    zombies: list[tuple[int, Zombie]] = field(default_factory=list)
    outage_from: float = 0.0
    outage_until: float = 0.0
    switched_at: float = 0.0
    seconds: float = 0.0
    cpu: tuple[float, float] = (0.0, 0.0)
    """Seconds of a core: the product with its fakes, and the laboratory."""
    counts: dict[str, Any] = field(default_factory=dict)
    """The laboratory's, of the day alone."""

    def __post_init__(self) -> None:
        self.client.limits(get=GETS_A_SHARD, get_bytes=BYTES_A_SHARD)
        self.world = SoakWorld(self.client, self.seed)
        self.minutes = int(self.hours * 60)
        self.sizes = sizes(self.tables, self.shards)
        self.plan = _plan(self.sizes, self.minutes)

    def run(self) -> None:
        begun, cpu = time.perf_counter(), time.process_time()
        self._before()
        for size in self.sizes:
            if size.name not in self.plan.late and size.name not in self.arns:
                self._join(size)
        for minute in range(self.minutes):
            self._events(minute)
            self._minute(minute)
            if minute % 60 == 59:
                self._tell(f"{(minute + 1) // 60:3d} h", time.perf_counter() - begun)
        self._end()
        self.seconds = time.perf_counter() - begun
        self.cpu = (time.process_time() - cpu, self.client.do("cpu"))

    def _before(self) -> None:
        """The table that is not captured for longer than its stream remembers."""
        table = self.sizes[self.plan.outage]
        self._join(table)
        self.outage = self.arns[table.name]
        for minute in range(-FIRST_MINUTES, 0):
            self._minute(minute, is_calm=True)
        self.outage_from = self.world.clock.now()
        for _ in range(0, OUTAGE_MINUTES, self.outage_step):
            self.world.clock.advance(60 * self.outage_step)
            self._live()
        self.outage_until = self.world.clock.now()
        self.client.clear_faults()
        self.client.reset_counts()
        self.runs_before, self.quiet_shard_runs = self.runs, 0

    def _join(self, size: TableSize) -> None:
        arn = self.client.do("open_table", table=size.name, shards=size.shards, is_hot=size.is_hot)
        self.arns[size.name] = arn
        self.world.audit(arn)
        self.events["table joined"] += 1

    def _events(self, minute: int) -> None:
        plan = self.plan
        for number, name in enumerate(sorted(plan.late)):
            if minute == plan.joins[number]:
                self._join(next(size for size in self.sizes if size.name == name))
        leaving = self.sizes[plan.leaves].name
        if minute == plan.leave_at:
            self.client.do("fall_silent", table=leaving)
            self.left_at[self.arns[leaving]] = self.world.clock.now()
        if minute == plan.leave_at + 2:
            self.world.tables.set_tag(self.world.rows_table(self.arns[leaving]), False)
            self.events["table left"] += 1
        switching = self.sizes[plan.switches].name
        if minute == plan.switch_at:
            arn = self.client.do("switch", table=switching)
            self.arns[switching] = arn
            self.switched.append(arn)
            self.switched_at = self.world.clock.now()
            self.world.audit(arn)
            self.events["stream switched off and on"] += 1

    def _minute(self, minute: int, *, is_calm: bool = False, is_quiet: bool = False) -> None:
        """What happens in it, then the run that begins in it; the clock goes on to the next."""
        self.runs += 1
        found = self._live(is_quiet=is_quiet)
        if minute >= 0 and not is_quiet:
            self.open_shards.append(found["open"])
        self.quiet_shard_runs += found["quiet_open"]
        world, run_id = self.world, f"run{self.runs}"
        world.strikes.begin(minute, is_calm=is_calm)
        self._set_index(minute)
        for due, zombie in list(self.zombies):
            if due <= minute or is_calm:
                zombie.wake()
                self.zombies.remove((due, zombie))
        rng = random.Random(f"{self.seed} runs {minute}")
        chance = 1.0 if is_calm else rng.random()
        if chance < TOGETHER:
            self.events["two runs at once"] += 1
            two_at_once(world, run_id, rng.getrandbits(32))
        elif chance < TOGETHER + SLEEPY:
            zombie = Zombie(world, run_id, rng.randrange(60))
            if zombie.start():
                self.events["run asleep for 20 minutes"] += 1
                self.zombies.append((minute + SLEEP_MINUTES, zombie))
        else:
            world.minute(run_id)
        world.clock.advance(60 - world.clock.now() % 60)

    def _live(self, *, is_quiet: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = self.client.do("minute", is_quiet=is_quiet)
        self.events.update(found["events"])
        return found

    def _set_index(self, minute: int) -> None:
        begins, lasts = self.plan.away_at, self.plan.away_for
        index = self.world.soak_index
        index.away = AWAY[(minute - begins) * len(AWAY) // lasts] if begins <= minute < begins + lasts else None
        self.events["minutes without OpenSearch"] += index.away is not None

    def _end(self) -> None:
        self.client.clear_faults()
        for minute in range(self.minutes, self.minutes + CALM_MINUTES):
            self._minute(minute, is_calm=True, is_quiet=True)
        self.counts = self.client.counts()

    def _tell(self, what: str, seconds: float) -> None:
        calls = self.client.counts()["operations"].get("GetRecords", 0)
        self.told(
            f"{what}  {self.runs:5,} runs  {calls:10,} GetRecords  {len(self.world.rows.commits):7,} commits"
            f"  {len(self.world.soak_index.kept):9,} documents  {self.open_shards[-1]:4d} shards open  {seconds:6.0f} s"
        )


@dataclass(frozen=True)
class _Plan:
    """Which table meets what, and in which minute."""

    late: frozenset[str]
    joins: tuple[int, int]
    outage: int
    leaves: int
    leave_at: int
    switches: int
    switch_at: int
    away_at: int
    away_for: int


def _plan(tables: list[TableSize], minutes: int) -> _Plan:
    """At least four tables: the last one or two come late, a hot one is not captured, others leave and are switched."""
    count = len(tables)
    late = frozenset(size.name for size in tables[-2:]) if count > 5 else frozenset({tables[-1].name})
    return _Plan(
        late=late,
        joins=(minutes // 6, minutes // 4),
        outage=3 if count > 5 else 0,
        leaves=1,
        leave_at=minutes * 2 // 5,
        switches=4 if count > 5 else 2,
        switch_at=minutes * 3 // 5,
        away_at=minutes * 3 // 10,
        away_for=min(60, minutes // 4),
    )
