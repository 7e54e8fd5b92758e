"""How fast records get from stream pages into OpenSearch, against raw bulk requests of the same documents.

    python benchmarks/capture_into_opensearch.py [--pages N] [--rounds N] [--store memory|s3]

It needs `tabletrail local up`, no deployment. In one run, alternating, each round into an index of its
own, made by the index owner as in production and removed at the end:

    raw        bulk requests prepared beforehand, sent one after the other by the functions' own client
    capture    the real Capture: pages (bytes in memory) -> json.loads -> entries -> segment -> commit -> bulk -> mark

A page is 1,000 records of 20 attributes with both images, about 2 MB. Checkpoints are the tests' fakes, since a commit
is one request a segment. The store is memory, or with --store s3 the bucket of the local AWS. Both sides have the same
client, user, number of documents and bytes. The goal: at least half of the raw rate.
"""

# ruff: noqa: ARG002 -- the port's signatures

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' fakes

from benchmarks.conversion import CONVERSION, SOURCE, make_reply
from tabletrail.aside import InThread
from tabletrail.aws.clients import s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.opensearch import OpenSearchIndex, OpenSearchKeeper
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.capture import Capture, CaptureTask
from tabletrail.conversions import Conversions
from tabletrail.core.bulk import requests
from tabletrail.core.checkpoint import ShardRow, StreamRow
from tabletrail.core.entry import convert
from tabletrail.core.periods import index_of
from tabletrail.core.segment import encode
from tabletrail.index import Breaker, Indexer
from tabletrail.parts import PartMaker
from tabletrail.ports import Page, SegmentStore, Shard, StreamView
from tabletrail.staging import Stager
from tabletrail_local import info
from tests.fakes.checkpoints import FakeCheckpoints, Rows
from tests.fakes.rules import FakeRules, FakeTokenKey
from tests.fakes.segments import FakeSegments, FakeSegmentStore
from tests.ports.local_tables import make_bucket
from tests.ports.opensearch_server import Server, settings_for

GOAL = 0.5
FIRST_YEAR = 2150
"""Months that no one else writes to; each round has one of its own."""
SECONDS = 600


@dataclass
class PagesInMemory:
    """`StreamReader` over prepared replies of one shard; parsing them is part of the work, as in the real one."""

    replies: list[bytes]

    def read(self, iterator: str) -> Page:
        place = int(iterator)
        if place == len(self.replies):
            return Page([], iterator, 60)
        body = self.replies[place]
        return Page(json.loads(body)["Records"], str(place + 1), len(body))

    def iterator_after(self, stream_arn: str, shard_id: str, sequence_no: str | None) -> str:
        return "0"

    def children(self, stream_arn: str, shard_id: str) -> tuple[Shard, ...]:
        return ()

    def describe(self, stream_arn: str) -> StreamView:
        raise NotImplementedError


