"""How an index is really defined, beside how the release defines it.

Called by `opensearch_late`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_connect import ask
from tabletrail.core.index_definition import departure
from tabletrail.errors import TransientError


def departure_of(client: OpenSearch, index: str, template: Mapping[str, Any]) -> str:
    """Promises: see `ports.IndexKeeper.departure`. The user is the index owner; `index` may be the name of an alias."""
    params = {"flat_settings": "true", "expand_wildcards": "all"}
    reply = ask(client, "GET", f"/{index}", params=params)
    if reply.status == 404:
        return "the index is not there"
    if not reply.ok or not isinstance(reply.data, dict) or not reply.data:
        raise TransientError(f"OpenSearch does not tell how {index} is defined: {reply.reason}")
    places = [departure(found, template) for found in reply.data.values()]
    return next((place for place in places if place), "")
