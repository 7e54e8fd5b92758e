"""The stack's OpenSearch as the tests of its adapters use it: a client for each role, and indices of their own.

Indices lie decades ahead, away from what the stack itself writes, and are removed when the test module is done.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.clock import SystemClock
from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_cluster import OpenSearchCluster
from tabletrail.aws.opensearch_connect import Reply, ask, connect
from tabletrail.aws.opensearch_plugins import OpenSearchPlugins
from tabletrail.core.periods import PREFIX
from tabletrail.install import Bundle, Report, Servers, Wishes, grants_of, install
from tabletrail.settings import Settings
from tabletrail_local.info import StackInfo

MAPPINGS = Path(__file__).parents[2] / "mappings"

SMALL_TEMPLATE: dict[str, Any] = {
    "index_patterns": [f"{PREFIX}*"],
    "version": 1,
    "priority": 500,
    "template": {
        "aliases": {"tabletrail": {}},
        "settings": {"index.append_only.enabled": True, "index.number_of_shards": 1},
        "mappings": {"dynamic": False, "properties": {"@timestamp": {"type": "date"}, "message": {"type": "text"}}},
    },
}
"""Enough of one for these tests. `@timestamp` is in it as in the real one: a document with a bad one is refused."""

GOOD = {"@timestamp": "2026-11-24T06:00:00Z", "message": "alice changed status"}
BAD = {"@timestamp": "yesterday", "message": "alice changed status"}


@dataclass
class Server:
    """One OpenSearch. `ask` and `client` are by the stack's roles: admin, writer, index-owner, reader."""

    stack: StackInfo
    clients: dict[str, OpenSearch] = field(default_factory=dict)

    def client(self, role: str) -> OpenSearch:
        if role not in self.clients:
            login = self.stack.login(role)
            self.clients[role] = connect(
                settings_for(self.stack.opensearch_url), self.secret(login.user, login.password)
            )
        return self.clients[role]

    def secret(self, user: str, password: str, ca_pem: str | None = None) -> Any:
        pem = self.stack.ca_pem if ca_pem is None else ca_pem
        return lambda _: json.dumps({"username": user, "password": password, "ca_pem": pem})

    def ask(self, role: str, method: str, path: str, body: bytes | Mapping[str, Any] | None = None) -> Reply:
        path, _, query = path.partition("?")
        params = dict(part.split("=") for part in query.split("&")) if query else None
        return ask(self.client(role), method, path, body, params)

    def install(self) -> Report:
        """As the deployment does it, less its indices."""
        wishes = Wishes(grants_of({}, {}, with_users=True))
        return install(servers_for(self.client("admin")), Bundle.load(MAPPINGS), wishes, SystemClock(), 60)

    @contextmanager
    def an_index(self) -> Iterator[str]:
        """A write-once index, made by the index owner as in production."""
        name = unused_name()
        assert OpenSearchKeeper(self.client("index-owner")).ensure(name)
        try:
            yield name
        finally:
            self.ask("admin", "DELETE", f"/{name}")

    def document(self, index: str, document_id: str) -> Any:
        """All that the server tells of a document, its version and sequence number too; None if it is not there."""
        reply = self.ask("admin", "GET", f"/{index}/_doc/{document_id}")
        return reply.data if reply.ok else None


def settings_for(url: str, auth: str = "basic") -> Settings:
    return Settings("s", "h", "g", "r", "b", opensearch_endpoint=url, opensearch_auth=auth, opensearch_secret="secret")


def servers_for(client: OpenSearch) -> Servers:
    """This OpenSearch, without Dashboards."""
    plugins = OpenSearchPlugins(client)
    return Servers(OpenSearchCluster(client), OpenSearchKeeper(client), plugins, plugins)


def unused_name() -> str:
    return f"{PREFIX}2099.{uuid.uuid4().hex[:12]}"


def bulk(*actions: tuple[str, str, Mapping[str, Any]], verb: str = "create") -> bytes:
    """A bulk body of (index, id, document)."""
    lines = []
    for index, document_id, document in actions:
        lines += [{verb: {"_index": index, "_id": document_id}}, document]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
