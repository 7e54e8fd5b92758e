"""What streams and schedulers do of themselves: shards roll and split, pages are empty, calls are refused, runs start.

Callers: `chaos`, each `run` in a thread of its own.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tabletrail_lab.client import LabClient
from tabletrail_lab.errors import LabError

MOST_SHARDS = 12
"""Open ones of a table: above it they roll and do not split."""
_FAULTS = (("GetRecords", "throttle", 12), ("DescribeStream", "limit", 4), ("GetRecords", "internal", 3))
_LOST = (("GetRecords", "lost_reply", 2), ("GetShardIterator", "close", 2), ("*", "internal", 2))
LEASES = {"audit_run": "AuditRunArn", "index_backlog": "IndexBacklogArn"}


@dataclass
class Weather:
    """Does something to the streams every few seconds. A laboratory that is away is left alone."""

    url: str
    arns: list[str]
    random: random.Random
    pauses: tuple[float, float]
    most_pages: int
    counts: Counter[str] = field(default_factory=Counter)

    def run(self, over: Event) -> None:
        client = LabClient(self.url, timeout=30.0)
        while not over.wait(self.random.uniform(*self.pauses)):
            try:
                self._act(client)
            except (OSError, LabError):
                self.counts["left out"] += 1
        client.close()

    def _act(self, client: LabClient) -> None:
        arn = self.random.choice(self.arns)
        what = self.random.choices(["close", "pages", "fault", "all"], weights=[40, 25, 30, 5])[0]
        if what == "fault":
            operation, kind, most = self.random.choice([*_FAULTS, *_LOST])
            client.fault(operation=operation, kind=kind, count=self.random.randint(1, most))
            self.counts[f"{operation} {kind}"] += 1
            return
        if what == "all":
            client.roll_all(arn)
            self.counts["roll of all shards"] += 1
            return
        shards = client.open_shards(arn)
        shard_id = self.random.choice(shards)["shard_id"]
        if what == "pages":
            where, count = self.random.choice(["front", "middle", "tip"]), self.random.randint(1, self.most_pages)
            client.add_empty_pages(arn, shard_id, count, where)
            self.counts["empty pages"] += count
        elif len(shards) < MOST_SHARDS and self.random.random() < 0.4:
            client.split(arn, shard_id)
            self.counts["split"] += 1
        else:
            client.roll(arn, shard_id)
            self.counts["roll"] += 1


@dataclass
class Runs:
    """Starts runs beside those of the schedule. `machines`: ARN by the stack's output; `runs_table` has the leases.

    Step Functions goes on with an execution whatever dies; ministack forgets it when it is killed. So what had the
    lease is started again under its name, which is its run's id, with the chance `resumed`; else the lease runs out.
    """

    client: Callable[[str], Any]
    machines: dict[str, str]
    runs_table: str
    random: random.Random
    resumed: float
    pauses: tuple[float, float]
    counts: Counter[str] = field(default_factory=Counter)
    alarms: set[str] = field(default_factory=set)
    """Failures of runs that speak of restored tables: nobody restored any."""

    def run(self, over: Event) -> None:
        while not over.wait(self.random.uniform(*self.pauses)):
            for output in LEASES.values():
                self._start(output, None)
            self._look()

    def resume(self) -> None:
        """After the local AWS came back."""
        for lease, output in LEASES.items():
            owner = self._ask("lease#" + lease).get("lease_owner", {}).get("S")
            if owner and self.random.random() < self.resumed:
                self._start(output, owner)
            elif owner:
                self.counts["leases left to run out"] += 1

    def _start(self, output: str, name: str | None) -> None:
        named = {"name": name} if name else {}
        try:
            self.client("stepfunctions").start_execution(stateMachineArn=self.machines[output], input="{}", **named)
        except (BotoCoreError, ClientError):
            self.counts["starts refused"] += 1
        else:
            self.counts["resumed" if name else "started"] += 1

    def _look(self) -> None:
        failures = self._ask("note#last_run").get("facts", {}).get("M", {}).get("failures", {}).get("L", [])
        self.alarms |= {each["S"] for each in failures if "restored" in each.get("S", "")}

    def _ask(self, name: str) -> dict[str, Any]:
        try:
            reply = self.client("dynamodb").get_item(
                TableName=self.runs_table, Key={"name": {"S": name}}, ConsistentRead=True
            )
        except (BotoCoreError, ClientError):
            return {}
        item: dict[str, Any] = reply.get("Item", {})
        return item
