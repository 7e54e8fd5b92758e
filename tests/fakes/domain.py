"""A cluster as Amazon's domains are one, over TLS: OpenSearch with its plugins, and Dashboards at /_dashboards.

What the local OpenSearch lacks is `tests.fakes.ism`, `alerting` and `saved_objects`; everything else goes to a real
server, if one is named. `without` names what this domain does not offer: ism, alerting, notifications, dashboards;
without `has_plugins` the real server is asked for them too.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import urllib3

from tabletrail.core.ism_policies import DEFAULT_RETRY
from tests.fakes.alerting import FakeAlerting
from tests.fakes.ism import FakeCluster
from tests.fakes.saved_objects import FakeSavedObjects
from tests.fakes.tls_server import JsonHandler, authority, serving

Json = dict[str, Any]
Answer = tuple[int, Any]

DASHBOARDS = "/_dashboards"
READS = ("/_search", "/_bulk_get")


@dataclass
class Domain:
    """`real` is the address of the OpenSearch behind it, with the file of its authority; empty for none."""

    real: str = ""
    real_ca: str = ""
    without: set[str] = field(default_factory=set)
    has_plugins: bool = True
    ism: FakeCluster = field(default_factory=FakeCluster)
    alerting: FakeAlerting = field(default_factory=FakeAlerting)
    saved: FakeSavedObjects = field(default_factory=FakeSavedObjects)
    heard: list[str] = field(default_factory=list)
    loses: set[str] = field(default_factory=set)
    """"METHOD /path" of requests whose effect happens and whose next reply is lost."""
    url: str = ""
    ca_pem: str = ""

    def writes(self) -> list[str]:
        """What came in since the last call of `forget` that may change anything."""
        return [one for one in self.heard if not one.startswith(("GET ", "HEAD ")) and not one.endswith(READS)]

    def forget(self) -> None:
        self.heard.clear()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        path, params = parts.path, dict(parse_qsl(parts.query))
        self.heard.append(f"{method} {path}")
        plugin = self._plugin(path)
        if plugin in self.without:
            return 400, {"error": f"no handler found for uri [{path}] and method [{method}]"}
        if plugin == "dashboards":
            return self.saved.answer(method, path, params, headers, body)
        if plugin == "ism":
            return self._ism(method, target, path, json.loads(body or b"{}"))
        if plugin:
            found = self.alerting.answer(method, path, params, json.loads(body or b"{}"))
            return found or (400, {"error": f"no handler found for uri [{path}] and method [{method}]"})
        return self._forward(method, target, headers, body)

    def _plugin(self, path: str) -> str:
        if not self.has_plugins:
            return ""
        if path.startswith(DASHBOARDS):
            return "dashboards"
        names = ("ism", "alerting", "notifications")
        return next((name for name in names if path.startswith(f"/_plugins/_{name}/")), "")

    def _ism(self, method: str, target: str, path: str, body: Json) -> Answer:
        if (method, path) == ("GET", "/_plugins/_ism/policies"):
            policies = [self._policy(name) for name in self.ism.policies]
            return 200, {"policies": policies, "total_policies": len(policies)}
        name = path.rpartition("/")[2]
        if method == "GET" and "/policies/" in path and name in self.ism.policies:
            return 200, self._policy(name)
        return self.ism.answer(method, target, body)

    def _policy(self, name: str) -> Json:
        """As the plugin shows one: each action with its retries."""
        _, shown = self.ism.answer("GET", f"/_plugins/_ism/policies/{name}", {})
        shown = copy.deepcopy(shown)
        for state in shown["policy"]["states"]:
            state["actions"] = [{"retry": dict(DEFAULT_RETRY), **action} for action in state.get("actions", [])]
        return dict(shown)

    def _forward(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if not self.real:
            return 503, {"error": "there is no OpenSearch behind this domain"}
        kept = {name: value for name, value in headers.items() if name in ("authorization", "content-type")}
        pool = urllib3.PoolManager(ca_certs=self.real_ca or None)
        reply = pool.request(method, self.real + target, body=body or None, headers=kept)
        return reply.status, json.loads(reply.data) if reply.data else None


@contextmanager
def served(domain: Domain, directory: Path) -> Iterator[Domain]:
    """The domain at a TLS address of its own."""
    domain.ca_pem = authority(directory)
    with serving(_handler(domain), directory) as domain.url:
        yield domain


def _handler(domain: Domain) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(JsonHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                status, reply = domain.answer(self.command, self.path, headers, body)
                what = f"{self.command} {urlsplit(self.path).path}"
                is_lost = what in domain.loses
                domain.loses.discard(what)
            if is_lost:
                self.close_connection = True
                return
            content = b"" if self.command == "HEAD" else json.dumps(reply).encode()
            self.reply(status, content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815  # the names that http.server calls

    return Handler
