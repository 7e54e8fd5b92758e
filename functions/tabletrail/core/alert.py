"""Which entries are due an alert, and what the event of one says. Pure.

Rules
- Due is an entry whose `event.severity` is high or more, in exactly the segment in which it is committed.
- Who, what, where, before and after are the entry's own: what is declared sensitive is a token there, and so here. An
  alert never looks into the images.
- Whom nothing names for sure is not `actor`: of several candidates none is, and they stand apart (`candidates`).
- What IAM verified (`principal`) and what the change's writer says (`claimed`) stand beside each other, never as one.
- Where alerts are to show no values (`AlertForm`), they hold none: a change's sentence quotes values, so another one
  names the attributes alone, and an actor whom only a writer's word names is left out, as a claim and its sentence are.
- Its id is the entry's. An alert may come twice, and then it is the same to the byte.
- Form of the event: mappings/schema/alert_event.v1.schema.json. Its size is bounded (`MOST_BYTES`).

Called by staging and recovery (what is due), `tabletrail.alert` (what is said), the adapters of the ways out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tabletrail.core.actor import CLAIMS, WRITTEN
from tabletrail.core.document import SEVERITY_CRITICAL, SEVERITY_HIGH
from tabletrail.core.links import discover_link, document_link
from tabletrail.core.message import short

ALERTED_FROM = SEVERITY_HIGH
SCHEMA = 1
MOST_BYTES = 25_000
"""Of an event's detail: ten of them fit one request of 256 KB."""
MESSAGE_CHARACTERS = 1_000
MOST_CHANGES = 10
"""Attributes that an alert shows; the entry has all."""
VALUE_CHARACTERS = 300
NAME_CHARACTERS = 200
"""Of a path, an actor or a service."""
MOST_NAMES = 10
"""Of rules, and of tags."""
RULE_CHARACTERS = 60
"""Of the name of a rule or a tag."""
MOST_PATHS = 5
"""In the sentence of an alert without values."""
MOST_ACTORS = 10
"""Candidates that an alert names, as many as an entry does."""
MOST_CALLS = 5
"""Likewise of calls; the entry has more."""
CANDIDATE_CHARACTERS = 100
"""Of the name of one candidate, and of what else is known of a call."""

_WRITERS = CLAIMS | WRITTEN
"""Values of `actor.source` where it is a writer's own word that names the actor."""
_PRINCIPAL = ("id", "name", "type", "session", "source_identity", "address", "request_id", "call", "at", "confidence")
_CALL = ("id", "name", "call")


