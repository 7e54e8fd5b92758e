"""Real functions, a real OpenSearch and real shards, all of them killed again and again under load: is anything lost?

    python -m tests.end_to_end.chaos [--minutes 20] [--seed 1] [--writers 3] [--directory .local-chaos]

A stack of its own is started with the laboratory's streams, and tabletrail is deployed to it. Writers change items of
three tables in a seeded mix and know exactly what they changed; shards roll, split, show empty pages and refuse calls;
and at random times SIGKILL ends a process of a function, OpenSearch, the local AWS or the laboratory, which is started
again after a while. When the time is over and all is captured and indexed, every change must be one entry in the log
and one in the index, in order and with both images; `tabletrail verify --stream` must find nothing, and
`tabletrail status` no gap.

Exit code 1 if anything differs or stands still. The stack and its directory are removed at the end.
"""

# ruff: noqa: T201 -- a command's output

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from tabletrail_lab.client import LabClient
from tabletrail_local import stack as stacks
from tabletrail_local.deploy import STACK_NAME, deploy
from tabletrail_local.info import StackInfo
from tabletrail_local.laboratory import LAB
from tabletrail_local.paths import DIRECTORY_VARIABLE, StackPaths, repository_root
from tests.end_to_end.chaos_kills import Kills
from tests.end_to_end.chaos_weather import Runs, Weather
from tests.end_to_end.chaos_writes import SettledClient
from tests.end_to_end.load import Load, _say
from tests.end_to_end.load_check import Findings, check
from tests.end_to_end.load_truth import Truth
from tests.end_to_end.load_writer import Table, Writer, seeded
from tests.ports.opensearch_server import Server


@dataclass(frozen=True)
class Pace:
    """All pairs are seconds, at least and at most."""

    minutes: float
    writers: int = 3
    kills: tuple[float, float] = (8.0, 30.0)
    weather: tuple[float, float] = (2.0, 8.0)
    runs: tuple[float, float] = (8.0, 20.0)
    pages: int = 60
    """Most empty pages at once. A shard that looks quiet is read four pages a run: what lies behind them comes late."""
    rest: tuple[float, float] = (0.0, 0.25)
    """Of a writer, between two calls."""
    resumed: float = 0.7
    """Chance that a run whose local AWS was killed goes on; else its lease runs out after five and a half minutes."""
    spared: tuple[str, ...] = ()


