"""How a backlog drains: calls and seconds of IndexSegments, with thousands of segments that wait.

    python benchmarks/drain_a_backlog.py [--segments N] [--entries N]

It needs `tabletrail local up`, no deployment. Tables, bucket and indices of its own are made and removed. `--segments`
wait, of `--entries` entries each, as after an outage of OpenSearch; a call is one of the function's, with the real
adapters. Three times:

    well       OpenSearch is back: call after call, until nothing waits
    blocked    the older half waits for an index that is read-only; how soon is the younger half through, at what cost
    away       OpenSearch is down: what one call costs then

The state machine makes at most 4 calls a minute, one after the other, so 4 times a call's segments is the rate.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' tables and stand-ins

from benchmarks.conversion import CONVERSION, SOURCE
from tabletrail.aws.clients import dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.opensearch import OpenSearchIndex, OpenSearchKeeper
from tabletrail.aws.rows import encode_segment
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.tries import Tries
from tabletrail.backlog import Backlog, BacklogResult
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.entry import convert
from tabletrail.core.periods import index_of
from tabletrail.errors import TransientError
from tabletrail.index import Breaker, Indexer
from tabletrail.ports import BulkReply
from tabletrail.staging import Stager
from tabletrail_local import info
from tests.fakes.runs import FakeLeases, FakeRunNotes
from tests.fakes.stream import make_record
from tests.ports.local_tables import drop_tables, make_bucket, make_checkpoint_tables
from tests.ports.opensearch_server import Server, settings_for

CALLS_A_MINUTE = 4
MONTHS = tuple(int(datetime(2160, month, 10, tzinfo=UTC).timestamp()) for month in (1, 2))
OLD, NEW = (index_of(start, "month") for start in MONTHS)
FIRST_COMMIT = 1_700_000_000
ROWS_A_WRITE = 25


@dataclass
class CountedIndex:
    """`EntryIndex`; `is_away` refuses to connect."""

    index: OpenSearchIndex
    calls: Counter[str]
    is_away: bool = False

    def create(self, body: bytes) -> BulkReply:
        self.calls["OpenSearch bulk"] += 1
        if self.is_away:
            raise TransientError("OpenSearch cannot be reached")
        return self.index.create(body)


@dataclass
class Bench:
    """One log of its own. `calls` counts requests by their names."""

    server: Server
    session: Any
    calls: Counter[str] = field(default_factory=Counter)
    clock: SystemClock = field(default_factory=SystemClock)
    notes: FakeRunNotes = field(default_factory=FakeRunNotes)

    def __post_init__(self) -> None:
        self.dynamodb, s3 = dynamodb_client(self.session), s3_client(self.session)
        for client in (self.dynamodb, s3):
            client.meta.events.register("before-call", self._count)
        self.tables, bucket = make_checkpoint_tables(self.dynamodb), make_bucket(s3)
        self.store = BucketSegmentStore(s3, bucket)
        self.segments = TableSegments(self.dynamodb, self.tables.segments, Tries(self.clock))
        self.index = CountedIndex(OpenSearchIndex(self.server.client("writer")), self.calls)
        self.settings = settings_for(self.server.stack.opensearch_url)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls[model.name] += 1

    def fill(self, segments: int, entries: int) -> None:
        """The older half in the first month, the younger in the second."""
        stager = Stager(self.store, self.clock)
        rows: list[SegmentRow] = []
        for number in range(segments):
            created = MONTHS[number >= segments // 2]
            records = [self._record(number * entries + place, created) for place in range(entries)]
            staged = stager.stage("benchmark", "g0", (), [convert(record, SOURCE, CONVERSION) for record in records])
            rows.append(replace(staged.row, committed_at=FIRST_COMMIT + number))
            if len(rows) == ROWS_A_WRITE or number == segments - 1:
                puts = [{"PutRequest": {"Item": encode_segment(row)}} for row in rows]
                assert not self.dynamodb.batch_write_item(RequestItems={self.tables.segments: puts})["UnprocessedItems"]
                rows.clear()

    def _record(self, number: int, created: int) -> dict[str, Any]:
        new = {"id": {"S": f"order-{number}"}, "status": {"S": "paid"}, "total": {"N": str(number)}}
        return make_record(str(10**20 + number), created=created, keys={"id": new["id"]}, new=new)

    def call(self) -> tuple[BacklogResult, Counter[str], float]:
        """One call of IndexSegments: its result, its requests, its seconds."""
        self.calls.clear()
        indexer = Indexer(self.index, Breaker(self.clock), self.settings.bulk_bytes)
        backlog = Backlog(self.segments, self.store, indexer, FakeLeases(), self.notes, self.clock, self.settings)
        began = time.perf_counter()
        result = backlog.run("benchmark")
        return result, +self.calls, time.perf_counter() - began

    @contextmanager
    def indices(self) -> Iterator[None]:
        for name in (OLD, NEW):
            self.server.ask("admin", "DELETE", f"/{name}")  # of a run that was ended
            assert OpenSearchKeeper(self.server.client("index-owner")).ensure(name)
        try:
            yield
        finally:
            for name in (OLD, NEW):
                self.server.ask("admin", "DELETE", f"/{name}")

    def block(self, value: bool | None) -> None:
        assert self.server.ask("admin", "PUT", f"/{OLD}/_settings", {"index.blocks.write": value}).ok


def tell(name: str, result: BacklogResult, calls: Counter[str], seconds: float) -> None:
    counts = ", ".join(f"{count} {call}" for call, count in sorted(calls.items()))
    print(f"{name:<22}{result.segments:>5} segments {seconds:6.2f} s   {counts}", flush=True)


def drain(bench: Bench, name: str, goal: int) -> None:
    """Call after call until so many segments are through."""
    times, done, number = [], 0, 0
    while done < goal:
        result, calls, seconds = bench.call()
        number, done = number + 1, done + result.segments
        times.append(seconds)
        if number <= 3 or done >= goal:
            tell(f"{name}, call {number}", result, calls, seconds)
        if number > 10 + goal // 50:
            raise SystemExit(f"{name}: {done} of {goal} after {number} calls: {result}")
    rate = min(CALLS_A_MINUTE, round(60 / statistics.median(times))) * bench.settings.backlog_segments
    took = f"median {statistics.median(times):.2f} s, {sum(times):.0f} s in all"
    print(f"{name}: {done} segments in {number} calls, {took}; by its schedule {rate} segments a minute", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--segments", type=int, default=5_000)
    parser.add_argument("--entries", type=int, default=20)
    args = parser.parse_args()
    stack = info.load()
    bench = Bench(Server(stack), stack.session())
    with bench.indices():
        bench.fill(args.segments, args.entries)
        bench.index.is_away = True
        tell("away, first call", *bench.call())
        tell("away, later", *bench.call())
        bench.index.is_away = False
        bench.block(True)
        drain(bench, "blocked", args.segments - args.segments // 2)
        tell("blocked, nothing else", *bench.call())
        bench.block(None)
        drain(bench, "well", args.segments // 2)
        tell("nothing waits", *bench.call())
    drop_tables(bench.dynamodb, bench.tables.streams, bench.tables.shards, bench.tables.segments)


if __name__ == "__main__":
    main()
