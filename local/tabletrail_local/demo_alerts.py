"""What the demo's sensitive changes set off: alerts that the deployed functions sent, through SNS, into a queue.

Called by the demo and its tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabletrail_cli.entry_text import at
from tabletrail_local.alert_queue import AlertQueue, Message
from tabletrail_local.console import say
from tabletrail_local.demo_display import heading, verdict
from tabletrail_local.demo_tables import DemoTables
from tabletrail_local.demo_waits import wait_for

DASHBOARDS_URL = "http://localhost:5601"
"""Where a Dashboards of one's own would be (docs/dashboards.md): the stack on this machine has none."""
HIGH = 73
_WHAT_TO_OPEN = (
    "OpenSearch Dashboards: an alert's link leads to its entry. A deployment that knows the address installs there",
    '  the dashboard "Sensitive changes": under which rules, by whom, where, and the list of them',
    '  the dashboards "Activity", "Who did it" and "Health of the log", and thirteen saved searches',
    f"None answers at {DASHBOARDS_URL}: docs/dashboards.md says how to start some, and leads through all of it.",
)
_SHOWN = 3
_LAST_SHOWN = "look at"


@dataclass
class Told:
    """The messages about a run's tables, and the ids of its entries that are due one."""

    due: list[str]
    messages: list[Message] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Entries that the messages tell of."""
        return sum(int(message.attributes["count"]) for message in self.messages)

    @property
    def is_complete(self) -> bool:
        """Each of a few is told by its id; of many, the messages count them."""
        text = "\n".join(message.text for message in self.messages)
        return self.count == len(self.due) and (len(self.messages) < self.count or all(id_ in text for id_ in self.due))


def forget_earlier(queue: AlertQueue) -> None:
    while queue.take(wait_seconds=0):
        pass


def wait_until_told(queue: AlertQueue, tables: DemoTables, entries: Iterable[dict[str, Any]], logs: Path) -> Told:
    """Returns when as many entries were told as are due, those of other tables not counted."""
    told = Told([at(entry, "event.id") for entry in entries if int(at(entry, "event.severity") or 0) >= HIGH])

    def look() -> tuple[Told | None, str]:
        for message in queue.take(wait_seconds=0):
            if {*json.loads(message.attributes["tables"])} & {*tables.keys()}:
                told.messages.append(message)
        return (told if told.count >= len(told.due) else None), f"{told.count} of {len(told.due)} alerts"

    return wait_for("waiting for the alerts of sensitive changes", look, logs)


def show_alerts(told: Told) -> bool:
    """And what one would open. True if each entry that is due an alert was told, once."""
    heading(f"Who was told at once? ({len(told.messages)} messages in a queue behind an SNS topic)")
    for message in told.messages[:_SHOWN]:
        say(f"\nSubject: {message.subject}\n")
        for line in _for_people(message.text.splitlines()):
            say(f"  {line}".rstrip())
    if len(told.messages) > _SHOWN:
        say(f"\nand {len(told.messages) - _SHOWN} more")
    if not told.is_complete:
        verdict("Not each sensitive change was told, or one was told twice.", is_good=False)
    heading("What would one open?")
    for line in _WHAT_TO_OPEN:
        say(line)
    return told.is_complete


def _for_people(lines: Sequence[str]) -> Sequence[str]:
    """Without what only a program would look for."""
    end = next((number for number, line in enumerate(lines) if line.startswith(_LAST_SHOWN)), len(lines) - 1)
    return lines[: end + 1]
