"""EntryIndex and IndexKeeper over OpenSearch.

Rules
- Entries are created by `_bulk` with their own ids. The index takes each id once, so a repeat is harmless (409).
- Whether a document or the cluster is at fault is decided by `core.outcome` from the item's status, with one exception
  below; a reply that does not account for every document accounts for none.
- Nothing of a document is logged or put into an error: reasons are OpenSearch's error types.
- An index is made only while its template is there: without it the mapping would be empty, and for good. How many
  primary shards it gets follows from the volume of those before it (`core.primaries`).

Called by `tabletrail.index`, `tabletrail.report` and `tabletrail.install`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.aws.opensearch_primaries import primaries_setting
from tabletrail.core.cluster_objects import TEMPLATE
from tabletrail.core.outcome import ItemResult, Outcome, outcome_of
from tabletrail.core.periods import PATTERN, PREFIX
from tabletrail.core.primaries import SHARD_BYTES
from tabletrail.errors import TransientError
from tabletrail.ports import BulkReply

_BULK = "/_bulk?" + urlencode({"timeout": "10s", "filter_path": "errors,items.*.status,items.*.error.type"})
"""A domain ignores parameters of a signed POST: what comes back may be a whole reply, which reads the same.

`timeout` is how long the server waits for a shard that is not there: less than we wait for the reply, so that it
accounts for the documents of other indices. The server's own is a minute. It stands in the path, because opensearch-py
takes a parameter of this name for its own.
"""

_STORED = ItemResult(Outcome.STORED, 201)
_UNACCOUNTED = ItemResult(Outcome.TRY_AGAIN, 200, "reply_without_this_document")

_INDEX_TROUBLE = frozenset({"index_closed_exception", "invalid_index_name_exception", "validation_exception"})
"""Answered as 400, yet of the index or the cluster (closed; out of shards), never of the document."""


class OpenSearchIndex:
    """Promises: see `ports.EntryIndex`. The user may create documents and nothing else."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client

    def create(self, body: bytes) -> BulkReply:
        """`body`: lines {"create": {"_index", "_id"}} and the entry, each ended by a newline."""
        reply = ask(self._client, "POST", _BULK, body)
        if not reply.ok:
            return BulkReply(reply.status, None)
        documents = body.count(b"\n") // 2
        return BulkReply(reply.status, _results(reply.data, documents))


class OpenSearchKeeper:
    """Promises: see `ports.IndexKeeper`. The user is the index owner: it makes indices and sees no document.

    `template` is the name of the one that its indices are made from; `seconds` see `ask`; `shard_bytes` is what a
    primary shard is meant to hold.
    """

    def __init__(
        self,
        client: OpenSearch,
        template: str = TEMPLATE,
        seconds: float | None = None,
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self._client, self._template, self._seconds, self._shard_bytes = client, template, seconds, shard_bytes

    def ensure(self, index: str) -> bool:
        """Names the two settings that cannot be mended later itself, so that no template edit can lose them."""
        if self._exists(index):
            return False
        self._require_template()
        primaries = primaries_setting(self._client, index, self._shard_bytes, self._seconds)
        body = {"settings": {"index.append_only.enabled": True, **primaries}, "mappings": {"dynamic": False}}
        reply = ask(self._client, "PUT", f"/{index}", body, seconds=self._seconds)
        if reply.ok:
            return True
        # As an index, or as the name of a rebuilt one (`core.rebuilds`), since it was looked for.
        if reply.status == 400 and ("resource_already_exists" in reply.reason or "exists as alias" in reply.reason):
            return False
        raise TransientError(f"the index {index} cannot be made: {reply.reason}")

    def existing(self) -> frozenset[str]:
        params = {"expand_wildcards": "all", "filter_path": "*.aliases,*.settings.index.uuid"}
        reply = ask(self._client, "GET", f"/{PATTERN}", params=params)
        if not reply.ok or not isinstance(reply.data, dict):
            raise TransientError(f"the indices cannot be listed: {reply.reason}")
        aliases = (name for body in reply.data.values() for name in body.get("aliases", ()))
        return frozenset(reply.data) | {name for name in aliases if name.startswith(PREFIX)}

    def _exists(self, index: str) -> bool:
        reply = ask(self._client, "GET", f"/{index}/_settings/index.uuid", seconds=self._seconds)
        if reply.status == 404:
            return False
        if reply.ok:
            return True
        raise TransientError(f"OpenSearch does not say whether {index} exists: {reply.reason}")

    def _require_template(self) -> None:
        path = f"/_index_template/{self._template}"
        reply: Reply = ask(self._client, "GET", path, params={"filter_path": "*.name"}, seconds=self._seconds)
        if not reply.ok:
            missing = f"the index template {self._template} is not there"
            raise TransientError(f"{missing} ({reply.status}): deploy the stack again")


def _results(data: Any, documents: int) -> tuple[ItemResult, ...]:
    items = data.get("items", ()) if isinstance(data, dict) else ()
    if len(items) != documents:
        return (_UNACCOUNTED,) * documents
    if data.get("errors") is False:
        return (_STORED,) * documents
    return tuple(_result(item) for item in items)


def _result(item: dict[str, Any]) -> ItemResult:
    answer = next(iter(item.values()))
    status = int(answer["status"])
    reason = str(answer.get("error", {}).get("type", ""))
    outcome = Outcome.TRY_AGAIN if reason in _INDEX_TROUBLE else outcome_of(status)
    return ItemResult(outcome, status, reason)
