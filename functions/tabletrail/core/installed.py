"""What a deployment remembers of the objects that it wrote: by this it tells a person's work from its own.

Rules
- A server gives back another text than it was given (defaults, ids, times). So a mark holds two digests: of what the
  release brought, and of what the server then showed.
- Shown as before: nobody touched it. Shown otherwise: somebody did.
- A mark is made before the object is written, and completed after. One that was never completed leaves open whose the
  object is; it counts as ours, because only a deployment that died leaves such a mark.
- The marks lie in the cluster itself, in the `_meta` of an index template that matches nothing: they need no index, and
  every deployment that administers the cluster sees the same ones.

Pure. Called by `tabletrail.install`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]

MARKS = "tabletrail-installed"
"""The index template that holds them. Its pattern is its own name, which no index ever has."""

MANAGED = "tabletrail"
PRIORITY = 7_310
"""Two templates of one priority may not match the same name, so this is one that nobody else takes."""


class State(StrEnum):
    """What an object on the server is, seen from this release."""

    ABSENT = "absent"
    SAME = "same"
    OURS = "ours"
    """As a deployment left it, and otherwise than this release brings it: to be written."""
    EDITED = "edited"
    FOREIGN = "foreign"
    """No deployment is known to have written it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`version` is that of its kind's content. `shown` is empty until the server's own form was seen."""

    version: int
    source: str
    shown: str = ""


@dataclass(slots=True)
class Marks:
    """By "kind/name", as "role/tabletrail_reader"."""

    marks: dict[str, Mark] = field(default_factory=dict)

    @classmethod
    def of_template(cls, template: Mapping[str, Any] | None) -> Marks:
        """What a damaged one does not tell is not known: the object counts as a person's then."""
        meta = (template or {}).get("_meta")
        found = meta.get("objects") if isinstance(meta, Mapping) else None
        marks = {}
        for key, text in (found if isinstance(found, Mapping) else {}).items():
            parts = str(text).split()
            if len(parts) in (2, 3) and parts[0].isdigit():
                marks[str(key)] = Mark(int(parts[0]), parts[1], parts[2] if len(parts) == 3 else "")
        return cls(marks)

    def template(self, name: str = MARKS) -> JsonObject:
        """The body of the index template `name` that holds them."""
        texts = {key: f"{mark.version} {mark.source} {mark.shown}".strip() for key, mark in sorted(self.marks.items())}
        description = "what tabletrail's deployments wrote here: version and digests of each object; makes no index"
        meta = {"description": description, "managed_by": MANAGED, "objects": texts}
        return {"index_patterns": [name], "priority": PRIORITY, "_meta": meta}

    def newer(self, kind: str, version: int) -> tuple[str, ...]:
        """The objects of this kind that a later release than `version` wrote."""
        of_kind = [(key, mark) for key, mark in self.marks.items() if key.startswith(f"{kind}/")]
        return tuple(sorted(key for key, mark in of_kind if mark.version > version))

    def begin(self, key: str, version: int, wanted: Any) -> None:
        """It is about to be written."""
        self.marks[key] = Mark(version, digest(wanted))

    def complete(self, key: str, shown: Any) -> None:
        """The server shows it so, now that it is written."""
        self.marks[key] = replace(self.marks[key], shown=digest(shown))

    def adopt(self, key: str, version: int, wanted: Any, shown: Any) -> None:
        """It is there as the release brings it, whoever wrote it."""
        self.marks[key] = Mark(version, digest(wanted), digest(shown))

    def is_as_brought(self, key: str, wanted: Any) -> bool:
        """A deployment wrote this very content before: if the object differs now, it was changed since."""
        return key in self.marks and self.marks[key].source == digest(wanted)

    def judge(self, key: str, wanted: Any, shown: Any | None) -> State:
        """`shown` is what the server has, None if it has none, without what it alone decides (ids, times)."""
        mark = self.marks.get(key)
        if shown is None:
            return State.ABSENT
        if mark is None:
            return State.FOREIGN
        if not mark.shown:
            return State.OURS
        if mark.shown != digest(shown):
            return State.EDITED
        return State.SAME if mark.source == digest(wanted) else State.OURS


def digest(value: Any) -> str:
    """16 hex digits: enough to tell an edit. Numbers that are equal are one, since servers turn 1 into 1.0."""
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
