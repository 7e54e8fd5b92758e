"""One stream: its shards over the generations, which of them an item's changes go to, and the truth of all it got.

Rules
- At any moment of an enabled stream each virtual partition is covered by exactly one open shard.
- Sequence numbers come from one row for the whole stream: a child's are larger than its parents', so that an item's
  changes are in numeric order over all generations. Their length grows early on: compared as text they go wrong.
- `truth` names every record ever written, trimmed or not, in the order of writing.

Called by `laboratory`, which holds the lock and gives the time.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right, insort
from itertools import pairwise
from typing import Any

from tabletrail_lab.errors import LabError, shard_not_found
from tabletrail_lab.keys import PARTITIONS, key_text, partition_of
from tabletrail_lab.shards import Shard

RETENTION = 86_400.0
"""Seconds that a record is kept."""
LINGER = 3_600.0
"""Seconds that a wholly trimmed shard stays in the listing."""


class Stream:
    """`keys` are the names of the table's key attributes, partition key first; learnt from the first record if None."""

    def __init__(
        self,
        arn: str,
        table_name: str,
        label: str,
        view_type: str,
        keys: list[str] | None,
        rng: random.Random,
        at: float,
        retention: float = RETENTION,
    ) -> None:
        self.arn, self.table_name, self.label, self.view_type, self.keys = arn, table_name, label, view_type, keys
        self.created_at, self.retention = at, retention
        self.disabled_at: float | None = None
        self.dropped = False
        self.adopted = False
        """Whether its records come from a source."""
        self.shards: list[Shard] = []
        self.relayed: dict[str, dict[str, Any]] = {}
        """By a source's shard: how far its records were taken over."""
        self._rng = rng
        self._number: int = 10 ** rng.randint(21, 24) - rng.randint(2_000, 20_000)
        self._by_id: dict[str, Shard] = {}
        self._listed: list[str] = []
        self._open: list[Shard] = []
        self._lows: list[int] = []
        self._order_shards, self._order_indexes = array("L"), array("L")
        self._details: list[str] = []

    # Shards

    def open_first(self, count: int, at: float) -> None:
        """The stream's first shards, which cover all partitions evenly."""
        if not 1 <= count <= PARTITIONS:
            raise LabError(f"a stream begins with 1 to {PARTITIONS} shards")
        edges = [PARTITIONS * place // count for place in range(count + 1)]
        for low, high in pairwise(edges):
            self._add_shard(None, (low, high), at)
        self._cover(count)

    def roll(self, shard: Shard, at: float) -> Shard:
        self.close(shard, at)
        child = self._add_shard(shard, (shard.low, shard.high), at)
        self._cover(1)
        return child

    def split(self, shard: Shard, at: float) -> tuple[Shard, Shard]:
        if shard.high - shard.low < 2:
            raise LabError(f"{shard.shard_id} covers one partition, which cannot be split: roll it")
        self.close(shard, at)
        middle = (shard.low + shard.high) // 2
        left = self._add_shard(shard, (shard.low, middle), at)
        right = self._add_shard(shard, (middle, shard.high), at)
        self._cover(2)
        return left, right

    def disable(self, at: float) -> None:
        for shard in list(self._open):
            self.close(shard, at)
        self._cover(0)
        self.disabled_at = at

    def close(self, shard: Shard, at: float) -> None:
        if not shard.is_open:
            raise LabError(f"{shard.shard_id} is closed already: its children are {_ids(shard.children)}")
        shard.close(self.next_number(), at)

    def shard(self, shard_id: str, now: float) -> Shard:
        """One that the service still knows; ResourceNotFoundException for any other."""
        shard = self._by_id.get(shard_id)
        if shard is None or shard.is_gone(self.forgotten(now)):
            raise shard_not_found()
        return shard

    def known_shard(self, shard_id: str) -> Shard:
        """One of the laboratory's own records, gone or not."""
        if shard_id not in self._by_id:
            raise LabError(f"{self.table_name} has no shard {shard_id}: `shards` lists them")
        return self._by_id[shard_id]

    def children_of(self, shard_id: str) -> list[Shard]:
        """Empty for a shard that never was."""
        shard = self._by_id.get(shard_id)
        return list(shard.children) if shard is not None else []

    def open_shards(self) -> list[Shard]:
        return list(self._open)

    def listing(self, behind: str | None, now: float) -> list[Shard]:
        """All that the service still knows, by id, behind an id that it need not know any more."""
        before = self.forgotten(now)
        start = bisect_right(self._listed, behind) if behind else 0
        shards = [self._by_id[shard_id] for shard_id in self._listed[start:]]
        return [shard for shard in shards if not shard.is_gone(before)]

    def oldest(self, now: float) -> float:
        """Records written up to this moment are trimmed."""
        return now - self.retention

    def forgotten(self, now: float) -> float:
        """Shards closed up to this moment are gone."""
        return now - self.retention - LINGER

    def is_gone(self, now: float) -> bool:
        return self.dropped or (self.disabled_at is not None and self.disabled_at <= self.forgotten(now))

    def covering(self, keys: dict[str, Any]) -> Shard:
        """The open shard that this item's changes go to."""
        if self.keys is None:
            self.keys = sorted(keys)
        if not self._open:
            raise LabError(f"the stream {self.arn} is disabled: write to the table's newer one")
        value = keys.get(self.keys[0])
        if value is None:
            raise LabError(f"Keys lacks {self.keys[0]}, the partition key of {self.table_name}")
        return self._open[bisect_right(self._lows, partition_of(value)) - 1]

    # Records

    def next_number(self) -> int:
        self._number += self._rng.randint(1, 40)
        return self._number

    def append(self, shard: Shard, record: bytes, number: int, facts: tuple[str, str, Any], at: float) -> None:
        """Writes a record; `facts` are its event's id and name and its keys."""
        event_id, event_name, keys = facts
        index = shard.append(record, number, at)
        self._order_shards.append(shard.ordinal)
        self._order_indexes.append(index)
        self._details.append(f"{event_id}\t{event_name}\t{key_text(keys)}")

    def truth(self, start: int, limit: int, now: float) -> list[dict[str, Any]]:
        """The records from the `start`th on."""
        oldest, forgotten = self.oldest(now), self.forgotten(now)
        found = []
        for place in range(start, min(len(self._details), start + limit)):
            shard, index = self.shards[self._order_shards[place]], self._order_indexes[place]
            event_id, event_name, key = self._details[place].split("\t", 2)
            written = shard.written[index]
            is_trimmed = written <= oldest
            found.append(
                {
                    "shard_id": shard.shard_id,
                    "parent_shard_id": None if shard.parent is None else shard.parent.shard_id,
                    "sequence": str(shard.numbers[index]),
                    "event_id": event_id,
                    "event_name": event_name,
                    "key": key,
                    "written_at": written,
                    "trimmed": is_trimmed,
                    "trimmed_at": written + self.retention if is_trimmed else None,
                    "vanished": shard.vanished_at is not None,
                    "readable": not (is_trimmed or self.dropped or shard.is_gone(forgotten)),
                }
            )
        return found

    @property
    def count(self) -> int:
        """Records ever written."""
        return len(self._details)

    def _add_shard(self, parent: Shard | None, covers: tuple[int, int], at: float) -> Shard:
        shard_id = f"shardId-{int(at * 1_000):020d}-{self._rng.getrandbits(32):08x}"
        while shard_id in self._by_id:
            shard_id = f"shardId-{int(at * 1_000):020d}-{self._rng.getrandbits(32):08x}"
        shard = Shard(shard_id, len(self.shards), parent, covers, self.next_number(), at)
        self.shards.append(shard)
        self._by_id[shard_id] = shard
        insort(self._listed, shard_id)
        if parent is not None:
            parent.children.append(shard)
        return shard

    def _cover(self, new: int) -> None:
        """Takes up the `new` newest shards and leaves what has closed."""
        candidates = self._open + self.shards[len(self.shards) - new :]
        self._open = sorted((shard for shard in candidates if shard.is_open), key=lambda shard: shard.low)
        self._lows = [shard.low for shard in self._open]


def _ids(shards: list[Shard]) -> str:
    return ", ".join(shard.shard_id for shard in shards) or "none, as the stream was disabled"
