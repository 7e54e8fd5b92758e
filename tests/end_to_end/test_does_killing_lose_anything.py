"""Does any change get lost, doubled or altered when everything is killed at random while it is made, read and indexed?

The same run as `python -m tests.end_to_end.chaos`, for two minutes, on a stack of its own.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tabletrail_local.paths import StackPaths
from tests.end_to_end.chaos import Chaos, Pace, faults, own_stack, report
from tests.end_to_end.chaos_kills import AWS, LAB, OPENSEARCH, WORKER
from tests.end_to_end.chaos_writes import SettledClient
from tests.end_to_end.load_truth import Image, normal
from tests.end_to_end.load_writer import Table, Writer, key_of, seeded

PACE = Pace(
    minutes=2.0,
    kills=(4.0, 10.0),
    weather=(1.0, 4.0),
    runs=(5.0, 10.0),
    pages=12,
    rest=(0.0, 0.3),
    # A run that died with its lease would stop capture for five and a half minutes. So what the local AWS forgot goes
    # on, as it does in Step Functions, and the functions that give the leases back live. The long run spares nothing.
    resumed=1.0,
    spared=("ReportRun", "IndexSegments"),
)


@pytest.mark.stack
def test_two_minutes_of_kills_cost_no_entry(tmp_path_factory: pytest.TempPathFactory) -> None:
    paths = StackPaths(tmp_path_factory.mktemp("chaos") / "stack")
    with own_stack(paths) as info:
        chaos = Chaos(
            info, changes=sys.maxsize, seed=23, writers=PACE.writers, say=print, paths=paths, pace=PACE, tell=print
        )
        findings, truth = chaos.run()
    print(report(chaos, findings, truth))  # noqa: T201 -- shown with a failure
    assert faults(chaos, findings, truth) == []
    assert truth.count > 1_000
    assert all(chaos.counts["kills"][kind] for kind in (AWS, LAB, OPENSEARCH, WORKER))
    assert chaos.counts["runs"]["started"]


TABLE = Table("orders", {"pk": "S"})


@dataclass
class Dying:
    """Items and their history, behind a server that dies at calls that `deaths` names, before or after their effect."""

    deaths: dict[int, str]
    items: dict[str, Image] = field(default_factory=dict)
    history: list[tuple[str | None, str | None]] = field(default_factory=list)
    calls: Any = field(default_factory=lambda: itertools.count(1))
    died: Counter[str] = field(default_factory=Counter)

    def put_item(self, **request: Any) -> None:
        self._do([request["Item"]], [])

    def update_item(self, **request: Any) -> None:
        raise NotImplementedError

    def delete_item(self, **request: Any) -> None:
        self._do([], [request["Key"]])

    def transact_write_items(self, **request: Any) -> None:
        writes = request["TransactItems"]
        puts, deletes = ([write[kind] for write in writes if kind in write] for kind in ("Put", "Delete"))
        self._do([put["Item"] for put in puts], [delete["Key"] for delete in deletes])

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        for each in request["RequestItems"][TABLE.name]:  # one by one: it may die in the middle
            put, delete = each.get("PutRequest"), each.get("DeleteRequest")
            self._do([put["Item"]] if put else [], [delete["Key"]] if delete else [])
        return {}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        keys = [str(normal(key)) for key in request["RequestItems"][TABLE.name]["Keys"]]
        return {"Responses": {TABLE.name: [self.items[key] for key in keys if key in self.items]}}

    def _do(self, puts: list[Image], deletes: list[Image]) -> None:
        death = self.deaths.get(next(self.calls), "")
        self.died[death] += 1
        if death == "before":
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
        for item, is_put in [*((put, True) for put in puts), *((delete, False) for delete in deletes)]:
            key = str(normal(key_of(TABLE, item)))
            old, new = self.items.pop(key, None), item if is_put else None
            if new:
                self.items[key] = new
            if normal(old) != normal(new):
                self.history.append((normal(old), normal(new)))
        if death == "after":
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1")
        if death == "slow":
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")


class Putting(Writer):
    """Without updates, whose expressions `Dying` does not know."""

    def _changed(self, table: Table, old: Image) -> tuple[Image, dict[str, Any]]:
        new, _ = super()._changed(table, old)
        return new, {}

    def _update(self) -> None:
        ((table, old),) = self._some(1)
        new, _ = self._changed(table, old)
        self.client.put_item(TableName=table.name, Item=new)
        self._record(table, old, new)

    def _transact(self) -> None:
        (first, second), (table, made) = self._some(2), self._new()
        writes: list[dict[str, Any]] = [
            {"Delete": {"TableName": each[0].name, "Key": key_of(*each)}} for each in (first,)
        ]
        new, _ = self._changed(*second)
        writes += [{"Put": {"TableName": table.name, "Item": item}} for item in (new, made)]
        self.client.transact_write_items(TransactItems=writes)
        for change in ((*first, None), (*second, new), (table, None, made)):
            self._record(*change)


@pytest.mark.parametrize("seed", range(4))
def test_a_writer_knows_what_it_did_however_its_replies_are_lost(seed: int) -> None:
    """Without this a harness that writes twice, or forgets a write, would be taken for a product that does."""
    random = seeded(seed, 99)
    deaths = {number: random.choice(["before", "after", "", ""]) for number in range(1, 3_000)}
    server = Dying(deaths)
    client = SettledClient(server, {TABLE.name: TABLE})
    truth = Putting(client, [TABLE], 0, seeded(seed, 0)).write(600, lambda _: None)
    made = [change for changes in truth.changes.values() for change in changes]
    assert Counter(made) == Counter(server.history)
    assert min(server.died["before"], server.died["after"], client.found_done) > 20
    assert client.lost == server.died["before"] + server.died["after"]


def test_a_reply_that_was_only_late_is_not_settled() -> None:
    client = SettledClient(Dying({1: "slow"}), {TABLE.name: TABLE})
    with pytest.raises(ReadTimeoutError):
        client.put_item(TableName=TABLE.name, Item={"pk": {"S": "one"}})
