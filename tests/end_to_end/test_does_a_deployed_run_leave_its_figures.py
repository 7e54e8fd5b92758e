"""Do the runs of a deployed stack leave their figures in the health index, under the right that the deployment gave?"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tabletrail.core.health import HEALTH_ALIAS
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import MAPPINGS, Server

pytestmark = pytest.mark.stack

PATIENCE_SECONDS = 600
"""A run is due each minute; the local AWS starts its functions one after the other."""


def last_run(server: Server) -> Any:
    body = {"size": 1, "sort": [{"@timestamp": "desc"}], "query": {"exists": {"field": "tables"}}}
    reply = server.ask("reader", "POST", f"/{HEALTH_ALIAS}/_search", body)
    return reply.data["hits"]["hits"] if reply.ok else []


def test_a_run_is_in_the_health_index(deployed: StackInfo) -> None:
    server = Server(deployed)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := last_run(server)):
        assert time.monotonic() < deadline, "no run left its figures"
        time.sleep(1)
    (hit,) = found
    template = json.loads((MAPPINGS / "health_template.v1.json").read_text())
    assert set(hit["_source"]) == set(template["template"]["mappings"]["properties"])
    settings = server.ask("admin", "GET", f"/{hit['_index']}/_settings?flat_settings=true").data
    assert settings[hit["_index"]]["settings"]["index.append_only.enabled"] == "true"
