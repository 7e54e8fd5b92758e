"""The product as in production over a laboratory in another process, with fakes that last a day.

`SoakWorld` is `tests.faults.world.World`; its streams are read by the product's own reader over HTTP, its clock is the
laboratory's, its ports fail as `strikes` draws it.

Called by `story` and `checking`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import boto3

from tabletrail.aws.clients import streams_client
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.core.segment import Line, read
from tabletrail.errors import TabletrailError
from tabletrail_lab.client import LabClient
from tests.fakes.clock import FakeClock
from tests.fakes.faulty import Crash
from tests.fakes.stamps import FakeListing, FakeStamps
from tests.fakes.tables import make_table
from tests.faults.world import SETTINGS, World
from tests.soak.fleet import REFUSED_NOTE
from tests.soak.lean_http import LeanSession
from tests.soak.memory import SoakCheckpoints, SoakIndex, SoakRows, SoakSegments, committed
from tests.soak.strikes import Strikes

REGION = "eu-central-1"


class SharedClock(FakeClock):
    """The product's clock and the laboratory's, always the same: whoever sleeps moves both."""

    def __init__(self, client: LabClient) -> None:
        super().__init__(client.now())
        self._client, self._lock = client, threading.Lock()

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        if seconds > 0:
            with self._lock:
                self._now = float(self._client.advance(seconds))


class SoakWorld(World):
    """`laboratory` makes the streams."""

    def __init__(self, client: LabClient, seed: int) -> None:
        super().__init__(SETTINGS, clock=SharedClock(client), rows=SoakRows())
        self.laboratory = client
        self.strikes = Strikes(seed)
        self.faults: Any = self.strikes
        indices = self.index.indices
        self.index = self.soak_index = SoakIndex()
        self.index.indices |= indices
        self.index.refuses = lambda document: document.get("after", {}).get("note") == REFUSED_NOTE
        self.stream: Any = _reader(client, self.clock)
        self.outcomes: Counter[str] = Counter()

    def audit(self, stream_arn: str) -> str:
        """The stream's table is tagged from now on, or has this stream from now on; the table's ARN."""
        table_arn = self.rows_table(stream_arn)
        name = table_arn.rpartition("/")[2]
        view = replace(make_table(name, stream="-"), arn=table_arn, stream_arn=stream_arn, partition_key="id")
        self.tables.add(view)
        return table_arn

    def minute(self, run_id: str) -> None:
        """One start of audit_run and one of index_backlog; what kills them is counted, as a state machine's end."""
        try:
            self.audit_run(run_id)
        except Crash:
            self.outcomes["run died"] += 1
        except TabletrailError:
            self.outcomes["run failed"] += 1
        try:
            self.backlog().run(f"backlog-{run_id}")
        except Crash:
            self.outcomes["backlog died"] += 1
        except TabletrailError:
            self.outcomes["backlog failed"] += 1

    def audit_run(self, run_id: str) -> None:
        """As the state machine: plan, each group, report. A dying group is a failure of its own in half of the runs,
        where the service ends one function; else the whole run dies with it."""
        plan = self.planner(run_id).run(run_id)
        if not plan["acquired"]:
            self.outcomes["run without the lease"] += 1
            return
        groups: list[dict[str, Any]] = []
        for group in plan["groups"]:
            try:
                groups.append(asdict(self.capture_until_done(group)) | {"group_id": group["group_id"]})
            except Crash:
                if int(group["group_id"][1:]) % 2:
                    raise
                groups.append({"group_id": group["group_id"], "error": "the function died"})
                self.outcomes["group died"] += 1
        self.reporter().run(run_id, plan["report"], groups)
        self.outcomes["run done"] += 1

    def _ports(self) -> dict[str, Any]:
        ports = {
            "checkpoints": SoakCheckpoints(self.rows, self.clock),
            "segments": SoakSegments(self.rows, self.clock),
            "stream": self.stream,
            "store": self.store,
            "index": self.index,
            "tables": self.tables,
            "leases": self.leases,
            "notes": self.notes,
            "stamps": FakeStamps(self.mark),
            "listing": FakeListing(self.store, self.clock),
            "rules": self.rules,
            "token_key": self.token_key,
            "outbox": self.outbox,
            "claims": self.claims,
        }
        return {name: self.faults.wrap(port, name) for name, port in ports.items()}

    def all_lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(segment id, entry) of every line of every committed segment, in the order of the commits."""
        for row in committed(self.rows):
            for line in read(self.store.get(row.key, row.version_id)):
                if isinstance(line, Line):
                    yield row.segment_id, line.entry


def _reader(client: LabClient, clock: FakeClock) -> SignedStreamReader:
    """The product's reader; GetRecords goes over leaner HTTP than the SDK's."""
    session = boto3.Session(aws_access_key_id="soak", aws_secret_access_key="soak", region_name=REGION)

    class _Here:
        def client(self, service: str, **options: Any) -> Any:
            return session.client(service, endpoint_url=client.url, **options)

    reader = SignedStreamReader(session, streams_client(_Here()), clock)
    reader._requests._http = LeanSession(client.url)
    return reader
