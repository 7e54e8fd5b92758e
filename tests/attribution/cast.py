"""Who writes in the story, by which way, and as whom IAM knows them: 20 people and 3 services.

Rules
- A way is a habit, and some forget it now and then (`forgets`, the share of their writes).
- In a table whose rows of the outbox are not read, who uses the outbox marks.
- People who share a service's role are told apart by nobody in IAM but the role's session.

Called by `acts`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.core.trail import ACCOUNT, role, user

Identity = dict[str, Any]
OPS_ROLE = "operations"
RIVALS = ("billing", "shop")
"""The two services that race on the same items."""
SSO_ROLE = "AWSReservedSSO_Support_0a1b2c3d4e5f6789"


@dataclass(frozen=True, slots=True)
class Writer:
    """`way`: mark, outbox, attribute (`updatedBy`, or what the table maps) or none. `deletes`: plain or two-step."""

    name: str
    way: str = "none"
    deletes: str = "plain"
    forgets: float = 0.0
    type: str = "user"
    service: str = ""
    identity: Identity = field(default_factory=dict, hash=False, compare=False)
    clock_ahead: float = 0.0
    """Seconds by which this writer's clock is wrong."""

    @property
    def principal(self) -> str:
        return str(self.identity["arn"])


def _sso(name: str) -> Identity:
    return role(SSO_ROLE, f"{name}@example.com", path="aws-reserved/sso.amazonaws.com/")


def _people() -> list[Writer]:
    ways = [
        ("mark", "plain", 0.0),
        ("mark", "two-step", 0.05),
        ("mark", "plain", 0.1),
        ("mark", "two-step", 0.0),
        ("outbox", "plain", 0.0),
        ("outbox", "two-step", 0.0),
        ("outbox", "plain", 0.05),
        ("outbox", "two-step", 0.1),
        ("attribute", "plain", 0.1),
        ("none", "plain", 0.0),
    ]
    names = (
        "alice", "bob", "carol", "dora", "emil", "frieda", "gustav", "hanna", "ida", "jonas",
        "karla", "leo", "mara", "nils", "olga", "paul", "quentin", "rosa", "simon", "tilda",
    )  # fmt: skip
    made = []
    for number, name in enumerate(names):
        way, deletes, forgets = ways[number % len(ways)]
        # The second ten are known to IAM as users; of the first, some by single sign-on, some by a service's sessions.
        identity = user(name) if number >= 10 else _sso(name) if number % 2 else role("backoffice", f"web-{number % 3}")
        service = "backoffice" if number < 10 and number % 2 == 0 else ""
        ahead = {"carol": 3.0, "gustav": -2.0, "nils": 320.0}.get(name, 0.0)
        made.append(Writer(name, way, deletes, forgets, "user", service, identity, ahead))
    return made


PEOPLE = _people()
SERVICES = [
    Writer("billing", "outbox", "two-step", 0.02, "service", "billing", role("billing", "task-41")),
    Writer("shop", "mark", "two-step", 0.02, "service", "shop", role("shop", "task-17")),
    Writer("relay", "none", "plain", 0.0, "service", "relay", role("relay", "worker")),
]
OPS = Writer("ops", identity=role(OPS_ROLE, "run-7"))
"""Whoever restores, imports, copies and replays: a script of one of the 20, with no name of its own in any item."""
MALLORY = Writer("mallory", identity=user("mallory"))
"""Puts other people's names into items."""
TTL = Writer("dynamodb.amazonaws.com", identity={"arn": "", "accountId": ACCOUNT})
CAST = {writer.name: writer for writer in (*PEOPLE, *SERVICES, OPS, MALLORY)}