@dataclass(frozen=True, slots=True)
class AlertForm:
    """What alerts show. `dashboards` is the address of OpenSearch Dashboards; empty: no links."""

    values: bool = True
    dashboards: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, as `detail` says it."""

    id: str
    detail: dict[str, Any]

    def json(self) -> str:
        """The event's detail: keys sorted, not escaped beyond need."""
        return json.dumps(self.detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def is_due(severity: int) -> bool:
    """True if an entry of this `event.severity` is to be told at once."""
    return severity >= ALERTED_FROM


def severity_name(severity: int) -> str:
    """The word for a severity that is due an alert."""
    return "critical" if severity >= SEVERITY_CRITICAL else "high"


def alert_of(entry: dict[str, Any], form: AlertForm) -> Alert:
    """The alert of a committed entry, as its segment's line has it."""
    event, stream, log = entry["event"], entry["stream"], entry["log"]
    detail: dict[str, Any] = {
        "account": entry["cloud"]["account"]["id"],
        "action": event["action"],
        "changes": [],
        "id": event["id"],
        "kind": entry["tabletrail"]["kind"],
        "log": {name: log[name] for name in ("index", "line", "segment")},
        "message": short(_message(entry, form), MESSAGE_CHARACTERS),
        "more_changes": 0,
        "region": entry["cloud"]["region"],
        "rules": _names(entry.get("rule", {}).get("name", ())),
        "schema": SCHEMA,
        "severity": event["severity"],
        "severity_name": severity_name(event["severity"]),
        "stream": {name: stream[name] for name in ("arn", "sequence", "shard") if name in stream},
        "table": {"arn": entry["table"]["arn"], "name": entry["table"]["name"]},
        "tags": _names(entry.get("tags", ())),
        "time": entry["@timestamp"],
        "values": form.values,
    }
    detail |= _actor(entry.get("actor", {}), form) if detail["kind"] != "attribution" else _finding(entry, form)
    if "item" in entry:
        detail["item"] = {"id": short(entry["item"]["id"], MESSAGE_CHARACTERS)}
    if "service" in entry:
        detail["service"] = short(entry["service"]["name"], NAME_CHARACTERS)
    if form.dashboards:
        detail["link"] = document_link(form.dashboards, log["index"], event["id"])
    alert = Alert(event["id"], detail)
    _show_changes(alert, entry, form)
    return alert


def _message(entry: dict[str, Any], form: AlertForm) -> str:
    kind, table = entry["tabletrail"]["kind"], entry["table"]["name"]
    if form.values or kind not in ("change", "attribution"):
        return str(entry["message"])
    if kind == "attribution":
        is_contradiction = entry["tabletrail"].get("contradiction", False)
        what = "whom IAM verified may not claim to be whom it names" if is_contradiction else entry["event"]["action"]
        return f"a change of an item of {table}: {what}"
    paths = [short(path) for path in entry["changed"][:MOST_PATHS]]
    count = int(entry["changed_count"])
    more = f" and {count - len(paths)} more" if count > len(paths) else ""
    named = f": {', '.join(paths)}{more}" if paths else ""
    return f"{entry['event']['action']} of an item of {table}{named}"


def _actor(actor: dict[str, Any], form: AlertForm) -> dict[str, Any]:
    """`actor`, null if nobody knows who it was; left out where it may not be shown."""
    is_claim = actor.get("source") in _WRITERS
    if not form.values and (is_claim or "id" not in actor):
        return {}
    if "id" not in actor:
        told: dict[str, Any] = {"actor": None}
        if "last_known" in actor:
            told["last_known"] = short(actor["last_known"], NAME_CHARACTERS)
        if "candidates" in actor:
            told["candidates"] = [_cut(one, ("id", "type")) for one in actor["candidates"][:MOST_ACTORS]]
        return told
    shown = {name: actor[name] for name in ("type", "source", "confidence") if name in actor}
    return {"actor": {"id": short(actor["id"], NAME_CHARACTERS), **shown}}


def _finding(entry: dict[str, Any], form: AlertForm) -> dict[str, Any]:
    """Of an entry of kind attribution: the change's entry, the actor that it names, and whom IAM verified."""
    own, principal = entry["tabletrail"], entry.get("principal", {})
    told: dict[str, Any] = {"contradiction": own.get("contradiction", False), "principal": _principal(principal)}
    if "claimed" in principal and form.values:
        told["claimed"] = short(principal["claimed"], NAME_CHARACTERS)
    if "about" not in own:
        return told
    told["about"] = own["about"]
    if form.dashboards:
        # By its id in the data view, not in one index: the period of indices may be another than it was at the change.
        time = entry["@timestamp"]
        query = f'event.id : "{own["about"]}"'
        told["about_link"] = discover_link(form.dashboards, query, time, time.replace("Z", ".999Z"))
    return told


def _principal(principal: dict[str, Any]) -> dict[str, Any]:
    """Or where none is named the candidates, of whom each may have called. Nothing of it is a value of an item."""
    calls = principal.get("candidates", ())
    if "id" in principal or not calls:
        return _call(principal, _PRINCIPAL)
    more = principal.get("more", 0) + max(0, len(calls) - MOST_CALLS)
    told = {**_cut(principal, ("confidence",)), "candidates": [_call(one, _CALL) for one in calls[:MOST_CALLS]]}
    return told | ({"more": more} if more else {})


def _call(principal: dict[str, Any], fields: tuple[str, ...]) -> dict[str, str]:
    arn = {"arn": short(principal["arn"], NAME_CHARACTERS)} if "arn" in principal else {}
    return arn | _cut(principal, fields)


def _cut(named: dict[str, Any], fields: tuple[str, ...]) -> dict[str, str]:
    return {name: short(named[name], CANDIDATE_CHARACTERS) for name in fields if name in named}


def _names(names: Any) -> list[str]:
    return [short(name, RULE_CHARACTERS) for name in list(names)[:MOST_NAMES]]


def _show_changes(alert: Alert, entry: dict[str, Any], form: AlertForm) -> None:
    """The first changes, as many as MOST_CHANGES and MOST_BYTES allow; `more_changes` counts the others."""
    paths = entry.get("changed", ())[:MOST_CHANGES]
    changes = [_change(path, entry, form) for path in paths]
    count = int(entry.get("changed_count", 0))
    while True:
        alert.detail.update(changes=changes, more_changes=count - len(changes))
        if not changes or len(alert.json().encode()) <= MOST_BYTES:
            return
        changes = changes[:-1]


def _change(path: str, entry: dict[str, Any], form: AlertForm) -> dict[str, str]:
    """`before` and `after` are left out where the attribute was not there."""
    change = {"path": short(path, NAME_CHARACTERS)}
    for side in ("before", "after"):
        value = entry.get(side, {}).get(path) if form.values else None
        if value is not None:
            change[side] = short(value, VALUE_CHARACTERS)
    return change
