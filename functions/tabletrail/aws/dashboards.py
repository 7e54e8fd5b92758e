"""`install.servers.Dashboards` over the HTTP interface of OpenSearch Dashboards.

Rules
- Everything goes into the global tenant, which all users share: what lies in a private one only its owner sees.
- `_import` answers 200 whatever happened: only `success` tells.
- The address may have a path: a domain serves Dashboards at /_dashboards of its own.

Called by `install_wiring`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_cluster import check
from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.errors import InstallError, TransientError

JsonObject = dict[str, Any]

HEADERS = {"osd-xsrf": "tabletrail", "securitytenant": "global"}
BOUNDARY = "tabletrail-saved-objects"
"""No saved object holds a line that begins with it: JSON has no raw line ends."""

NOT_FOUND = 404
SHOWN = 5
"""How many refused objects are named in an error."""


class DashboardsServer:
    """Promises: see `install.servers`. `path` comes before each request's own; `client` is one for the same host."""

    def __init__(self, client: OpenSearch, path: str = "") -> None:
        self._client, self._path = client, path.rstrip("/")

    def objects(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], JsonObject]:
        wanted = [{"type": type_, "id": id_} for type_, id_ in keys]
        reply = self._ask("_bulk_get", json.dumps(wanted).encode(), "application/json")
        check(reply, "reading saved objects")
        found = {}
        for one in _listed(reply, "saved_objects"):
            error = one.get("error")
            if error and error.get("statusCode") != NOT_FOUND:
                raise InstallError(
                    f"Dashboards does not show {one.get('type')} {one.get('id')}: {error.get('message')}"
                )
            if not error:
                content = {"attributes": one["attributes"], "references": one.get("references", [])}
                found[one["type"], one["id"]] = content
        return found

    def put_objects(self, objects: Sequence[Mapping[str, Any]]) -> None:
        lines = "\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in objects)
        body = (
            f"--{BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="file"; filename="tabletrail.ndjson"\r\n'
            "Content-Type: application/ndjson\r\n\r\n"
            f"{lines}\r\n--{BOUNDARY}--\r\n"
        )
        reply = self._ask("_import", body.encode(), f"multipart/form-data; boundary={BOUNDARY}", {"overwrite": "true"})
        check(reply, "importing saved objects")
        if not isinstance(reply.data, dict) or reply.data.get("success") is not True:
            raise InstallError(f"Dashboards took not all saved objects: {_refused(reply)}")

    def _ask(self, verb: str, body: bytes, content_type: str, params: Mapping[str, str] | None = None) -> Reply:
        headers = {**HEADERS, "content-type": content_type}
        return ask(self._client, "POST", f"{self._path}/api/saved_objects/{verb}", body, params, headers=headers)


def _listed(reply: Reply, name: str) -> list[JsonObject]:
    found = reply.data.get(name) if isinstance(reply.data, dict) else None
    if not isinstance(found, list):
        raise TransientError("what answered at DashboardsUrl is not OpenSearch Dashboards: is it a page to log in?")
    return found


def _refused(reply: Reply) -> str:
    errors = reply.data.get("errors", []) if isinstance(reply.data, dict) else []
    named = [f"{one.get('type')} {one.get('id')} ({(one.get('error') or {}).get('type')})" for one in errors[:SHOWN]]
    more = f" and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    return ", ".join(named) + more if named else reply.reason
