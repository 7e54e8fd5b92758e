"""A world with a trail: callers who write to tables, what CloudTrail tells of it, and what the log must say.

`TrailWorld` is `World` with files of CloudTrail and calls of AttributeChanges. `call(...)` is one call by somebody: its
records in the stream, if it changes anything, and its event, which `deliver` puts into a file.
"""

from __future__ import annotations

import itertools
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

from tabletrail.attribute import AttributeChanges
from tabletrail.attribution_result import AttributionResult
from tabletrail.core.attribution_windows import LEAST_SECONDS
from tabletrail.core.segment import Line, read
from tabletrail.logged_changes import ChangeReader
from tabletrail.settings import Settings
from tests.core.trail import event, log, role, stamp, table_arn, user
from tests.fakes.faulty import Plan
from tests.fakes.stamps import FakeRecoveredRows
from tests.fakes.tables import ACCOUNT, REGION
from tests.fakes.trail import FakeTrail
from tests.faults.world import SETTINGS, World
from tests.validation import assert_valid_entry

TRAIL_SETTINGS = replace(SETTINGS, trail_tables=table_arn("*", ACCOUNT))
HOUR = 3600
ALICE, BOB = user("alice", ACCOUNT), user("bob", ACCOUNT)
BATCH = role("batch", "night", account=ACCOUNT)
_VALID: set[str] = set()
_CALLS = {"INSERT": "PutItem", "MODIFY": "UpdateItem", "REMOVE": "DeleteItem"}


