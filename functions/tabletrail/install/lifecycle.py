"""The policies of index state management. Ours whole: a difference is repaired, and said.

Which index follows which policy is the business of `tabletrail.closing`, at each run.

Called by `tabletrail.install`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail.core.installed import Marks, State, without
from tabletrail.install.basics import newer_objects, no_plugin
from tabletrail.install.bundle import Bundle
from tabletrail.install.memory import Memory
from tabletrail.install.report import Report
from tabletrail.install.servers import Policies, Stored

KIND = "policy"
OF_THE_SERVER = ("last_updated_time", "schema_version", "user")


class Lifecycle:
    def __init__(self, server: Policies, bundle: Bundle) -> None:
        self._server, self._bundle = server, bundle

    def look(self, marks: Marks) -> list[str]:
        return newer_objects(marks, KIND, self._bundle)

    def write(self, memory: Memory, report: Report) -> None:
        found = self._server.policies() if self._bundle.policies else {}
        if found is None:
            report.notes.append(
                no_plugin(
                    "opensearch-index-management",
                    "indices {indices} are closed by ReportRun, without a snapshot, and are never deleted by age",
                )
            )
            return
        due: dict[str, State] = {}
        for name, wanted in self._bundle.policies.items():
            stored = found.get(name)
            state = memory.marks.judge(f"{KIND}/{name}", wanted, _shown(stored))
            if state is State.SAME:
                report.unchanged.append(f"ISM policy {name}")
            else:
                due[name] = state
                memory.marks.begin(f"{KIND}/{name}", self._bundle.version(KIND), wanted)
        memory.save()
        for name, state in due.items():
            stored = self._server.put_policy(name, self._bundle.policies[name], found.get(name))
            memory.marks.complete(f"{KIND}/{name}", _shown(stored))
            was_edited = state in (State.EDITED, State.FOREIGN)
            (report.repair if was_edited else report.written.append)(f"ISM policy {name}")


def _shown(stored: Stored | None) -> Mapping[str, Any] | None:
    return None if stored is None else without(stored.body, OF_THE_SERVER)
