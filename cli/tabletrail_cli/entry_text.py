"""An entry in words: the one line of a list, and the lines of a timeline.

Pure. Rules
- Every text of an entry goes through `visible`: what an item holds must not steer a terminal.
- Long values are cut for the eye; `--json` has them whole.
- Who did it is said with its confidence: a claim of the writer is not a proof. A name that could pass for more than a
  name stands in quotes.

Called by the commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any

from tabletrail.core.document import SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_MEDIUM
from tabletrail.core.message import short
from tabletrail_cli.output import Part, visible
from tabletrail_cli.times import shown

Entry = dict[str, Any]
SHOWN_CHARACTERS = 160
MOST_LINES = 40
"""Changed paths shown of one entry."""

_ACTION_STYLE = {"insert": "green", "remove": "red", "expire": "red", "modify": ""}
_NO_PLAIN_NAME = re.compile(
    r"""[()",]|: |^\s|\s$|\b(?:or|and|certain|likely|possible|unknown|nobody)\b""", re.IGNORECASE
)
"""What a name would need to say something itself: `alice (certain)`, `alice or bob`, `nobody knows`."""


def at(entry: Entry, path: str) -> str:
    """The text at a dotted path of an entry; empty if it is not there."""
    value: Any = entry
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def list_line(entry: Entry, zone: tzinfo) -> list[Part]:
    """Time, severity where there is one, the sentence with how sure it is who did it, tags."""
    parts = [(shown(at(entry, "@timestamp"), zone), "dim"), ("  ", "")]
    parts += _severity(entry)
    parts += _sentence(entry)
    tags = entry.get("tags") or ()
    if tags:
        parts.append((f"  [{visible(', '.join(map(str, tags)))}]", "cyan"))
    return parts


def _sentence(entry: Entry) -> Iterator[Part]:
    """`alice (likely, mark) changed …`; of several who may have done it, their names behind the sentence."""
    message, name = at(entry, "message"), short(at(entry, "actor.id"))
    how = _how_sure(entry)
    if how and at(entry, "actor.id") and message.startswith(f"{name} "):
        yield from ((visible(name), ""), (f" ({how})", "dim"), (visible(message[len(name) :]), ""))
        return
    yield visible(message), ""
    if how:
        yield f"  {actor(entry)}", "dim"


def timeline(
    entry: Entry, zone: tzinfo, remark: str = "", findings: Iterable[Sequence[Part]] = ()
) -> Iterator[list[Part]]:
    """Time, action and actor, what others say of who it was, then one line for each changed path. `remark` is about the
    record as a whole."""
    action = at(entry, "event.action")
    head = [(shown(at(entry, "@timestamp"), zone), "dim"), ("  ", "")]
    if at(entry, "tabletrail.kind") != "change":
        yield [*head, *_severity(entry), (visible(at(entry, "message")), "yellow")]
        for finding in findings:
            yield [("    ", ""), *finding]
        return
    behind = [(f"  {remark}", "dim")] if remark else []
    yield [*head, (action.ljust(6), _ACTION_STYLE.get(action, "")), ("  ", ""), (actor(entry), "bold"), *behind]
    if reason := at(entry, "reason"):
        yield [("    reason: ", "dim"), (_short(reason), "")]
    for finding in findings:
        yield [("    ", ""), *finding]
    yield from changes(entry)


def actor(entry: Entry) -> str:
    """`alice`, `alice (likely, mark)`, `alice or bob (possible)`, `dynamodb.amazonaws.com (TTL)`, or that nothing is
    known, with who wrote last where that is. A bare name is certain."""
    name = at(entry, "actor.id")
    if names := candidates(entry):
        return f"{one_of(names)} ({_how_sure(entry)})"
    if not name:
        last = at(entry, "actor.last_known")
        return f"unknown (last known: {named(last)})" if last else "unknown"
    if at(entry, "actor.source") == "ttl":
        return f"{named(name)} (TTL)"
    how = _how_sure(entry)
    return f"{named(name)} ({how})" if how else named(name)


def candidates(entry: Entry) -> list[str]:
    """Who may have done it, where several may; never who did."""
    found = (entry.get("actor") or {}).get("candidates") or ()
    return list(dict.fromkeys(at(one, "id") for one in found))


def one_of(names: Sequence[str], more: int = 0) -> str:
    """`alice`, `alice or bob`, `alice, bob or carol`, `alice, bob or 3 more`; each of them shown as a name."""
    shown_names = [named(name) for name in names] + ([f"{more} more"] if more else [])
    *others, last = shown_names
    return f"{', '.join(others)} or {last}" if others else last


def named(name: str) -> str:
    """A name on one line, cut; in quotes where it holds what could pass for words of ours."""
    text = _short(name)
    is_plain = text and not _NO_PLAIN_NAME.search(text)
    return text if is_plain else '"' + text.replace('"', '\\"') + '"'


def _how_sure(entry: Entry) -> str:
    """`likely, mark`; empty where it is certain, or where nobody is named."""
    if candidates(entry):
        return "possible"
    if not at(entry, "actor.id"):
        return ""
    confidence, source = visible(at(entry, "actor.confidence")), visible(at(entry, "actor.source"))
    return "" if confidence == "certain" else f"{confidence or 'nobody says how sure'}, {source}"


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
