"""`health.HealthIndex` over OpenSearch.

Rules
- Each request has a few seconds: a report is not worth waiting for.
- A document is created by its id and never written over; the index is append-only as those of entries are.

Called by `opensearch_late`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.core.health import HEALTH_TEMPLATE
from tabletrail.errors import TransientError

REQUEST_SECONDS = 3
"""To connect, and again to answer. The slowest answer that was seen of a busy server of two cores took one."""


class OpenSearchHealth:
    """Promises: see `health.HealthIndex`. The user is the index owner."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client
        self._keeper = OpenSearchKeeper(client, HEALTH_TEMPLATE, REQUEST_SECONDS)

    def record(self, index: str, document_id: str, document: Mapping[str, Any]) -> None:
        reply = self._create(index, document_id, document)
        if reply.status == 404 and self._keeper.ensure(index):
            reply = self._create(index, document_id, document)
        if not reply.ok and reply.status != 409:
            raise TransientError(f"OpenSearch does not take a document into {index}: {reply.reason}")

    def _create(self, index: str, document_id: str, document: Mapping[str, Any]) -> Reply:
        return ask(self._client, "PUT", f"/{index}/_create/{document_id}", document, seconds=REQUEST_SECONDS)
