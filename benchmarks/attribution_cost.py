"""What it costs to know who did it, for each way in which writers may say so: to the writer, and to CaptureShards.

    TABLETRAIL_LOCAL_DIR=... python benchmarks/attribution_cost.py [--changes 2000] [--rounds 5]

It needs `tabletrail local up`, no deployment: the writers' package writes to tables of the local AWS, and the real
CaptureShards, in this process, captures them. Each way has an installation of its own, and the rounds of all ways are
interleaved. Of each round only the capture's CPU time counts, the best of all rounds; shares are against the same
changes, or the same deletes, without any way, in the same run.

    units     write and read units per 1,000 changes: what DynamoDB's replies say is consumed, of the writer's requests
              and of those that CaptureShards makes to the outbox and its claims, beyond those without any way
    CPU       the part of CaptureShards' CPU time that is there because of the way
    time      the same of its billed time, by `prices`: CPU at the share that 1,024 MB have, and assumed waits

With --sdk, CaptureShards asks the outbox through botocore's own client, as it would without `direct_calls`.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("", "clients/python"))

from benchmarks.call_counting import Calls, SteppedClock, Work
from benchmarks.conversion import make_reply
from benchmarks.count_calls import CountedWiring, TakesAll
from benchmarks.prices import CPU_MB, seconds_of
from tabletrail.aws.claims import TableClaims
from tabletrail.aws.outbox import BATCHES_AT_ONCE, QUERIES_AT_ONCE, TableOutbox
from tabletrail.capture import CaptureTask
from tabletrail.core.periods import indices_ahead
from tabletrail.policy_files import check
from tabletrail.publishing import publish, taken
from tabletrail.settings import Settings
from tabletrail_client import audited, install
from tabletrail_local import info
from tests.ports.local_tables import make_bucket, make_checkpoint_tables, make_table, unique

MEMORY = 1024
WRITERS = 4
WAITS = {
    "BatchGetItem": 0.010 / BATCHES_AT_ONCE,
    "TransactWriteItems": 0.020 / BATCHES_AT_ONCE,
    "Query": 0.010 / QUERIES_AT_ONCE,
}
"""Seconds that CaptureShards waits for one call to the outbox or its claims, of which so many are made at once."""
RULES = json.dumps({"attribution": {"tables": [{"table": "counted-*", "outbox": True}]}})


@dataclass(frozen=True)
class Way:
    """`options` are those of the writers' package, None without it; `against` is the way that it is compared with."""

    name: str
    options: Mapping[str, str] | None = None
    changed: str = "note"
    is_delete: bool = False
    entries: str = "1"

    @property
    def against(self) -> str:
        return "plain delete" if self.is_delete else "none"


WAYS = (
    Way("none"),
    Way("updatedBy", changed="updatedBy"),
    Way("mark", {"way": "mark"}),
    Way("outbox", {"way": "outbox"}, entries="1, and 2 of the outbox"),
    Way("plain delete", is_delete=True),
    Way("marked delete", {"way": "mark", "deletes": "two-step"}, is_delete=True, entries="2"),
    Way("marked delete with row", {"way": "outbox", "deletes": "two-step"}, is_delete=True, entries="2, and 2"),
    Way("plain delete with row", {"way": "outbox"}, is_delete=True, entries="1, and 2"),
)


@dataclass
class Meter:
    """Units by operation, of requests whose replies say what they consumed."""

    units: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    is_counting: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, operation: str, reply: Mapping[str, Any]) -> None:
        used = reply.get("ConsumedCapacity", [])
        with self._lock:
            for one in used if isinstance(used, list) else [used]:
                self.units[operation] += one["CapacityUnits"]

    def watch(self, client: Any) -> None:
        """Each request that the client really sends, whatever the caller asked of it."""
        client.meta.events.register("before-sign.dynamodb", self._ask)
        client.meta.events.register("response-received.dynamodb", self._answered)

    def _ask(self, request: Any, operation_name: str, **_: Any) -> None:
        if operation_name != "DescribeTable":
            request.data = json.dumps({**json.loads(request.data), "ReturnConsumedCapacity": "TOTAL"}).encode()

    def _answered(self, parsed_response: Any, **_: Any) -> None:
        if parsed_response is not None:
            self.note("", parsed_response)


