"""How an index is really defined, beside how this release and those before it define one.

Called by `opensearch_late`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_connect import ask
from tabletrail.core.index_definition import departure
from tabletrail.errors import InstallError, TransientError


def definitions_in(mappings: Path) -> list[dict[str, Any]]:
    """The index templates of a release's directory `mappings`: its own, then the earlier ones. InstallError."""
    paths = [mappings / "index_template.v1.json", *sorted((mappings / "earlier").glob("index_template.v1.*.json"))]
    try:
        return [json.loads(path.read_text("utf-8")) for path in paths]
    except (OSError, ValueError) as error:
        raise InstallError(f"the release is incomplete, build it again: {type(error).__name__}: {error}") from None


def departure_of(client: OpenSearch, index: str, templates: Sequence[Mapping[str, Any]]) -> str:
    """Promises: see `ports.IndexKeeper.departure`. The user is the index owner; `index` may be the name of an alias."""
    params = {"flat_settings": "true", "expand_wildcards": "all"}
    reply = ask(client, "GET", f"/{index}", params=params)
    if reply.status == 404:
        return "the index is not there"
    if not reply.ok or not isinstance(reply.data, dict) or not reply.data:
        raise TransientError(f"OpenSearch does not tell how {index} is defined: {reply.reason}")
    places = [departure(found, templates) for found in reply.data.values()]
    return next((place for place in places if place), "")
