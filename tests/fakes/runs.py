"""Leases, run notes, metrics and log lines in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class FakeLeases:
    """`Leases`. `held` is by name its owner and when it expires."""

    held: dict[str, tuple[str, int]] = field(default_factory=dict)

    def acquire(self, name: str, owner: str, seconds: int, now: int) -> bool:
        holder, expires = self.held.get(name, (owner, 0))
        if holder != owner and expires >= now:
            return False
        self.held[name] = (owner, now + seconds)
        return True

    def release(self, name: str, owner: str) -> None:
        if self.held.get(name, ("", 0))[0] == owner:
            del self.held[name]


@dataclass
class FakeRunNotes:
    """`RunNotes`. Keeps text, as a table would: no object is shared with the writer."""

    notes: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, facts: Mapping[str, Any]) -> None:
        self.notes[name] = json.dumps(dict(facts))

    def read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.notes.get(name, "{}"))
        return found


@dataclass
class FakeMetrics:
    """`Metrics`."""

    emitted: list[dict[str, float]] = field(default_factory=list)

    def emit(self, values: Mapping[str, float]) -> None:
        self.emitted.append(dict(values))


@dataclass
class FakeProgress:
    """`Progress`."""

    lines: list[tuple[str, dict[str, str | int | float]]] = field(default_factory=list)

    def note(self, event: str, **facts: str | int | float) -> None:
        self.lines.append((event, facts))
