"""The real OpenSearch with the planted story in it, for the tests that ask what Dashboards would ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tabletrail_local.info import StackInfo
from tests.dashboards.planted_index import planted
from tests.ports.opensearch_server import Server


@pytest.fixture(scope="module")
def server(stack: StackInfo) -> Iterator[Server]:
    server = Server(stack)
    server.install()
    with planted(server):
        yield server
