"""The product's capture over tables of the local AWS: real writers, real streams, real adapters; the index and
CloudTrail's bucket are in memory.

PlanRun, CaptureShards and AttributeChanges run here as they do in their functions, as often as asked.

Called by `test_is_the_story_true_on_a_real_stream`.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tabletrail.aws.attribution_wiring import AttributionWiring
from tabletrail.aws.clock import SystemClock
from tabletrail.capture import CaptureTask
from tabletrail.policy_files import check
from tabletrail.publishing import publish, taken
from tabletrail.report import LEASE
from tabletrail.settings import Settings
from tests.attribution.model_capture import rules
from tests.attribution.world import TABLES, Table
from tests.end_to_end.load_check import LogPlaces
from tests.fakes.index import FakeIndex
from tests.fakes.trail import FakeTrail
from tests.ports.local_tables import drop_tables, make_bucket, make_checkpoint_tables, make_table

Document = dict[str, Any]


@dataclass
class AheadClock(SystemClock):
    """The machine's, so much later: the product waits an hour for CloudTrail."""

    ahead: float = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@dataclass
class LiveWorld:
    """Tables of its own under a name of its own. `close` takes them away."""

    session: Any

    def __post_init__(self) -> None:
        self.run_name = uuid.uuid4().hex[:8]
        self.tables = tuple(replace(table, name=f"{table.name}-{self.run_name}") for table in TABLES)
        self.outbox = f"outbox-{self.run_name}"
        self.account = str(self.session.client("sts").get_caller_identity()["Account"])
        client = self.session.client("dynamodb")
        self.names = make_checkpoint_tables(client)
        self.runs, self.claims = f"runs-{self.run_name}", f"claims-{self.run_name}"
        make_table(client, self.runs, "name")
        make_table(client, self.claims, "id")
        make_table(client, self.outbox, "item", "id")
        self.bucket = make_bucket(self.session.client("s3"))
        for table in self.tables:
            self._make(client, table)
        files = check([("story.json", json.dumps(rules(self.tables)))])
        publish(taken(files), self.wiring.rules, self.wiring.notes, SystemClock())

    def close(self) -> None:
        names = (*(table.name for table in self.tables), self.outbox, self.runs, self.claims)
        drop_tables(self.session.client("dynamodb"), *names, self.names.streams, self.names.shards, self.names.segments)

    @cached_property
    def wiring(self) -> AttributionWiring:
        settings = Settings(
            self.names.streams,
            self.names.shards,
            self.names.segments,
            self.runs,
            self.bucket,
            "https://localhost:9200",
            tag_key=f"tabletrail-{self.run_name}",
            outbox_table=self.outbox,
            claims_table=self.claims,
            trail_tables="arn:aws:dynamodb:*",
            table_names=",".join(table.name for table in self.tables),
        )
        made = AttributionWiring(settings, self.session)
        made.clock = self.clock
        made.__dict__ |= {"opensearch": FakeIndex(), "trail": self.trail}
        return made

    @cached_property
    def clock(self) -> AheadClock:
        return AheadClock()

    @cached_property
    def trail(self) -> FakeTrail:
        return FakeTrail(self.clock)

    def attribute(self) -> list[str]:
        """Asks CloudTrail for all that is due. Returns what failed."""
        while (result := self.wiring.attribution().run(uuid.uuid4().hex)).more:
            assert not result.failures
        return result.failures

    def run(self) -> list[str]:
        """One run: what it plans, it captures to the end. Returns what failed."""
        run_id = uuid.uuid4().hex
        plan = self.wiring.plan(run_id).run(run_id)
        failures: list[str] = list(plan["report"].get("problems", ())) + list(plan["report"].get("failures", ()))
        for group in plan["groups"]:
            task = CaptureTask(group["run_id"], group["group_id"], group["deadline"])
            while (result := self.wiring.capture().run(task)).more:
                failures += result.failures
            failures += result.failures
        self.wiring.leases.release(LEASE, run_id)
        return failures

    def run_until(self, over: threading.Event) -> list[str]:
        failures: list[str] = []
        while not over.is_set():
            failures += self.run()
            over.wait(0.2)
        return failures

    def lines(self, kind: str = "change") -> Iterator[Document]:
        """Each of this kind in the log as its segment's line has it: `entry` and `images`."""
        client, s3 = self.session.client("dynamodb"), self.session.client("s3")
        places = LogPlaces(client, s3, self.names.segments, self.bucket)
        for row in places.all_rows():
            for line in places.lines(row):
                if line["entry"]["tabletrail"]["kind"] == kind:
                    yield line

    def _make(self, client: Any, table: Table) -> None:
        kinds = {"pk": "S", "sk": "N"}
        client.create_table(
            TableName=table.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kinds[name]} for name in table.keys],
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(table.keys, ("HASH", "RANGE"), strict=False)
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