@dataclass
class Chaos(Load):
    """One run over a deployed stack with the laboratory. `run` as `Load`'s; all else is known afterwards."""

    paths: StackPaths = field(kw_only=True)
    pace: Pace = field(kw_only=True)
    tell: Callable[[str], None] = field(kw_only=True)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)
    verified: tuple[int, list[str]] = (-1, [])
    """Exit code of `tabletrail verify`, and what it said."""
    status: dict[str, Any] = field(default_factory=dict)

    def run(self) -> tuple[Findings, Truth]:
        self.state.killed.set()  # nobody waits for the one kill of the load test
        tables = self._make_tables()
        try:
            arns = self._adopted({table.name for table in tables})
            over = Event()
            runs = self._runs()
            with ThreadPoolExecutor(1) as driver:
                driven = driver.submit(runs.run, over)
                try:
                    truth = self._storm(tables, arns, runs)
                    self._wait(tables)
                finally:
                    over.set()
                driven.result()
            self.counts["runs"], self.alarms = runs.counts, runs.alarms
            findings = check(self._places(), Server(self.stack), tables, truth)
            self.tell("compared; verifying")
            self._lift_limits()
            self._ask_the_command_line()
            return findings, truth
        finally:
            for table in tables:
                self._client("dynamodb").delete_table(TableName=table.name)

    def _storm(self, tables: list[Table], arns: list[str], runs: Runs) -> Truth:
        """Writers under kills and weather until the time is over; their truth when everything runs again."""
        over, by_name = Event(), {table.name: table for table in tables}
        clients = [SettledClient(self._client("dynamodb"), by_name) for _ in range(self.pace.writers)]
        address = str(self.stack.streams_endpoint)
        weather = Weather(address, arns, seeded(self.seed, -1), self.pace.weather, self.pace.pages)
        kills = Kills(self.paths, seeded(self.seed, -2), self.pace.kills, self.pace.spared, runs.resume, self.tell)
        with ThreadPoolExecutor(self.pace.writers + 2) as pool:
            storm = [pool.submit(weather.run, over), pool.submit(kills.run, over)]
            work = [
                pool.submit(self._until_over, Writer(client, tables, number, seeded(self.seed, number)), over)
                for number, client in enumerate(clients)
            ]
            self._watch([*storm, *work], over)
        truth = Truth()
        for each in work:
            truth.join(each.result())
        self.changes = truth.count
        self.state.mark("written")
        replies = Counter({"lost": sum(each.lost for each in clients)})
        replies["lost, and done all the same"] = sum(each.found_done for each in clients)
        self.counts |= {"kills": kills.counts, "weather": weather.counts, "replies to writers": replies}
        self._calm()
        return truth

    def _watch(self, threads: list[Future[Any]], over: Event) -> None:
        """Ends at the time, or with the first thread that fails."""
        deadline = time.monotonic() + self.pace.minutes * 60
        try:
            while time.monotonic() < deadline:
                done, _ = wait(threads, timeout=1.0)
                for each in done:
                    each.result()
                self.say(self.state)
        finally:
            over.set()
        for each in threads:
            each.result()

    def _until_over(self, writer: Writer, over: Event) -> Truth:
        rest = seeded(self.seed, 1_000 + writer.number)

        def written(changes: int) -> None:
            self.state.add(changes)
            over.wait(rest.uniform(*self.pace.rest))

        return writer.write_until(over, written)

    def _calm(self) -> None:
        client = LabClient(str(self.stack.streams_endpoint))
        client.clear_faults()
        client.close()

    def _lift_limits(self) -> None:
        """`verify` reads all shards again, with all their empty pages: five a second of each would take too long."""
        client = LabClient(str(self.stack.streams_endpoint))
        client.limits(describe=None, get=None, get_bytes=None)
        client.close()

    def _adopted(self, names: set[str]) -> list[str]:
        """The ARNs of these tables' streams, once the laboratory has all of them."""
        client = LabClient(str(self.stack.streams_endpoint))
        deadline = time.monotonic() + 120
        while True:
            arns = [stream["stream_arn"] for stream in client.streams() if stream["table_name"] in names]
            if len(arns) == len(names):
                client.close()
                return arns
            if time.monotonic() > deadline:
                raise RuntimeError("the laboratory does not see the tables' streams")
            time.sleep(0.2)

    def _runs(self) -> Runs:
        stacks = self._client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        clients = {service: self._client(service) for service in ("stepfunctions", "dynamodb")}
        random = seeded(self.seed, -3)
        table = outputs["RunsTableName"]
        return Runs(clients.__getitem__, outputs, table, random, self.pace.resumed, self.pace.runs)

    def _ask_the_command_line(self) -> None:
        verified = self._tabletrail("verify", "--stream", "--json")
        self.verified = verified.returncode, (verified.stdout + verified.stderr).splitlines()
        answer = self._tabletrail("status", "--json")
        self.status = json.loads(answer.stdout.splitlines()[-1])

    def _tabletrail(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("tabletrail")), *words, "--local"]
        environment = {**os.environ, DIRECTORY_VARIABLE: str(self.paths.root)}
        environment["XDG_CACHE_HOME"] = str(self.paths.root / "cache")  # no other stack's verification goes on here
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def faults(chaos: Chaos, findings: Findings, truth: Truth) -> list[str]:
    """Whatever is not as it must be, each as a sentence; empty if every change is one entry, in order."""
    found = list(findings.differences)
    if findings.entries != truth.count:
        found.append(f"{truth.count} changes were made, the log has {findings.entries}")
    if extra := set(findings.kinds) - {"change", "coverage"}:
        found.append(f"the log has entries of other kinds: {sorted(extra)}")
    if findings.indexed != sum(findings.kinds.values()):
        found.append(f"the log has {sum(findings.kinds.values())} entries, the index {findings.indexed}")
    if chaos.verified[0] != 0:
        found.append(f"`tabletrail verify` ended with {chaos.verified[0]}: {chaos.verified[1][-5:]}")
    wrong = {name: chaos.status.get(name) for name in ("gaps", "parked", "waiting_segments", "restored")}
    if any(wrong.values()):
        found.append(f"`tabletrail status` says {wrong}")
    found += [f"a run took the tables for restored: {alarm}" for alarm in sorted(chaos.alarms)]
    return found


def report(chaos: Chaos, findings: Findings, truth: Truth) -> str:
    return json.dumps(
        {
            "seed": chaos.seed,
            "minutes": chaos.pace.minutes,
            "changes_written": truth.count,
            "items": len(truth.changes),
            "entries": findings.entries,
            "kinds": dict(findings.kinds),
            "indexed": findings.indexed,
            "segments": findings.segments,
            **{name: dict(sorted(counts.items())) for name, counts in chaos.counts.items()},
            "seconds": chaos.state.times,
            "differences": findings.count,
            "verify": chaos.verified[0],
        },
        indent=2,
        ensure_ascii=False,
    )


@contextmanager
def own_stack(paths: StackPaths) -> Iterator[StackInfo]:
    """Up, with the laboratory and the product; removed afterwards."""
    try:
        info = stacks.up(paths, streams=LAB)
        deploy(info, paths, {"ScheduleState": "ENABLED"})
        yield info
    finally:
        stacks.reset(paths)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--directory", type=Path, default=repository_root() / ".local-chaos")
    args = parser.parse_args()
    paths, shown = StackPaths(args.directory.resolve()), list[float]()
    print(f"seed {args.seed}", file=sys.stderr)
    with own_stack(paths) as info:
        chaos = Chaos(
            info,
            changes=sys.maxsize,
            seed=args.seed,
            writers=args.writers,
            say=lambda state: _say(shown, state),
            paths=paths,
            pace=Pace(args.minutes, args.writers),
            tell=lambda text: print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True),
        )
        findings, truth = chaos.run()
    print(report(chaos, findings, truth))
    found = faults(chaos, findings, truth)
    print("\n".join(found) or "complete: every change is one entry, once and in order", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
