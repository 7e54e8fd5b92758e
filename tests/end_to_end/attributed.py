"""Entries that name somebody: a change with an actor of any kind, and what CloudTrail says of it.

Made by hand from the schema, so that what reads them is not tested against what writes them. Each fits the schema.

Called by the tests of the command line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from tabletrail.core.document import Entry, seal, with_log
from tests.end_to_end.cli_story import Document
from tests.validation import assert_valid_entry

ACCOUNT = "123456789012"
MARK = "01a20c23-c4c8-7fca-a5b6-c7d8e9f01235"


def by(name: str, source: str = "mark", confidence: str = "likely", **more: Any) -> Document:
    """Fields of an entry that name an actor. `more` are of the top level, or `service` of the actor."""
    service = {"service": more.pop("through")} if "through" in more else {}
    return {"actor": {"id": name, "type": "user", "source": source, "confidence": confidence, **service}, **more}


def by_one_of(*names: str) -> Document:
    candidates = [{"id": name, "type": "user"} for name in names]
    return {"actor": {"source": "outbox", "confidence": "possible", "candidates": candidates}}


def marked(mark: str = MARK) -> Document:
    return {"tabletrail": {"mark": mark}}


def changed(entry: Entry, *fields: Mapping[str, Any]) -> Entry:
    """The entry with these fields: of `tabletrail` and `stream` added to its own, all others in place of its own."""
    document = _bare(entry)
    for one in fields:
        for name, value in one.items():
            own = document.get(name, {}) if name in ("tabletrail", "event") else None
            document[name] = {**own, **value} if own is not None else value
    return _entry(entry, document)


def role(name: str, session: str, **more: str) -> Document:
    """A caller by a role, as CloudTrail tells of him."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}"
    return {"arn": arn, "id": arn, "type": "AssumedRole", "name": name, "session": session, **more}


def user(name: str, **more: str) -> Document:
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    return {"arn": arn, "id": arn, "type": "IAMUser", "name": name, **more}


def finding(change: Entry, principal: Mapping[str, Any], *, contradiction: bool = False) -> Entry:
    """What CloudTrail says of a change: `principal` is the field, empty where no call fits."""
    document = _bare(change)
    about = document["event"]["id"]
    claimed = document.get("actor", {}).get("id")
    kept = ("@timestamp", "cloud", "item", "service", "table")
    found = {name: document[name] for name in kept if name in document}
    found |= {"stream": {"arn": document["stream"]["arn"]}, "message": f"what CloudTrail says of {about[:8]}"}
    found["event"] = _event(f"finding {about}", "attributed" if principal else "unattributed")
    found["event"]["sequence_key"] = document["event"]["sequence_key"]
    found["event"]["severity"] = 73 if contradiction else 0
    found["tabletrail"] = {"kind": "attribution", "schema": 1, "rules_version": "none", "about": about}
    if contradiction:
        found["tabletrail"]["contradiction"] = True
    if told := {**principal, **({"claimed": claimed} if claimed else {})}:
        found["principal"] = told
    return _entry(replace(change, kind="attribution", sequence_no=None, images=b'{"form":"none"}'), found)


def unrecorded(like: Entry, caller: Mapping[str, Any], *, with_item: bool = True) -> Entry:
    """A call that wrote, and of which the log has no entry: of the item, table and time of `like`."""
    entry = finding(like, {**caller, "confidence": "possible"})
    document = _bare(entry)
    document["event"] |= _event(f"unrecorded {entry.id}", "unrecorded") | {"severity": 47}
    document["message"] = "user mallory called PutItem, and the log has no entry of it"
    del document["tabletrail"]["about"]
    document["principal"].pop("claimed", None)
    if not with_item:
        del document["item"]
    return _entry(entry, document)


def _event(text: str, action: str) -> Document:
    return {
        "action": action,
        "category": ["database"],
        "dataset": "tabletrail.attribution",
        "id": sha256(text.encode()).hexdigest(),
        "kind": "event",
        "sequence_key": "0" * 40,
        "severity": 0,
        "type": ["info"],
    }


def _bare(entry: Entry) -> Document:
    document: Document = json.loads(entry.document)
    del document["event"]["hash"]
    return document


def _entry(like: Entry, document: Document) -> Entry:
    found = replace(
        like, id=document["event"]["id"], document=seal(document), severity=int(document["event"]["severity"])
    )
    assert_valid_entry(with_log(found.document, found.index, "planted", 1))
    return found
