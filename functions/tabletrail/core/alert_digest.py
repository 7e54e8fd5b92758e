"""Alerts for people: what several have in common, and the words for one or many. Pure.

Rules
- Up to FEW alerts are a message each; more are one message, whatever segments they are of: a thousand messages are read
  by nobody. The bus has each of them.
- A message begins with one sentence that says it all; then who, what, where, before and after, why, and where to look.
- Its length is bounded: a topic takes 256 KB.

Called by `tabletrail.alert` and by the adapter of SNS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.alert import ALERTED_FROM, Alert, AlertForm, severity_name
from tabletrail.core.links import discover_link
from tabletrail.core.message import short

FEW = 5
"""Up to so many alerts of one call are told in messages of their own, more in a single one."""
MOST_COUNTED = 10
"""Lines of one count, and ids that a message names."""
SUBJECT_CHARACTERS = 99
_COUNTED = ("severities", "rules", "tables", "actors", "principals", "findings", "kinds")
_CALLED = ("session", "source_identity", "address", "at")
_NO_XML = re.compile("[\ufffe\uffff]")
"""What SNS and SQS take in no message; control characters are gone already."""
CONTRADICTION = "claim against IAM"
"""What a message calls an entry that says that the principal may not be whom the change names."""
_SOURCES = {
    "attribute": "the item's own attribute says so",
    "mark": "the mark of this write says so",
    "outbox": "a row that was written with the change says so",
    "stream": "DynamoDB says so",
    "ttl": "DynamoDB says so",
}


@dataclass(slots=True)
class Digest:
    """What is to be told at once, the oldest first. Grows by `add`; holds whole alerts only while they are FEW."""

    form: AlertForm
    ids: list[str] = field(default_factory=list)
    few: list[Alert] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """By name (severities, kinds, rules, tables, actors), how many alerts there are of each."""
    segments: dict[str, None] = field(default_factory=dict)
    earliest: str = ""
    latest: str = ""
    severity: int = 0
    """The highest."""

    def add(self, alert: Alert) -> None:
        detail = alert.detail
        self.ids.append(alert.id)
        if len(self.ids) <= FEW:
            self.few.append(alert)
        self.segments[detail["log"]["segment"]] = None
        self.earliest = min(self.earliest or detail["time"], detail["time"])
        self.latest = max(self.latest, detail["time"])
        self.severity = max(self.severity, detail["severity"])
        for name, values in _facets(detail).items():
            self.counts.setdefault(name, Counter()).update(values)

    @property
    def is_few(self) -> bool:
        return len(self.ids) <= FEW

    def names(self, facet: str) -> list[str]:
        """The most frequent first, at most MOST_COUNTED."""
        return [name for name, _ in self.counts.get(facet, Counter()).most_common(MOST_COUNTED)]

    @property
    def link(self) -> str:
        """All of them in Discover; empty without an address of Dashboards."""
        if not self.form.dashboards:
            return ""
        tables = self.counts["tables"]
        one_table = f' and table.name : "{next(iter(tables))}"' if len(tables) == 1 else ""
        query = f"event.severity >= {ALERTED_FROM}{one_table}"
        return discover_link(self.form.dashboards, query, self.earliest, self.latest.replace("Z", ".999Z"))


def digest_of(alerts: Iterable[Alert], form: AlertForm) -> Digest:
    digest = Digest(form)
    for alert in alerts:
        digest.add(alert)
    return digest


def subject_of(digest: Digest) -> str:
    """For a message's subject line: printable ASCII, under 100 characters. The digest is not empty."""
    what = (digest.names("rules") or digest.names("findings") or digest.names("kinds"))[0]
    tables = digest.names("tables")
    count = f"{len(digest.ids)} alerts, " if len(digest.ids) > 1 else ""
    more = " and elsewhere" if len(tables) > 1 else ""
    text = f"tabletrail: {count}{short(what, 30)} in {tables[0][:30]}{more}"
    return text.encode("ascii", "replace").decode()[:SUBJECT_CHARACTERS]


def text_of(digest: Digest) -> str:
    """For a person: one alert whole, or what several have in common. The digest is not empty."""
    lines = _one(digest.few[0].detail) if len(digest.ids) == 1 else _several(digest)
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", "\n".join(lines))


def _facets(detail: dict[str, Any]) -> dict[str, list[str]]:
    return {
        "severities": [detail["severity_name"]],
        "kinds": [detail["kind"]],
        "rules": detail["rules"],
        "tables": [detail["table"]["name"]],
        "actors": [_actor_name(detail)] if detail["kind"] == "change" else [],
        "principals": [_principal_name(detail["principal"])] if detail.get("principal") else [],
        "findings": [CONTRADICTION] if detail.get("contradiction") else [],
    }


def _actor_name(detail: dict[str, Any]) -> str:
    if "actor" not in detail:
        return "not shown"
    return str(detail["actor"]["id"]) if detail["actor"] else "unknown"


