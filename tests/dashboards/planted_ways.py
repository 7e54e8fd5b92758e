"""How each deed of the planted story names who did it, and what CloudTrail says of some.

Rules
- Told apart from what the conversion makes of a record: an outbox and a trail have more to say than the record.
- Only deeds that stand in the index as changes are spoken of, and a way never alters which rules speak of a deed.
- What CloudTrail says is a deed of its own, at its change's place in the stream; a call without an entry has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.dashboards.planted_story import PEOPLE, START, Deed

REASONS = ("refund", "address was wrong", "end of contract")
ROLES = ("deploy-role", "batch-role")
DAY = 86_400


def with_ways(told: Sequence[Deed]) -> None:
    """Gives each change its actor's source and confidence; some that name nobody a row of the outbox."""
    named = [deed for deed in told if deed.kind == "change" and deed.actor]
    for number, deed in enumerate(named):
        if deed.action == "expire":
            _known(deed, "ttl", "certain")
        elif number % 9 == 1:
            _known(deed, "outbox", "certain", number)
        elif number % 4 == 0:
            _known(deed, "mark", "likely", number)
            deed.is_unread = number % 64 == 0
        else:
            _known(deed, "attribute", "possible")
    removed = [deed for deed in told if deed.kind == "change" and deed.action == "remove"]
    for number, deed in enumerate(removed):
        if number % 3 == 0:
            deed.actor, deed.last_known = PEOPLE[number % len(PEOPLE)], ""
            _known(deed, "outbox", "certain" if number % 2 else "likely", 10_000 + number)
        elif number % 7 == 1:
            deed.candidates = ("alice", "bob") if number % 2 else ("carol", "alice", "billing-service")
            deed.source, deed.confidence = "outbox", "possible"


def _known(deed: Deed, source: str, confidence: str, request: int | None = None) -> None:
    deed.source, deed.confidence = source, confidence
    if request is not None:
        deed.request, deed.reason = f"req-{request % 40}", REASONS[request % len(REASONS)]


def findings(told: Sequence[Deed]) -> list[Deed]:
    """What CloudTrail says of every fifth change, and of calls without an entry."""
    changes = [deed for deed in told if deed.kind == "change" and deed.action != "expire"]
    made = [_finding(number, deed) for number, deed in enumerate(changes[::5])]
    parked = next(one for one in reversed(made) if one.contradiction)
    parked.kind, parked.full = "parked", "attribution"
    return [*made, *_unrecorded()]


def _finding(number: int, about: Deed) -> Deed:
    found = Deed(
        about.seconds, about.table, about.item, "attributed", about.sequence, kind="attribution", full="attribution"
    )
    found.about, found.claimed = about, about.actor
    kind = number % 8
    if kind < 4:
        found.principal, found.confidence = (*PEOPLE[:3], *ROLES)[number % 5], "likely"
        # People may claim to be themselves alone; a role writes for others.
        is_person = found.principal not in ROLES
        found.contradiction = is_person and found.claimed not in ("", found.principal)
        found.severity = 73 if found.contradiction else 0
    elif kind < 7:
        found.principals = ("alice", ROLES[number % 2]) if number % 2 else ("bob", "carol")
        found.confidence = "possible"
    else:
        found.action = "unattributed"
    return found


def _unrecorded() -> Iterator[Deed]:
    for number in range(12):
        item = f"order#ghost-{number}" if number % 3 else ""
        seconds = START + number * 4 * DAY + 29
        found = Deed(seconds, "orders", item, "unrecorded", 0, kind="attribution", full="attribution", severity=47)
        found.principal, found.confidence = ("alice", "batch-role")[number % 2], "possible"
        yield found
