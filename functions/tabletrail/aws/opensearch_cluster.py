"""`install.Cluster` over OpenSearch, the open source one and Amazon's domains.

Rules
- Settings are sent in the flat form, the only one that a domain accepts.
- A domain answers what it does not offer with 401 and "is not allowed", a server without the plugin with "no handler
  found": both mean that it is not there. Any other 401 or 403 means that the caller may not.
- Reasons in errors are the server's words about administration, cut short; they hold no document.

Called by `install_wiring`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.core.periods import PATTERN
from tabletrail.errors import InstallError, TransientError

SECURITY = "/_plugins/_security/api"


class OpenSearchCluster:
    """Promises: see `install.Cluster`. The user is an administrator: all_access and security_manager on a domain."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client

    def data_nodes(self) -> int:
        health = self._get("/_cluster/health") or {}
        # Red is no reason to wait: it may be another's index, and neither templates nor roles care.
        if not health.get("number_of_data_nodes"):
            raise TransientError(f"the cluster is not ready, its health is {health.get('status', 'unknown')}")
        return int(health["number_of_data_nodes"])

    def template(self, name: str) -> dict[str, Any] | None:
        found = self._get(f"/_index_template/{name}")
        return dict(found["index_templates"][0]["index_template"]) if found else None

    def put_template(self, name: str, template: Mapping[str, Any]) -> None:
        self._put(f"/_index_template/{name}", template, f"the index template {name}")

    def settings(self) -> dict[str, dict[str, Any]]:
        return self._get("/_cluster/settings", {"flat_settings": "true", "include_defaults": "true"}) or {}

    def put_setting(self, level: str, name: str, value: str) -> None:
        self._put("/_cluster/settings", {level: {name: value}}, f"the cluster setting {name}")

    def roles(self) -> dict[str, dict[str, Any]] | None:
        return self._all(f"{SECURITY}/roles")

    def put_role(self, name: str, role: Mapping[str, Any]) -> None:
        self._put(f"{SECURITY}/roles/{name}", role, f"the role {name}")

    def role_mappings(self) -> dict[str, dict[str, Any]]:
        return self._all(f"{SECURITY}/rolesmapping") or {}

    def put_role_mapping(self, name: str, mapping: Mapping[str, Any]) -> None:
        self._put(f"{SECURITY}/rolesmapping/{name}", mapping, f"the mapping of the role {name}")

    def replaceable_indices(self) -> frozenset[str]:
        name = "index.append_only.enabled"
        found = self._get(f"/{PATTERN}/_settings", {"flat_settings": "true", "expand_wildcards": "all"}) or {}
        return frozenset(index for index, body in found.items() if str(body["settings"].get(name)) != "true")

    def _all(self, path: str) -> dict[str, dict[str, Any]] | None:
        """By name, in one request. None if the server does not offer them."""
        reply = ask(self._client, "GET", path)
        if is_absent(reply):
            return None
        check(reply, f"reading {path}")
        return dict(reply.data)

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        reply = ask(self._client, "GET", path, params=params)
        if reply.status == 404:
            return None
        check(reply, f"reading {path}")
        if not isinstance(reply.data, dict):
            raise TransientError(f"what answered at the endpoint is not OpenSearch (reading {path})")
        return reply.data

    def _put(self, path: str, body: Mapping[str, Any], what: str) -> None:
        check(ask(self._client, "PUT", path, body), f"writing {what}")


def is_absent(reply: Reply) -> bool:
    """The server does not offer what was asked for."""
    text = str(reply.data)
    return not reply.ok and ("no handler found" in text or (reply.status == 401 and "is not allowed" in text))


def check(reply: Reply, doing: str) -> None:
    """TransientError or InstallError if the reply is no success. `doing` names the request in a few words."""
    if reply.ok:
        return
    if reply.status == 429 or reply.status >= 500:
        raise TransientError(f"OpenSearch is busy or not ready, {doing}: {reply.reason}")
    if reply.status in (401, 403) and not is_absent(reply):
        raise InstallError(
            f"OpenSearch refused {doing}: {reply.reason}. The function's user, or on a domain its IAM role, must be an "
            "administrator: map it to all_access and security_manager, or correct the password in its secret"
        )
    hint = ". This needs OpenSearch 2.19 or newer: update the domain" if "append_only" in reply.reason else ""
    raise InstallError(f"OpenSearch refused {doing}: {reply.reason}{hint}")
