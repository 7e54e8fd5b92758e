"""Do the real indices and the fake ones change names in the same way, under the rebuilder's rights?"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tabletrail.aws.opensearch_shelf import OpenSearchShelf
from tabletrail.core.periods import PREFIX
from tests.fakes.index import FakeIndex
from tests.fakes.shelf import FakeShelf
from tests.ports.opensearch_server import GOOD, Server, bulk
from tests.ports.rebuilder import a_rebuilder
from tests.ports.shelf_contract import Seen, ShelfContract, Write

ENTRY: dict[str, Any] = {**GOOD, "table": {"arn": "orders"}, "tabletrail": {"kind": "change"}}
Put = Callable[[str, str, dict[str, Any]], int]


class TestFakeShelf(ShelfContract):
    @pytest.fixture
    def index(self) -> FakeIndex:
        return FakeIndex()

    @pytest.fixture
    def shelf(self, index: FakeIndex) -> FakeShelf:
        return FakeShelf(index)

    @pytest.fixture
    def name(self) -> str:
        return f"{PREFIX}2099.01"

    @pytest.fixture
    def put(self, index: FakeIndex) -> Put:
        def create(name: str, id_: str, document: dict[str, Any]) -> int:
            results = index.create(bulk((name, id_, {**GOOD, **document}))).results
            assert results
            return results[0].status

        return create

    @pytest.fixture
    def write(self, put: Put) -> Write:
        return lambda name, id_: put(name, id_, ENTRY)

    @pytest.fixture
    def seen(self, index: FakeIndex) -> Seen:
        return lambda: sorted(index.documents())


@pytest.fixture(scope="module")
def rebuilder(server: Server) -> Iterator[str]:
    with a_rebuilder(server) as user:
        yield user


@pytest.mark.stack
class TestOpenSearchShelf(ShelfContract):
    @pytest.fixture
    def name(self, server: Server) -> Iterator[str]:
        name = f"{PREFIX}2099.{uuid.uuid4().hex[:12]}"
        yield name
        server.ask("admin", "DELETE", f"/{name}*")

    @pytest.fixture
    def shelf(self, server: Server, rebuilder: str) -> OpenSearchShelf:
        return OpenSearchShelf(server.clients[rebuilder])

    @pytest.fixture
    def put(self, server: Server) -> Put:
        def create(name: str, id_: str, document: dict[str, Any]) -> int:
            reply = server.ask("writer", "POST", "/_bulk", bulk((name, id_, {**GOOD, **document})))
            return int(reply.data["items"][0]["create"]["status"])

        return create

    @pytest.fixture
    def write(self, put: Put) -> Write:
        return lambda name, id_: put(name, id_, ENTRY)

    @pytest.fixture
    def seen(self, server: Server, name: str) -> Seen:
        def search() -> list[str]:
            assert server.ask("admin", "POST", f"/{name}*/_refresh").ok
            query = {"query": {"prefix": {"_index": name}}, "size": 100}
            hits = server.ask("reader", "POST", "/tabletrail/_search", query).data["hits"]["hits"]
            return sorted(hit["_id"] for hit in hits)

        return search

    def test_a_new_index_is_write_once_and_has_the_templates_mapping(
        self, shelf: OpenSearchShelf, server: Server, name: str, write: Write
    ) -> None:
        shelf.make_hidden(f"{name}-r000002")
        assert shelf.ensure(name)
        shelf.replace(name, name, f"{name}-r000002")
        ((_, found),) = server.ask("admin", "GET", f"/{name}").data.items()
        assert found["settings"]["index"]["append_only"]["enabled"] == "true"
        assert found["mappings"]["dynamic"] == "false"
        assert "actor" in found["mappings"]["properties"]
        assert found["aliases"] == {"tabletrail": {}, name: {"is_write_index": True}}
        write(name, "fixed")
        assert server.ask("admin", "DELETE", f"/{name}/_doc/fixed").status == 400
        assert server.ask("index-owner", "GET", f"/{name}/_settings/index.uuid").ok
