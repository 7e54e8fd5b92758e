"""The saved objects of Dashboards: data views, saved searches, visualizations, dashboards.

Rules
- An object that a person changed is that person's from then on: it is kept, and said. One that nobody changed follows
  the release.
- Dashboards is another server than OpenSearch, and nothing depends on it: where it is unknown, away, or refuses, that
  is said, and the deployment goes on.

Called by `tabletrail.install`.
"""

from __future__ import annotations

import json
from typing import Any

from tabletrail.core.installed import Marks, State
from tabletrail.errors import InstallError, TransientError
from tabletrail.install.basics import newer_objects
from tabletrail.install.bundle import Bundle, Wishes
from tabletrail.install.memory import Memory
from tabletrail.install.report import Report
from tabletrail.install.servers import Dashboards

JsonObject = dict[str, Any]
Key = tuple[str, str]

KIND = "dashboards"
BY_HAND = "import mappings/dashboards/tabletrail.v1.ndjson there yourself, or correct it and deploy again"


class Viewing:
    """`server` is None where no address of Dashboards is known."""

    def __init__(self, server: Dashboards | None, bundle: Bundle, wishes: Wishes) -> None:
        self._server, self._bundle, self._wishes = server, bundle, wishes

    def look(self, marks: Marks) -> list[str]:
        return newer_objects(marks, KIND, self._bundle)

    def write(self, memory: Memory, report: Report) -> None:
        if not self._bundle.dashboards:
            return
        if self._server is None:
            report.notes.append(f"No Dashboards known (DashboardsUrl is empty), so no dashboards: {BY_HAND}")
            return
        try:
            self._write(self._server, memory, report)
        except (InstallError, TransientError) as error:
            report.notes.append(f"Dashboards were not brought up to date ({error}): {BY_HAND}")

    def _write(self, server: Dashboards, memory: Memory, report: Report) -> None:
        wanted = {(str(one["type"]), str(one["id"])): one for one in self._bundle.dashboards}
        found = server.objects(list(wanted))
        due = [key for key, one in wanted.items() if self._is_due(key, _content(one), found.get(key), memory, report)]
        if not due:
            return
        memory.save()
        server.put_objects([wanted[key] for key in due])
        shown = server.objects(due)
        for key in due:
            if key in shown:
                memory.marks.complete(_mark(key), _kept_by_people(key, shown[key]))
        report.written += [f"{type_} {id_}" for type_, id_ in due]

    def _is_due(self, key: Key, wanted: JsonObject, found: JsonObject | None, memory: Memory, report: Report) -> bool:
        mark, version = _mark(key), self._bundle.version(KIND)
        shown = None if found is None else _kept_by_people(key, found)
        state = memory.marks.judge(mark, wanted, shown)
        if state is State.FOREIGN and shown == _kept_by_people(key, wanted):
            # Imported by hand from this very release.
            memory.marks.adopt(mark, version, wanted, shown)
            state = State.SAME
        if state is State.SAME:
            report.unchanged.append(f"{key[0]} {key[1]}")
            return False
        if state in (State.EDITED, State.FOREIGN) and not self._wishes.restores(mark):
            report.kept.append(mark)
            return False
        memory.marks.begin(mark, version, wanted)
        return True


def _content(one: JsonObject) -> JsonObject:
    return {"attributes": one.get("attributes", {}), "references": one.get("references", [])}


def _kept_by_people(key: Key, content: JsonObject) -> JsonObject:
    """Without what Dashboards changes by itself: a data view's list of fields, and how often each was used.

    Fields that a person made (scripted ones) stand in that list too, and count.
    """
    if key[0] != "index-pattern":
        return content
    attributes = dict(content["attributes"])
    fields = json.loads(attributes.pop("fields", None) or "[]")
    own = [{**one, "count": 0} for one in fields if one.get("scripted")]
    return {**content, "attributes": {**attributes, "scripted": own}}


def _mark(key: Key) -> str:
    return f"{KIND}/{key[0]}/{key[1]}"
