"""What each saved search must find in the planted story, told from the story's deeds.

Rules
- One entry for each saved search, for each of its filters to fill in and for each example: what has none makes the test
  fail, and what has no object any more does too.
- Nothing here knows a query: a deed is judged by what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.dashboards.planted_story import Deed

Judge = Callable[[Deed], bool]


def is_change(deed: Deed) -> bool:
    """In the index as a change: not as a parked entry, and no notice."""
    return deed.kind == "change"


def is_finding(deed: Deed) -> bool:
    """What CloudTrail says, in the index as that."""
    return deed.kind == "attribution"


def is_sensitive(deed: Deed) -> bool:
    if is_change(deed):
        return bool(deed.rules) or deed.severity >= 47
    # The index knows only its severity: the rest of a parked change is in the log.
    return deed.kind == "parked" and deed.full == "change" and deed.severity >= 47


def is_by_nobody_known(deed: Deed) -> bool:
    return is_change(deed) and not deed.actor


def is_by_a_person(deed: Deed) -> bool:
    """Under the name that the writer gave, or in an entry of its own under the one that IAM verified."""
    return (is_change(deed) and deed.actor != "" and deed.action != "expire") or (
        is_finding(deed) and deed.principal != ""
    )


def is_who(deed: Deed) -> bool:
    return is_change(deed) or (is_finding(deed) and deed.about is not None)


def is_off_hours(zone: str) -> Judge:
    def judge(deed: Deed) -> bool:
        local: datetime = deed.at.astimezone(ZoneInfo(zone))
        is_idle = local.hour < 7 or local.hour >= 19 or local.isoweekday() > 5
        return is_change(deed) and deed.action != "expire" and is_idle

    return judge


def is_removal(deed: Deed) -> bool:
    """A parked removal is still one: the index knows what was done to which item."""
    return deed.action in ("remove", "expire")


SEARCHES: dict[str, Judge] = {
    "who-changed-this-value": is_change,
    "what-removed-this-item": is_removal,
    "changes-of-one-item": lambda deed: deed.item != "",
    "sensitive-changes": is_sensitive,
    "ttl-removals": lambda deed: deed.action == "expire",
    "changes-without-a-known-actor": is_by_nobody_known,
    "gaps-and-coverage": lambda deed: deed.kind in ("gap", "coverage"),
    "parked-and-unreadable": lambda deed: deed.kind in ("parked", "unreadable"),
    "activity-of-one-person": is_by_a_person,
    "who-did-it": is_who,
    "claims-against-iam": lambda deed: is_finding(deed) and deed.contradiction,
    "writes-without-an-entry": lambda deed: is_finding(deed) and deed.about is None,
    "off-hours-changes": is_off_hours("UTC"),
}

FILLED: dict[str, Callable[[Deed], set[str]]] = {
    "table.name": lambda deed: {deed.table},
    "item.id": lambda deed: {deed.item} - {""},
    "changed_path": lambda deed: deed.paths if is_change(deed) else set(),
    "actor.id": lambda deed: {deed.actor} - {""} if is_change(deed) else set(),
    "actor.source": lambda deed: {deed.source} - {""} if is_change(deed) else set(),
    "actor.confidence": lambda deed: {deed.confidence} - {""} if is_change(deed) else set(),
    "actor.last_known": lambda deed: {deed.last_known} - {""} if is_change(deed) else set(),
    "request.id": lambda deed: {deed.request} - {""} if is_change(deed) else set(),
    "principal.name": lambda deed: {deed.principal} - {""} if is_finding(deed) else set(),
    "principal.claimed": lambda deed: {deed.claimed} - {""} if is_finding(deed) else set(),
    "tags": lambda deed: set(deed.tags) if is_change(deed) else set(),
}
"""For each field of a filter to fill in: the values of it that a deed has in the index."""


def _price_raised_above_100(deed: Deed) -> bool:
    price = deed.after.get("price")
    return is_change(deed) and price is not None and int(price) > 100


def _is_alices(deed: Deed) -> bool:
    return "alice" in ((deed.actor if is_change(deed) else ""), (deed.principal if is_finding(deed) else ""))


EXAMPLES: dict[tuple[str, str], Judge] = {
    ("who-changed-this-value", "who set a status to shipped"): lambda deed: (
        is_change(deed) and deed.after.get("status") == "shipped"
    ),
    ("who-changed-this-value", "who set a price above 100"): _price_raised_above_100,
    ("who-changed-this-value", "who touched anything under address"): lambda deed: (
        is_change(deed) and any(path.startswith("address.") for path in deed.paths)
    ),
    ("what-removed-this-item", "removals by someone, in one service"): lambda deed: (
        # A parked entry does not say whose service it was.
        is_change(deed) and deed.action == "remove" and deed.service == "shop"
    ),
    ("changes-of-one-item", "all items whose key begins so"): lambda deed: deed.item.startswith("order#1"),
    ("changes-of-one-item", "all items with this number somewhere in their key"): lambda deed: (
        deed.item.rpartition("#")[2] == "17"
    ),
    ("sensitive-changes", "only what raised an alert: high and critical"): lambda deed: (
        is_change(deed) and deed.severity >= 73
    ),
    ("gaps-and-coverage", "only what a person must look at"): lambda deed: (
        deed.kind in ("gap", "coverage") and deed.severity >= 73
    ),
    ("changes-of-one-item", "without what CloudTrail says"): lambda deed: deed.item != "" and not is_finding(deed),
    ("activity-of-one-person", "under either name"): _is_alices,
    ("activity-of-one-person", "also where several may have done it"): lambda deed: (
        _is_alices(deed)
        or (is_change(deed) and "alice" in deed.candidates)
        or (is_finding(deed) and "alice" in deed.principals)
    ),
    ("changes-without-a-known-actor", "where several may have done it"): lambda deed: (
        is_change(deed) and deed.candidates != ()
    ),
    ("changes-without-a-known-actor", "where alice is one of them"): lambda deed: (
        is_change(deed) and "alice" in deed.candidates
    ),
    ("what-removed-this-item", "removals of which it is certain who did it"): lambda deed: (
        is_removal(deed) and is_change(deed) and deed.confidence == "certain"
    ),
    ("who-did-it", "what someone did, as far as it is certain"): lambda deed: (
        is_change(deed) and (deed.actor, deed.confidence) == ("alice", "certain")
    ),
    ("who-did-it", "what a principal did, whatever its writers claim"): lambda deed: (
        is_finding(deed) and deed.principal == "deploy-role"
    ),
    ("who-did-it", "all changes of one request"): lambda deed: is_change(deed) and deed.request == "req-8",
    ("who-did-it", "changes for a reason"): lambda deed: is_change(deed) and deed.reason == "refund",
    ("who-did-it", "what its writers claim and IAM does not contradict"): lambda deed: (
        is_finding(deed) and deed.claimed != "" and deed.confidence == "likely" and not deed.contradiction
    ),
    ("who-did-it", "made while the outbox could not be read"): lambda deed: is_change(deed) and deed.is_unread,
    ("who-did-it", "of which no call in CloudTrail fits"): lambda deed: (
        is_finding(deed) and not deed.principal and not deed.principals
    ),
    ("writes-without-an-entry", "of one item"): lambda deed: is_finding(deed) and deed.item == "order#ghost-1",
}
