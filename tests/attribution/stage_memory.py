"""The story in memory: the writers' package as it is, over tables in memory and a clock that the story moves.

What the package asks of a machine (the time, a moment's rest, chance) it gets from here while `simulated` lasts; what
it would send to DynamoDB goes to the ledger.

Called by the tests and by `page`.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from tabletrail_client import marks, outbox
from tabletrail_client.calls import Calls, Reply
from tabletrail_client.context import Act
from tabletrail_client.keys import Keys
from tabletrail_client.writing import Write
from tabletrail_client.writing import Writer as Pen
from tests.attribution.cast import Writer
from tests.attribution.table_model import Item
from tests.attribution.world import Ledger

BEGIN = 1_795_500_000.0


@dataclass
class SimulatedTime:
    """Stands in for the module `time` of the package, and is the product's `Clock`."""

    at: float = BEGIN
    ahead: float = 0.0
    """By which the clock of whoever asks is wrong."""

    def now(self) -> float:
        """The true time."""
        return self.at

    def monotonic(self) -> float:
        return self.at

    def time(self) -> float:
        return self.at + self.ahead

    def time_ns(self) -> int:
        return int(self.time() * 1e9)

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class _Sender(Calls):
    """`Calls` of the package, without a client."""

    stage: MemoryStage

    def call(self, operation: str, body: Mapping[str, Any]) -> Reply:
        return self.stage.send(operation, body)


@dataclass
class MemoryStage:
    """A call takes 4 to 40 ms, most of which lies before DynamoDB has it."""

    ledger: Ledger
    chance: random.Random
    time: SimulatedTime = field(default_factory=SimulatedTime)
    _pens: dict[tuple[str, str], Pen] = field(default_factory=dict)
    _last_ids: dict[str, int] = field(default_factory=dict)

    def now(self) -> float:
        return self.time.at

    def rest(self, seconds: float) -> None:
        self.time.at += seconds

    def read(self, table: str, key: Item) -> Item | None:
        return self.ledger.model.get(table, key)

    def call(self, writer: Writer, way: str, operation: str, body: Mapping[str, Any]) -> str:
        if not way:
            return self.send(operation, copy.deepcopy(dict(body))).code
        act = Act(
            writer.name,
            writer.type,
            writer.service,
            f"req-{len(self.ledger.sent)}",
            f"{writer.name} at work",
            {"step": len(self.ledger.sent)} if way == "outbox" else None,
        )
        before = self.time.ahead, marks._last
        self.time.ahead, marks._last = writer.clock_ahead, self._last_ids.get(writer.name, 0)
        try:
            write = Write(copy.deepcopy(dict(body)), act.named(), "ClientRequestToken" in body)
            reply = self._pen(writer, way).handle(operation, write)
            return (reply or self.send(operation, write.body)).code
        finally:
            self._last_ids[writer.name] = marks._last
            self.time.ahead, marks._last = before

    def send(self, operation: str, body: Mapping[str, Any]) -> Reply:
        """What goes over the wire."""
        self.ledger.between(operation, body)
        self.time.at += self.chance.uniform(0.003, 0.03)
        code, _ = self.ledger.note(operation, body, self.time.at)
        self.time.at += self.chance.uniform(0.001, 0.01)
        error: dict[str, Any] = {"Error": {"Code": code, "Message": code}} if code else {}
        if code == "TransactionCanceledException":
            error["CancellationReasons"] = [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]
        return Reply(SimpleNamespace(status_code=400 if code else 200), error)

    def _pen(self, writer: Writer, way: str) -> Pen:
        known = self._pens.get((writer.name, way))
        if known is None:
            keys = Keys(self.ledger.model.keys, lambda table: {})
            known = Pen(_Sender(self), keys, way, writer.deletes, self.ledger.outbox, False)
            self._pens[writer.name, way] = known
        return known


@contextmanager
def simulated(stage: MemoryStage) -> Iterator[None]:
    """While it lasts the package lives in the stage's time."""
    last = marks._last
    marks._last = 0
    try:
        with (
            patch.object(marks, "time", stage.time),
            patch.object(outbox, "time", stage.time),
            patch.object(marks, "os", SimpleNamespace(urandom=stage.chance.randbytes)),
        ):
            yield
    finally:
        marks._last = last
