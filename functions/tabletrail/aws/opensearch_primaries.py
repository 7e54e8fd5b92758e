"""How large our indices are, and how many data nodes there are: from that follows how many primaries a new one gets.

Rules
- Counted are primary shards, as far as they answer; an index that is closed says nothing.
- The index owner may ask for both, and so may whoever rebuilds: a rebuild takes the reader's role too.

Called by `opensearch` and `opensearch_shelf`.
"""

from __future__ import annotations

from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_connect import ask
from tabletrail.core.periods import PATTERN, span_of
from tabletrail.core.primaries import SHARD_BYTES, primaries_for
from tabletrail.core.rebuilds import period_of
from tabletrail.errors import TransientError

_SIZES = "indices.*.primaries.store.size_in_bytes"


def primaries_setting(
    client: OpenSearch, index: str, shard_bytes: int = SHARD_BYTES, seconds: float | None = None
) -> dict[str, Any]:
    """For the settings of an index that is about to be made; empty for one that is no period's. TransientError."""
    if span_of(period_of(index)) is None:
        return {}
    params = {"filter_path": _SIZES}
    stats = ask(client, "GET", f"/{PATTERN}/_stats/store", params=params, seconds=seconds)
    if not stats.ok or not isinstance(stats.data, dict):
        raise TransientError(f"OpenSearch does not tell how large the indices are: {stats.reason}")
    found = stats.data.get("indices", {})
    sizes = {name: int(body["primaries"]["store"]["size_in_bytes"]) for name, body in found.items()}
    params = {"filter_path": "number_of_data_nodes"}
    health = ask(client, "GET", "/_cluster/health", params=params, seconds=seconds)
    if not health.ok or not isinstance(health.data, dict):
        raise TransientError(f"OpenSearch does not tell how many data nodes it has: {health.reason}")
    nodes = int(health.data.get("number_of_data_nodes", 1))
    return {"index.number_of_shards": primaries_for(index, sizes, nodes, shard_bytes)}
