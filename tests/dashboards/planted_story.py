"""A story of 2,000 changes over two months, told before anything of the product sees it.

A deed is what somebody did to an item and what a reader of the log must be able to find out: that is the truth against
which the saved objects' queries are held. The records are the same deeds as a stream would tell them.

Rules
- The same every time. Months lie decades ahead, where no other test writes.
- Truth is made here from what the story does, never from an entry.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CHANGES = 2000
START = int(datetime(2061, 3, 1, tzinfo=UTC).timestamp())
END = int(datetime(2061, 5, 1, tzinfo=UTC).timestamp()) - 1
STEP = (END - START) // CHANGES
FIRST_SEQUENCE = 700000000000000000000

SERVICES = {"orders": "shop", "customers": "crm", "invoices": "", "sessions": "web", "users": "access"}
WEIGHTS = {"orders": 45, "customers": 20, "invoices": 15, "sessions": 12, "users": 8}
PEOPLE = ("alice", "bob", "carol", "billing-service")
VALUES: dict[str, dict[str, tuple[Any, ...]]] = {
    "orders": {
        "status": ("new", "paid", "shipped", "returned"),
        "price": (20, 80, 120, 300),
        "address": (
            {"city": "Oslo", "zip": "0150"},
            {"city": "Bergen", "zip": "5003"},
            {"city": "Bodø", "zip": "8006"},
        ),
        "lines": ([{"qty": 1}, {"qty": 2}], [{"qty": 3}, {"qty": 2}], [{"qty": 3}]),
    },
    "customers": {
        "email": ("a@example.org", "b@example.org", "c@example.org"),
        "phone": ("+47 1", "+47 2", "+47 3"),
        "address": ({"city": "Oslo", "zip": "0150"}, {"city": "Tromsø", "zip": "9008"}),
    },
    "invoices": {"status": ("open", "sent", "settled"), "amount": (10, 11, 500)},
    "sessions": {"seen_at": (1, 2, 3, 4), "device": ("phone", "laptop")},
    "users": {"roles": ("reader", "writer", "admin"), "note": ("", "on leave", "back")},
}
"""What each attribute may be; an item has one value of each."""

OWN_RULES: dict[str, Any] = {
    "rules": [
        {
            "name": "story-admin",
            "description": "Someone becomes an administrator.",
            "when": {"table": ["users"], "action": ["modify"], "path": ["roles"], "after": {"equals": "admin"}},
            "tags": ["story"],
            "severity": "critical",
        },
        {
            "name": "story-invoice",
            "description": "An invoice's standing changes.",
            "when": {"table": ["invoices"], "action": ["modify"], "path": ["status"]},
            "tags": ["bookkeeping"],
            "severity": "low",
        },
    ],
}
"""What the story adds to the default rules, which have nothing critical and little that is low."""


@dataclass(slots=True)
class Deed:
    """One thing that happened, and what the log must say of it. `before` and `after` are leaves by path, as texts."""

    seconds: int
    table: str
    item: str
    action: str
    sequence: int
    actor: str = ""
    last_known: str = ""
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    severity: int = 0
    kind: str = "change"
    """In the index: change, parked (the index refused it), unreadable, gap, coverage or attribution."""
    full: str = "change"
    """The kind of what is parked."""
    source: str = ""
    confidence: str = ""
    candidates: tuple[str, ...] = ()
    request: str = ""
    reason: str = ""
    is_unread: bool = False
    """The outbox could not be read."""
    about: Deed | None = None
    """Of kind attribution: the change that is spoken of."""
    principal: str = ""
    principals: tuple[str, ...] = ()
    """Those of whom each may have called."""
    claimed: str = ""
    contradiction: bool = False
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None

    @property
    def service(self) -> str:
        return SERVICES[self.table]

    @property
    def paths(self) -> set[str]:
        """What changed, with [] for any position."""
        return {path.replace("[0]", "[]").replace("[1]", "[]") for path in {**self.before, **self.after}}

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def deeds() -> list[Deed]:
    """All of them, in the order of time."""
    teller = _Teller()
    told = [teller.deed(number) for number in range(CHANGES)]
    for deed in [*told[7::211], *[deed for deed in told if deed.severity >= 47][3::60]]:
        deed.kind = "parked"
    return told


class _Teller:
    """Goes through the story with what each item looks like at that moment."""

    def __init__(self) -> None:
        self.chance = random.Random(20610301)
        self.items: dict[str, dict[str, dict[str, Any]]] = {table: {} for table in SERVICES}
        self.made = 0

    def deed(self, number: int) -> Deed:
        # Every fiftieth and the next one share a second with the one before: order within it must be kept.
        slot = number - number % 50 if number % 50 < 3 else number
        pause = 0 if number % 50 < 3 else self.chance.randrange(STEP // 2)
        seconds = START + slot * STEP + pause
        table = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        sequence = FIRST_SEQUENCE + number * 1000
        items = self.items[table]
        what = self.chance.random()
        if what < 0.2 or len(items) < 5:
            return self.insert(Deed(seconds, table, "", "insert", sequence))
        name = self.chance.choice(sorted(items))
        if what < 0.3:
            is_ttl = table == "sessions" or self.chance.random() < 0.1
            return self.remove(Deed(seconds, table, name, "expire" if is_ttl else "remove", sequence))
        return self.modify(Deed(seconds, table, name, "modify", sequence))

    def insert(self, deed: Deed) -> Deed:
        self.made += 1
        deed.item = f"{deed.table[:-1]}#{self.made}"
        new = {name: self.chance.choice(values) for name, values in VALUES[deed.table].items()}
        return self.written(deed, None, {"pk": deed.item, **new})

    def modify(self, deed: Deed) -> Deed:
        old = self.items[deed.table][deed.item]
        name = self.chance.choice(sorted(VALUES[deed.table]))
        other = [value for value in VALUES[deed.table][name] if value != old[name]]
        return self.written(deed, old, {**old, name: self.chance.choice(other)})

    def remove(self, deed: Deed) -> Deed:
        old = self.items[deed.table].pop(deed.item)
        deed.last_known = old.get("updatedBy", "")
        if deed.action == "expire":
            deed.actor = "dynamodb.amazonaws.com"
        return _told(deed, old, None)

    def written(self, deed: Deed, old: dict[str, Any] | None, new: dict[str, Any]) -> Deed:
        """By somebody who says so in the item, or by one who does not: then the last one's name stays in it."""
        writer = self.chance.choice(PEOPLE) if self.chance.random() < 0.8 else ""
        previous = (old or {}).get("updatedBy", "")
        if writer:
            new = {**new, "updatedBy": writer}
        # Who writes a name that stands there already cannot be told from one who writes none.
        if writer and writer != previous:
            deed.actor = writer
        else:
            deed.last_known = previous
        self.items[deed.table][deed.item] = new
        return _ruled(_told(deed, old, new))


