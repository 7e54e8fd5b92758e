"""Do people set, see and release legal holds, and does `status` show how each period stands?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.runs import TableRunNotes
from tabletrail.aws.tries import Tries
from tabletrail.closing import NOTE
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import environment_of, tabletrail
from tests.ports.local_tables import drop_tables, make_checkpoint_tables, make_table, unique

pytestmark = pytest.mark.stack

OLD, NEW = "tabletrail-v1-2020.01", "tabletrail-v1-2034.01"


@dataclass
class Log:
    stack: StackInfo
    runs: str

    def seen(self, holds: int, **facts: Any) -> None:
        """What a run leaves that has seen so many changes of holds."""
        periods = {OLD: {"index": OLD + "-r000002", "stage": "merged"}, NEW: {"index": NEW, "stage": "open"}}
        note = {
            "has_ism": False,
            "retention_days": 365,
            "periods": periods,
            "deleted": {},
            "failures": [],
            "trouble": "",
        }
        notes = TableRunNotes(dynamodb_client(self.stack.session()), self.runs, Tries(SystemClock()))
        notes.write(NOTE, {**note, "holds": holds, **facts})


@pytest.fixture
def log(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    client = stack.session().client("dynamodb")
    runs, tables = unique("runs"), make_checkpoint_tables(client)
    make_table(client, runs, "name")
    names = environment_of(stack, tables, "none", tmp_path_factory.mktemp("named"), runs)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        yield Log(stack, runs)
    drop_tables(client, tables.streams, tables.shards, tables.segments, runs)


def test_is_a_hold_set_seen_released_and_never_forgotten(log: Log) -> None:
    assert (tabletrail("holds", "list").code, tabletrail("holds", "list").out) == (1, "Nothing is held.\n")
    made = tabletrail("holds", "set", "orders", "--reason", "case\x1b 114", "--json")
    assert made.code == 0
    hold = json.loads(made.out)
    assert (hold["kind"], hold["target"], hold["by"]) == ("table", "orders", "arn:aws:iam::000000000000:root")
    listed = tabletrail("holds", "list")
    assert "case\\x1b 114" in listed.out
    assert "was not seen by a run yet" in listed.err
    log.seen(1)
    assert "in force" in tabletrail("holds", "list").out
    assert tabletrail("holds", "release", hold["id"], "--reason", "closed").code == 0
    assert tabletrail("holds", "list").code == 1
    (kept,) = [json.loads(line) for line in tabletrail("holds", "list", "--all", "--json").out.splitlines()]
    assert (kept["id"], kept["release_reason"], kept["released_by"]) == (hold["id"], "closed", hold["by"])
    again = tabletrail("holds", "release", hold["id"], "--reason", "closed")
    assert (again.code, "released already" in again.err) == (2, True)


def test_is_what_makes_no_sense_refused_with_what_to_say(log: Log) -> None:
    for words in (("set", "20.11", "--reason", "x"), ("set", "", "--reason", "x")):
        result = tabletrail("holds", *words)
        assert (result.code, "neither `all` nor a period (2026.11" in result.err) == (2, True)
    assert tabletrail("holds", "set", "all").code == 2
    assert "give a reason" in tabletrail("holds", "set", "all", "--reason", " ").err
    assert tabletrail("holds", "list").code == 1


def test_does_a_hold_on_a_table_say_that_it_keeps_every_period(log: Log) -> None:
    assert "every period is kept" in tabletrail("holds", "set", "orders", "--reason", "x").out
    assert "every period" not in tabletrail("holds", "set", "2020.01", "--reason", "x").out


def test_is_one_warned_whose_hold_comes_while_the_deletion_is_under_way(log: Log) -> None:
    log.seen(0, deleting={OLD: int(time.time()) - 120})
    quiet = tabletrail("holds", "set", "2034.01", "--reason", "x")
    assert quiet.err == ""
    warned = tabletrail("holds", "set", "2020.01", "--reason", "x")
    assert "the deletion of 2020.01 (since 2 min) has begun" in warned.err


def test_does_status_show_each_period(log: Log) -> None:
    hold = json.loads(tabletrail("holds", "set", "2034.01", "--reason", "x", "--json").out)
    log.seen(1, failures=["tabletrail-v1-2020.02: could not merge it: why\x1b"], deleted={"tabletrail-v1-2019.12": 1})
    text, lines = tabletrail("status"), tabletrail("status", "--json").out.splitlines()
    found = {one["period"]: one for one in map(json.loads, lines) if one["kind"] == "period"}
    assert (found["2020.01"]["stage"], found["2020.01"]["past_retention"], found["2020.01"]["held"]) == (
        "merged",
        True,
        [],
    )
    assert (found["2034.01"]["stage"], found["2034.01"]["past_retention"]) == ("open", False)
    assert found["2034.01"]["held"] == [hold["id"]]
    assert (found["2019.12"]["stage"], found["2019.12"]["past_retention"]) == ("deleted", False)
    assert found["2020.01"]["index"] == OLD + "-r000002"
    rows = [line.split() for line in text.out.splitlines()]
    assert ["2034.01", "open", hold["id"], "-"] in rows
    assert ["2020.01", "merged", "-", "yes"] in rows
    assert "could not merge it: why\\x1b" in text.out
    assert "past their retention: 1; OpenSearch has no ISM" in text.out
    assert json.loads(lines[-1])["kind"] == "total"


def test_does_status_without_a_look_at_periods_show_none(log: Log) -> None:
    assert "past retention" not in tabletrail("status").out
