"""The fleet as the laboratory's own process lives it: twenty tables of all sizes, hot and quiet, minute by minute.

Rules
- Everything follows from the seed and from laboratory time: sizes, rates, rolls, splits, troubles, changes, poison.
- `minute` does all that is due in one command, so that a laboratory day costs 1,440 requests and not 100,000.
- An hour's changes are not spread evenly: a hot table has a burst now and then, a quiet one has minutes without any.

Called by `laboratory_process`; `story` gives the commands over HTTP.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tabletrail_lab.clocks import LabClock
from tabletrail_lab.commands import command
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.plan import Chances, Plan

HOT_PER_SHARD = 0.5
"""Changes a minute of a hot table's shard; a quiet table has one in twenty minutes."""
QUIET_PER_TABLE = 0.05
BURST, BURST_CHANCE = 40, 0.01
POISON_CHANCE, REFUSED_CHANCE = 0.04, 0.04
"""Of the fleet in each minute: a record that no entry can be made of; one whose document OpenSearch refuses."""
REFUSED_NOTE = "refuse me"
CHANCES = Chances(fault=0.3, longest_run=80, hold_seconds=0.02)


@dataclass(frozen=True, slots=True)
class TableSize:
    name: str
    shards: int
    is_hot: bool


def sizes(tables: int, shards: int) -> list[TableSize]:
    """So many tables with so many shards together, a few large and many small; every third one is hot."""
    weights = [1 / (number + 1) for number in range(tables)]
    counts = [max(1, int(shards * weight / sum(weights))) for weight in weights]
    counts[0] += shards - sum(counts)
    return [TableSize(f"table-{number:02d}", count, number % 3 == 0) for number, count in enumerate(counts)]


class FleetLaboratory(Laboratory):
    """A laboratory whose tables change by themselves, one minute for each `minute`."""

    def __init__(self, clock: LabClock, seed: int) -> None:
        super().__init__(clock, seed=seed)
        self._seed = seed
        self._sizes: dict[str, TableSize] = {}
        self._changing: set[str] = set()
        self._plan: Plan | None = None

    @command
    def open_table(self, table: str, shards: int, is_hot: bool) -> str:
        """A table that changes from now on; its stream's ARN."""
        self._sizes[table] = TableSize(table, shards, is_hot)
        self._changing.add(table)
        return str(self.add_stream(table, shards=shards, keys=["id"]))

    @command
    def fall_silent(self, table: str) -> None:
        """Nothing is written to the table any more."""
        self._changing.discard(table)

    @command
    def switch(self, table: str) -> str:
        """Its stream is switched off and on; the new one's ARN."""
        arn = next(stream["stream_arn"] for stream in self.streams() if stream["table_name"] == table)
        shards = len(self.open_shards(arn))
        self.disable(arn)
        return str(self.enable(table, shards=shards))

    @command
    def cpu(self) -> float:
        """Seconds of a core that this process has used."""
        return time.process_time()

    @command
    def minute(self, is_quiet: bool = False) -> dict[str, Any]:
        """What happens in this minute. `is_quiet`: nothing, it is only counted."""
        if self._plan is None:
            self._plan = Plan(self._seed, self, CHANCES)
        events: Counter[str] = Counter()
        if not is_quiet:
            for event in self._plan.step():
                events[event.do.replace("_", " ")] += event.do != "fault"  # those that struck are counted there
            self._change(events)
        streams = [stream for stream in self.streams() if stream["enabled"]]
        count = {stream["table_name"]: len(stream["open_shards"]) for stream in streams}
        quiet = sum(number for name, number in count.items() if name in self._changing and not self._sizes[name].is_hot)
        return {"open": sum(count.values()), "quiet_open": quiet, "events": dict(events)}

    def _change(self, events: Counter[str]) -> None:
        minute = int(self.now() // 60)
        arns = {stream["table_name"]: stream["stream_arn"] for stream in self.streams() if stream["enabled"]}
        for name in sorted(self._changing & arns.keys()):
            rng = random.Random(f"{self._seed} {name} {minute}")
            size = self._sizes[name]
            rate = HOT_PER_SHARD * size.shards if size.is_hot else QUIET_PER_TABLE
            count = int(rate) + (rng.random() < rate % 1)
            if size.is_hot and rng.random() < BURST_CHANCE:
                count *= BURST
                events["burst"] += 1
            if count:
                self.generate(arns[name], count, items=20 * size.shards, seed=minute)
        names = sorted(self._changing & arns.keys())
        if names:
            rng = random.Random(f"{self._seed} odd {minute}")
            self._odd(rng, arns[rng.choice(names)], minute, events)

    def _odd(self, rng: random.Random, arn: str, minute: int, events: Counter[str]) -> None:
        keys = {"id": {"S": f"poison-{minute}"}}
        if rng.random() < POISON_CHANCE:
            record = rng.choice(
                [
                    {"eventName": "NO SUCH EVENT", "dynamodb": {"Keys": keys}},
                    {"eventName": "MODIFY", "dynamodb": {"Keys": keys, "NewImage": {"n": {"N": "not a number"}}}},
                    {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": "no image"}},
                ]
            )
            self.write_poison(arn, record)
            events["poison"] += 1
        if rng.random() < REFUSED_CHANCE:
            keys = {"id": {"S": f"refused-{minute}"}}
            image = keys | {"note": {"S": REFUSED_NOTE}}
            self.write(arn, [{"eventName": "INSERT", "Keys": keys, "NewImage": image}])
            events["refused document"] += 1