@dataclass
class MeteredCalls:
    """A client in the place of the adapters': counts calls, and while it counts units too, asks for them."""

    client: Any
    meter: Meter

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        call = getattr(self.client, name)

        def counted(**request: Any) -> dict[str, Any]:
            operation = "".join(part.capitalize() for part in name.split("_"))
            with self.meter._lock:
                self.meter.calls[operation] += 1
            if not self.meter.is_counting:
                return cast(dict[str, Any], call(**request))
            reply: dict[str, Any] = call(**request, ReturnConsumedCapacity="TOTAL")
            self.meter.note(operation, reply if "ConsumedCapacity" in reply else _of_batch(request))
            return reply

        return counted


def _of_batch(request: Mapping[str, Any]) -> dict[str, Any]:
    """The local AWS does not say what a batch consumes: a unit for each key, there or not, of rows below 4 KB."""
    return {"ConsumedCapacity": [{"CapacityUnits": len(one["Keys"])} for one in request["RequestItems"].values()]}


class Installation:
    """One way: a table, its writer, and a CaptureShards that reads nothing else."""

    def __init__(self, session: Any, way: Way, changes: int, with_sdk: bool) -> None:
        self.way, self.changes, self.year = way, changes, 2026
        self.clock = SteppedClock(0.0)
        self.plain = session.client("dynamodb")
        rows, tag = make_checkpoint_tables(self.plain), unique("count")
        runs, self.outbox, claims = unique("runs"), unique("outbox"), unique("claims")
        make_table(self.plain, runs, "name")
        make_table(self.plain, self.outbox, "item", "id")
        make_table(self.plain, claims, "id")
        bucket = make_bucket(session.client("s3"))
        names = (rows.streams, rows.shards, rows.segments, runs, bucket, "https://localhost:9")
        settings = Settings(*names, tag_key=tag, outbox_table=self.outbox, claims_table=claims)
        index = TakesAll(_now=frozenset(indices_ahead(int(self.clock.now()), "month")))
        self.calls = Calls(session, self.clock)
        self.wiring = CountedWiring(settings, session, self.clock, index)
        self.wiring.stream._requests = self.calls.count_records(self.wiring.stream._requests)
        self.log, self.writer = Meter(), Meter()
        self._meter_the_log(with_sdk)
        if (way.options or {}).get("way") == "outbox":
            publish(taken(check([("rules.json", RULES)])), self.wiring.rules, self.wiring.notes, self.clock)
        self.table = unique("counted")
        self._make_table(tag)
        self.client = session.client("dynamodb")
        if way.options is not None:
            install(self.client, outbox=self.outbox, **cast(Any, way.options))
        self.writer.watch(self.client)
        self.fill()

    def _meter_the_log(self, with_sdk: bool) -> None:
        finder = self.wiring.evidence
        assert finder is not None
        outbox, claims = cast(TableOutbox, finder.outbox), cast(TableClaims, finder.claims)
        metered = MeteredCalls(self.wiring._dynamodb if with_sdk else outbox._client, self.log)
        outbox._client = claims._client = metered

    def _make_table(self, tag: str) -> None:
        self.plain.create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            Tags=[{"Key": tag, "Value": "on"}],
        )
        for _ in range(3):  # it joins, its shard is found and put into a group
            run = unique("run")
            self.wiring.plan(run).run(run)
            self.wiring.leases.release("run", run)
            self.clock.advance(60)
        self.clock.advance(-180)

    def fill(self) -> None:
        """Items to be changed are there, and captured; to be deleted, others in each round."""
        self.year += self.way.is_delete
        items = [
            record["dynamodb"]["OldImage"]
            | {"sk": {"S": str(self.year)}, "signature": {"B": b"signature-of-the-order"}}
            for record in json.loads(make_reply(self.changes))["Records"]
        ]
        for start in range(0, len(items), 25):
            requests = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            self.plain.batch_write_item(RequestItems={self.table: requests})
        self.capture()

    def write(self, round_number: int) -> None:
        keys = [{"pk": {"S": f"order#{number}"}, "sk": {"S": str(self.year)}} for number in range(self.changes)]

        def change(key: dict[str, Any]) -> None:
            with audited(actor="alice@example.com", reason="a refund", request_id="req-4711"):
                if self.way.is_delete:
                    self.client.delete_item(TableName=self.table, Key=key)
                    return
                self.client.update_item(
                    TableName=self.table,
                    Key=key,
                    UpdateExpression="SET #s = :s, #t = :t, #l = :l, #c = :c",
                    ExpressionAttributeNames={"#s": "status", "#t": "total", "#l": "extra0", "#c": self.way.changed},
                    ExpressionAttributeValues={
                        ":s": {"S": f"shipped-{round_number}"},
                        ":t": {"N": str(round_number)},
                        ":l": {"S": f"label-{round_number}"},
                        ":c": {"S": f"user-{round_number}@example.com"},
                    },
                )

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(change, keys))

    def capture(self) -> Work:
        total = Work()
        more = True
        while more:
            task = CaptureTask(unique("run"), "g0000", int(self.clock.now()) + 50)
            self.log.calls.clear()
            with self.calls.during() as work:
                result = self.wiring.capture().run(task)
            assert not result.failures, result.failures
            work.slept += sum(WAITS[name] * count for name, count in self.log.calls.items())
            total.add(work)
            more = result.more
        return total

    def round(self, number: int) -> Work:
        self.write(number)
        work = self.capture()
        if self.way.is_delete:
            self.fill()
        return work

    def count_units(self, number: int) -> None:
        """Of one more round, whose time does not count."""
        self.writer.units.clear()
        self.log.is_counting = True
        self.write(number)
        self.capture()


