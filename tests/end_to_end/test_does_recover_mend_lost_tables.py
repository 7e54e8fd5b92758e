"""Real tables of checkpoints are deleted, or restored from a copy: does the command put them right, on a real log?"""

from __future__ import annotations

import importlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest

from tabletrail.core.segment import Line, read
from tabletrail.core.stamps import TABLES, stamp_of
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import Result, tabletrail
from tests.ports.local_tables import remake_table
from tests.verify.real_log import RealLog, streamed_log

pytestmark = pytest.mark.stack


@dataclass
class LostLog:
    """A real log, the handler of PlanRun over it, and the changes that were made."""

    log: RealLog
    changes: int = 0
    copies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        tables = self.log.tables
        return dict(zip(TABLES, (tables.streams, tables.shards, tables.segments, self.log.runs), strict=True))

    @cached_property
    def client(self) -> Any:
        return self.log.dynamodb

    def write(self, count: int) -> None:
        for _ in range(count):
            self.changes += 1
            item = {"id": {"S": "one"}, "change": {"N": str(self.changes)}}
            self.client.put_item(TableName=self.log.table, Item=item)

    def run(self) -> dict[str, Any]:
        """One run of the state machine's functions; ReportRun's note."""
        plan_run = importlib.import_module("handlers.plan_run")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan_run, "WIRING", self.log.wiring)
            run_id = uuid.uuid4().hex[:12]
            plan = plan_run.handler({"run_id": run_id}, None)
        assert plan["acquired"], plan
        groups = []
        for group in plan["groups"]:
            capture = importlib.import_module("tabletrail.capture")
            task = capture.CaptureTask(group["run_id"], group["group_id"], group["deadline"])
            result = self.log.wiring.capture().run(task)
            assert not result.failures
            groups.append({"group_id": group["group_id"], "entries": result.entries})
        return self.log.wiring.report().run(run_id, plan["report"], groups)

    def segments(self) -> list[dict[str, Any]]:
        items = self.client.scan(TableName=self.log.tables.segments, ConsistentRead=True)["Items"]
        return [item for item in items if "links" in item]

    def keep(self) -> None:
        for table, name in self.names.items():
            self.copies[table] = self.client.scan(TableName=name, ConsistentRead=True)["Items"]

    def lose(self, tables: tuple[str, ...], *, restored: bool) -> None:
        for table in tables:
            remake_table(self.client, self.names[table], self.copies[table] if restored else [])

    def say(self, *words: str) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.log.environment.items():
                if name.startswith(("AWS_", "TABLETRAIL_")):
                    patch.setenv(name, value)
            return tabletrail(*words)

    def captured(self) -> list[str]:
        """The change that each change entry of a committed segment shows, and each entry's id once."""
        found, ids = [], []
        for item in self.segments():
            body = self.log.wiring.store.get(item["key"]["S"], item["version_id"]["S"])
            for line in read(body):
                if isinstance(line, Line):
                    ids.append(line.id)
                    if line.entry["tabletrail"]["kind"] == "change":
                        found.append(line.entry["after"]["change"])
        assert len(ids) == len(set(ids)), "an entry stands twice in the log"
        return found


@pytest.fixture
def lost(stack: StackInfo, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LostLog]:
    with streamed_log(stack, tmp_path) as log:
        for name, value in log.environment.items():
            if name.startswith(("AWS_", "TABLETRAIL_")):
                monkeypatch.setenv(name, value)
        yield LostLog(log)


@pytest.mark.parametrize(
    ("tables", "restored"),
    [
        (("streams_shards", "segments"), True),
        (TABLES, True),
    ],
)
def test_a_lost_table_is_seen_and_mended(lost: LostLog, tables: tuple[str, ...], restored: bool) -> None:
    lost.write(3)
    lost.run()
    lost.write(2)
    lost.run()
    lost.keep()
    for _ in range(2):
        lost.write(2)
        lost.run()
    before = lost.captured()
    assert len(before) == lost.changes

    lost.lose(tables, restored=restored)
    lost.write(2)
    left = lost.segments()
    note = lost.run()
    assert any("tabletrail recover" in failure for failure in note["failures"])
    assert lost.segments() == left, "a run committed over tables that do not belong together"
    status = lost.say("status")
    assert "NO CHANGE IS CAPTURED" in status.out.splitlines()[0]
    assert status.code == 4

    looked = lost.say("recover")
    assert looked.code == 4
    assert "--apply" in looked.out
    assert lost.segments() == left
    applied = lost.say("recover", "--apply", "--json")
    assert (applied.code, applied.err) == (0, applied.err)
    facts = json.loads(applied.out)
    assert facts["is_applied"]
    assert set(facts["behind"]) == set(tables)

    lost.write(1)
    lost.run()
    lost.run()
    assert sorted(map(int, lost.captured())) == list(range(1, lost.changes + 1))
    assert lost.say("recover").out.startswith("The tables belong together")
    assert "NO CHANGE" not in lost.say("status").out


def test_the_checker_finds_a_recovered_log_whole(lost: LostLog) -> None:
    lost.write(3)
    lost.run()
    lost.lose(TABLES, restored=False)
    assert lost.say("recover", "--apply").code == 0
    lost.write(2)
    lost.run()
    checked = lost.log.verify("--log-only")
    assert (checked.code, checked.findings) == (0, [])


def test_the_stamps_of_runs_rise_and_stand_in_the_keys(lost: LostLog) -> None:
    stamps = []
    for _ in range(3):
        lost.write(1)
        lost.run()
        stamps.append(lost.log.wiring._stamping().stamps.read().number)
    assert stamps == [1, 2, 3]
    keys = [item["key"]["S"] for item in lost.segments()]
    assert {stamp_of(key) for key in keys} == {1, 2, 3}
