"""Do the real index and the fake keep the same promises?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.opensearch import OpenSearchIndex
from tests.fakes.index import FakeIndex
from tests.ports.entry_index_contract import Document, EntryIndexContract, Read
from tests.ports.opensearch_server import BAD, GOOD, Server


class TestFakeIndex(EntryIndexContract):
    @pytest.fixture
    def index(self) -> FakeIndex:
        return FakeIndex(indices={"tabletrail-v1-2099.01": {}}, refuses=lambda document: document == BAD)

    @pytest.fixture
    def name(self) -> str:
        return "tabletrail-v1-2099.01"

    @pytest.fixture
    def read(self, index: FakeIndex, name: str) -> Read:
        return index.indices[name].get

    @pytest.fixture
    def good(self) -> Document:
        return GOOD

    @pytest.fixture
    def bad(self) -> Document:
        return BAD


@pytest.fixture(scope="module")
def index_name(server: Server) -> Iterator[str]:
    with server.an_index() as name:
        yield name


@pytest.mark.stack
class TestOpenSearchIndex(EntryIndexContract):
    @pytest.fixture
    def name(self, index_name: str) -> str:
        return index_name

    @pytest.fixture
    def index(self, server: Server) -> OpenSearchIndex:
        return OpenSearchIndex(server.client("writer"))

    @pytest.fixture
    def read(self, server: Server, name: str) -> Read:
        def document(document_id: str) -> Any:
            found = server.document(name, document_id)
            return found and found["_source"]

        return document

    @pytest.fixture
    def good(self) -> Document:
        return GOOD

    @pytest.fixture
    def bad(self) -> Document:
        return BAD
