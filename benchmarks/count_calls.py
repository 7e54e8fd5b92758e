"""Counts what a minute of the product asks of AWS, and what a month of such minutes costs.

    python benchmarks/count_calls.py [--tables 100] [--changes 600]

It needs `tabletrail local up`, no deployment: the real use cases and adapters run in this process over the local AWS,
on tables of their own, with a clock that is moved on from minute to minute. OpenSearch is left out: an index that takes
everything stands in for it.

    quiet      all tables, nothing written for an hour: thirty minutes, one cycle of all that happens every few minutes
    changing   one whole group of shards, each with a minute's changes; the figure for all tables is that times their
               number, with the plan, the report and the backlog of the quiet minutes

Prices, and what is assumed of times, are in `prices`.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' tables, and the modules beside this one

from benchmarks.call_counting import Calls, SteppedClock, Work
from benchmarks.conversion import make_reply
from benchmarks.prices import Line, month, seconds_of, storage
from tabletrail.aws.wiring import Wiring
from tabletrail.capture import CaptureTask
from tabletrail.closing import Shelf
from tabletrail.core.lifecycle import PeriodIndex
from tabletrail.core.outcome import ItemResult, Outcome
from tabletrail.core.periods import indices_ahead
from tabletrail.index import Breaker
from tabletrail.ports import BulkReply
from tabletrail.settings import Settings
from tabletrail_local import info
from tests.ports.local_tables import make_bucket, make_checkpoint_tables, make_table, unique

MEMORY = {"PlanRun": 512, "CaptureShards": 1024, "ReportRun": 512, "IndexSegments": 1024}
"""MB, as the template has them by default."""
JOINING = 4
AT_ONCE = 5
"""Groups that the state machine reads at once."""
CYCLE = 30
"""Minutes in which everything periodic has happened once."""
GOALS = {"quiet": 10.0, "changing": 40.0}
BATCH = 25
CHANGED = ("status", "total", "address", "updatedBy")


@dataclass
class TakesAll:
    """Stands in for OpenSearch: it takes documents and figures, and none of its indices is to be closed. Counts."""

    documents: int = 0

    def create(self, body: bytes) -> BulkReply:
        count = body.count(b"\n") // 2
        self.documents += count
        return BulkReply(200, (ItemResult(Outcome.STORED, 201),) * count)

    def ensure(self, index: str) -> bool:
        raise AssertionError(f"{index} was there")

    def existing(self) -> frozenset[str]:
        return frozenset(indices_ahead(0, "month")) | self._now

    def record(self, index: str, document_id: str, document: Mapping[str, Any]) -> None:
        """A run's figures."""

    def look(self) -> Shelf:
        return Shelf(tuple(PeriodIndex(name, name, made_at=0) for name in sorted(self._now)), has_ism=False)

    _now: frozenset[str] = frozenset()


class CountedWiring(Wiring):
    """The functions' own wiring, with a clock that we move and an index that takes all."""

    def __init__(self, settings: Settings, session: Any, clock: SteppedClock, index: TakesAll) -> None:
        super().__init__(settings, session)
        self.clock = clock  # type: ignore[assignment]
        self.breaker = Breaker(clock)
        self.__dict__["opensearch"] = index


