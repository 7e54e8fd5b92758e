"""What a soak's log says, read once from the segments' objects: where each record stands, and each gap.

Called by `checking`.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tabletrail.core.segment import Line, read
from tests.soak.memory import Kept, committed, kept_of
from tests.soak.soak_world import SoakWorld
from tests.validation import assert_valid_entry

VALIDATED = 25
"""Each so-many-th entry is held against the schema: of 100,000 that is enough, and takes seconds."""
Shard = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Gap:
    """`behind` and `before` are the shard's records around it in the log, as numbers; `shard` is empty for a whole
    stream's gap."""

    stream: str
    shard: str
    reason: str
    at: float
    """When it was noticed, seconds since the epoch."""
    behind: int
    before: list[int]
    """Filled by the shard's next record."""

    def covers(self, stream: str, shard: str, sequence: int, *, is_known: bool) -> bool:
        """`is_known`: the shard had a row before the loss, which can tell of it: a stream's gap does not cover it."""
        if self.stream != stream:
            return False
        if not self.shard:
            return self.reason == "unwatched" and not is_known
        return self.shard == shard and self.behind < sequence and (not self.before or sequence < self.before[0])


@dataclass
class Log:
    """`places` tells where in the log a record stands (stream, sequence number -> ordinal of its line)."""

    records: dict[Shard, list[int]] = field(default_factory=lambda: defaultdict(list))
    places: dict[tuple[str, int], int] = field(default_factory=dict)
    timestamps: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    """What searches sort by: @timestamp and sequence_key."""
    gaps: list[Gap] = field(default_factory=list)
    ids: dict[str, Kept] = field(default_factory=dict)
    doubles: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    late: set[str] = field(default_factory=set)
    """Streams of which the log says that a shard was listed late: its changes stand behind those of its children."""
    lines: int = 0
    segments: int = 0
    compressed: int = 0


def read_log(world: SoakWorld) -> Log:
    log = Log()
    for row in committed(world.rows):
        body = world.store.get(row.key, row.version_id)
        if hashlib.sha256(body).hexdigest() != row.sha256 or len(body) != row.size:
            log.damage.append(f"segment {row.segment_id} is not what its row says")
        lines = [line for line in read(body) if isinstance(line, Line)]
        if len(lines) != row.entries:
            log.damage.append(f"segment {row.segment_id} has {len(lines)} lines, its row says {row.entries}")
        log.segments += 1
        log.compressed += len(body)
        for line in lines:
            _take(log, line.entry)
    return log


def _take(log: Log, entry: dict[str, Any]) -> None:
    log.lines += 1
    if log.lines % VALIDATED == 0:
        assert_valid_entry(entry)
    id_ = entry["event"]["id"]
    if id_ in log.ids:
        log.doubles.append(f"entry {id_} stands twice in the log: {entry.get('stream')}")
    log.ids[id_] = kept_of(entry["log"]["index"], entry)
    kind, stream = entry["tabletrail"]["kind"], entry.get("stream", {})
    log.kinds[kind] += 1
    if kind in ("change", "unreadable"):
        _take_record(log, entry, stream["arn"], stream["shard"], int(stream["sequence"]))
    elif kind == "gap":
        gap = entry["tabletrail"]["gap"]
        behind = int(gap.get("last_position") or 0)
        at = datetime.fromisoformat(entry["@timestamp"]).timestamp()
        log.gaps.append(Gap(stream["arn"], stream.get("shard", ""), gap["reason"], at, behind, []))
    elif kind == "coverage" and entry["tabletrail"]["coverage"]["what"] == "shard_late":
        log.late.add(stream["arn"])


def _take_record(log: Log, entry: dict[str, Any], arn: str, shard: str, sequence: int) -> None:
    if (arn, sequence) in log.places:
        log.doubles.append(f"record {sequence} of {arn} {shard} stands twice in the log")
    log.places[arn, sequence] = log.lines
    log.timestamps[arn, sequence] = (entry["@timestamp"], entry["event"]["sequence_key"])
    log.records[arn, shard].append(sequence)
    for gap in log.gaps:
        if gap.stream == arn and gap.shard == shard and not gap.before:
            gap.before.append(sequence)
