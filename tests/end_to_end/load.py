"""Many changes through the deployed functions, with OpenSearch killed in the middle: is every one in the log, once?

    python -m tests.end_to_end.load [--changes 100000] [--seed 1] [--writers 6]

It needs `tabletrail local up` and `tabletrail local deploy`, and works on the stack in $TABLETRAIL_LOCAL_DIR. Tables of
its own are made and tagged; writers change their items in a seeded mix and keep what they changed. When half is written
OpenSearch is killed by SIGKILL; it is started again once a segment was committed without it. The functions run by their
schedule alone. At the end every entry, both images of each, and the index are compared with what was written.

Exit code 1 if anything differs or stands still.
"""

# ruff: noqa: T201 -- a command's output

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from botocore.config import Config

from tabletrail_local import info as stack_info
from tabletrail_local.deploy import STACK_NAME
from tabletrail_local.info import StackInfo
from tabletrail_local.opensearch import OpenSearchServer
from tabletrail_local.paths import stack_paths
from tests.end_to_end.load_check import Findings, LogPlaces, check, records_of
from tests.end_to_end.load_truth import Truth
from tests.end_to_end.load_writer import Table, Writer, seeded
from tests.ports.opensearch_server import Server

STILL_SECONDS = 600
"""Nothing captured and nothing indexed for this long is a standstill; a run comes each minute."""
LOOK_SECONDS = 3.0
_KEYS: tuple[tuple[str, dict[str, str]], ...] = (
    ("orders", {"pk": "S"}),
    ("positions", {"pk": "S", "number": "N"}),
    ("events", {"id": "B"}),
)


@dataclass
class State:
    """What has happened so far; `times` are seconds since the start. Writers wait at half until the kill is done."""

    half_at: int

    started: float = field(default_factory=time.monotonic)
    written: int = 0
    captured: int = 0
    waiting: int = 0
    segments: int = 0
    times: dict[str, int] = field(default_factory=dict)
    killed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, changes: int) -> None:
        with self.lock:
            self.written += changes
        if self.written >= self.half_at:
            self.killed.wait()

    def mark(self, what: str) -> None:
        self.times[what] = round(time.monotonic() - self.started)


@dataclass
class Load:
    """One run over a deployed stack. `say` hears of the progress."""

    stack: StackInfo
    changes: int
    seed: int
    writers: int
    say: Callable[[State], None]
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = State(self.changes // 2)

    def run(self) -> tuple[Findings, Truth]:
        tables = self._make_tables()
        try:
            truth = self._write(tables)
            self._wait(tables)
            return check(self._places(), Server(self.stack), tables, truth), truth
        finally:
            for table in tables:
                self._client("dynamodb").delete_table(TableName=table.name)

    def _write(self, tables: list[Table]) -> Truth:
        share = self.changes // self.writers
        counts = [share + (number < self.changes % self.writers) for number in range(self.writers)]
        with ThreadPoolExecutor(self.writers) as pool:
            work = [
                pool.submit(self._writer(tables, number).write, count, self.state.add)
                for number, count in enumerate(counts)
            ]
            self._kill_in_the_middle(tables, work)
            truth = Truth()
            for each in work:
                truth.join(each.result())
        self.state.mark("written")
        return truth

    def _kill_in_the_middle(self, tables: list[Table], work: list[Future[Truth]]) -> None:
        server = OpenSearchServer(stack_paths())
        try:
            self._until(tables, lambda: self.state.written >= self.state.half_at or any(each.done() for each in work))
            pid = server.running_pid
            if pid is None:
                raise RuntimeError("OpenSearch is not a process of this stack: it cannot be killed")
            os.kill(pid, signal.SIGKILL)
            self.state.mark("killed")
        finally:
            self.state.killed.set()
        already = self.state.segments
        self._until(tables, lambda: self.state.segments > already and self.state.waiting > 0)
        self.state.mark("committed_without_index")
        server.ensure_running()
        self.state.mark("started_again")

    def _wait(self, tables: list[Table]) -> None:
        self._until(tables, lambda: self.state.captured >= self.state.written and self.state.waiting == 0)
        self.state.mark("indexed")

    def _until(self, tables: list[Table], reached: Callable[[], bool]) -> None:
        """Looks every few seconds. RuntimeError when nothing has moved for long."""
        places, names = self._places(), [table.name for table in tables]
        seen, since = (-1, -1, -1), time.monotonic()
        while True:
            self._look(places, names)
            if reached():
                return
            now = (self.state.written, self.state.captured, self.state.waiting)
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > STILL_SECONDS:
                raise RuntimeError(f"nothing has moved for {STILL_SECONDS} s: {self.state}")
            time.sleep(LOOK_SECONDS)

    def _look(self, places: LogPlaces, tables: list[str]) -> None:
        rows = places.rows(tables)
        self.state.segments = len(rows)
        self.state.captured = sum(records_of(row, tables) for row in rows)
        self.state.waiting = sum("not_indexed" in row for row in rows)
        if self.state.captured >= self.changes:
            self.state.times.setdefault("captured", round(time.monotonic() - self.state.started))
        self.say(self.state)

    def _writer(self, tables: list[Table], number: int) -> Writer:
        return Writer(self._client("dynamodb"), tables, number, seeded(self.seed, number))

    def _client(self, service: str) -> Any:
        once = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=60, read_timeout=120)
        return self.stack.session().client(service, config=once)

    def _places(self) -> LogPlaces:
        stacks = self._client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        table, bucket = outputs["SegmentsTableName"], outputs["SegmentsBucketName"]
        return LogPlaces(self._client("dynamodb"), self._client("s3"), table, bucket)

    def _make_tables(self) -> list[Table]:
        run = uuid4().hex[:6]
        tables = [Table(f"load-{run}-{name}", keys) for name, keys in _KEYS]
        for table in tables:
            self._client("dynamodb").create_table(
                TableName=table.name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": t} for name, t in table.keys.items()],
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind}
                    for name, kind in zip(table.keys, ("HASH", "RANGE"), strict=False)
                ],
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
                Tags=[{"Key": "tabletrail", "Value": "on"}, {"Key": "service", "Value": "load"}],
            )
        return tables


def report(load: Load, findings: Findings, truth: Truth) -> str:
    """What `docs/performance.md` quotes, as JSON; no names of tables, so that two runs can be laid side by side."""
    return json.dumps(
        {
            "changes_written": truth.count,
            "items": len(truth.changes),
            "entries": findings.entries,
            "kinds": dict(findings.kinds),
            "indexed": findings.indexed,
            "segments": findings.segments,
            "seconds": load.state.times,
            "seed": load.seed,
            "writers": load.writers,
            "differences": findings.count,
        },
        indent=2,
    )


def _say(last: list[float], state: State) -> None:
    """One line that is overwritten on a terminal; a line every half a minute elsewhere."""
    now = time.monotonic()
    if not sys.stderr.isatty() and last and now - last[-1] < 30:
        return
    last[:] = [now]
    text = (
        f"{now - state.started:6.0f} s  written {state.written:,}  captured {state.captured:,}"
        f"  segments {state.segments}, {state.waiting} not indexed"
    )
    print(text, end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--changes", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writers", type=int, default=6)
    args = parser.parse_args()
    load = Load(stack_info.load(), args.changes, args.seed, args.writers, partial(_say, []))
    findings, truth = load.run()
    print(report(load, findings, truth))
    for difference in findings.differences:
        print(difference, file=sys.stderr)
    complete = truth.count == findings.entries and not findings.count
    print("complete: every change is one entry" if complete else "DIFFERENCES", file=sys.stderr)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
