"""Monitors in OpenSearch, and the channel that they send to.

Rules
- A monitor that a person changed is that person's from then on: it is kept, and said. Switching one off or on is no
  change of it, and outlives every deployment.
- The channel follows the deployment's parameter. Without one, monitors have no actions: their alerts stand in
  Dashboards.
- Where alerting is missing nothing is written. Nothing else depends on it.

Called by `tabletrail.install`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail.core.installed import Marks, State
from tabletrail.install.basics import newer_objects, no_plugin
from tabletrail.install.bundle import Bundle, Channel, Wishes
from tabletrail.install.memory import Memory
from tabletrail.install.report import Report
from tabletrail.install.servers import Monitors, Stored

JsonObject = dict[str, Any]

KIND = "monitor"
CHANNEL = "tabletrail-monitors"
"""The channel's id, which the actions of mappings/monitors name."""

OF_THE_SERVER = ("enabled", "enabled_time", "last_update_time", "schema_version", "user", "ui_metadata")


class Watching:
    def __init__(self, server: Monitors, bundle: Bundle, wishes: Wishes) -> None:
        self._server, self._bundle, self._wishes = server, bundle, wishes

    def look(self, marks: Marks) -> list[str]:
        return newer_objects(marks, KIND, self._bundle)

    def write(self, memory: Memory, report: Report) -> None:
        if not self._bundle.monitors:
            return
        names = [str(monitor["name"]) for monitor in self._bundle.monitors]
        found = self._server.monitors(names)
        if found is None:
            report.notes.append(
                no_plugin("opensearch-alerting", "no monitors; alerts come from the rules at conversion alone")
            )
            return
        has_channel = self._wishes.channel is not None and self._write_channel(self._wishes.channel, report)
        wanted = {str(one["name"]): one if has_channel else _silent(one) for one in self._bundle.monitors}
        due = {}
        for name, monitor in wanted.items():
            stored = _oldest(found.get(name, []), name, report)
            if self._is_due(name, monitor, stored, memory, report):
                due[name] = stored
        memory.save()
        for name, stored in due.items():
            self._write_one(wanted[name], stored, memory)
            report.written.append(f"monitor {name}")

    def _is_due(self, name: str, wanted: JsonObject, stored: Stored | None, memory: Memory, report: Report) -> bool:
        key = f"{KIND}/{name}"
        state = memory.marks.judge(key, wanted, None if stored is None else _shown(stored))
        if state is State.SAME:
            report.unchanged.append(f"monitor {name}")
            return False
        if state in (State.EDITED, State.FOREIGN) and not self._wishes.restores(key):
            report.kept.append(key)
            return False
        memory.marks.begin(key, self._bundle.version(KIND), wanted)
        return True

    def _write_one(self, wanted: JsonObject, stored: Stored | None, memory: Memory) -> None:
        is_on = True if stored is None else bool(stored.body.get("enabled", True))
        written = self._server.put_monitor({**wanted, "enabled": is_on}, stored)
        memory.marks.complete(f"{KIND}/{wanted['name']}", _shown(written))

    def _write_channel(self, channel: Channel, report: Report) -> bool:
        found = self._server.channel(CHANNEL)
        if found is None:
            report.notes.append(
                no_plugin("opensearch-notifications", "nobody is sent what monitors find; it stands in Dashboards")
            )
            return False
        wanted = _channel_config(channel)
        if found and {name: found.get(name) for name in wanted} == wanted:
            report.unchanged.append(f"channel {CHANNEL}")
        else:
            # A channel that a person switched off stays off.
            config = {**wanted, "is_enabled": bool(found.get("is_enabled", True))}
            self._server.put_channel(CHANNEL, config, is_new=not found)
            report.written.append(f"channel {CHANNEL}")
        return True


def _channel_config(channel: Channel) -> JsonObject:
    sns = {"topic_arn": channel.topic} | ({"role_arn": channel.role} if channel.role else {})
    return {
        "name": CHANNEL,
        "description": "Where tabletrail's monitors send what they find; follows the stack's parameter",
        "config_type": "sns",
        "sns": sns,
    }


def _silent(monitor: JsonObject) -> JsonObject:
    """The monitor without actions."""
    triggers = [{kind: {**body, "actions": []} for kind, body in trigger.items()} for trigger in monitor["triggers"]]
    return {**monitor, "triggers": triggers}


def _shown(stored: Stored) -> Mapping[str, Any]:
    return {name: value for name, value in stored.body.items() if name not in OF_THE_SERVER}


def _oldest(stored: list[Stored], name: str, report: Report) -> Stored | None:
    if len(stored) > 1:
        report.notes.append(f"There are {len(stored)} monitors called {name}: only the oldest is kept up to date")
    return stored[0] if stored else None
