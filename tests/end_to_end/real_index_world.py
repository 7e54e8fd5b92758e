"""A `World` whose index is the stack's OpenSearch, behind a connection that can be taken away.

Its clock begins in 2098, so that its indices are its own. Its writer is a user of its own too, whose password and role
can be changed without harm to others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tabletrail.aws.opensearch_connect import connect
from tabletrail.aws.opensearch_late import LateOpenSearch
from tabletrail.core.periods import indices_ahead
from tabletrail.core.waits import words
from tabletrail.ports import BulkReply
from tabletrail_local.info import StackInfo
from tests.faults.world import World
from tests.ports.opensearch_proxy import Proxy, a_proxy
from tests.ports.opensearch_server import MAPPINGS, Server, settings_for

Document = dict[str, Any]
START = 4_051_000_000.0
"""In May 2098."""
MAY = "tabletrail-v1-2098.05"
OURS = "tabletrail-v1-2098.*"
READ_SECONDS = 2.0
USERS = "/_plugins/_security/api/internalusers"


@dataclass
class RealIndex:
    """`EntryIndex` and `ReleaseKeeper`. `spoils` changes a document on its way, as no conversion would make it."""

    server: Server
    proxy: Proxy
    user: str = field(default_factory=lambda: f"away-{uuid4().hex[:8]}")
    password: str = "Right-4711-horse"
    """As the secret has it."""
    ca_pem: str = ""
    spoils: Callable[[Document], Document] = lambda document: document
    offered: list[str] = field(default_factory=list)
    """Segments, in the order of the documents that were stored."""

    def __post_init__(self) -> None:
        self.ca_pem = self.server.stack.ca_pem
        self.set_user(self.password)
        self.start_anew()

    def set_user(self, password: str, role: str = "tabletrail_writer") -> None:
        """What OpenSearch knows of the writer."""
        body = {"password": password, "opendistro_security_roles": [role] if role else []}
        assert self.server.ask("admin", "PUT", f"{USERS}/{self.user}", body).ok

    def start_anew(self) -> None:
        """As new processes connect."""
        owner = self.server.client("index-owner")
        self._writer = LateOpenSearch(self._connect, MAPPINGS)
        self._owner = LateOpenSearch(lambda: owner, MAPPINGS)

    def _connect(self) -> Any:
        secret = {"username": self.user, "ca_pem": self.ca_pem}
        settings = settings_for(self.proxy.url)
        return connect(settings, lambda _: json.dumps(secret | {"password": self.password}), READ_SECONDS)

    def create(self, body: bytes) -> BulkReply:
        lines = body.splitlines()
        documents = [json.loads(line) for line in lines[1::2]]
        spoilt = [json.dumps(self.spoils(document)).encode() for document in documents]
        pairs = zip(lines[::2], spoilt, strict=True)
        reply = self._writer.create(b"".join(b"%b\n%b\n" % pair for pair in pairs))
        if reply.results is not None:
            settled = zip(documents, reply.results, strict=True)
            self.offered += [document["log"]["segment"] for document, result in settled if result.status == 201]
        return reply

    def ensure(self, index: str) -> bool:
        return self._owner.ensure(index)

    def existing(self) -> frozenset[str]:
        return self._owner.existing()

    def departure(self, index: str) -> str:
        return self._owner.departure(index)

    def documents(self) -> dict[str, Document]:
        """By id; an id in two indices is an error that a test should see."""
        assert self.server.ask("admin", "POST", f"/{OURS}/_refresh").ok
        body = {"query": {"match_all": {}}, "size": 10_000}
        hits = self.server.ask("admin", "POST", f"/{OURS}/_search", body).data["hits"]["hits"]
        found = {hit["_id"]: hit["_source"] for hit in hits}
        assert len(found) == len(hits), "the same id lies in two indices"
        return found

    def clear(self) -> None:
        """Nothing is there, and nothing is spoilt on its way."""
        self.server.ask("admin", "PUT", "/_cluster/settings", {"persistent": {"cluster.blocks.read_only": None}})
        for name in self.server.ask("admin", "GET", f"/{OURS}/_settings/index.uuid?expand_wildcards=all").data:
            self.admin("DELETE", f"/{name}")
        self.spoils = lambda document: document
        self.offered.clear()

    def admin(self, method: str, path: str, body: Any = None) -> None:
        assert self.server.ask("admin", method, path, body).ok


@dataclass
class RealIndexWorld(World):
    real: RealIndex = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.index: Any = self.real
        for name in indices_ahead(int(self.clock.now()), self.settings.index_period):
            self.index.ensure(name)

    def reasons(self) -> str:
        """What `status` says about why segments wait."""
        note = self.notes.read("backlog")
        found = [words(fact["why"], index) for index, fact in note.get("blocked", {}).items()]
        return "; ".join([*found, words(note["trouble"])] if note.get("trouble") else found)

    def waiting(self) -> list[str]:
        rows = sorted(self.rows.segments.values(), key=lambda row: (row.committed_at, row.segment_id))
        return [row.segment_id for row in rows if not row.indexed_at]


@contextmanager
def a_real_index(stack: StackInfo) -> Iterator[RealIndex]:
    """Its user and its indices are gone afterwards."""
    server = Server(stack)
    server.install()
    with a_proxy(stack.opensearch_url) as proxy:
        index = RealIndex(server, proxy)
        try:
            yield index
        finally:
            index.clear()
            server.ask("admin", "DELETE", f"{USERS}/{index.user}")
