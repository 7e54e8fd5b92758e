"""Which entries are due an alert, and what the event of one says. Pure.

Rules
- Due is an entry whose `event.severity` is high or more, in exactly the segment in which it is committed.
- Who, what, where, before and after are the entry's own: what is declared sensitive is a token there, and so here. An
  alert never looks into the images.
- Where alerts are to show no values (`AlertForm`), they hold none: a change's sentence quotes values, so another one
  names the attributes alone, and an actor whom only the item's own attribute names is left out.
- Its id is the entry's. An alert may come twice, and then it is the same to the byte.
- Form of the event: mappings/schema/alert_event.v1.schema.json. Its size is bounded (`MOST_BYTES`).

Called by staging and recovery (what is due), `tabletrail.alert` (what is said), the adapters of the ways out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tabletrail.core.actor import CLAIMS
from tabletrail.core.document import SEVERITY_CRITICAL, SEVERITY_HIGH
from tabletrail.core.links import document_link
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
    detail |= _actor(entry.get("actor", {}), form)
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
    if form.values or entry["tabletrail"]["kind"] != "change":
        return str(entry["message"])
    paths = [short(path) for path in entry["changed"][:MOST_PATHS]]
    count = int(entry["changed_count"])
    more = f" and {count - len(paths)} more" if count > len(paths) else ""
    named = f": {', '.join(paths)}{more}" if paths else ""
    return f"{entry['event']['action']} of an item of {entry['table']['name']}{named}"


def _actor(actor: dict[str, str], form: AlertForm) -> dict[str, Any]:
    """`actor`, null if nobody knows who it was; left out where it may not be shown."""
    is_claim = actor.get("source") in CLAIMS
    if not form.values and (is_claim or "id" not in actor):
        return {}
    if "id" not in actor:
        known = actor.get("last_known", "")
        return {"actor": None, **({"last_known": short(known, NAME_CHARACTERS)} if known else {})}
    shown = {name: actor[name] for name in ("type", "source", "confidence") if name in actor}
    return {"actor": {"id": short(actor["id"], NAME_CHARACTERS), **shown}}


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
