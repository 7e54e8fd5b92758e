"""How fast segments get into a new index, against raw bulk requests of the same documents.

    python benchmarks/reindex.py [--segments N] [--rounds N] [--lanes N]

It needs `tabletrail local up`, no deployment. In one run, alternating, each round into an index of its own:

    raw      bulk requests prepared beforehand, as many at once as there are lanes, by the functions' own client
    reindex  the real Filler: objects of the local AWS's bucket -> SHA-256 -> lines -> bulk

A segment is 5,000 records of 20 attributes with both images. Both sides have the same user, documents, size of a
request and number of lanes. The scan of the rows is left out: 1,000 of them come with one request.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' server

from benchmarks.conversion import CONVERSION, SOURCE, make_reply
from tabletrail.aws.clients import s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.opensearch import OpenSearchIndex, OpenSearchKeeper
from tabletrail.aws.opensearch_connect import connect
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.core.bulk import requests
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.entry import convert
from tabletrail.core.segment import Line, read
from tabletrail.filling import Filler
from tabletrail.staging import Stager
from tabletrail_local import info
from tests.ports.local_tables import make_bucket
from tests.ports.opensearch_server import Server, settings_for, unused_name

PAGES = 5


def stage(stager: Stager, segment: int) -> SegmentRow:
    """A committed segment's row; its object lies in the bucket."""
    entries = []
    for page in range(PAGES):
        reply = json.loads(make_reply(seed=segment * PAGES + page))
        for place, record in enumerate(reply["Records"]):
            record["dynamodb"]["SequenceNumber"] = str(10**20 + (segment * PAGES + page) * 10**6 + place)
            entries.append(convert(record, SOURCE, CONVERSION))
    return stager.stage("benchmark", "g0", (), entries).row


class Bench:
    def __init__(self, segments: int, lanes: int) -> None:
        self.server = Server(info.load())
        self.server.install()
        self.lanes = lanes
        self.settings = settings_for(self.server.stack.opensearch_url)
        client = s3_client(self.server.stack.session())
        self.store = BucketSegmentStore(client, make_bucket(client))
        stager = Stager(self.store, SystemClock())
        self.rows = [stage(stager, number) for number in range(segments)]
        self.documents = segments * PAGES * 1000

    def raw(self) -> float:
        """Documents a second."""
        with self._index() as (name, indexes):
            bodies = [body for row in self.rows for body in self._bodies(row, name)]
            with ThreadPoolExecutor(self.lanes) as executor:
                began = time.perf_counter()
                work = [
                    executor.submit(indexes[number % self.lanes].create, body) for number, body in enumerate(bodies)
                ]
                assert all(one.result().status == 200 for one in work)
                seconds = time.perf_counter() - began
            self._check(name)
        return self.documents / seconds

    def reindex(self) -> float:
        with self._index() as (name, indexes), ThreadPoolExecutor(self.lanes) as executor:
            filler = Filler(self.store, indexes, executor, SystemClock(), self.settings.bulk_bytes)
            (index,) = self.rows[0].indices
            began = time.perf_counter()
            filled = filler.fill(self.rows, index, name, "", lambda _place, _filled: None)
            seconds = time.perf_counter() - began
            assert (filled.stored, filled.damaged) == (self.documents, {}), filled
            self._check(name)
        return self.documents / seconds

    def _bodies(self, row: SegmentRow, name: str) -> list[bytes]:
        lines = [line for line in read(self.store.get(row.key, row.version_id)) if isinstance(line, Line)]
        items = ((line.id, name, line.document) for line in lines)
        return [request.body for request in requests(items, self.settings.bulk_bytes)]

    @contextmanager
    def _index(self) -> Iterator[tuple[str, list[OpenSearchIndex]]]:
        name, login = unused_name(), self.server.stack.login("writer")
        secret = self.server.secret(login.user, login.password)
        assert OpenSearchKeeper(self.server.client("index-owner")).ensure(name)
        try:
            yield name, [OpenSearchIndex(connect(self.settings, secret, 60)) for _ in range(self.lanes)]
        finally:
            self.server.ask("admin", "DELETE", f"/{name}")

    def _check(self, name: str) -> None:
        self.server.ask("admin", "POST", f"/{name}/_refresh")
        found = self.server.ask("admin", "GET", f"/{name}/_count").data["count"]
        assert found == self.documents, f"{found} of {self.documents} documents are in {name}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Segments into OpenSearch: reindex against raw bulk requests")
    parser.add_argument("--segments", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lanes", type=int, default=4)
    args = parser.parse_args()
    bench = Bench(args.segments, args.lanes)
    bench.raw()  # connections, and OpenSearch's own warming up
    print(f"{bench.documents:,} documents a side and round, {args.lanes} lanes\n")
    print(f"{'round':>5}{'raw bulk, docs/s':>18}{'reindex, docs/s':>18}{'ratio':>8}")
    ratios = []
    for number in range(args.rounds):
        raw, ours = bench.raw(), bench.reindex()
        ratios.append(ours / raw)
        print(f"{number + 1:>5}{raw:>18,.0f}{ours:>18,.0f}{ratios[-1]:>8.2f}", flush=True)
    print(f"\nmedian ratio {statistics.median(ratios):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