@dataclass
class TrailWorld(World):
    settings: Settings = TRAIL_SETTINGS
    events: list[dict[str, Any]] = field(default_factory=list)
    """Of CloudTrail, not delivered yet."""
    most_changes: int = 40_000

    def __post_init__(self) -> None:
        super().__post_init__()
        self.trail = FakeTrail(self.clock)
        self._calls = itertools.count()
        self._attributions = itertools.count()

    def call(
        self,
        stream_arn: str,
        item: str,
        who: dict[str, Any],
        kind: str = "MODIFY",
        *,
        shard: str = "shard-0",
        name: str = "",
        off: int = 0,
        images: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
        **more: Any,
    ) -> dict[str, Any]:
        """One call that changes one item: its record and its event, `off` seconds after it. Returns the event."""
        self.changed(stream_arn, item, kind, shard=shard, images=images)
        return self.tell(stream_arn, item, who, name or _CALLS[kind], off=off, **more)

    def changed(
        self,
        stream_arn: str,
        item: str,
        kind: str = "MODIFY",
        *,
        shard: str = "shard-0",
        images: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
    ) -> None:
        """A record of a change, whoever made it."""
        keys = {"id": {"S": item}}
        number = len(self.written[stream_arn, shard])
        old = keys | {"n": {"N": str(number)}} | images[0] if kind != "INSERT" else None
        new = keys | {"n": {"N": str(number + 1)}} | images[1] if kind != "REMOVE" else None
        self.write(stream_arn, shard, 1, keys=keys, old=old, new=new, event=kind)

    def tell(
        self, stream_arn: str, item: str, who: dict[str, Any], name: str = "UpdateItem", *, off: int = 0, **more: Any
    ) -> dict[str, Any]:
        """An event of CloudTrail, of a call that may have changed nothing."""
        table = stream_arn.split("/stream/", maxsplit=1)[0].rpartition("/")[2]
        parameters = more.pop("parameters", {"tableName": table, "key": {"id": item}})
        told = event(
            name,
            parameters,
            userIdentity=who,
            eventID=f"call-{next(self._calls):04}",
            eventTime=stamp(int(self.clock.now()) + off),
            resources=[{"accountId": ACCOUNT, "type": "AWS::DynamoDB::Table", "ARN": table_arn(table, ACCOUNT)}],
            recipientAccountId=ACCOUNT,
            awsRegion=REGION,
            **more,
        )
        self.events.append(told)
        return told

    def deliver(self, *events: dict[str, Any], at: float | None = None) -> None:
        """A file with these events, or with all that are not delivered yet."""
        self.trail.deliver(log(*(events or self.events)), at)
        if not events:
            self.events.clear()

    # The product's runs

    def minutes(self, count: int) -> None:
        for _ in range(count):
            self.run()

    def settle(self) -> None:
        """More than an hour goes by, and runs read and walk the streams: what was written before is due then. The runs
        come often enough that no iterator expires, and no shard's walk begins anew."""
        until = self.clock.now() + HOUR + LEAST_SECONDS
        while self.clock.now() < until:
            self.clock.advance(700)
            self.run()
        self.run()

    def attribute(self) -> AttributionResult:
        """AttributeChanges as the state machine runs it: again while more is due."""
        owner = f"attribute{next(self._attributions)}"
        result = self.attribution().run(owner)
        while result.more:
            again = self.attribution().run(owner)
            again.add(result.facts())
            result = again
        return result

    def attribution(self) -> AttributeChanges:
        ports = self._ports()
        coverage = self.coverage(ports, "")
        rows = self.faults.wrap(FakeRecoveredRows(self.rows, self.clock), "rows")
        return AttributeChanges(
            ports["checkpoints"],
            coverage,
            ChangeReader(ports["listing"], rows, ports["store"], self.most_changes),
            self.faults.wrap(self.trail, "trail"),
            self.conversions(ports),
            self.stamping(ports),
            ports["leases"],
            ports["notes"],
            self.settings,
        )

    # What the log says

    def lines(self) -> list[dict[str, Any]]:
        """As in every world; of the same content once: a sweep reads the same entries many times."""
        found = []
        for row in self._committed():
            body = self.store.get(row.key, row.version_id)
            for line in read(body):
                if isinstance(line, Line):
                    if line.entry["event"]["hash"] not in _VALID:
                        assert_valid_entry(line.entry)
                        _VALID.add(line.entry["event"]["hash"])
                    found.append(line.entry)
        return found

    def found(self) -> list[dict[str, Any]]:
        """Entries of kind attribution, in the log's order."""
        return [entry for entry in self.lines() if entry["tabletrail"]["kind"] == "attribution"]

    def of_item(self, item: str) -> list[dict[str, Any]]:
        """Entries about changes of the item, in the order of these changes."""
        found = [entry for entry in self.found() if entry.get("item", {}).get("id") == item]
        return sorted(found, key=lambda entry: (entry["@timestamp"], entry["event"]["sequence_key"]))

    def actions(self) -> Counter[str]:
        return Counter(entry["event"]["action"] for entry in self.found())

    def assert_attributed(self) -> None:
        """Each change before its stream's mark, and no other, has one entry; no entry stands twice; all is indexed."""
        lines = self.lines()
        begun = {
            entry["stream"]["arn"]: entry["@timestamp"]
            for entry in lines
            if entry["event"]["action"] == "attribution_begun"
        }
        expected = {
            entry["event"]["id"]
            for entry in lines
            if entry["tabletrail"]["kind"] == "change"
            and entry["event"]["action"] != "expire"
            and begun.get(entry["stream"]["arn"], "~")
            <= entry["@timestamp"]
            < stamp(self.rows.streams[entry["stream"]["arn"]].attributed_until)
        }
        about = [entry["tabletrail"]["about"] for entry in self.found() if "about" in entry["tabletrail"]]
        assert sorted(about) == sorted(expected)
        ids = [entry["event"]["id"] for entry in lines]
        assert len(ids) == len(set(ids)), "an entry stands twice in the log"
        self._assert_index_is_the_log()


AnyWorld = TypeVar("AnyWorld", bound=TrailWorld)


def begun(*tables: str, world: AnyWorld) -> tuple[AnyWorld, list[str]]:
    """Tables that have been audited, and attributed, for a while without a change."""
    arns = [world.add_table(name) for name in tables]
    world.minutes(2)
    assert not world.attribute().windows
    world.clock.advance(60)
    return world, arns


def quiet() -> TrailWorld:
    """Two tables, orders and stock, whose streams were read to the present while nothing happened. A copy."""
    world = _quiet()
    return deepcopy(world, {id(world.faults): Plan()})  # the plan of faults holds a lock, and is empty


@cache
def _quiet() -> TrailWorld:
    world, _ = begun("orders", "stock", world=TrailWorld())
    world.minutes(20)
    return world
