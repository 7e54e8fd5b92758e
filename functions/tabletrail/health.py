"""The health index: each run leaves its figures in OpenSearch, where the dashboard and the monitors read them.

Rules
- Best effort. Whatever OpenSearch does, the report stands and the lease is free before this begins; a document that
  could not be written is lost, and a line of the function's own log says why.
- It costs one request a run, and three more in the first run of a month. None is sent twice.

Called by `tabletrail.report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tabletrail.core.health import health_document, health_id, health_index
from tabletrail.errors import TabletrailError
from tabletrail.ports import Progress, Segments


class HealthIndex(Protocol):
    """Where the documents go, under the index owner's user. TransientError, within seconds even if nothing answers."""

    def record(self, index: str, document_id: str, document: Mapping[str, Any]) -> None:
        """Creates the document, and the index if it is not there. May be repeated: the first one stays."""


@dataclass(frozen=True, slots=True)
class Health:
    """Ports of one call."""

    index: HealthIndex
    segments: Segments
    progress: Progress

    def record(self, note: Mapping[str, Any], plan: Mapping[str, Any]) -> bool:
        """Of the note `last_run` and PlanRun's report. False, and no error, if it could not be written.

        A run that is reported again just after a month's end may have a document in both months.
        """
        try:
            waiting, _ = self.segments.count_unalerted()
            document = health_document(note, plan, waiting)
            self.index.record(health_index(int(note["finished_at"])), health_id(str(note["run_id"])), document)
        except TabletrailError as error:
            self.progress.note("health_not_recorded", why=f"{type(error).__name__}: {error}")
            return False
        return True
