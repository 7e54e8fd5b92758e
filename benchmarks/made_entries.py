"""Entries as a company of five tables makes them, for benchmarks of the index: by the real conversion and rules. And
what an index of them weighs.

Rules
- The same seed gives the same entries. Numbers and words come from a generator whose values compress as real ones do:
  names and states repeat, ids and amounts do not.
- KINDS are what happens, with how often of a hundred; each is also asked for alone.

Called by `bytes_per_entry`, `key_types` and `query_times`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabletrail.aws.opensearch_connect import ask
from tabletrail.core.attribution import attribution_entry
from tabletrail.core.cloudtrail import Call
from tabletrail.core.cloudtrail_writes import Write
from tabletrail.core.document import with_log
from tabletrail.core.entry import Conversion, Entry, Source, convert, coverage_entry, gap_entry
from tabletrail.core.policy import compile_policy, merged
from tabletrail.core.principal import Principal
from tabletrail.core.witness import Candidate, Verdict
from tests.ports.opensearch_server import Server

ROOT = Path(__file__).parents[1]
Item = dict[str, Any]
Change = tuple[str, str, Item | None, Item | None]
"""(table, key, old, new)"""

PEOPLE = [f"{name}{number}@example.com" for name in ("alice", "bob", "chen", "dora", "emre") for number in range(40)]
JOBS = ["billing-job", "price-import", "gdpr-cleaner"]
STATES = ["new", "paid", "packed", "shipped", "delivered", "returned", "cancelled"]
CITIES = ["Köln", "Bonn", "Paris", "Lyon", "Torino", "Gent", "Porto", "Graz"]
SERVICES = {"orders": "shop", "customers": "crm", "sessions": "web", "catalog": "shop", "users": "identity"}
TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
ITEMS = 300_000
STATS_SECONDS = 11
"""OpenSearch says for 10 seconds what a store's size was (`index.store.stats_refresh_interval`)."""


def conversion() -> Conversion:
    """With the rules that come with the product: tags and severities as they are in earnest."""
    files = sorted((ROOT / "mappings" / "rules").glob("*.json"))
    policy = compile_policy(merged((path.name, json.loads(path.read_text("utf-8"))) for path in files))
    return Conversion("month", "updatedBy", policy)


@dataclass
class Maker:
    """`first` to `last`: the seconds between which the changes happen, in their order."""

    seed: int
    first: int
    last: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.conversion = conversion()

    def entries(self, count: int, kind: str = "") -> Iterator[Entry]:
        """Of all kinds, as often as each happens, or of one."""
        names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
        for number in range(count):
            at = self.first + (self.last - self.first) * number // count
            if not kind and number % 50_000 == 17:
                yield self.of_the_log(number, at)
                continue
            chosen = kind or self.chance.choices(names, weights)[0]
            yield self.entry(number, at, KINDS[chosen][1](self))

    def entry(self, number: int, at: int, change: Change) -> Entry:
        table, key, old, new = change
        keys = {"pk": text(key)}
        data: Item = {"Keys": keys, "SequenceNumber": str(10**20 + number * 7919), "ApproximateCreationDateTime": at}
        for name, image in (("OldImage", old), ("NewImage", new)):
            if image is not None:
                data[name] = {**keys, **image}
        event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        record: Item = {"eventID": f"{self.chance.getrandbits(128):032x}", "eventName": event, "dynamodb": data}
        if table == "sessions" and new is None:
            record["userIdentity"] = TTL
        made = convert(record, source(table, number % 4), self.conversion)
        assert made.kind == "change"
        return made

    def said(self, count: int) -> Iterator[Entry]:
        """What CloudTrail says of as many small updates: of seven in eight that they are one role's, else two fit."""
        for number, made in enumerate(self.entries(count, "small update")):
            change = json.loads(document_of(made, number + 1))
            calls = [self.call(number), self.call(number)][: 1 if number % 8 else 2]
            candidates = tuple(Candidate(call, shows_key=True) for call in calls)
            is_one = len(calls) == 1
            verdict = Verdict(
                made.id, "likely" if is_one else "possible", calls[0].principal if is_one else None, candidates
            )
            yield attribution_entry(change, verdict)

    def call(self, number: int) -> Call:
        job = self.chance.choice(JOBS)
        arn = f"arn:aws:sts::123456789012:assumed-role/{job}/{self.uuid()}"
        role = f"arn:aws:iam::123456789012:role/{job}"
        caller = Principal(arn, "AssumedRole", job, arn, "123456789012", role, arn.rpartition("/")[2])
        address, program = (
            f"10.0.{number % 7}.{self.chance.randrange(256)}",
            "Boto3/1.34.46 md/Botocore#1.34.46 os/linux",
        )
        request = f"{self.chance.getrandbits(240):060X}"[:52]
        write = Write("orders", "update")
        return Call(self.uuid(), "UpdateItem", self.first + number, (write,), caller, address, program, request)

    def of_the_log(self, number: int, at: int) -> Entry:
        """What the log says of itself, now and then."""
        where = source(self.chance.choice(list(SERVICES)), 0)
        if number % 100_000 == 17:
            return gap_entry(where, self.conversion, str(10**20 + number), "possible", at)
        return coverage_entry(where, self.conversion, "joined", number, at)

    def who(self) -> Item:
        """A few do most of it; one in eight changes says nothing."""
        if self.chance.random() < 0.125:
            return {}
        people = JOBS if self.chance.random() < 0.4 else PEOPLE
        return {"updatedBy": text(people[min(int(self.chance.expovariate(8 / len(people))), len(people) - 1)])}

    def order(self) -> str:
        return f"order#{self.chance.randrange(ITEMS)}"

    def uuid(self) -> str:
        digits = f"{self.chance.getrandbits(128):032x}"
        return "-".join(digits[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))

    def amount(self) -> Item:
        return {"N": f"{self.chance.randrange(100_000)}.{self.chance.randrange(100):02d}"}

    def whole(self) -> Item:
        """An item of 20 attributes."""
        chance = self.chance
        lines = [{"M": {"sku": text(f"sku-{chance.randrange(5000)}"), "qty": {"N": str(chance.randrange(1, 9))}}}]
        return {
            "orderStatus": text(chance.choice(STATES)),
            "price": self.amount(),
            "address": {"M": {"city": text(chance.choice(CITIES)), "zip": text(str(chance.randrange(10_000, 99_999)))}},
            "email": text(chance.choice(PEOPLE)),
            "lines": {"L": lines},
            "isPaid": {"BOOL": chance.random() < 0.5},
            "note": text(" ".join(chance.choice(CITIES + STATES) for _ in range(6))),
            "trace": text(self.uuid()),
            **{f"field{n:02d}": text(f"{chance.getrandbits(40):x}") for n in range(7)},
            **{f"count{n}": {"N": str(chance.randrange(1000))} for n in range(3)},
            **self.who(),
        }