def month_start(number: int) -> int:
    return int(datetime(FIRST_YEAR + number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp())


def make_pages(pages: int, start: int) -> list[bytes]:
    """Distinct pages whose records follow each other; all of them in the month that begins at `start`."""
    made = []
    for number in range(pages):
        reply = json.loads(make_reply(seed=number))
        for place, record in enumerate(reply["Records"]):
            change = record["dynamodb"]
            change["SequenceNumber"] = str(10**20 + number * 10**9 + place)
            change["ApproximateCreationDateTime"] = start + number * 25 + place // 40
        made.append(json.dumps(reply, separators=(",", ":")).encode())
    return made


def prepared_bulk(replies: list[bytes], bulk_bytes: int) -> list[bytes]:
    """The requests that the capture would send, made beforehand."""
    entries = [convert(record, SOURCE, CONVERSION) for reply in replies for record in json.loads(reply)["Records"]]
    documents = encode("benchmark", "benchmark", "g0", (), entries).documents
    items = ((entry.id, entry.index, body) for entry, body in zip(entries, documents, strict=True))
    return [request.body for request in requests(items, bulk_bytes)]


@dataclass
class Bench:
    """One run over the stack's OpenSearch. `store` is None for memory."""

    server: Server
    store: SegmentStore | None
    clock: SystemClock = field(default_factory=SystemClock)
    _month: int = 0

    def raw(self, pages: int) -> float:
        """Documents a second."""
        with self._index() as start:
            settings = settings_for(self.server.stack.opensearch_url)
            bodies = prepared_bulk(make_pages(pages, start), settings.bulk_bytes)
            index = OpenSearchIndex(self.server.client("writer"))
            began = time.perf_counter()
            for body in bodies:
                assert index.create(body).status == 200
            seconds = time.perf_counter() - began
            self._check(start, pages * 1000)
        return pages * 1000 / seconds

    def capture(self, pages: int) -> float:
        with self._index() as start:
            capture = self._make_capture(make_pages(pages, start))
            task = CaptureTask("benchmark", "g0", int(self.clock.now()) + SECONDS)
            began = time.perf_counter()
            result = capture.run(task)
            seconds = time.perf_counter() - began
            assert (result.entries, result.waiting, result.failures) == (pages * 1000, 0, []), result
            self._check(start, pages * 1000)
        return pages * 1000 / seconds

    def _make_capture(self, replies: list[bytes]) -> Capture:
        settings = settings_for(self.server.stack.opensearch_url)
        rows, clock, stream = Rows(), self.clock, PagesInMemory(replies)
        rows.streams[SOURCE.stream_arn] = StreamRow(
            SOURCE.stream_arn, SOURCE.table_name, SOURCE.table_arn, SOURCE.table_id, SOURCE.account, SOURCE.region
        )
        rows.store_shard(ShardRow(SOURCE.stream_arn, SOURCE.shard_id, parent_processed=True, group_id="g0"), 0)
        index = OpenSearchIndex(self.server.client("writer"))
        conversions = Conversions(FakeRules(), FakeTokenKey().read, settings.index_period, settings.actor_attribute)
        return Capture(
            FakeCheckpoints(rows, clock),
            FakeSegments(rows, clock),
            stream,
            Stager(self.store or FakeSegmentStore(), clock),
            Indexer(index, Breaker(clock), settings.bulk_bytes),
            PartMaker(stream, clock, settings, conversions),
            clock,
            settings,
            InThread(),
        )

    @contextmanager
    def _index(self) -> Iterator[int]:
        """A month's index, made now and removed afterwards; gives the month's first second."""
        start = month_start(self._month)
        self._month += 1
        name = index_of(start, "month")
        self.server.ask("admin", "DELETE", f"/{name}")  # of a run that was ended
        assert OpenSearchKeeper(self.server.client("index-owner")).ensure(name)
        try:
            yield start
        finally:
            self.server.ask("admin", "DELETE", f"/{name}")

    def _check(self, start: int, documents: int) -> None:
        name = index_of(start, "month")
        self.server.ask("admin", "POST", f"/{name}/_refresh")
        found = self.server.ask("admin", "GET", f"/{name}/_count").data["count"]
        assert found == documents, f"{found} of {documents} documents are in {name}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Pages into OpenSearch: capture against raw bulk requests")
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--store", choices=("memory", "s3"), default="memory")
    args = parser.parse_args()
    stack = info.load()
    store = None
    if args.store == "s3":
        client = s3_client(stack.session())
        store = BucketSegmentStore(client, make_bucket(client))
    bench = Bench(Server(stack), store)
    bench.server.install()
    bench.raw(2)  # connections, and OpenSearch's own warming up
    print(f"{args.pages * 1000:,} documents a side and round; store: {args.store}\n")
    print(f"{'round':>5}{'raw bulk, docs/s':>18}{'capture, docs/s':>18}{'ratio':>8}")
    ratios = []
    for number in range(args.rounds):
        raw, ours = bench.raw(args.pages), bench.capture(args.pages)
        ratios.append(ours / raw)
        print(f"{number + 1:>5}{raw:>18,.0f}{ours:>18,.0f}{ratios[-1]:>8.2f}", flush=True)
    middle = statistics.median(ratios)
    print(f"\nmedian ratio {middle:.2f}; goal of {GOAL} {'met' if middle >= GOAL else 'MISSED'}")
    return 0 if middle >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