def _told(deed: Deed, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Deed:
    before, after = dict(leaves(old or {})), dict(leaves(new or {}))
    deed.old, deed.new = old, new
    deed.before = {path: text for path, text in before.items() if after.get(path) != text}
    deed.after = {path: text for path, text in after.items() if before.get(path) != text}
    return deed


def _ruled(deed: Deed) -> Deed:
    """Which of the default rules and OWN_RULES speak of it, in the story's own words: name, tag, severity."""
    said: list[tuple[str, str, int]] = []
    changed = deed.before.keys() | deed.after.keys()
    if deed.action == "insert" and deed.after.get("roles") == "admin":
        said.append(("created-with-power", "access", 73))
    if deed.action == "modify":
        if "roles" in changed:
            said.append(("role-changed", "access", 73))
            said += [("story-admin", "story", 99)] if deed.after["roles"] == "admin" else []
        if "email" in changed:
            said.append(("email-changed", "contact", 47))
        if "price" in changed:
            said.append(("price-changed", "price", 47))
            is_cut = int(deed.after["price"]) < int(deed.before["price"]) / 2
            said += [("price-cut", "price", 73)] if is_cut else []
        if said and not deed.actor:
            said.append(("sensitive-change-by-unknown", "unknown-actor", 21))
        if deed.table == "invoices" and "status" in changed:
            said.append(("story-invoice", "bookkeeping", 21))
    deed.rules = tuple(sorted({name for name, _, _ in said}))
    deed.tags = tuple(sorted({tag for _, tag, _ in said}))
    deed.severity = max((severity for _, _, severity in said), default=0)
    return deed


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Paths and texts, as docs/format.md has them, of what the story's items are made of."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{position}]")
    else:
        yield path, str(value)


def record(deed: Deed) -> dict[str, Any]:
    """The deed as GetRecords tells it."""
    data: dict[str, Any] = {
        "ApproximateCreationDateTime": deed.seconds,
        "Keys": {"pk": {"S": deed.item}},
        "SequenceNumber": str(deed.sequence),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    for name, image in (("OldImage", deed.old), ("NewImage", deed.new)):
        if image is not None:
            data[name] = {key: typed(value) for key, value in image.items()}
    names = {"insert": "INSERT", "modify": "MODIFY", "remove": "REMOVE", "expire": "REMOVE"}
    told: dict[str, Any] = {"eventID": f"{deed.sequence:032x}", "eventName": names[deed.action], "dynamodb": data}
    if deed.action == "expire":
        told["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return told


def typed(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"M": {name: typed(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"L": [typed(inner) for inner in value]}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}
