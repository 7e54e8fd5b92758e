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


def is_sensitive(deed: Deed) -> bool:
    if is_change(deed):
        return bool(deed.rules) or deed.severity >= 47
    # The index knows only its severity: the rest of a parked change is in the log.
    return deed.kind == "parked" and deed.severity >= 47


def is_by_nobody_known(deed: Deed) -> bool:
    return is_change(deed) and not deed.actor and not deed.principal


def is_by_a_person(deed: Deed) -> bool:
    return is_change(deed) and ((deed.actor != "" and deed.action != "expire") or bool(deed.principal))


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
    "off-hours-changes": is_off_hours("UTC"),
}

FILLED: dict[str, Callable[[Deed], set[str]]] = {
    "table.name": lambda deed: {deed.table},
    "item.id": lambda deed: {deed.item} - {""},
    "changed_path": lambda deed: deed.paths if is_change(deed) else set(),
    "actor.id": lambda deed: {deed.actor} - {""} if is_change(deed) else set(),
    "principal.name": lambda deed: {deed.principal} - {""},
    "tags": lambda deed: set(deed.tags) if is_change(deed) else set(),
}
"""For each field of a filter to fill in: the values of it that a deed has in the index."""


def _price_raised_above_100(deed: Deed) -> bool:
    price = deed.after.get("price")
    return is_change(deed) and price is not None and int(price) > 100


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
    ("activity-of-one-person", "under either name"): lambda deed: is_change(deed) and deed.actor == "alice",
}
