"""Does a reader limited to a service and a table get each saved search and panel answered, with its own alone?"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.opensearch_connect import connect
from tabletrail.core.health import HEALTH_ALIAS
from tabletrail.core.team_roles import Team, role_of
from tabletrail_dashboards.objects import SavedObject
from tabletrail_dashboards.search_body import data_view_for, search_body
from tests.dashboards.asking import ALL, OBJECTS, WHOLE, expected, ids
from tests.dashboards.planted_index import Planted, story
from tests.dashboards.planted_truth import SEARCHES
from tests.ports.opensearch_server import Server, settings_for

pytestmark = pytest.mark.stack

SECURITY = "/_plugins/_security/api"
PASSWORD = "Right-4711-horse"
TEAM = Team("dashboards-test", services=("crm",), tables=("orders",))
SEARCH = "tabletrail-search-"
PICTURES = [one for one in OBJECTS.values() if one.type == "visualization"]


@pytest.fixture(scope="module")
def reader(server: Server) -> Iterator[str]:
    name = f"team-{uuid.uuid4().hex[:8]}"
    body = {"password": PASSWORD, "opendistro_security_roles": [TEAM.role, "kibana_user"]}
    assert server.ask("admin", "PUT", f"{SECURITY}/roles/{TEAM.role}", role_of(TEAM)).ok
    assert server.ask("admin", "PUT", f"{SECURITY}/internalusers/{name}", body).ok
    server.clients[name] = connect(settings_for(server.stack.opensearch_url), server.secret(name, PASSWORD))
    yield name
    server.ask("admin", "DELETE", f"{SECURITY}/internalusers/{name}")
    server.ask("admin", "DELETE", f"{SECURITY}/roles/{TEAM.role}")


def is_own(one: Planted) -> bool:
    document = json.loads(one.document)
    return document["table"]["name"] in TEAM.tables or document.get("service", {}).get("name") in TEAM.services


OWN = {one.id for one in story() if is_own(one)}


@pytest.mark.parametrize("slug", SEARCHES)
def test_a_saved_search_finds_the_teams_own(server: Server, reader: str, slug: str) -> None:
    one = OBJECTS[SEARCH + slug]
    view = data_view_for(one, OBJECTS).index
    reply = server.ask(reader, "POST", f"/{view}/_search", search_body(one, OBJECTS, WHOLE, rows=ALL))
    assert reply.ok, reply.reason
    assert ids(reply.data) == [id_ for id_ in expected(SEARCHES[slug]) if id_ in OWN]


def test_the_story_has_own_entries_and_others() -> None:
    assert 100 < len(OWN) < len(story()) - 100


@pytest.mark.parametrize("one", PICTURES, ids=lambda one: one.id)
def test_a_panel_counts_the_teams_own_and_the_logs_health_is_not_its_affair(
    server: Server, reader: str, one: SavedObject
) -> None:
    view, body = data_view_for(one, OBJECTS).index, search_body(one, OBJECTS, WHOLE)
    reply = server.ask(reader, "POST", f"/{view}/_search", {**body, "track_total_hits": True})
    if view == HEALTH_ALIAS:
        assert reply.status == 403
        return
    assert reply.ok, reply.reason
    assert reply.data["hits"]["total"]["value"] == of_the_team(server, view, body)


def of_the_team(server: Server, view: str, body: dict[str, Any]) -> int:
    """What a reader of all entries finds when asking for the team's alone."""
    own = [{"terms": {"service.name": list(TEAM.services)}}, {"terms": {"table.name": list(TEAM.tables)}}]
    query = {"bool": {"filter": [body["query"], {"bool": {"should": own, "minimum_should_match": 1}}]}}
    reply = server.ask("reader", "POST", f"/{view}/_search", {"size": 0, "track_total_hits": True, "query": query})
    assert reply.ok, reply.reason
    return int(reply.data["hits"]["total"]["value"])
