"""Threads that race on the same items, in whatever order the machine has it: is any of them named for another's write?

One service marks, one uses the outbox, both delete in two steps; a third knows of nothing, replaces items and saves old
copies back within the same second. Who wrote is known by a value that each write brings, not by its mark.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tabletrail_client import audited, install
from tabletrail_local.info import StackInfo
from tests.attribution.live_world import LiveWorld
from tests.attribution.stage_live import ONCE

pytestmark = pytest.mark.stack

ITEMS, TURNS = 8, 160
LOST_RACE = {"ConditionalCheckFailedException", "TransactionConflictException"}
Item = dict[str, Any]


@dataclass
class Racer:
    """`wrote` has the values that it wrote, `removed` those that lay in what it removed, `announced` the ids of its
    marks for a delete."""

    name: str
    client: Any
    table: str
    chance: random.Random
    wrote: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    announced: set[str] = field(default_factory=set)
    copies: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client.meta.events.register("before-send.dynamodb", self._watch)

    def run(self, start: threading.Barrier) -> None:
        start.wait()
        for number in range(TURNS):
            key = {"pk": {"S": f"hot-{self.chance.randrange(ITEMS)}"}}
            found = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
            with audited(actor=self.name, type="service"):
                self.turn(key, found, f"{self.name}-{number}")

    def turn(self, key: Item, found: Item | None, value: str) -> None:
        act = self.chance.random()
        if found is not None and act < 0.2:
            self.delete(key, found["n"]["S"])
        elif found is not None and act < 0.6:
            self.wrote.add(value)
            self.client.update_item(
                TableName=self.table,
                Key=key,
                UpdateExpression="SET n = :n",
                ExpressionAttributeValues={":n": {"S": value}},
            )
        else:
            self.put((found or key) | {"n": {"S": value}})

    def delete(self, key: Item, value: str) -> None:
        try:
            self.client.delete_item(
                TableName=self.table,
                Key=key,
                ConditionExpression="n = :n",
                ExpressionAttributeValues={":n": {"S": value}},
            )
            self.removed.add(value)
        except ClientError as error:
            if error.response["Error"]["Code"] not in LOST_RACE:
                raise

    def put(self, item: Item) -> None:
        self.wrote.add(item["n"]["S"])
        self.client.put_item(TableName=self.table, Item=item)

    def _watch(self, request: Any, **_: Any) -> None:
        body = json.loads(request.body)
        for value in body.get("ExpressionAttributeValues", {}).values():
            if value.get("M", {}).get("intent") == {"S": "delete"}:
                self.announced.add(value["M"]["id"]["S"])


class Spoiler(Racer):
    """Knows of no marks: what it puts back has those of others."""

    def turn(self, key: Item, found: Item | None, value: str) -> None:
        if found is not None:
            self.copies.append(found)
        if self.chance.random() < 0.2:
            self.put(key | {"n": {"S": value}})
        elif self.copies and self.chance.random() < 0.4:
            copy = self.chance.choice(self.copies[-6:])
            self.put(copy | {"n": {"S": value}})


@pytest.fixture
def world(stack: StackInfo) -> Iterator[LiveWorld]:
    made = LiveWorld(stack.session())
    yield made
    made.close()


def racers(world: LiveWorld) -> list[Racer]:
    table = world.tables[0].name
    found: list[Racer] = []
    for number, (name, way) in enumerate((("billing", "outbox"), ("shop", "mark"), ("relay", ""))):
        client = world.session.client("dynamodb", config=ONCE)
        if way:
            install(client, way=way, deletes="two-step", outbox=world.outbox)
        found.append((Racer if way else Spoiler)(name, client, table, random.Random(number)))
    return found


def test_nobody_is_certain_to_have_written_what_another_wrote(world: LiveWorld) -> None:
    assert world.run() == []
    threads = racers(world)
    start = threading.Barrier(len(threads))
    with ThreadPoolExecutor(len(threads)) as pool:
        for each in [pool.submit(racer.run, start) for racer in threads]:
            each.result()
    assert world.run() == []
    counts: Counter[str] = Counter()
    for line in world.lines():
        actor, who = line["entry"].get("actor", {}), writer_of(line["images"], threads)
        confidence = actor.get("confidence", "nobody")
        if actor.get("id", who) != who:
            assert (confidence, who) == ("likely", "relay"), (actor, line)
            confidence = "wrong"
        counts[confidence] += 1
    assert counts["certain"] > TURNS / 2
    assert counts["likely"] > TURNS / 2
    assert counts["nobody"] > 0


def writer_of(images: dict[str, Any], threads: list[Racer]) -> str:
    """By what was written, sent or removed; never by whom a mark names."""
    old, new = images["old"], images["new"]
    if new is not None and (old is None or old["n"] != new["n"]):
        [who] = [racer.name for racer in threads if new["n"]["S"] in racer.wrote]
        return who
    # A mark for a delete, or a removal: of the item as it was read, or as another left it who put that mark back.
    by_value = [racer.name for racer in threads if new is None and old["n"]["S"] in racer.removed]
    mark = (new or old).get("_audit", {}).get("M", {}).get("id", {}).get("S")
    [who] = by_value or [racer.name for racer in threads if mark in racer.announced]
    return who
