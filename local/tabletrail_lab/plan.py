"""A plan: what befalls each stream and when, from a seed.

Rules
- What happens to a shard or in a minute follows from the seed, the table and the shard's place alone, by laboratory
  time: the same seed tells the same story, also over a restart, and whatever is written meanwhile.
- Each open shard rolls when it is about four hours old, and some split instead.
- The clock is not touched: `step(until)` does what is due by then, in the order of time.

Called by `python -m tabletrail_lab --plan` and by tests, over a `Laboratory` or a `LabClient`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tabletrail_lab.errors import LabError

MINUTE = 60.0
_FAULTS = (
    ("GetRecords", "throttle"),
    ("GetRecords", "internal"),
    ("GetRecords", "lost_reply"),
    ("GetRecords", "close"),
    ("DescribeStream", "throttle"),
    ("DescribeStream", "internal"),
    ("DescribeStream", "lost_reply"),
    ("GetShardIterator", "internal"),
    ("GetShardIterator", "lost_reply"),
    ("GetRecords", "timeout"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that befell: the time it was due, the table (empty: the account), what was done and with what."""

    at: float
    table: str
    do: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chances:
    """`roll_seconds`: a shard's age when it rolls, give or take a quarter. The rest are probabilities: that a roll is
    a split (while a table has fewer than `most_shards` open), and, for each table and minute, of what the name says."""

    roll_seconds: float = 4 * 3_600.0
    split: float = 0.05
    most_shards: int = 64
    last_records: float = 0.2
    empty_run: float = 0.01
    quiet_tip: float = 0.01
    late_children: float = 0.01
    parent_open: float = 0.01
    miss_parent: float = 0.005
    fault: float = 0.2
    """Of the account, in each minute."""
    longest_run: int = 200
    """Most empty pages of one run."""
    hold_seconds: float = 1.0
    """How long a timeout holds its connection, by the computer's clock."""
    vanish: float = 0.0
    """Loses records, as the one below may for a slow reader: on request only."""
    switch: float = 0.0
    """Off and on, under a new ARN."""


class Plan:
    """Over a `Laboratory` or a `LabClient`. `since`: what was due before is not made up for; now, if None.
    `tables`: only these; all, if None."""

    def __init__(
        self,
        seed: int,
        laboratory: Any,
        chances: Chances | None = None,
        *,
        since: float | None = None,
        tables: frozenset[str] | None = None,
    ) -> None:
        self.seed, self._laboratory, self._chances = seed, laboratory, chances or Chances()
        self._since: float = laboratory.now() if since is None else since
        self._tables = tables

    def step(self, until: float | None = None) -> list[Event]:
        """Does what is due up to `until` (the laboratory's present, if None) and returns it. LabError if somebody else
        made a part of it impossible; the next step goes on behind that minute."""
        until = self._laboratory.now() if until is None else until
        done: list[Event] = []
        for minute in range(int(self._since // MINUTE) + 1, int(until // MINUTE) + 1):
            self._since = minute * MINUTE  # first: what somebody else made impossible is not tried again
            done += self._minute(minute)
        self._since = max(self._since, until)
        return done

    def _minute(self, minute: int) -> list[Event]:
        at = minute * MINUTE
        done = []
        for stream in self._laboratory.streams():
            table = stream["table_name"]
            if not stream["enabled"] or (self._tables is not None and table not in self._tables):
                continue
            arn = stream["stream_arn"]
            done += self._rolls(at, table, arn)
            done += self._troubles(at, table, arn, minute)
        rng = self._chance("account", minute)
        if rng.random() < self._chances.fault:
            operation, kind = rng.choice(_FAULTS)
            arguments = {"operation": operation, "kind": kind, "count": rng.randint(1, 3)}
            if kind == "timeout":
                arguments |= {"count": 1, "seconds": self._chances.hold_seconds}
            done.append(self._do(at, "", "fault", arguments))
        return done

    def _rolls(self, at: float, table: str, arn: str) -> list[Event]:
        shards = self._laboratory.open_shards(arn)
        done, chances, count = [], self._chances, len(shards)
        for shard in shards:
            rng = self._chance(table, "shard", shard["ordinal"])
            due = shard["opened_at"] + chances.roll_seconds * (0.75 + rng.random() / 2)
            if due > at:
                continue
            low, high = shard["partitions"]
            splits = rng.random() < chances.split and count < chances.most_shards and high - low > 1
            count += splits
            last = rng.randint(1, 5) if rng.random() < chances.last_records else 0
            arguments = {"stream_arn": arn, "shard_id": shard["shard_id"], "last_records": last}
            done.append(self._do(at, table, "split" if splits else "roll", arguments))
        return done

    def _troubles(self, at: float, table: str, arn: str, minute: int) -> list[Event]:
        rng, chances, done = self._chance(table, "minute", minute), self._chances, []
        pages = rng.randint(1, chances.longest_run)
        where = rng.choice(("front", "middle", "tip"))
        if rng.random() < chances.empty_run:
            done.append(self._at_a_shard(rng, at, table, arn, "add_empty_pages", {"count": pages, "where": where}))
        if rng.random() < chances.quiet_tip:
            done.append(self._at_a_shard(rng, at, table, arn, "quiet_tip", {"pages": pages}))
        views = [n for n in ("late_children", "parent_open", "miss_parent") if rng.random() < getattr(chances, n)]
        done += [self._do(at, table, n, {"stream_arn": arn, "calls": rng.randint(1, 4)}) for n in views]
        if rng.random() < chances.vanish:
            done.append(self._at_a_shard(rng, at, table, arn, "vanish", {}))
        if rng.random() < chances.switch:
            shards = len(self._laboratory.open_shards(arn))
            done.append(self._do(at, table, "disable", {"stream_arn": arn}))
            done.append(self._do(at, table, "enable", {"table_name": table, "shards": shards}))
        return done

    def _at_a_shard(
        self, rng: random.Random, at: float, table: str, arn: str, do: str, arguments: dict[str, Any]
    ) -> Event:
        shards = self._laboratory.open_shards(arn)
        if not shards:
            raise LabError(f"{arn} was switched off while the plan was at it")
        shard = rng.choice(shards)
        return self._do(at, table, do, {"stream_arn": arn, "shard_id": shard["shard_id"], **arguments})

    def _do(self, at: float, table: str, do: str, arguments: dict[str, Any]) -> Event:
        getattr(self._laboratory, do)(**arguments)
        return Event(at, table, do, arguments)

    def _chance(self, *place: object) -> random.Random:
        return random.Random(f"{self.seed} {place}")
