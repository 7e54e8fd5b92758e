"""Does a run's document reach the real health index: once, under the index owner's right, which allows nothing else?"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws import opensearch_health
from tabletrail.aws.opensearch_connect import connect
from tabletrail.aws.opensearch_health import REQUEST_SECONDS, OpenSearchHealth
from tabletrail.core.health import HEALTH_ALIAS, HEALTH_PREFIX, HEALTH_TEMPLATE, health_id
from tabletrail.errors import TransientError
from tests.ports.opensearch_server import MAPPINGS, Server, settings_for
from tests.ports.opensearch_stub import Answer, Stub, a_stub

DOCUMENT = {"@timestamp": "2099-01-15T08:01:00Z", "run_id": "run7", "entries": 7, "records": 7, "failures": 0}
ID = health_id("run7")
PATH = f"/{HEALTH_PREFIX}2099.01/_create/{ID}"


@pytest.fixture
def index(server: Server) -> Iterator[str]:
    """A month's index that is not there yet."""
    template = json.loads((MAPPINGS / "health_template.v1.json").read_text())
    assert server.ask("admin", "PUT", f"/_index_template/{HEALTH_TEMPLATE}", template).ok
    name = f"{HEALTH_PREFIX}2099.{uuid.uuid4().hex[:8]}"
    yield name
    server.ask("admin", "DELETE", f"/{name}")


@pytest.mark.stack
class TestRealServer:
    def test_the_first_of_a_month_makes_the_index_and_a_repeat_changes_nothing(
        self, server: Server, index: str
    ) -> None:
        health = OpenSearchHealth(server.client("index-owner"))
        health.record(index, ID, DOCUMENT)
        first = server.document(index, ID)
        assert first["_source"] == DOCUMENT
        health.record(index, ID, {**DOCUMENT, "entries": 8})
        assert server.document(index, ID) == first
        made = server.ask("admin", "GET", f"/{index}?flat_settings=true").data[index]
        assert made["settings"]["index.append_only.enabled"] == "true"
        assert made["aliases"] == {HEALTH_ALIAS: {}}
        assert made["mappings"]["properties"]["entries"] == {"type": "long"}

    def test_a_run_of_figures_is_added_up_by_the_server(self, server: Server, index: str) -> None:
        health = OpenSearchHealth(server.client("index-owner"))
        for number in range(3):
            health.record(index, health_id(f"run{number}"), {**DOCUMENT, "run_id": f"run{number}", "entries": number})
        assert server.ask("admin", "POST", f"/{index}/_refresh").ok
        body = {"size": 0, "aggs": {"all": {"sum": {"field": "entries"}}}, "query": {"term": {"run_id": "run2"}}}
        found = server.ask("admin", "POST", f"/{index}/_search", body).data
        assert found["aggregations"]["all"]["value"] == 2

    def test_where_indices_may_make_themselves_the_template_makes_it_append_only(
        self, server: Server, index: str
    ) -> None:
        setting = "action.auto_create_index"
        before = server.ask("admin", "GET", "/_cluster/settings?flat_settings=true").data["persistent"][setting]
        allowing = {"persistent": {setting: f"+{index},{before}"}}
        assert server.ask("admin", "PUT", "/_cluster/settings", allowing).ok
        try:
            OpenSearchHealth(server.client("index-owner")).record(index, ID, DOCUMENT)
        finally:
            assert server.ask("admin", "PUT", "/_cluster/settings", {"persistent": {setting: before}}).ok
        made = server.ask("admin", "GET", f"/{index}/_settings?flat_settings=true").data[index]
        assert made["settings"]["index.append_only.enabled"] == "true"

    def test_without_the_template_no_index_is_made(
        self, server: Server, index: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opensearch_health, "HEALTH_TEMPLATE", "no-such-template")
        with pytest.raises(TransientError, match="deploy the stack again"):
            OpenSearchHealth(server.client("index-owner")).record(index, ID, DOCUMENT)
        assert server.ask("admin", "GET", f"/{index}").status == 404

    @pytest.mark.parametrize(
        ("method", "path", "body", "statuses"),
        [
            ("GET", "/{i}/_doc/{id}", None, (403,)),
            ("POST", "/{i}/_search", {}, (403,)),
            ("PUT", "/{i}/_doc/{id}", DOCUMENT, (400,)),
            ("POST", "/{i}/_update/{id}", {"doc": DOCUMENT}, (403,)),
            ("DELETE", "/{i}/_doc/{id}", None, (403,)),
            ("DELETE", "/{i}", None, (403,)),
            ("PUT", "/{i}/_settings", {"index.refresh_interval": "9s"}, (403,)),
        ],
    )
    def test_the_index_owner_adds_and_does_nothing_else(
        self, server: Server, index: str, method: str, path: str, body: Any, statuses: tuple[int, ...]
    ) -> None:
        OpenSearchHealth(server.client("index-owner")).record(index, ID, DOCUMENT)
        before = server.document(index, ID)
        reply = server.ask("index-owner", method, path.format(i=index, id=ID), body)
        assert reply.status in statuses, reply.reason
        assert server.document(index, ID) == before

    @pytest.mark.parametrize("role", ["writer", "reader"])
    def test_who_writes_or_reads_entries_adds_no_figures(self, server: Server, index: str, role: str) -> None:
        OpenSearchHealth(server.client("index-owner")).record(index, ID, DOCUMENT)
        with pytest.raises(TransientError, match="403"):
            OpenSearchHealth(server.client(role)).record(index, health_id("forged"), DOCUMENT)
        assert server.document(index, health_id("forged")) is None


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with a_stub(tmp_path) as stub:
        yield stub


def health_at(stub: Stub) -> OpenSearchHealth:
    secret = json.dumps({"username": "u", "password": "p", "ca_pem": stub.ca_pem})
    return OpenSearchHealth(connect(settings_for(stub.url), lambda _: secret))


@pytest.mark.parametrize("status", [201, 409])
def test_a_run_costs_one_request(stub: Stub, status: int) -> None:
    stub.otherwise = Answer(status, {"result": "created"})
    health_at(stub).record(HEALTH_PREFIX + "2099.01", ID, DOCUMENT)
    assert stub.writes() == [f"PUT {PATH}"]
    assert len(stub.heard) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_cluster_in_trouble_is_asked_once(stub: Stub, status: int) -> None:
    stub.otherwise = Answer(status, {"error": {"type": "rejected", "reason": "busy"}})
    with pytest.raises(TransientError, match="does not take a document"):
        health_at(stub).record(HEALTH_PREFIX + "2099.01", ID, DOCUMENT)
    assert len(stub.heard) == 1


def test_a_cluster_that_hangs_is_left_after_seconds(stub: Stub) -> None:
    """The client's own limit is 15 s; that much more than the health's own would be seen here."""
    stub.hang = True
    began = time.monotonic()
    with pytest.raises(TransientError, match="did not answer in time"):
        health_at(stub).record(HEALTH_PREFIX + "2099.01", ID, DOCUMENT)
    assert REQUEST_SECONDS - 0.5 < time.monotonic() - began < 12
