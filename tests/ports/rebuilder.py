"""A user of the stack's OpenSearch who may rebuild indices, and nothing else but search."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tabletrail.aws.opensearch_connect import connect
from tests.ports.opensearch_server import Server, settings_for

USERS = "/_plugins/_security/api/internalusers"
PASSWORD = "Right-4711-horse"
ROLES = ("tabletrail_rebuilder", "tabletrail_reader")


@contextmanager
def a_rebuilder(server: Server, *roles: str) -> Iterator[str]:
    """The name of a user with these roles (both that a rebuild needs, without any); `server.ask` knows it by it."""
    name = f"rebuilder-{uuid.uuid4().hex[:8]}"
    body = {"password": PASSWORD, "opendistro_security_roles": list(roles or ROLES)}
    assert server.ask("admin", "PUT", f"{USERS}/{name}", body).ok
    server.clients[name] = connect(settings_for(server.stack.opensearch_url), server.secret(name, PASSWORD))
    try:
        yield name
    finally:
        server.ask("admin", "DELETE", f"{USERS}/{name}")
