"""An entry in words: the one line of a list, and the lines of a timeline.

Pure. Rules
- Every text of an entry goes through `visible`: what an item holds must not steer a terminal.
- Long values are cut for the eye; `--json` has them whole.
- Who did it is said with its confidence: a claim of the writer is not a proof.

Called by the commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from tabletrail.core.document import SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_MEDIUM
from tabletrail_cli.output import Part, visible
from tabletrail_cli.times import shown

Entry = dict[str, Any]
SHOWN_CHARACTERS = 160
MOST_LINES = 40
"""Changed paths shown of one entry."""

_ACTION_STYLE = {"insert": "green", "remove": "red", "expire": "red", "modify": ""}


def at(entry: Entry, path: str) -> str:
    """The text at a dotted path of an entry; empty if it is not there."""
    value: Any = entry
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def list_line(entry: Entry, zone: tzinfo) -> list[Part]:
    """Time, severity where there is one, the sentence, tags."""
    parts = [(shown(at(entry, "@timestamp"), zone), "dim"), ("  ", "")]
    parts += _severity(entry)
    parts.append((visible(at(entry, "message")), ""))
    tags = entry.get("tags") or ()
    if tags:
        parts.append((f"  [{visible(', '.join(map(str, tags)))}]", "cyan"))
    return parts


def timeline(entry: Entry, zone: tzinfo) -> Iterator[list[Part]]:
    """Time, action and actor, then one line for each changed path."""
    action = at(entry, "event.action")
    head = [(shown(at(entry, "@timestamp"), zone), "dim"), ("  ", "")]
    if at(entry, "tabletrail.kind") != "change":
        yield [*head, *_severity(entry), (visible(at(entry, "message")), "yellow")]
        return
    yield [*head, (action.ljust(6), _ACTION_STYLE.get(action, "")), ("  ", ""), (actor(entry), "bold")]
    if reason := at(entry, "reason"):
        yield [("    reason: ", "dim"), (_short(reason), "")]
    yield from changes(entry)


def actor(entry: Entry) -> str:
    """`alice`, `dynamodb.amazonaws.com (TTL)`, or that nothing is known, with who wrote last where that is."""
    name = visible(at(entry, "actor.id"))
    if not name:
        last = visible(at(entry, "actor.last_known"))
        return f"unknown (last known: {last})" if last else "unknown"
    if at(entry, "actor.source") == "ttl":
        return f"{name} (TTL)"
    confidence = visible(at(entry, "actor.confidence"))
    if confidence in ("", "certain"):
        return name
    return f"{name} ({confidence}, by {visible(at(entry, 'actor.source'))})"


def changes(entry: Entry) -> Iterator[list[Part]]:
    """`status: paid → shipped`, `+ note: call first`, `- note: call first`."""
    before, after = entry.get("before") or {}, entry.get("after") or {}
    paths = entry.get("changed") or []
    for path in paths[:MOST_LINES]:
        name = visible(path)
        if path in before and path in after:
            yield [(f"    {name}: ", ""), (_short(before[path]), "red"), (" → ", "dim"), (_short(after[path]), "green")]
        elif path in after:
            yield [("  + ", "green"), (f"{name}: ", ""), (_short(after[path]), "green")]
        elif path in before:
            yield [("  - ", "red"), (f"{name}: ", ""), (_short(before[path]), "red")]
    more = max(int(entry.get("changed_count") or 0), len(paths)) - min(len(paths), MOST_LINES)
    if more > 0:
        yield [(f"    and {more} more", "dim")]
    if at(entry, "tabletrail.incomplete"):
        yield [("    the stream held no images: what changed is not known", "yellow")]


def _short(value: Any) -> str:
    text = visible(str(value))
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def _severity(entry: Entry) -> list[Part]:
    number = int(at(entry, "event.severity") or 0)
    if number >= SEVERITY_HIGH:
        return [("CRITICAL " if number >= SEVERITY_CRITICAL else "HIGH ", "bold red")]
    return [("MEDIUM ", "yellow")] if number >= SEVERITY_MEDIUM else []
