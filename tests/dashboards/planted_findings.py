"""The planted story's entries as an outbox and a trail make them, in the fields that the format has for them."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from tabletrail.core.canonical import canonical
from tabletrail.core.document import Entry, Source, fixed_fields, moment_of, seal, sequence_key, with_hash
from tests.dashboards.planted_story import Deed
from tests.dashboards.planted_ways import ROLES

ACCOUNT = "123456789012"
EARLIER = b'{"form":"none"}'


def named(data: bytes, deed: Deed) -> bytes:
    """A change's document with who did it, as the deed has it."""
    document = json.loads(data)
    actor: dict[str, Any] = {"last_known": deed.last_known} if deed.last_known else {}
    if deed.actor:
        kind = "system" if deed.source == "ttl" else "user"
        actor |= {"id": deed.actor, "type": kind, "source": deed.source, "confidence": deed.confidence}
    elif deed.candidates:
        actor["candidates"] = [{"id": name, "type": "user"} for name in deed.candidates]
        actor |= {"source": deed.source, "confidence": deed.confidence}
    assert deed.source == "outbox" or document.get("actor", {}).get("id", "") == deed.actor
    if actor:
        document["actor"] = actor
    if deed.request:
        document |= {"request": {"id": deed.request}, "reason": deed.reason}
    if deed.is_unread:
        document["tabletrail"]["outbox"] = "unread"
    if deed.action == "remove" and deed.actor:
        document["message"] = f"{deed.actor} removed {deed.table} {deed.item}"
    del document["event"]["hash"]
    return with_hash(canonical(document))


def found_entry(deed: Deed, change: dict[str, Any] | None, source: Source) -> Entry:
    """The entry of kind attribution about `change`, the change's document; of a call without an entry, about none."""
    timestamp, index = moment_of(deed.seconds, "month")
    about = {} if change is None else {"about": change["event"]["id"], "action": change["event"]["action"]}
    document: dict[str, Any] = {
        "@timestamp": timestamp,
        "event": {
            "action": deed.action,
            "category": ["database"],
            "dataset": "tabletrail.attribution",
            "id": sha256(f"{deed.seconds} {deed.sequence} {deed.action}".encode()).hexdigest(),
            "kind": "event",
            "sequence_key": sequence_key(str(deed.sequence)),
            "severity": deed.severity,
            "type": ["info"],
        },
        "message": f"CloudTrail says of {deed.table} {deed.item or 'something'}: {deed.action}",
        "stream": {"arn": source.stream_arn},
        "tabletrail": {"kind": "attribution", "rules_version": "none", "schema": 1, **about},
        **fixed_fields(source),
    }
    if deed.item:
        document["item"] = {"id": deed.item, "key": {"pk": deed.item}}
    if deed.contradiction:
        document["tabletrail"]["contradiction"] = True
    principal: dict[str, Any] = {**_caller(deed.principal), "confidence": deed.confidence, "claimed": deed.claimed}
    principal |= {"candidates": [_caller(name) for name in deed.principals]} if deed.principals else {}
    if told := {name: value for name, value in principal.items() if value}:
        document["principal"] = told
    return Entry(document["event"]["id"], "attribution", index, None, seal(document), EARLIER, deed.severity)


def _caller(name: str) -> dict[str, str]:
    if not name:
        return {}
    kind, path = ("AssumedRole", "assumed-role") if name in ROLES else ("IAMUser", "user")
    arn = f"arn:aws:{'sts' if name in ROLES else 'iam'}::{ACCOUNT}:{path}/{name}{'/run-17' if name in ROLES else ''}"
    return {"arn": arn, "id": arn, "name": name, "type": kind, "call": f"call-of-{name}"}
