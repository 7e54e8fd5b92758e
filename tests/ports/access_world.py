"""An OpenSearch with one user for each column of the table in docs/access.md, and indices that may be lost.

A person has `kibana_user` beside a role of ours to work in Dashboards. So each has two users: what a role is said to
allow is tried without, and what it is said to forbid is tried with it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_connect import Reply, connect
from tabletrail.core.health import HEALTH_PREFIX, HEALTH_TEMPLATE
from tabletrail.core.periods import PREFIX
from tabletrail.core.team_roles import Team, role_of
from tests.ports.access_actions import SECURITY, Attempt
from tests.ports.opensearch_server import MAPPINGS, Server, bulk, settings_for

PASSWORD = "Right-4711-horse"
ADMINISTRATOR, NOBODY, TEAM = "administrator", "nobody", "tabletrail_reader_NAME"
BESIDE = "kibana_user"
SEEN, HIDDEN = "seen", "hidden"
"""Ids of the two entries: the team's own and another service's. The second one's actor is nobody else's."""
DOCUMENTS = (SEEN, HIDDEN, "run", "1", "2", "forged")
"""All ids that an attempt of `access_actions` names, in whatever index."""
OTHERS = ("/_index_template/access-test", f"{SECURITY}/roles/access-test")
"""What else an attempt could make."""
SHOWN = {SEEN: "anna-of-billing", HIDDEN: "paul-of-payroll"}


def entry(service: str, actor: str, **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2098-01-01T00:00:00Z",
        "service": {"name": service},
        "table": {"name": f"{service}-table"},
        "actor": {"id": actor},
        "message": f"{actor} changed price",
        **more,
    }


@dataclass
class Access:
    server: Server
    index: str = ""
    health: str = ""
    other: str = ""
    new: str = ""
    new_health: str = ""
    made: list[str] = field(default_factory=list)
    users: dict[tuple[str, bool], str] = field(default_factory=dict)
    known: Any = None
    """The state after the last `renew`."""

    def admin(self, method: str, path: str, body: Any = None) -> Reply:
        return self.server.ask("admin", method, path, body)

    def user(self, role: str, beside: bool) -> str:
        """The name by which `server.ask` knows the user."""
        return "admin" if role == ADMINISTRATOR else self.users[role, beside]

    def make_users(self, roles: Iterable[str]) -> None:
        """All at once: OpenSearch reads its users anew after each change."""
        changes = []
        for role, beside in product((*roles, TEAM, NOBODY), (False, True)):
            name = self.users[role, beside] = f"access-{uuid.uuid4().hex[:8]}"
            held = [] if role == NOBODY else [role.replace("NAME", "access-test")]
            body = {"password": PASSWORD, "opendistro_security_roles": held + ([BESIDE] if beside else [])}
            changes.append({"op": "add", "path": f"/{name}", "value": body})
            self.server.clients[name] = self.connect(name)
        self.change_users(changes)

    def change_users(self, changes: list[dict[str, Any]]) -> None:
        """Hashing a password is meant to take long, and takes many times that on a busy machine."""
        transport = self.server.client("admin").transport
        transport.perform_request("PATCH", f"{SECURITY}/internalusers", None, changes, timeout=300)

    def connect(self, name: str) -> Any:
        """A client as a user of this name, whose password is `PASSWORD`."""
        return connect(settings_for(self.server.stack.opensearch_url), self.server.secret(name, PASSWORD))

    def renew(self) -> None:
        """Indices as they should be, at first and after anything was changed."""
        self.remove()
        names = (f"{prefix}2098.{uuid.uuid4().hex[:8]}" for prefix in (PREFIX, PREFIX, HEALTH_PREFIX, HEALTH_PREFIX))
        self.index, self.new, self.health, self.new_health = names
        self.other = f"other-{uuid.uuid4().hex[:8]}"
        self.made = [self.index, self.health, self.other]
        owner = self.server.client("index-owner")
        assert OpenSearchKeeper(owner).ensure(self.index)
        assert OpenSearchKeeper(owner, HEALTH_TEMPLATE).ensure(self.health)
        own, others = entry("billing", SHOWN[SEEN]), entry("payroll", SHOWN[HIDDEN])
        entries = bulk((self.index, SEEN, own), (self.index, HIDDEN, others))
        reply = self.server.ask("writer", "POST", "/_bulk?refresh=true", entries)
        assert not reply.data["errors"], reply.data
        reply = self.admin(
            "POST", "/_bulk?refresh=true", bulk((self.health, "run", {"run_id": "run7"}), (self.other, "1", own))
        )
        assert not reply.data["errors"], reply.data
        self.known = self.state()

    def remove(self) -> None:
        if self.made:
            names = ",".join((*self.made, self.new, self.new_health))
            assert self.admin("DELETE", f"/{names}?ignore_unavailable=true").ok
        for path in OTHERS:
            self.admin("DELETE", path)

    def state(self) -> Any:
        """All that an attempt could change."""
        names = ",".join((*self.made, self.new, self.new_health))
        there = self.admin("GET", f"/{names}?flat_settings=true&ignore_unavailable=true").data
        docs = [{"_index": index, "_id": name} for index in self.made for name in DOCUMENTS]
        documents = self.admin("POST", "/_mget", {"docs": docs}).data
        return there, documents, [self.admin("GET", path).status for path in OTHERS]

    def try_it(self, user: str, attempt: Attempt, doc: str = SEEN) -> tuple[bool, Reply]:
        """Whether it happened, and the answer. An answer that is neither a success nor a refusal is an error here."""
        reply = self.server.ask(user, attempt.method, self._filled(attempt.path, doc), self._body(attempt, doc))
        status = _status(reply)
        if attempt.shows:
            text = json.dumps(reply.data)
            shown = reply.ok and (SHOWN[doc] in text or "run7" in text)
            assert shown or status in (200, 403, 404), f"neither shown nor refused: {reply.status} {text[:300]}"
            return shown, reply
        done = status in attempt.done and not _failures(reply)
        assert done or status in (400, 403), f"neither done nor refused: {status} {reply.reason}"
        return done, reply

    def _filled(self, text: str, doc: str) -> str:
        names = {"i": self.index, "health": self.health, "other": self.other, "new": self.new, "doc": doc}
        for name, value in {**names, "new_health": self.new_health}.items():
            text = text.replace("{" + name + "}", value)
        return text

    def _body(self, attempt: Attempt, doc: str) -> Any:
        if attempt.bulk:
            action = {attempt.bulk: {"_index": self.index, "_id": "forged" if attempt.bulk == "create" else SEEN}}
            return _lines([action, *([attempt.body] if attempt.body else [])])
        if attempt.many:
            return _lines([json.loads(self._filled(json.dumps(line), doc)) for line in attempt.body])
        return attempt.body and json.loads(self._filled(json.dumps(attempt.body), doc))


@contextmanager
def an_access_world(server: Server) -> Iterator[Access]:
    """With the role of a team that may see what belongs to the service billing."""
    role = role_of(Team("access-test", services=("billing",)))
    access = Access(server)
    path = f"{SECURITY}/roles/{TEAM.replace('NAME', 'access-test')}"
    reply = access.admin("PUT", path, role)
    assert reply.ok, reply.reason
    access.make_users(json.loads((MAPPINGS / "security" / "roles.v1.json").read_text()))
    access.renew()
    try:
        yield access
    finally:
        access.remove()
        access.change_users([{"op": "remove", "path": f"/{name}"} for name in access.users.values()])
        access.admin("DELETE", path)


def _lines(lines: list[Any]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _status(reply: Reply) -> int:
    """Of the one action of a bulk request, or of the request."""
    if isinstance(reply.data, dict) and "items" in reply.data:
        (item,) = reply.data["items"]
        return int(next(iter(item.values()))["status"])
    return reply.status


def _failures(reply: Reply) -> bool:
    """A request that goes over many documents answers 200 although none was done."""
    data = reply.data if isinstance(reply.data, dict) else {}
    changed = sum(int(data.get(name, 0)) for name in ("created", "updated", "deleted"))
    return "failures" in data and not changed
