"""What the tests of ports share: the stack's OpenSearch, set up as a deployment sets it up."""

from __future__ import annotations

import pytest

from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import Server


@pytest.fixture(scope="module")
def server(stack: StackInfo) -> Server:
    server = Server(stack)
    server.install()
    return server