def _one(detail: dict[str, Any]) -> list[str]:
    stream, log = detail["stream"], detail["log"]
    place = [f"shard {stream['shard']}"] if "shard" in stream else []
    place += [f"sequence number {stream['sequence']}"] if "sequence" in stream else []
    lines = [
        ("who", _who(detail) if detail["kind"] == "change" else ""),
        ("claimed", f"{detail['claimed']} (as the change's writer says)" if "claimed" in detail else ""),
        ("IAM says", _verified(detail["principal"]) if detail.get("principal") else ""),
        ("what", f"{detail['action']} ({detail['kind']}), severity {detail['severity_name']}"),
        ("where", _where(detail)),
        ("when", detail["time"]),
        *_changed(detail),
        ("why", ", ".join(detail["rules"])),
        ("tags", ", ".join(detail["tags"])),
        ("look at", detail.get("link", "")),
        ("change at", detail.get("about_link", "")),
        ("table", detail["table"]["arn"]),
        ("stream", ", ".join(place)),
        ("entry", detail["id"]),
        ("about", detail.get("about", "")),
        ("log", f"{log['index']}, segment {log['segment']}, line {log['line']}"),
    ]
    return [detail["message"], "", *(f"{name:<9} {text}" for name, text in lines if text)]


def _who(detail: dict[str, Any]) -> str:
    if "actor" not in detail:
        return "not shown"
    if "candidates" in detail:
        names = ", ".join(f"{one['id']} ({one['type']})" for one in detail["candidates"])
        return f"unknown; possible: one of {names}"
    if detail["actor"] is None:
        last = f"; the item names {detail['last_known']} as an earlier writer" if "last_known" in detail else ""
        return f"unknown{last}"
    actor = detail["actor"]
    source = _SOURCES.get(actor["source"], actor["source"])
    return f"{actor['id']} ({actor['type']}; {actor['confidence']}: {source})"


def _verified(principal: dict[str, Any]) -> str:
    """Of several candidates none is said to be it."""
    if "candidates" in principal:
        names = [*dict.fromkeys(map(_principal_name, principal["candidates"]))]
        more = f" and {principal['more']} calls more" if "more" in principal else ""
        return f"possible: one of {', '.join(names)}{more}"
    details = [principal.get("confidence", ""), *(f"{name} {principal[name]}" for name in _CALLED if name in principal)]
    told = ", ".join(text for text in details if text)
    return f"{_principal_name(principal)}{f' ({told})' if told else ''}"


def _principal_name(principal: dict[str, Any]) -> str:
    """The ARN, which nobody else has, and not a name that two accounts may have."""
    if "candidates" in principal:
        return "one of several"
    return str(principal.get("arn") or principal.get("id") or principal.get("name", "not known"))


def _where(detail: dict[str, Any]) -> str:
    item = f", item {detail['item']['id']}" if "item" in detail else ""
    service = f", service {detail['service']}" if "service" in detail else ""
    return f"table {detail['table']['name']}{item}{service}, account {detail['account']}, {detail['region']}"


def _changed(detail: dict[str, Any]) -> list[tuple[str, str]]:
    told = [_change(change, is_shown=detail["values"]) for change in detail["changes"]]
    if detail["more_changes"]:
        told.append(f"and {detail['more_changes']} more" if told else f"{detail['more_changes']} attributes")
    return [("changed" if number == 0 else "", text) for number, text in enumerate(told)]


def _change(change: dict[str, str], *, is_shown: bool) -> str:
    if not is_shown:
        return change["path"]
    return f"{change['path']}: {change.get('before', '(not there)')} -> {change.get('after', '(not there)')}"


def _several(digest: Digest) -> list[str]:
    ids = digest.ids[:MOST_COUNTED]
    highest = severity_name(digest.severity)
    return [
        f"{len(digest.ids)} entries are due an alert, of severity {highest} at most.",
        "",
        f"{'when':<9} {digest.earliest} to {digest.latest}",
        *([f"{'look at':<9} {digest.link}"] if digest.form.dashboards else []),
        f"{'log':<9} {_segments(digest)}",
        *(line for name in _COUNTED for line in _counted(digest, name)),
        f"the first {len(ids)} entries:" if len(ids) < len(digest.ids) else "the entries:",
        *(f"  {id_}" for id_ in ids),
    ]


def _segments(digest: Digest) -> str:
    first = next(iter(digest.segments))
    return f"segment {first}" if len(digest.segments) == 1 else f"{len(digest.segments)} segments, the first {first}"


def _counted(digest: Digest, name: str) -> list[str]:
    counts = digest.counts.get(name)
    if not counts:
        return []
    lines = [f"  {count:>6} {short(value, 200)}" for value, count in counts.most_common(MOST_COUNTED)]
    rest = [f"  and {len(counts) - MOST_COUNTED} more"] if len(counts) > MOST_COUNTED else []
    return [f"{name}:", *lines, *rest]