def text(value: str) -> Item:
    return {"S": value}


def source(table: str, shard: int) -> Source:
    arn = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}"
    stream = f"{arn}/stream/2026-08-01T06:00:00.000"
    name = f"shardId-0000000179550000000{shard}-4f1c2d3e"
    return Source(stream, name, table, arn, f"id-of-{table}", "123456789012", "eu-central-1", SERVICES[table], "pk")


def _state(maker: Maker) -> Change:
    old, new = maker.chance.sample(STATES, 2)
    item = {"orderStatus": text(old), "price": maker.amount()}
    return "orders", maker.order(), item, {**item, "orderStatus": text(new), **maker.who()}


def _price(maker: Maker) -> Change:
    old = {"price": maker.amount(), "version": {"N": "1"}, "updatedBy": text("price-import")}
    new = {**old, "price": maker.amount(), "version": {"N": "2"}, **maker.who()}
    return "catalog", f"sku-{maker.chance.randrange(5000)}", old, new


def _insert(maker: Maker) -> Change:
    return "orders", maker.order(), None, maker.whole()


def _removal(maker: Maker) -> Change:
    return "orders", maker.order(), maker.whole(), None


def _expiry(maker: Maker) -> Change:
    old = {"user": text(maker.chance.choice(PEOPLE)), "token": text(maker.uuid()), "expiresAt": {"N": "1795500000"}}
    return "sessions", maker.uuid(), old, None


def _email(maker: Maker) -> Change:
    old, new = maker.chance.sample(PEOPLE, 2)
    return "customers", maker.uuid(), {"email": text(old)}, {"email": text(new), **maker.who()}


def _role(maker: Maker) -> Change:
    person, (old, new) = maker.chance.choice(PEOPLE), maker.chance.sample(["reader", "editor", "admin"], 2)
    return "users", person, {"role": text(old)}, {"role": text(new), **maker.who()}


def _wide(maker: Maker) -> Change:
    old = {f"field{n:03d}": text(f"{maker.chance.getrandbits(40):x}") for n in range(80)}
    new = {name: text(f"{maker.chance.getrandbits(40):x}") for name in old}
    counts = {f"count{n:02d}": {"N": str(maker.chance.randrange(1000))} for n in range(20)}
    return "orders", maker.order(), {**old, **counts}, {**new, **{name: {"N": "1000"} for name in counts}}


KINDS: dict[str, tuple[float, Callable[[Maker], Change]]] = {
    "small update": (50, _state),
    "update of numbers": (16, _price),
    "insert of 20 attributes": (15, _insert),
    "removal of 20 attributes": (5, _removal),
    "expiry": (8, _expiry),
    "change of an e-mail address": (4.5, _email),
    "change of a role": (0.5, _role),
    "change of 100 attributes": (1, _wide),
}


def document_of(entry: Entry, line: int) -> bytes:
    """As the writer sends it."""
    return with_log(entry.document, entry.index, "20261124T060003Z-g1-9f2c", line)


def bulks(entries: Iterator[Entry], index: str = "", most: int = 4_000_000) -> Iterator[tuple[bytes, int]]:
    """(body, documents) of bulk requests into `index`, or into each entry's own."""
    pieces: list[bytes] = []
    size = 0
    for line, entry in enumerate(entries, 1):
        action = json.dumps({"create": {"_index": index or entry.index, "_id": entry.id}}).encode()
        pieces.append(b"%b\n%b\n" % (action, document_of(entry, line)))
        size += len(pieces[-1])
        if size >= most:
            yield b"".join(pieces), len(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces), len(pieces)


def stored_bytes(server: Server, indices: str) -> int:
    """Of the primary shards, as they lie on the disk now: what a refresh lets go is gone."""
    time.sleep(STATS_SECONDS)
    for step in ("_flush", "_refresh"):
        reply = ask(server.client("admin"), "POST", f"/{indices}/{step}", None, None, 300)
        assert reply.ok, reply.reason
    stats = server.ask("admin", "GET", f"/{indices}/_stats/store").data["_all"]["primaries"]
    return int(stats["store"]["size_in_bytes"])


def merged_bytes(server: Server, indices: str) -> int:
    """Of the primary shards, each merged into one segment."""
    params = {"max_num_segments": "1"}
    merged = ask(server.client("admin"), "POST", f"/{indices}/_forcemerge", None, params, 1800)
    assert merged.ok, merged.reason
    return stored_bytes(server, indices)
