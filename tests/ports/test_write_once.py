"""Can anyone change an entry that is in the index, and can each role do only what it is for?

One document lies in a write-once index. Each case is one attempt on it, by one role, with the status it must get; after
each the document is what it was, its version and sequence number too.

400: the index is append-only, which holds for administrators as well. 403: the role may not. 409: the id is taken.
Where two are allowed, it depends on the cluster which of its guards comes first: the shipped role `own_index` lets any
user send bulk requests, whose single actions are then refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tabletrail.aws.opensearch_connect import Reply
from tests.ports.opensearch_server import GOOD, Server, bulk, unused_name

pytestmark = pytest.mark.stack

FORGED = {**GOOD, "message": "nobody changed anything"}
ALL: dict[str, Any] = {"query": {"match_all": {}}}
FORGE_ALL = {**ALL, "script": {"source": "ctx._source.message = 'forged'"}}


class Try(NamedTuple):
    """`{i}` in a path or body is the index, `{new}` one that does not exist. A dict with `bulk` is one bulk action."""

    what: str
    method: str
    path: str
    body: Any
    status: int | tuple[int, ...]


REPLACE = [
    Try("bulk index with the same id", "POST", "/_bulk", {"bulk": "index", "document": FORGED}, 400),
    Try("bulk create with the same id", "POST", "/_bulk", {"bulk": "create", "document": FORGED}, 409),
    Try("index with the same id", "PUT", "/{i}/_doc/fixed", FORGED, 400),
    Try("a newer external version", "PUT", "/{i}/_doc/fixed?version=9&version_type=external", FORGED, 400),
    Try("an equal external version", "PUT", "/{i}/_doc/fixed?version=9&version_type=external_gte", FORGED, 400),
    Try("its own sequence number", "PUT", "/{i}/_doc/fixed?if_seq_no=0&if_primary_term=1", FORGED, 400),
    Try("create with the same id", "PUT", "/{i}/_create/fixed", FORGED, 409),
    Try("index through the alias", "PUT", "/tabletrail/_doc/fixed", FORGED, 400),
]

UPDATE = [
    Try("bulk update", "POST", "/_bulk", {"bulk": "update", "document": {"doc": FORGED}}, 400),
    Try("bulk upsert", "POST", "/_bulk", {"bulk": "update", "document": {"doc": FORGED, "doc_as_upsert": True}}, 400),
    Try("bulk delete", "POST", "/_bulk", {"bulk": "delete"}, 400),
    Try("update", "POST", "/{i}/_update/fixed", {"doc": FORGED}, 403),
    Try("delete", "DELETE", "/{i}/_doc/fixed", None, 403),
]

MANAGE = [
    Try("update by query", "POST", "/{i}/_update_by_query", FORGE_ALL, 403),
    Try("delete by query", "POST", "/{i}/_delete_by_query", ALL, 403),
    Try("reindex into it", "POST", "/_reindex", {"source": {"index": "{i}"}, "dest": {"index": "{new}"}}, (403, 404)),
    Try("lift append-only", "PUT", "/{i}/_settings", {"index.append_only.enabled": False}, (400, 403)),
    Try("add a field", "PUT", "/{i}/_mapping", {"properties": {"forged": {"type": "keyword"}}}, 403),
    Try("delete the index", "DELETE", "/{i}", None, 403),
    Try("close the index", "POST", "/{i}/_close", None, 403),
    Try("clone the index", "PUT", "/{i}/_clone/{new}", None, 403),
    Try(
        "take it from the alias",
        "POST",
        "/_aliases",
        {"actions": [{"remove": {"index": "{i}", "alias": "tabletrail"}}]},
        403,
    ),
    Try("swap it for another", "POST", "/_aliases", {"actions": [{"remove_index": {"index": "{i}"}}]}, 403),
    Try("change the template", "PUT", "/_index_template/tabletrail-v1", {"index_patterns": ["x"]}, 403),
    Try("delete the template", "DELETE", "/_index_template/tabletrail-v1", None, 403),
    Try("add a pipeline", "PUT", "/_ingest/pipeline/forge", {"processors": []}, 403),
    Try(
        "allow automatic creation",
        "PUT",
        "/_cluster/settings",
        {"persistent": {"action.auto_create_index": "true"}},
        403,
    ),
    Try(
        "widen its role", "PUT", "/_plugins/_security/api/roles/tabletrail_writer", {"cluster_permissions": ["*"]}, 403
    ),
]

SETTINGS = [
    Try("change a setting", "PUT", "/{i}/_settings", {"index.refresh_interval": "9s"}, 403),
    Try("hide it from reading", "PUT", "/{i}/_settings", {"index.blocks.read": True}, 403),
]
"""What the index owner may do, since it takes the block off again that closes a period."""

READ = [
    Try("get", "GET", "/{i}/_doc/fixed", None, 403),
    Try("get the source", "GET", "/{i}/_source/fixed", None, 403),
    Try("search", "POST", "/{i}/_search", ALL, 403),
    Try("search the alias", "POST", "/tabletrail/_search", ALL, 403),
    Try("search everything", "POST", "/_search", ALL, 403),
    Try("count", "GET", "/{i}/_count", None, 403),
    Try("get many", "POST", "/_mget", {"docs": [{"_index": "{i}", "_id": "fixed"}]}, 403),
    Try("explain", "POST", "/{i}/_explain/fixed", ALL, 403),
    Try("term vectors", "GET", "/{i}/_termvectors/fixed", None, 403),
    Try("a point in time", "POST", "/{i}/_search/point_in_time?keep_alive=1m", None, 403),
]

CREATE = [
    Try("bulk create with a new id", "POST", "/_bulk", {"bulk": "create", "document": FORGED, "id": "other"}, 403),
    Try("create with a new id", "PUT", "/{i}/_create/other", FORGED, 403),
    Try("create without an id", "POST", "/{i}/_doc", FORGED, 403),
]

BLOCK = [
    Try("stop all writing", "PUT", "/{i}/_block/write", None, 403),
    Try("make an index", "PUT", "/{new}", {"settings": {"index.append_only.enabled": False}}, 403),
]


def allowed(attempt: Try) -> tuple[int, ...]:
    return attempt.status if isinstance(attempt.status, tuple) else (attempt.status,)


def by(role: str, tries: list[Try]) -> list[Any]:
    return [pytest.param(role, attempt, id=f"{role}: {attempt.what}: {attempt.status}") for attempt in tries]


def refused(tries: list[Try]) -> list[Try]:
    """As they end for a role that has nothing to write: by the role, or by the index where that is asked first."""
    return [
        attempt._replace(status=tuple({403, *allowed(attempt)})) for attempt in tries if 409 not in allowed(attempt)
    ]


@pytest.fixture(scope="module")
def index(server: Server) -> Iterator[str]:
    with server.an_index() as name:
        reply = server.ask("writer", "POST", "/_bulk?refresh=true", bulk((name, "fixed", GOOD)))
        assert status_of(reply) == 201
        yield name


@pytest.mark.parametrize(
    ("role", "attempt"),
    [
        *by("writer", REPLACE + UPDATE + MANAGE + SETTINGS + READ + BLOCK),
        *by("index-owner", CREATE + refused(REPLACE + UPDATE) + MANAGE + READ),
        *by("reader", CREATE + refused(REPLACE + UPDATE) + MANAGE + SETTINGS + BLOCK),
        *by("admin", REPLACE + [attempt._replace(status=(400, *allowed(attempt))) for attempt in UPDATE]),
    ],
)
def test_an_attempt_on_a_stored_entry_fails_and_leaves_it(server: Server, index: str, role: str, attempt: Try) -> None:
    before = server.document(index, "fixed")
    new = unused_name()
    reply = server.ask(role, attempt.method, filled(attempt.path, index, new), body_of(attempt, index, new))
    assert status_of(reply) in allowed(attempt), reply.reason
    assert server.document(index, "fixed") == before
    assert before["_source"] == GOOD
    assert server.ask("admin", "GET", f"/{new}").status == 404


@pytest.mark.parametrize("attempt", [MANAGE[0], MANAGE[1]], ids=lambda attempt: attempt.what)
def test_an_administrator_cannot_change_by_query_either(server: Server, index: str, attempt: Try) -> None:
    before = server.document(index, "fixed")
    reply = server.ask("admin", attempt.method, filled(attempt.path, index, ""), attempt.body)
    assert reply.status == 400
    assert server.document(index, "fixed") == before


def test_an_administrator_cannot_lift_append_only(server: Server, index: str) -> None:
    for settings in ({"index.append_only.enabled": False}, {"index.append_only.enabled": None}):
        assert server.ask("admin", "PUT", f"/{index}/_settings", settings).status == 400
    found = server.ask("admin", "GET", f"/{index}/_settings").data[index]["settings"]["index"]
    assert found["append_only"]["enabled"] == "true"


def test_a_write_to_a_missing_index_makes_none(server: Server) -> None:
    """Twice shut: the setting forbids it, and the writer may not."""
    for role in ("writer", "admin"):
        name = unused_name()
        reply = server.ask(role, "POST", "/_bulk", bulk((name, "first", GOOD)))
        assert status_of(reply) == 404
        assert server.ask("admin", "GET", f"/{name}").status == 404


def test_the_writer_reaches_no_other_index(server: Server) -> None:
    name = unused_name().replace("tabletrail-v1-", "other-")
    assert server.ask("admin", "PUT", f"/{name}", {}).ok
    try:
        reply = server.ask("writer", "POST", "/_bulk", bulk((name, "first", GOOD)))
        assert status_of(reply) == 403
        assert server.document(name, "first") is None
    finally:
        server.ask("admin", "DELETE", f"/{name}")


def test_the_reader_finds_it_through_the_alias(server: Server, index: str) -> None:
    found = server.ask("reader", "POST", "/tabletrail/_search", {"query": {"ids": {"values": ["fixed"]}}})
    assert [hit["_source"] for hit in found.data["hits"]["hits"] if hit["_index"] == index] == [GOOD]


def test_the_index_owner_can_end_writing_to_a_period(server: Server) -> None:
    with server.an_index() as name:
        assert server.ask("index-owner", "PUT", f"/{name}/_block/write").ok
        reply = server.ask("writer", "POST", "/_bulk", bulk((name, "late", GOOD)))
        assert status_of(reply) == 403


def body_of(attempt: Try, index: str, new: str) -> Any:
    body = attempt.body
    if isinstance(body, dict) and "bulk" in body:
        action = {body["bulk"]: {"_index": index, "_id": body.get("id", "fixed")}}
        lines = [action, *([body["document"]] if "document" in body else [])]
        return "".join(json.dumps(line) + "\n" for line in lines).encode()
    return body and json.loads(filled(json.dumps(body), index, new))


def filled(text: str, index: str, new: str) -> str:
    return text.replace("{i}", index).replace("{new}", new)


def status_of(reply: Reply) -> int:
    """Of the one document of a bulk or mget request, or of the request."""
    if isinstance(reply.data, dict) and "docs" in reply.data:
        (document,) = reply.data["docs"]
        return 403 if document.get("error", {}).get("type") == "security_exception" else reply.status
    if isinstance(reply.data, dict) and "items" in reply.data:
        (item,) = reply.data["items"]
        return int(next(iter(item.values()))["status"])
    return reply.status
