"""A seeded world of writers who race on the same items: its stream records, its CloudTrail files, and the truth beside.

Writers put, update, delete, in batches, transactions and statements; some calls fail, many change nothing (an equal
value, a delete of what is not there) and make no record. Some events hide their keys. The files are shuffled, and
events come twice. `lost` and `stray` spoil the trail: the share of events that never came, and of those whose
`eventTime` is up to 20 seconds off.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.cloudtrail import Call, read_log
from tabletrail.core.sightings import Action, Change
from tests.core.trail import NOON, SCOPE, event, log, role, stamp, user

WRITERS = [user(f"user{number}") for number in range(12)] + [role("service", f"task{number}") for number in range(8)]
ITEMS, HOT_ITEMS, VALUES = 400, 12, 3


@dataclass
class World:
    """`truth`: by entry, the ARN of who made it and the call's id."""

    seed: int
    seconds: int = 900
    lost: float = 0.0
    stray: float = 0.0
    changes: list[Change] = field(default_factory=list)
    truth: dict[str, tuple[str, str]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    lost_calls: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._state: dict[str, int] = {}
        for second in range(self.seconds):
            for _ in range(self._chance.choice((0, 2, 5, 12))):
                self._call(NOON + second)

    def calls(self, order: int = 0) -> list[Call]:
        """What the files tell, in an order of its own, a tenth of all events twice."""
        chance = random.Random(order)
        events = [*self.events, *chance.sample(self.events, len(self.events) // 10)]
        chance.shuffle(events)
        files = [log(*events[start : start + 200]) for start in range(0, len(events), 200)]
        return [call for data in files for call in read_log(data, SCOPE).calls]

    def _call(self, second: int) -> None:
        writer = self._chance.choice(WRITERS)
        name = self._chance.choices(_NAMES, _WEIGHTS)[0]
        keys = self._keys(1 if name in ("PutItem", "UpdateItem", "DeleteItem", "ExecuteStatement") else 3)
        call_id = f"call-{len(self.events) + len(self.lost_calls):06}"
        is_failed = self._chance.random() < 0.05
        if not is_failed:
            for key in keys:
                self._write(name, key, second, (writer["arn"], call_id))
        if self._chance.random() < self.lost:
            self.lost_calls.add(call_id)
            return
        off = self._chance.randint(-20, 20) if self._chance.random() < self.stray else self._chance.randint(-1, 2)
        more: dict[str, Any] = {"errorCode": "ConditionalCheckFailedException"} if is_failed else {}
        more |= {"eventID": call_id, "userIdentity": writer, "eventTime": stamp(second + off)}
        self.events.append(event(name, self._shown(name, keys), **more))

    def _keys(self, number: int) -> list[str]:
        hot = [f"item-{one}" for one in self._chance.sample(range(HOT_ITEMS), number)]
        cold = [f"item-{one}" for one in self._chance.sample(range(HOT_ITEMS, ITEMS), number)]
        return hot if self._chance.random() < 0.3 else cold

    def _write(self, name: str, key: str, second: int, truth: tuple[str, str]) -> None:
        old = self._state.get(key)
        new = None if name == "DeleteItem" else self._chance.randrange(VALUES)
        if old == new or (name == "ExecuteStatement" and old is not None):
            return
        action: Action = "insert" if old is None else "remove" if new is None else "modify"
        if new is None:
            del self._state[key]
        else:
            self._state[key] = new
        entry_id = f"entry-{len(self.changes):06}"
        self.changes.append(Change(entry_id, "orders", (("id", "S", key),), action, second))
        self.truth[entry_id] = truth

    def _shown(self, name: str, keys: list[str]) -> Any:
        if name == "ExecuteStatement":
            return {"statement": "INSERT INTO orders VALUE {'id' : ***(Redacted), 'x' : ***(Redacted)}"}
        if name == "BatchWriteItem" and self._chance.random() < 0.02:
            return {"omitted": True}
        if name in ("BatchWriteItem", "TransactWriteItems"):
            items = [{"operation": "Put", "tableName": "orders", "key": {"id": key}} for key in keys]
            return {"requestItems": items}
        return {"tableName": "orders", "key": {"id": keys[0]}}


_NAMES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement")
_WEIGHTS = (40, 40, 25, 6, 6, 0.5)
