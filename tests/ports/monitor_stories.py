"""For each monitor: entries that are known in advance, and what its triggers must find, edges of windows included.

Times are seconds before NOON. A run's `fires` names, for each trigger, the buckets that it finds, or says whether it
fires at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3_600, 86_400

Document = dict[str, Any]


@dataclass(frozen=True)
class Run:
    fires: dict[str, frozenset[str] | bool]
    before_noon: float = 0
    """When its period ends."""


@dataclass(frozen=True)
class Story:
    documents: list[Document]
    runs: tuple[Run, ...]


def at(before_noon: float) -> str:
    return f"{NOON - timedelta(seconds=before_noon):%Y-%m-%dT%H:%M:%SZ}"


def changes(
    count: int, before_noon: float, table: str, actor: str = "", action: str = "remove", kind: str = "change"
) -> Iterator[Document]:
    for _ in range(count):
        document: Document = {
            "@timestamp": at(before_noon),
            "event": {"action": action},
            "tabletrail": {"kind": kind},
            "table": {"name": table},
        }
        # As the conversion writes it: whoever wrote the item last is no actor.
        document["actor"] = {"id": actor} if actor else {"last_known": "ann"}
        yield document


def candidates(count: int, before_noon: float, table: str, *names: str) -> Iterator[Document]:
    """Removals of which each of several may be the remover."""
    for document in changes(count, before_noon, table):
        document["actor"] = {"candidates": [{"id": name, "type": "user"} for name in names], "source": "outbox"}
        yield document


def said(
    count: int,
    before_noon: float,
    principal: str,
    action: str = "remove",
    confidence: str = "likely",
    table: str = "orders",
    kind: str = "attribution",
) -> Iterator[Document]:
    """What CloudTrail says of changes, one entry each."""
    for document in changes(count, before_noon, table, action="attributed", kind=kind):
        del document["actor"]
        document["tabletrail"]["action"] = action
        who = {"name": principal} if confidence == "likely" else {"candidates": [{"name": principal}]}
        document["principal"] = {**who, "confidence": confidence, "claimed": principal}
        yield document


def unrecorded(count: int, before_noon: float, table: str, kind: str = "attribution") -> Iterator[Document]:
    for document in changes(count, before_noon, table, action="unrecorded", kind=kind):
        document["actor"] = {}
        document["principal"] = {"name": "ann", "confidence": "possible"}
        yield document


def figures(before_noon: float, lag: int = 5, waiting: int = 0) -> Document:
    return {"@timestamp": at(before_noon), "lag_seconds": lag, "waiting_seconds": waiting}


def found(*keys: str) -> frozenset[str]:
    return frozenset(keys)


def behind(before_noon: float, late: bool, silent: bool = False) -> Run:
    fires: dict[str, frozenset[str] | bool] = {
        "tabletrail-log-behind-capture": late,
        "tabletrail-log-behind-index": late,
        "tabletrail-log-behind-silent": silent,
    }
    return Run(fires, before_noon)


MANY_DELETES = Story(
    [
        *changes(50, 5 * MINUTE, "orders", "mallory"),
        *changes(49, 5 * MINUTE, "orders", "ann"),
        # The window's edges: its first second counts, its end does not.
        *changes(50, 15 * MINUTE, "orders", "at-the-beginning"),
        *changes(50, 15 * MINUTE + 1, "orders", "before-it"),
        *changes(50, 0, "orders", "at-the-end"),
        # Over two tables it is still one actor's doing.
        *changes(25, MINUTE, "orders", "both"),
        *changes(25, 2 * MINUTE, "customers", "both"),
        *changes(80, MINUTE, "orders", "inserter", action="insert"),
        *changes(80, MINUTE, "sessions", "dynamodb.amazonaws.com", action="expire"),
        *changes(80, MINUTE, "orders"),
        *changes(80, MINUTE, "orders", "parked", kind="parked"),
        # What CloudTrail says of a removal is no second one, and who may have done one of several is not named.
        *said(80, 5 * MINUTE, "ann"),
        *candidates(80, 5 * MINUTE, "orders", "ann", "bob"),
        # The first step of a marked delete is no removal.
        *changes(49, MINUTE, "orders", "marker"),
        *changes(49, MINUTE, "orders", "marker", action="modify"),
    ],
    (
        Run({"tabletrail-many-deletes": found("mallory", "at-the-beginning", "both")}),
        Run({"tabletrail-many-deletes": found("at-the-end")}, before_noon=-14 * MINUTE),
        Run({"tabletrail-many-deletes": found()}, before_noon=-HOUR),
    ),
)

MANY_DELETES_UNNAMED = Story(
    [
        *changes(200, MINUTE, "orders"),
        *changes(199, MINUTE, "customers"),
        *changes(300, MINUTE, "named", "ann"),
        *changes(300, MINUTE, "sessions", "dynamodb.amazonaws.com", action="expire"),
        *changes(200, 15 * MINUTE + 1, "earlier"),
        *said(200, MINUTE, "ann", table="customers"),
        *candidates(200, MINUTE, "several", "ann", "bob"),
    ],
    (
        Run({"tabletrail-many-deletes-unnamed": found("orders", "several")}),
        Run({"tabletrail-many-deletes-unnamed": found()}, before_noon=-20 * MINUTE),
    ),
)

MANY_DELETES_PRINCIPAL = Story(
    [
        *said(100, 100 * MINUTE, "mallory"),
        *said(99, 100 * MINUTE, "ann"),
        *said(100, 150 * MINUTE, "at-the-beginning"),
        *said(100, 150 * MINUTE + 1, "before-it"),
        *said(100, 90 * MINUTE, "at-the-end"),
        *said(50, 100 * MINUTE, "both"),
        *said(50, 140 * MINUTE, "both", table="customers"),
        *said(200, 100 * MINUTE, "changer", action="modify"),
        *said(200, 100 * MINUTE, "candidate", confidence="possible"),
        *said(200, 100 * MINUTE, "parked", kind="parked"),
        # The changes themselves are counted by their actors alone.
        *changes(200, 100 * MINUTE, "orders", "ann"),
        *unrecorded(200, 100 * MINUTE, "orders"),
    ],
    (
        Run({"tabletrail-many-deletes-principal": found("mallory", "at-the-beginning", "both")}),
        Run({"tabletrail-many-deletes-principal": found("at-the-end")}, before_noon=-55 * MINUTE),
        Run({"tabletrail-many-deletes-principal": found()}, before_noon=-3 * HOUR),
    ),
)

WRITES_UNRECORDED = Story(
    [
        *unrecorded(1, 2 * HOUR, "orders"),
        *unrecorded(1, 24 * HOUR, "at-the-beginning"),
        *unrecorded(1, 24 * HOUR + 1, "before-it"),
        *unrecorded(3, 2 * HOUR, "parked", kind="parked"),
        *said(9, 2 * HOUR, "ann", table="attributed"),
        *changes(9, 2 * HOUR, "changed", "ann"),
    ],
    (
        Run({"tabletrail-writes-unrecorded": found("orders", "at-the-beginning")}),
        Run({"tabletrail-writes-unrecorded": found()}, before_noon=-DAY),
    ),
)

ACTOR_UNKNOWN = Story(
    [
        *said(5, 70 * MINUTE, "ann", table="attributed"),
        *unrecorded(5, 70 * MINUTE, "unrecorded"),
        *candidates(1, 70 * MINUTE, "several", "ann", "bob"),
        *changes(1, 70 * MINUTE, "orders", action="modify"),
        *changes(1, 60 * MINUTE + 1, "just-over-an-hour", action="insert"),
        *changes(1, 60 * MINUTE, "just-an-hour", action="insert"),
        *changes(1, 130 * MINUTE, "at-the-beginning"),
        *changes(1, 130 * MINUTE + 1, "before-it"),
        *changes(5, 70 * MINUTE, "named", "ann", action="modify"),
        *changes(5, 70 * MINUTE, "sessions", action="expire"),
        *changes(5, 70 * MINUTE, "lost", kind="gap"),
    ],
    (
        Run({"tabletrail-actor-unknown": found("orders", "just-over-an-hour", "at-the-beginning", "several")}),
        Run({"tabletrail-actor-unknown": found()}, before_noon=-2 * HOUR),
    ),
)

TABLE_SILENT = Story(
    [
        *changes(60, 24.5 * HOUR, "fallen-silent", "ann"),
        *changes(60, 24.5 * HOUR, "still-busy", "ann"),
        *changes(1, 30 * MINUTE, "still-busy", "ann"),
        *changes(59, 24.5 * HOUR, "never-busy", "ann"),
        # Silent now, and silent in this hour of yesterday too.
        *changes(500, 20 * HOUR, "busy-at-another-hour", "ann"),
        *changes(80, 24.5 * HOUR, "seen-within-five-minutes", "ann"),
        *changes(1, 4 * MINUTE, "seen-within-five-minutes", "ann"),
        *changes(80, 24.5 * HOUR, "seen-at-the-edge", "ann"),
        *changes(1, 65 * MINUTE, "seen-at-the-edge", "ann"),
        *changes(80, 24.5 * HOUR, "seen-before-the-edge", "ann"),
        *changes(1, 65 * MINUTE + 1, "seen-before-the-edge", "ann"),
        *changes(80, 24.5 * HOUR, "only-a-gap", "ann"),
        *changes(1, 30 * MINUTE, "only-a-gap", kind="gap"),
        # What CloudTrail says of it does not make a table busy.
        *said(60, 24.5 * HOUR, "ann", table="never-busy"),
        *unrecorded(1, 30 * MINUTE, "only-a-gap"),
        *changes(200, 30 * MINUTE, "new", "ann"),
    ],
    (
        Run(
            {
                "tabletrail-table-silent": found(
                    "fallen-silent", "seen-within-five-minutes", "seen-before-the-edge", "only-a-gap"
                )
            }
        ),
        # A day later the table that was new is the one that fell silent.
        Run({"tabletrail-table-silent": found("new")}, before_noon=-DAY),
        Run({"tabletrail-table-silent": found()}, before_noon=-3 * DAY),
    ),
)

GAPS = Story(
    [*changes(1, HOUR, "orders", kind="gap"), *changes(3, HOUR, "orders", "ann")],
    (
        Run({"tabletrail-gaps": True}),
        Run({"tabletrail-gaps": True}, before_noon=-23 * HOUR),
        Run({"tabletrail-gaps": False}, before_noon=-23 * HOUR - 1),
        # At the end of its period it is the next run's.
        Run({"tabletrail-gaps": False}, before_noon=HOUR),
    ),
)

LOG_BEHIND = Story(
    [
        *(figures(minutes * MINUTE) for minutes in range(1, 10)),
        *(figures(DAY + minutes * MINUTE, lag=901, waiting=1801) for minutes in range(1, 10)),
        *(figures(2 * DAY + minutes * MINUTE, lag=900, waiting=1800) for minutes in range(1, 10)),
        # Late once, and no longer: that is no trouble.
        figures(3 * DAY + MINUTE),
        figures(3 * DAY + 2 * MINUTE, lag=5_000, waiting=5_000),
    ],
    (
        behind(0, late=False),
        behind(DAY, late=True),
        behind(2 * DAY, late=False),
        behind(3 * DAY, late=False),
        behind(12 * HOUR, late=False, silent=True),
    ),
)

STORIES = {
    "many-deletes.v1.json": MANY_DELETES,
    "many-deletes-principal.v1.json": MANY_DELETES_PRINCIPAL,
    "many-deletes-unnamed.v1.json": MANY_DELETES_UNNAMED,
    "writes-unrecorded.v1.json": WRITES_UNRECORDED,
    "actor-unknown.v1.json": ACTOR_UNKNOWN,
    "table-silent.v1.json": TABLE_SILENT,
    "gaps.v1.json": GAPS,
    "log-behind.v1.json": LOG_BEHIND,
}
