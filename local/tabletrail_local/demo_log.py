"""The log as the demo reads it: with the same reader's login and the same code as `tabletrail search --local`.

Called by the demo and its tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tabletrail.report import NOTE
from tabletrail_cli.entries import Entries
from tabletrail_cli.entry_text import at
from tabletrail_cli.log import Log
from tabletrail_cli.place import LOCAL_STACK, Place, local_place

Entry = dict[str, Any]


@dataclass(frozen=True)
class DemoLog:
    """TabletrailError where the log cannot be read."""

    place: Place

    @classmethod
    def of_this_stack(cls) -> DemoLog:
        return cls(local_place(LOCAL_STACK))

    @cached_property
    def entries(self) -> Entries:
        return Entries(self.place.search)

    @cached_property
    def log(self) -> Log:
        return Log(self.place)

    def joined(self, streams: Mapping[str, str]) -> list[str]:
        """Of the tables (name to stream) those that are audited now, as the coverage entries of their streams say."""
        return [table for table, stream in streams.items() if self._is_joined(stream)]

    def of_run(self, run: str) -> list[Entry]:
        """All changes of this run's items, the oldest first: their keys begin with a kind and the run's name."""
        prefixes = [{"prefix": {"item.id": f"{kind}-{run}-"}} for kind in ("order", "customer", "staff")]
        is_change = {"term": {"tabletrail.kind": "change"}}
        query = {"bool": {"filter": [is_change], "should": prefixes, "minimum_should_match": 1}}
        return list(self.entries.walk(query, "asc"))

    def last_run(self) -> dict[str, Any]:
        """What the last finished run reported; empty before the first one."""
        return self.log.notes.read(NOTE)

    def _is_joined(self, stream: str) -> bool:
        """True if the newest coverage entry that speaks of joining or leaving is one of joining."""
        filters = [
            {"term": {"stream.arn": stream}},
            {"term": {"tabletrail.kind": "coverage"}},
        ]
        told_without_leaving = {"terms": {"event.action": ["hold_released", "hold_set", "rules_changed", "view_type"]}}
        query = {"bool": {"filter": filters, "must_not": [told_without_leaving]}}
        newest = self.entries.first(query, "desc")
        return newest is not None and at(newest, "event.action") == "joined"
