"""Writers: each has items of its own in all tables, changes them in a seeded mix, and keeps what it changed.

The mix: puts, updates of nested attributes, deletes, batches of up to 25, transactions over several tables, and now and
then a write that changes nothing. The low-level client is used, so that each image is exactly what is written here.

Callers: `load`, `chaos`.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from tests.end_to_end.load_truth import Image, ItemKey, Truth, normal

BATCH = 25
"""The most that BatchWriteItem takes."""
TRANSACTION = 8


@dataclass(frozen=True)
class Table:
    """`keys` is the key attributes' types by name, in order: the partition key first."""

    name: str
    keys: dict[str, str]


@dataclass
class Writer:
    """One thread's work. `client` is a boto3 client of DynamoDB that does not retry: a doubled write is no truth."""

    client: Any
    tables: list[Table]
    number: int
    random: random.Random
    truth: Truth = field(default_factory=Truth)
    _items: dict[ItemKey, tuple[Table, Image]] = field(default_factory=dict)
    _deleted: list[tuple[Table, Image]] = field(default_factory=list)
    """Keys that were used once: some items come back."""
    _made: int = 0
    _revision: int = 0

    def write(self, changes: int, written: Callable[[int], None]) -> Truth:
        """At least `changes` changes. `written` hears of each call's number of changes."""
        while self.truth.count < changes:
            before = self.truth.count
            self._choose(changes - before)()
            written(self.truth.count - before)
        return self.truth

    def write_until(self, over: Event, written: Callable[[int], None]) -> Truth:
        """The same without a number of changes."""
        while not over.is_set():
            before = self.truth.count
            self._choose(BATCH)()
            written(self.truth.count - before)
        return self.truth

    def _choose(self, left: int) -> Callable[[], None]:
        if len(self._items) < BATCH:
            return self._put
        if left < BATCH:
            return self._update  # so that the last call does not overshoot
        acts = [self._put, self._update, self._delete, self._batch, self._transact, self._put_same]
        return self.random.choices(acts, weights=[22, 40, 10, 15, 12, 1])[0]

    def _put(self) -> None:
        table, new = self._new()
        self.client.put_item(TableName=table.name, Item=new)
        self._record(table, None, new)

    def _put_same(self) -> None:
        table, image = self.random.choice(list(self._items.values()))
        self.client.put_item(TableName=table.name, Item=image)
        self._record(table, image, image)

    def _update(self) -> None:
        ((table, old),) = self._some(1)
        new, request = self._changed(table, old)
        self.client.update_item(**request)
        self._record(table, old, new)

    def _delete(self) -> None:
        ((table, old),) = self._some(1)
        self.client.delete_item(TableName=table.name, Key=key_of(table, old))
        self._record(table, old, None)

    def _batch(self) -> None:
        changes: list[tuple[Table, Image | None, Image | None]] = []
        for table, old in self._some(self.random.randrange(2, BATCH // 2)):
            changes.append((table, old, None if self.random.random() < 0.4 else self._changed(table, old)[0]))
        changes += [(table, None, made) for table, made in (self._new() for _ in range(BATCH - len(changes)))]
        requests: dict[str, list[dict[str, Any]]] = {}
        for table, before, after in changes:
            key = key_of(table, after or before or {})
            request = {"PutRequest": {"Item": after}} if after else {"DeleteRequest": {"Key": key}}
            requests.setdefault(table.name, []).append(request)
        reply = self.client.batch_write_item(RequestItems=requests)
        if reply.get("UnprocessedItems"):
            raise RuntimeError("the batch was taken in part: the local AWS is not expected to throttle")
        for change in changes:
            self._record(*change)

    def _transact(self) -> None:
        items: list[dict[str, Any]] = []
        changes: list[tuple[Table, Image | None, Image | None]] = []
        for table, old in self._some(self.random.randrange(2, TRANSACTION)):
            if self.random.random() < 0.2:
                items.append({"Delete": {"TableName": table.name, "Key": key_of(table, old)}})
                changes.append((table, old, None))
            else:
                new, request = self._changed(table, old)
                items.append({"Update": request})
                changes.append((table, old, new))
        table, made = self._new()
        items.append({"Put": {"TableName": table.name, "Item": made}})
        self.client.transact_write_items(TransactItems=items)
        for change in [*changes, (table, None, made)]:
            self._record(*change)

    def _some(self, count: int) -> list[tuple[Table, Image]]:
        return self.random.sample(list(self._items.values()), count)

    def _record(self, table: Table, old: Image | None, new: Image | None) -> None:
        image = new or old or {}
        key = item_key(table, image)
        self.truth.add(key, old, new)
        if new is None:
            del self._items[key]
            self._deleted.append((table, key_of(table, image)))
        else:
            self._items[key] = (table, new)

    def _new(self) -> tuple[Table, Image]:
        if self._deleted and self.random.random() < 0.3:
            table, keys = self._deleted.pop(self.random.randrange(len(self._deleted)))
            return table, keys | _attributes(self.random)
        table = self.random.choice(self.tables)
        self._made += 1
        names = iter((f"w{self.number}-{self._made}", str(self._made)))
        keys = {name: _key_value(kind, next(names)) for name, kind in table.keys.items()}
        return table, keys | _attributes(self.random)

    def _changed(self, table: Table, old: Image) -> tuple[Image, dict[str, Any]]:
        """The image after an update, and UpdateItem's request for it. `revision` makes each of them a change."""
        new = copy.deepcopy(old)
        self._revision += 1
        values: dict[str, Any] = {":revision": {"N": str(self._revision)}}
        new["revision"] = values[":revision"]
        sets = ["revision = :revision"]
        for path, value in _new_values(self.random):
            name = f":v{len(values)}"
            sets.append(f"{path} = {name}")
            values[name] = value
            _set(new, path, value)
        expression = "SET " + ", ".join(sets)
        if self.random.random() < 0.3:
            expression += " REMOVE remark"
            new.pop("remark", None)
        request = {
            "TableName": table.name,
            "Key": key_of(table, old),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
        }
        return new, request


def key_of(table: Table, image: Image) -> Image:
    return {name: image[name] for name in table.keys}


def item_key(table: Table, image: Image) -> ItemKey:
    return table.name, str(normal(key_of(table, image)))


def _key_value(kind: str, text: str) -> dict[str, Any]:
    return {kind: text.encode() if kind == "B" else text}


def _attributes(source: random.Random) -> Image:
    lines = [{"M": {"sku": {"S": f"sku-{source.randrange(999)}"}, "qty": {"N": "1"}}} for _ in range(2)]
    return {
        "stage": {"S": "new"},
        "amount": {"N": f"{source.randrange(1, 10**6)}.{source.randrange(10**4):04}"},
        "exact": {"N": str(source.randrange(10**37, 10**38))},
        "address": {"M": {"city": {"S": "Köln"}, "place": {"M": {"zip": {"S": str(source.randrange(10**5))}}}}},
        "positions": {"L": lines},
        "labels": {"SS": [f"l{number}" for number in source.sample(range(50), 3)]},
        "scores": {"NS": [str(number) for number in source.sample(range(-500, 500), 3)]},
        "photo": {"B": source.randbytes(24)},
        "isPaid": {"BOOL": source.random() < 0.5},
        "nothing": {"NULL": True},
        "remark": {"S": "🛒 " + "x" * source.randrange(120)},
        "updatedBy": {"S": f"user{source.randrange(90)}@example.com"},
    }


def _new_values(source: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Some paths of `_attributes` with new values; no path lies within another."""
    choices: list[tuple[str, dict[str, Any]]] = [
        ("stage", {"S": source.choice(("paid", "shipped", "returned", ""))}),
        ("amount", {"N": f"-{source.randrange(1, 10**9)}.5"}),
        ("address.place.zip", {"S": str(source.randrange(10**5))}),
        ("address.city", {"S": source.choice(("Aachen", "Łódź", "東京"))}),
        ("positions[1].qty", {"N": str(source.randrange(2, 99))}),
        ("labels", {"SS": [f"l{number}" for number in source.sample(range(50), 2)]}),
        ("photo", {"B": source.randbytes(16)}),
        ("isPaid", {"BOOL": source.random() < 0.5}),
        ("updatedBy", {"S": f"user{source.randrange(90)}@example.com"}),
    ]
    return source.sample(choices, source.randrange(1, 5))


def _set(image: Image, path: str, value: dict[str, Any]) -> None:
    *parents, last = path.replace("[", ".[").split(".")
    container: Any = image
    for name in parents:
        container = _within(container[int(name[1:-1])] if name.startswith("[") else container[name])
    container[last] = value


def _within(value: dict[str, Any]) -> Any:
    return value["M"] if "M" in value else value["L"]


def seeded(seed: int, number: int) -> random.Random:
    """The same for the same seed and writer, in every process."""
    return random.Random(json.dumps([seed, number]))
