"""May a rebuilder do what a rebuild takes and nothing beyond, and can no other role do it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.opensearch_shelf import OpenSearchShelf
from tabletrail.core.periods import PREFIX
from tabletrail.errors import ReindexError
from tests.ports.opensearch_server import GOOD, Server, bulk, unused_name
from tests.ports.rebuilder import a_rebuilder

pytestmark = pytest.mark.stack

ALL: dict[str, Any] = {"query": {"match_all": {}}}
BEYOND: list[tuple[str, str, Any]] = [
    ("POST", "/{i}/_search", ALL),
    ("GET", "/{i}/_doc/fixed", None),
    ("POST", "/tabletrail/_search", ALL),
    ("PUT", "/{i}/_settings", {"index.blocks.read": True}),
    ("PUT", "/{i}/_mapping", {"properties": {"forged": {"type": "keyword"}}}),
    ("POST", "/{i}/_close", None),
    ("PUT", "/{i}/_block/write", None),
    ("POST", "/{i}/_update_by_query", ALL),
    ("POST", "/{i}/_delete_by_query", ALL),
    ("DELETE", "/{i}/_doc/fixed", None),
    ("DELETE", "/{other}", None),
    ("PUT", "/another-index", None),
    ("POST", "/_aliases", {"actions": [{"remove_index": {"index": "{other}"}}]}),
    ("POST", "/_aliases", {"actions": [{"add": {"index": "{other}", "alias": "tabletrail"}}]}),
    ("PUT", "/_index_template/tabletrail-v1", {"index_patterns": ["x"]}),
    ("PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": "true"}}),
    ("PUT", "/_plugins/_security/api/roles/tabletrail_writer", {"cluster_permissions": ["*"]}),
]


@pytest.fixture(scope="module")
def index(server: Server) -> Iterator[str]:
    with server.an_index() as name:
        assert server.ask("writer", "POST", "/_bulk?refresh=true", bulk((name, "fixed", GOOD))).ok
        yield name


@pytest.fixture(scope="module")
def other(server: Server) -> Iterator[str]:
    """An index that is not tabletrail's."""
    name = unused_name().replace(PREFIX, "other-")
    assert server.ask("admin", "PUT", f"/{name}", {}).ok
    yield name
    server.ask("admin", "DELETE", f"/{name}")


@pytest.fixture(scope="module")
def bare(server: Server) -> Iterator[str]:
    """A rebuilder who is no reader."""
    with a_rebuilder(server, "tabletrail_rebuilder") as user:
        yield user


def filled(value: Any, index: str, other: str) -> Any:
    if isinstance(value, str):
        return value.replace("{i}", index).replace("{other}", other)
    if isinstance(value, dict):
        return {name: filled(part, index, other) for name, part in value.items()}
    return [filled(part, index, other) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("method", "path", "body"), BEYOND)
def test_a_rebuilder_may_do_nothing_beyond(
    server: Server, bare: str, index: str, other: str, method: str, path: str, body: Any
) -> None:
    before = server.document(index, "fixed")
    reply = server.ask(bare, method, filled(path, index, other), filled(body, index, other))
    assert reply.status == 403, reply.reason
    assert server.document(index, "fixed") == before
    assert server.ask("admin", "GET", f"/{other}").ok


def test_even_a_rebuilder_changes_no_entry(server: Server, bare: str, index: str) -> None:
    before = server.document(index, "fixed")
    reply = server.ask(bare, "POST", "/_bulk", bulk((index, "fixed", {**GOOD, "message": "forged"}), verb="index"))
    assert reply.data["items"][0]["index"]["status"] == 400
    assert server.document(index, "fixed") == before


@pytest.mark.parametrize("role", ["reader", "writer", "index-owner"])
def test_no_other_role_can_replace_or_hide_an_index(server: Server, index: str, role: str) -> None:
    shelf = OpenSearchShelf(server.client(role))
    with pytest.raises(ReindexError, match="tabletrail_rebuilder"):
        shelf.make_hidden(f"{index}-r000002")
    with pytest.raises(ReindexError, match="tabletrail_rebuilder"):
        shelf.replace(index, index, f"{index}-r000002")
    with pytest.raises(ReindexError, match="tabletrail_rebuilder"):
        shelf.remove(index)
    assert server.document(index, "fixed")
    assert not server.ask("admin", "GET", f"/{index}-r000002").ok