def show(made: Mapping[str, Installation], best: Mapping[str, Work], factor: float) -> None:
    """`factor`: from the changes that were made to 1,000."""
    print(f"{'way':24}{'writer WU':>10}{'log RU':>8}{'log WU':>8}{'CPU ms':>8}{'CPU':>7}{'time':>7}  entries")
    for way in WAYS:
        one, work, plain = made[way.name], best[way.name], best[way.against]
        extra = one.writer.units[""] - made[way.against].writer.units[""]
        units = (extra, one.log.units["BatchGetItem"] + one.log.units["Query"], one.log.units["TransactWriteItems"])
        seconds, plain_seconds = (seconds_of(replace(each, invocations=1), MEMORY) for each in (work, plain))
        shares = f"{1 - plain.cpu / work.cpu:>7.0%}{1 - plain_seconds / seconds:>7.0%}"
        writer, read, written = (round(amount * factor) for amount in units)
        cpu = work.cpu * 1000 * factor
        print(f"{way.name:24}{writer:>10,}{read:>8,}{written:>8,}{cpu:>8,.0f}{shares}  {way.entries}")


def main() -> int:
    parser = argparse.ArgumentParser(description="What each way of knowing who did it costs")
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sdk", action="store_true", help="ask the outbox through botocore's own client")
    args = parser.parse_args()
    session = info.load().session
    made = {way.name: Installation(session(), way, args.changes, args.sdk) for way in WAYS}
    best: dict[str, Work] = {}
    for number in range(args.rounds):
        for name, one in made.items():
            work = one.round(number)
            if name not in best or work.cpu < best[name].cpu:
                best[name] = work
    for one in made.values():
        one.count_units(args.rounds)
    show(made, best, 1000 / args.changes)
    print(f"CPU ms of this machine per 1,000 changes; a function of {MEMORY} MB has {MEMORY / CPU_MB:.0%} of a CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
