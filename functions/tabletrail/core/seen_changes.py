"""Change entries of the log as the witness compares them with CloudTrail's calls.

Rules
- Keys are compared in the clear, as the segment's images have them: the entry itself may hold tokens. They stay in
  memory; what is shown of a change is copied from its entry.
- Where the line has no image, or a sealed one, the key's types are not known: then it is as if no call showed it, and
  no verdict is more than `possible`.
- Of an entry that is kept which attributes it changed, and how, is dropped: many are held at once.

Called by `tabletrail.logged_changes`, `tabletrail.attribute` and `judgement`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tabletrail.core.diff import Image
from tabletrail.core.paths import cut_path, member
from tabletrail.core.sightings import Change

_KEPT = ("@timestamp", "cloud", "item", "service", "table")
_OF_ACTOR = ("confidence", "id", "source")
_ACTIONS = frozenset({"insert", "modify", "remove"})
_UNKNOWN = "?"
"""Stands for the type of a key attribute of which no image shows it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One change: as it is compared, and what its attribution's entry takes over (`document`, in the entry's form)."""

    change: Change
    document: dict[str, Any]

    @property
    def stream_arn(self) -> str:
        return str(self.document["stream"]["arn"])

    @property
    def rules_version(self) -> str:
        return str(self.document["tabletrail"]["rules_version"])

    @property
    def is_claim(self) -> bool:
        """True if whom the entry names is whom this very write names. A removal writes nothing: unless it is certain,
        its name is that of a row near it or of a mark that it found, which another may have left."""
        actor = self.document.get("actor", {})
        return bool(actor) and (self.change.action != "remove" or actor.get("confidence") == "certain")


def is_attributable(entry: Mapping[str, Any]) -> bool:
    """True for a change that a call can have made: an expiry is DynamoDB's own."""
    return entry["tabletrail"]["kind"] == "change" and entry["event"]["action"] in _ACTIONS


def seen(entry: Mapping[str, Any], images: Mapping[str, Any]) -> Seen:
    """Of a line of a segment whose entry `is_attributable`."""
    event = entry["event"]
    document = {name: entry[name] for name in _KEPT if name in entry}
    document["event"] = {name: event[name] for name in ("action", "id", "sequence_key")}
    document["stream"] = {"arn": entry["stream"]["arn"]}
    document["tabletrail"] = {"rules_version": entry["tabletrail"]["rules_version"]}
    document["log"] = {"index": entry["log"]["index"]}
    actor = entry.get("actor", {})
    if "id" in actor:
        document["actor"] = {name: actor[name] for name in _OF_ACTOR if name in actor}
    change = Change(
        event["id"],
        entry["table"]["name"],
        _key(entry["item"]["key"], images),
        event["action"],
        int(datetime.fromisoformat(entry["@timestamp"]).timestamp()),
        actor.get("id", ""),
    )
    return Seen(change, document)


def by_table(changes: Iterable[Seen]) -> dict[str, list[Seen]]:
    """The changes by their tables' names."""
    found: dict[str, list[Seen]] = defaultdict(list)
    for one in changes:
        found[one.change.table].append(one)
    return found


def kinds_of(changes: list[Seen]) -> dict[str, str]:
    """The type of each key attribute of one table, as its changes show it; empty where none does."""
    for one in changes:
        if all(kind != _UNKNOWN for _, kind, _ in one.change.key):
            return {name: kind for name, kind, _ in one.change.key}
    return {}


def _key(shown: Mapping[str, str], images: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    image = (images.get("new") or images.get("old") or {}) if images.get("form") == "plain" else {}
    key = []
    for path, text in shown.items():
        name = path if path in image else _name(path, image)
        value = image.get(name) if name is not None else None
        if type(value) is dict and len(value) == 1:
            [(kind, whole)] = value.items()
            key.append((name or path, kind, str(whole)))
        else:
            key.append((path, _UNKNOWN, text))
    return tuple(sorted(key))


def _name(path: str, image: Image) -> str | None:
    """The attribute whose name `path` writes in its quoted or cut form; None where none is, as where it is hidden."""
    return next((name for name in image if cut_path(member("", name)) == path), None)
