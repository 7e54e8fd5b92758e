"""`reindex.IndexShelf` over OpenSearch: which index stands for which name, and one put in another's place.

Rules
- The template gives each of our indices the alias `tabletrail`. A rebuilt one is made with that alias under a filter
  that lets nothing through: a template's alias cannot be left out, but the request's own goes before it. Taking the
  old one's place removes the filter, in the same step.
- `remove_index` and the aliases are one change of the cluster's state: no search sees both indices. One that is under
  way in that moment may find the old one gone: its answer then has fewer shards than it went to, and is no answer.
- A rebuilt index has the template's settings, so nothing is to be put back after it was filled, and as many primary
  shards as the one it replaces would get today.

Called by the command `tabletrail reindex`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.aws.opensearch_primaries import primaries_setting
from tabletrail.core.cluster_objects import TEMPLATE, template_version
from tabletrail.core.periods import ALIAS, PATTERN
from tabletrail.core.primaries import SHARD_BYTES
from tabletrail.core.rebuilds import Layout
from tabletrail.errors import ReindexError, TransientError

MOST_TABLES = 10_000
NOTHING: dict[str, Any] = {"match_none": {}}
WRITE_ONCE: dict[str, Any] = {"index.append_only.enabled": True}
"""Named here too, as for every index of ours: what cannot be mended later is left to no template."""


class OpenSearchShelf:
    """Promises: see `reindex.IndexShelf`. The user has the roles tabletrail_rebuilder and tabletrail_reader."""

    def __init__(self, client: OpenSearch, shard_bytes: int = SHARD_BYTES) -> None:
        self._client, self._shard_bytes = client, shard_bytes
        self._keeper = OpenSearchKeeper(client, shard_bytes=shard_bytes)

    def layout(self) -> Layout:
        params = {"expand_wildcards": "all", "filter_path": "*.aliases,*.settings.index.uuid"}
        data = _checked(ask(self._client, "GET", f"/{PATTERN}", params=params), "listing the indices")
        return Layout({index: frozenset(body.get("aliases", {})) for index, body in data.items()})

    def template_version(self) -> int:
        reply = ask(self._client, "GET", f"/_index_template/{TEMPLATE}")
        if reply.status == 404:
            raise ReindexError(f"the index template {TEMPLATE} is not there: deploy the stack again")
        found = _checked(reply, "reading the index template")
        return template_version(found["index_templates"][0]["index_template"])

    def ensure(self, index: str) -> bool:
        reply = ask(self._client, "GET", f"/{index}/_settings/index.uuid")
        _refuse_strangers(reply, f"looking for {index}")
        return self._keeper.ensure(index)

    def make_hidden(self, index: str) -> None:
        self.template_version()  # without a template the mapping would be empty, and for good
        settings = {**WRITE_ONCE, **primaries_setting(self._client, index, self._shard_bytes)}
        body = {"settings": settings, "mappings": {"dynamic": False}, "aliases": {ALIAS: {"filter": NOTHING}}}
        reply = ask(self._client, "PUT", f"/{index}", body)
        if reply.status == 400 and "resource_already_exists_exception" in reply.reason:
            return
        _checked(reply, f"making {index}")

    def refresh(self, index: str) -> None:
        data = _checked(ask(self._client, "POST", f"/{index}/_refresh"), f"refreshing {index}")
        if data.get("_shards", {}).get("failed"):
            raise TransientError(f"a part of {index} could not be refreshed: look at the cluster's health")

    def replace(self, name: str, old: str | None, new: str) -> None:
        actions: list[dict[str, Any]] = [{"remove_index": {"index": old}}] if old else []
        actions.append({"add": {"index": new, "alias": name, "is_write_index": True}})
        actions.append({"add": {"index": new, "alias": ALIAS}})
        reply = ask(self._client, "POST", "/_aliases", {"actions": actions})
        if reply.status in (400, 404):
            # The names lead elsewhere than they did a moment ago: look again.
            raise TransientError(f"{new} could not take the place of {old}: {reply.reason}")
        _checked(reply, f"putting {new} in the place of {old}")

    def remove(self, index: str) -> None:
        reply = ask(self._client, "DELETE", f"/{index}")
        if reply.status != 404:
            _checked(reply, f"removing {index}")

    def holdings(self, index: str) -> dict[str, int]:
        query = {"bool": {"must_not": {"exists": {"field": "tabletrail.supersedes"}}}}
        tables = {"terms": {"field": "table.arn", "size": MOST_TABLES, "missing": ""}}
        body = {"query": query, "size": 0, "track_total_hits": True, "aggs": {"tables": tables}}
        data = _checked(ask(self._client, "POST", f"/{index}/_search", body), f"counting the entries in {index}")
        shards = data["_shards"]
        # A shard that is not available does not count among the failed ones.
        if data.get("timed_out") or shards["failed"] or shards["successful"] < shards["total"]:
            raise TransientError(f"a part of {index} did not answer: mend it, or replace the index with --force")
        found = data["aggregations"]["tables"]
        counts = {str(one["key"]): int(one["doc_count"]) for one in found["buckets"]}
        others = int(found["sum_other_doc_count"])
        return {**counts, "other tables": others} if others else counts


def _checked(reply: Reply, doing: str) -> Mapping[str, Any]:
    """The reply's object. ReindexError where trying again will not help."""
    if reply.ok and isinstance(reply.data, dict):
        return reply.data
    _refuse_strangers(reply, doing)
    if reply.ok or reply.status == 429 or reply.status >= 500:
        raise TransientError(f"OpenSearch is busy or not ready, {doing}: {reply.reason}")
    raise ReindexError(f"OpenSearch refused {doing}: {reply.reason}")


def _refuse_strangers(reply: Reply, doing: str) -> None:
    if reply.status == 401:
        raise ReindexError("OpenSearch does not know this user or password (401)")
    if reply.status == 403:
        raise ReindexError(
            f"OpenSearch does not let you in, {doing} (403): a rebuild needs the roles tabletrail_rebuilder and "
            "tabletrail_reader, see docs/access.md"
        )