@dataclass
class Installation:
    """Tables, bucket and the four functions of one installation of our own."""

    session: Any
    tables: int
    clock: SteppedClock = field(default_factory=lambda: SteppedClock(-3600.0))
    emf_bytes: int = 0
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calls = Calls(self.session, self.clock)
        self.dynamodb = self.session.client("dynamodb")
        rows = make_checkpoint_tables(self.dynamodb)
        runs, tag = unique("runs"), unique("count")
        make_table(self.dynamodb, runs, "name")
        bucket = make_bucket(self.session.client("s3"))
        # An outbox that no rules name: its tables are never asked for, so they need not be there.
        names = (rows.streams, rows.shards, rows.segments, runs, bucket, "https://localhost:9")
        settings = Settings(*names, tag_key=tag, outbox_table="outbox", claims_table="claims")
        self.index = TakesAll(_now=frozenset(indices_ahead(int(self.clock.now()), "month")))
        self.functions = {name: CountedWiring(settings, self.session, self.clock, self.index) for name in MEMORY}
        for wiring in self.functions.values():
            wiring.stream._requests = self.calls.count_records(wiring.stream._requests)
        for _ in range(self.tables):
            self._add_table(tag)

    def rest_after(self, seconds: int) -> None:
        """When shards count as idle: at once, where the hour that it takes them is not to be waited for."""
        for wiring in self.functions.values():
            wiring.settings = replace(wiring.settings, rest_after_seconds=seconds)

    def minute(self) -> dict[str, Work]:
        """One run of both state machines, then the clock moves to the next minute."""
        work = {name: Work() for name in MEMORY}
        run_id = unique("run")
        with self.calls.during() as planned:
            plan = self.functions["PlanRun"].plan(run_id).run(run_id)
        work["PlanRun"].add(planned)
        groups = []
        for group in plan["groups"]:
            result = self._capture(group, work["CaptureShards"])
            groups.append({"group_id": group["group_id"], **result})
        with self.calls.during() as reported, redirect_stdout(io.StringIO()) as out:
            self.functions["ReportRun"].report().run(run_id, plan["report"], groups)
        self.emf_bytes = len(out.getvalue())
        work["ReportRun"].add(reported)
        with self.calls.during() as indexed:
            self.functions["IndexSegments"].backlog().run(run_id)
        work["IndexSegments"].add(indexed)
        self.clock.advance(60)
        return work

    def changing_group(self, changes: int) -> tuple[int, Work]:
        """The captures of one whole group after `changes` in each of its tables: how many tables, and the work."""
        wiring = self.functions["CaptureShards"]
        rows = wiring.checkpoints.group("g0000")
        tables = [row.stream_arn.split("/")[1] for row in rows]
        # The clock of the records is the local AWS's own: from here on ours is the same.
        self.clock.advance(-(self.clock.now() - SteppedClock(0.0).now()))
        self._write(tables, BATCH, seed=1)
        self._run_group(Work())
        self._write(tables, changes, seed=2)
        work = Work()
        self._run_group(work)
        return len(tables), work

    def _run_group(self, work: Work) -> None:
        now = int(self.clock.now())
        self._capture({"run_id": unique("run"), "group_id": "g0000", "deadline": now + 50}, work)

    def _capture(self, group: dict[str, Any], work: Work) -> dict[str, Any]:
        more = True
        while more:
            before = self.index.documents
            with self.calls.during() as captured:
                result = self.functions["CaptureShards"].capture().run(CaptureTask(**group))
            captured.documents = self.index.documents - before
            work.add(captured)
            more = result.more
            assert not result.failures, result.failures
        return asdict(result)

    def _add_table(self, tag: str) -> None:
        name = unique("counted")
        self.names.append(name)
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=keys,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            Tags=[{"Key": tag, "Value": "on"}],
        )

    def _write(self, tables: list[str], changes: int, seed: int) -> None:
        """Puts of 25 items each, over and over: all but the very first are changes of 4 of 20 attributes."""
        records = [record["dynamodb"] for record in json.loads(make_reply(changes, seed))["Records"]]
        items = [record["dynamodb"]["OldImage"] for record in json.loads(make_reply(BATCH))["Records"]]
        images = [
            items[place % BATCH]
            | {name: record["NewImage"][name] for name in CHANGED}
            | {"pk": {"S": f"order#{place % BATCH}"}, "signature": {"B": b"signature-of-the-order"}}
            for place, record in enumerate(records)
        ]
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]

        def fill(table: str) -> None:
            for batch in batches:
                requests = [{"PutRequest": {"Item": image}} for image in batch]
                self.dynamodb.batch_write_item(RequestItems={table: requests})

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(fill, tables))

    def remove(self) -> None:
        for name in self.names:
            self.dynamodb.delete_table(TableName=name)


def average(minutes: list[dict[str, Work]]) -> dict[str, Work]:
    total = {name: Work() for name in MEMORY}
    for minute in minutes:
        for name, work in minute.items():
            total[name].add(work)
    return {name: work.times(1 / len(minutes)) for name, work in total.items()}


def show(title: str, minute: dict[str, Work], emf_bytes: int, goal: float) -> bool:
    """Prints the calls of a minute and the bill of a month; whether the goal is met."""
    print(f"\n{title}\n\ncalls a minute")
    for name, work in minute.items():
        seconds = seconds_of(work, MEMORY[name])
        print(
            f"  {name:14}{work.invocations:7.1f} calls of {seconds:6.2f} s, {MEMORY[name]} MB;"
            f" {work.writes:8.1f} write units, {work.reads:8.1f} read units"
        )
        print("    " + ", ".join(f"{call} {count:,.1f}" for call, count in sorted(work.calls.items())))
    lines = month(minute, MEMORY, AT_ONCE, emf_bytes)
    print(f"\n{'a month':40}{'':>16}{'':12}{'US dollars':>10}")
    for line in lines:
        _print(line)
    total = sum(line.dollars for line in lines)
    verdict = "met" if total < goal else "MISSED"
    print(f"{'TOTAL':40}{'':>16}{'':12}{total:>10.2f}   goal of ${goal:.0f} {verdict}")
    _print(storage(minute))
    return total < goal


def _print(line: Line) -> None:
    print(f"{line.name:40}{line.amount:>16,.1f} {line.unit:11}{line.dollars:>10.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Calls of a minute over many tables, and the bill of a month")
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--changes", type=int, default=600, help="of each table in a minute; the default is 10/s")
    args = parser.parse_args()
    installation = Installation(info.load().session(), args.tables)
    try:
        for _ in range(JOINING):  # tables join, shards are found and grouped
            installation.minute()
        installation.rest_after(0)
        quiet = average([installation.minute() for _ in range(CYCLE)])
        is_met = show(f"{args.tables} quiet tables", quiet, installation.emf_bytes, GOALS["quiet"])
        installation.rest_after(3600)
        tables, captured = installation.changing_group(args.changes)
        changing = {**quiet, "CaptureShards": captured.times(args.tables / tables)}
        title = f"{args.tables} tables, {args.changes} changes each a minute (measured over {tables} of them)"
        return 0 if show(title, changing, installation.emf_bytes, GOALS["changing"]) and is_met else 1
    finally:
        installation.remove()


if __name__ == "__main__":
    sys.exit(main())
