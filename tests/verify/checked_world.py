"""A log by the real writing path with all that a log may hold, and the checker over it.

`eventful_world()` has rolls, splits, finished shards whose rows have expired, unreadable records, gaps, parked and
retried entries, a table that left, several indices and segments that are not indexed yet. Nothing is wrong with it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.entry import hash_of_document, retried_entry
from tabletrail_verify.cut import Tables as Names
from tabletrail_verify.findings import Finding
from tabletrail_verify.shown_values import Key, no_key
from tabletrail_verify.state import State
from tabletrail_verify.verification import Clients, Result, Verification, Wish
from tests.fakes.faulty import Plan as Faults
from tests.faults.world import SETTINGS, World
from tests.validation import validator
from tests.verify.stand_ins import Objects, Search, Streams, Tables

HOUR = 3600
LONG_AGO = 1_800_000_000 - 40 * 24 * HOUR
"""A record's time in an index of an earlier month."""


def text(value: str) -> dict[str, Any]:
    return {"S": value}


def eventful_world() -> World:
    """A copy of its own for each test."""
    world = _eventful_world()
    return deepcopy(world, {id(world.faults): Faults()})  # the plan of faults holds a lock, and is empty


@cache
def _eventful_world() -> World:
    world = World()
    world.index.refuses = _is_refused
    orders, items = world.add_table("orders", 2), world.add_table("items", 1)
    for turn in range(3):
        for shard in ("shard-0", "shard-1"):
            _write(world, orders, shard, f"paid {turn}", 4)
        _write(world, items, "shard-0", f"small {turn}", 2)
        world.run()
    _write(world, orders, "shard-1", "refuse me", 1)
    _write(world, orders, "shard-1", "wanted", 1)
    world.write(items, "shard-0", 2, event="NO SUCH EVENT")
    world.run()
    world.index.ensure("tabletrail-v1-2026.12")
    _write(world, items, "shard-0", "of another month", 1, created=LONG_AGO)
    world.stream.split(orders, "shard-0", "left", "right")
    world.stream.split(orders, "shard-1", "rolled")
    for child in ("left", "right", "rolled"):
        _write(world, orders, child, "in a child", 3)
    world.run()
    world.run()
    _retry_parked(world)
    _grow_old(world, orders)
    _write(world, orders, "rolled", "after all that", 2)
    world.index.turn_away(503)
    world.run()
    return world


def _is_refused(document: dict[str, Any]) -> bool:
    return bool(document.get("after", {}).get("note") == "refuse me")


def _write(world: World, arn: str, shard: str, note: str, count: int, **record: Any) -> None:
    world.write(arn, shard, count, old={"note": text("before")}, new={"note": text(note)}, **record)


def _retry_parked(world: World) -> None:
    """Whoever mends an index puts the full entry in beside the reduced one."""
    parked = [one for one in world.index.documents().values() if one["tabletrail"]["kind"] == "parked"]
    assert len(parked) == 1
    full = next(entry for entry in world.lines() if entry["event"]["id"] == parked[0]["event"]["id"])
    retried = json.loads(retried_entry(full))
    world.index.indices[full["log"]["index"]][retried["event"]["id"]] = retried


def _grow_old(world: World, orders: str) -> None:
    """The parents of the split are forgotten by the stream, their rows by the table; a child's records by both."""
    for shard in ("shard-0", "shard-1"):
        world.stream.forget_shard(orders, shard)
    _write(world, orders, "left", "read by nobody", 2)
    world.clock.advance(100 * HOUR)
    world.stream.trim(orders, "left", 5)
    world.run()
    world.checkpoints().expire_rows()
    assert not any(key.shard_id in ("shard-0", "shard-1") for key in world.rows.shards if key.stream_arn == orders)


@dataclass
class Checked:
    """The checker and what it is shown: each client can be made to show something else."""

    world: World
    directory: Path
    wish: Wish = field(default_factory=Wish)
    key: Key = no_key

    def __post_init__(self) -> None:
        self.tables, self.objects = Tables(self.world), Objects(self.world)
        self.streams, self.search = Streams(self.world), Search(self.world)
        self.told: list[str] = []

    def verification(self, state: State) -> Verification:
        return Verification(
            Clients(self.tables, self.objects, self.streams, self.search),
            Names(SETTINGS.streams_table, SETTINGS.shards_table, SETTINGS.segments_table),
            SETTINGS.segments_bucket,
            state,
            self.wish,
            first_misfit,
            lambda what, *_: self.told.append(what),
            self.world.clock.now,
            self.world.clock.sleep,
            key=self.key,
        )

    def run(self) -> tuple[Result, list[Finding]]:
        state = State(self.directory)
        try:
            verification = self.verification(state)
            return verification.run(), list(verification.findings(10_000))
        finally:
            state.close(finished=True)

    def findings(self) -> list[Finding]:
        return self.run()[1]

    def codes(self) -> set[str]:
        return {finding.code for finding in self.findings()}

    # Damage

    def rewrite(
        self, row: SegmentRow, change: Callable[[list[dict[str, Any]]], None], *, row_too: bool = False
    ) -> None:
        """The segment's lines changed and packed again as canonical JSON; `row_too` makes the row agree in size and
        hash, as whoever can write both would."""
        _, body = self.world.store.objects[row.key]
        lines = [json.loads(line) for line in gzip.decompress(body).splitlines()]
        change(lines)
        packed = b"".join(
            json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            for line in lines
        )
        self.replace_bytes(row, gzip.compress(packed, mtime=0), row_too=row_too)

    def replace_bytes(self, row: SegmentRow, body: bytes, *, row_too: bool = False) -> None:
        self.objects.replaced[row.key] = body
        if row_too:
            item = self.tables.segment(row.segment_id)
            item["sha256"], item["size"] = {"S": sha256(body).hexdigest()}, {"N": str(len(body))}
            self.tables.changes[row.segment_id] = item


def sealed(entry: dict[str, Any]) -> None:
    """Gives an altered entry the hash of its new content, as a careful forger would."""
    entry["event"]["hash"] = hash_of_document(entry)


def in_turn(*changes: Callable[[Any], Any]) -> Callable[[Any], None]:
    """One change after the other."""

    def change(value: Any) -> None:
        for one in changes:
            one(value)

    return change


def first_misfit(entry: Any) -> str:
    error = next(validator().iter_errors(entry), None)
    return error.json_path if error else ""


def segments_of(world: World, stream: str, shard: str) -> list[SegmentRow]:
    """Those with a link of that shard, in the order of its chain."""
    rows = [commit.segment for commit in world.rows.commits if commit.segment]
    return [row for row in rows if any((one.stream_arn, one.shard_id) == (stream, shard) for one in row.links)]
