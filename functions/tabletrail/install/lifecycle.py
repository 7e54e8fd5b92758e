"""The policies of index state management. Ours whole: a difference is repaired, and said.

Which index follows which policy is the business of `tabletrail.closing`, at each run.

Called by `tabletrail.install`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail.core.installed import Marks
from tabletrail.core.ism_policies import for_repository, same_policy
from tabletrail.install.basics import newer_objects, no_plugin
from tabletrail.install.bundle import Bundle
from tabletrail.install.memory import Memory
from tabletrail.install.report import Report
from tabletrail.install.servers import Policies, Stored

KIND = "policy"


class Lifecycle:
    def __init__(self, server: Policies, bundle: Bundle, repository: str) -> None:
        self._server, self._bundle, self._repository = server, bundle, repository

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
        for name, document in self._bundle.policies.items():
            wanted = for_repository(document, self._repository)["policy"]
            self._write_one(name, wanted, found.get(name), memory, report)

    def _write_one(
        self, name: str, wanted: Mapping[str, Any], stored: Stored | None, memory: Memory, report: Report
    ) -> None:
        key, words = f"{KIND}/{name}", f"ISM policy {name}"
        if stored is not None and same_policy(stored.body, wanted):
            report.unchanged.append(words)
        else:
            was_edited = stored is not None and memory.marks.is_as_brought(key, wanted)
            self._server.put_policy(name, wanted, stored)
            (report.repair if was_edited else report.written.append)(words)
        memory.marks.adopt(key, self._bundle.version(KIND), wanted, "")
