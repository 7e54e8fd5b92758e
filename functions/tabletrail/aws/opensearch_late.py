"""OpenSearch, connected at its first use: a quiet run does not pay for it, and a secret that cannot be read is trouble
with the index, inside the use case's care, not a function that fails before it began.

Called by `wiring`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tabletrail.closing import PeriodIndices, Shelf
from tabletrail.ports import BulkReply, EntryIndex, IndexKeeper


@dataclass
class LateOpenSearch:
    """`EntryIndex`, `ReleaseKeeper`, `HealthIndex` and `PeriodIndices`. `connect` is asked again if it failed.

    `mappings` is the release's directory.
    """

    connect: Callable[[], Any]
    mappings: Path

    def create(self, body: bytes) -> BulkReply:
        return self._index.create(body)

    def ensure(self, index: str) -> bool:
        return self._keeper.ensure(index)

    def existing(self) -> frozenset[str]:
        return self._keeper.existing()

    def departure(self, index: str) -> str:
        from tabletrail.aws.opensearch_definition import definitions_in, departure_of

        return departure_of(self._client, index, definitions_in(self.mappings))

    def record(self, index: str, document_id: str, document: Mapping[str, Any]) -> None:
        from tabletrail.aws.opensearch_health import OpenSearchHealth

        OpenSearchHealth(self._client).record(index, document_id, document)

    def look(self) -> Shelf:
        return self._periods.look()

    def block(self, index: str) -> None:
        self._periods.block(index)

    def unblock(self, index: str) -> None:
        self._periods.unblock(index)

    def merge(self, index: str) -> None:
        self._periods.merge(index)

    def put_under(self, index: str, policy: str) -> None:
        self._periods.put_under(index, policy)

    @cached_property
    def _client(self) -> Any:
        return self.connect()

    @cached_property
    def _index(self) -> EntryIndex:
        from tabletrail.aws.opensearch import OpenSearchIndex

        return OpenSearchIndex(self._client)

    @cached_property
    def _periods(self) -> PeriodIndices:
        from tabletrail.aws.opensearch_periods import OpenSearchPeriods

        return OpenSearchPeriods(self._client)

    @cached_property
    def _keeper(self) -> IndexKeeper:
        from tabletrail.aws.opensearch import OpenSearchKeeper

        return OpenSearchKeeper(self._client)
