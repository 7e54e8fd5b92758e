"""Can a reader who is limited to a service learn anything of the entries of others, by whatever request?

One index holds entries of two services, some in one segment and some in segments of their own. The reader may see one
service, and has `kibana_user` beside the role, as a person in Dashboards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.opensearch_connect import Reply
from tests.ports import access_probes
from tests.ports.access_probes import ABSENT, ASKS, HIDDEN, LEAKING_ASKS, LEAKS, LISTS, REFUSED, TRACES, Probe
from tests.ports.access_world import BESIDE, PASSWORD, TEAM, Access, an_access_world, entry
from tests.ports.opensearch_server import Server, bulk

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
USERS = "/_plugins/_security/api/internalusers"
SCORES = "scores, most plainly `explain: true`"
CHANGING = ("took", "_scroll_id", "pit_id", "_node")


def hidden(number: int) -> dict[str, Any]:
    return entry(
        HIDDEN["service"],
        HIDDEN["actor"],
        message=f"someone said {HIDDEN['word']} and changed {number}",
        item={"id": HIDDEN["item"]},
        after={"note": HIDDEN["word"]},
        event={"severity": 99},
        numbers=[{"path": "amount", "after": HIDDEN["amount"]}],
        tags=["salary-zorro"],
    )


def seen(number: int) -> dict[str, Any]:
    return entry(
        "billing",
        f"anna{number}",
        message=f"anna{number} changed price of order {number}",
        item={"id": f"order#{number}"},
        after={"note": "paid"},
        event={"severity": 21},
        numbers=[{"path": "price", "after": 10.0 + number}],
        tags=["price"],
    )


@pytest.fixture(scope="module")
def access(server: Server) -> Iterator[Access]:
    with an_access_world(server) as access:
        index = access.index
        both = [(index, f"s{number}", seen(number)) for number in range(4)]
        both += [(index, "h0", hidden(0)), (index, "h1", hidden(1))]
        for batch in (both, [(index, "h2", hidden(2))], [(index, "s9", seen(9))]):
            reply = server.ask("writer", "POST", "/_bulk?refresh=true", bulk(*batch))
            assert not reply.data["errors"], reply.data
        yield access


@pytest.fixture(scope="module")
def reader(access: Access) -> str:
    return access.user(TEAM, beside=True)


def put(access: Access, user: str, probe: Probe, values: dict[str, Any] = HIDDEN) -> Reply:
    method, path, body = probe
    names = {"i": access.index, "other": access.other, **{name: str(value) for name, value in values.items()}}

    def filled(text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), text)

    if isinstance(body, list):
        return access.server.ask(user, method, path, "".join(filled(json.dumps(line)) + "\n" for line in body).encode())
    return access.server.ask(user, method, filled(path), body and json.loads(filled(json.dumps(body))))


def traces(reply: Reply) -> list[str]:
    text = json.dumps(reply.data)
    return [trace for trace in TRACES if trace in text]


def told(reply: Reply, values: dict[str, Any]) -> Any:
    """The answer without what differs each time, and without the question's own value."""
    text = json.dumps(reply.data, sort_keys=True)
    for name in CHANGING:
        text = re.sub(rf'"{name}": [^,}}]+', f'"{name}": 0', text)
    for name, value in values.items():
        text = text.replace(str(value), f"<{name}>")
    return reply.status, text


def id_of(name: str) -> str:
    return name.replace("`", "")


@pytest.mark.stack
@pytest.mark.parametrize("name", LISTS, ids=id_of)
def test_no_list_holds_anything_hidden(access: Access, reader: str, name: str) -> None:
    reply = put(access, reader, LISTS[name])
    assert reply.status in (200, 403, 404), reply.reason
    assert traces(reply) == []


ANSWERED = [name for name in LISTS if not name.startswith(("everything of", "everything by a p", "a hidden"))]


@pytest.mark.stack
@pytest.mark.parametrize("name", ANSWERED, ids=id_of)
def test_the_same_list_of_who_sees_all_is_answered(access: Access, name: str) -> None:
    """Otherwise a mistake in the request would pass for a wall."""
    assert put(access, "reader", LISTS[name]).ok
    assert put(access, access.user(TEAM, beside=False), LISTS[name]).ok


@pytest.mark.stack
@pytest.mark.parametrize("name", ASKS, ids=id_of)
def test_no_question_tells_whether_a_hidden_entry_has_a_value(access: Access, reader: str, name: str) -> None:
    with_it, without = put(access, reader, ASKS[name]), put(access, reader, ASKS[name], ABSENT)
    assert with_it.ok, with_it.reason
    assert told(with_it, HIDDEN) == told(without, ABSENT)


@pytest.mark.stack
@pytest.mark.parametrize("name", REFUSED, ids=id_of)
def test_what_would_tell_is_refused(access: Access, reader: str, name: str) -> None:
    """Of many documents each is refused by itself."""
    reply = put(access, reader, REFUSED[name])
    text = json.dumps(reply.data)
    assert "security_exception" in text or (not reply.ok and "DLS" in text), reply.reason
    assert traces(reply) == []


@pytest.mark.stack
def test_an_answer_that_was_kept_for_another_is_not_given(access: Access, reader: str) -> None:
    probe = ("POST", "/{i}/_search?request_cache=true", access_probes.LISTS["actors"][2])
    assert traces(put(access, "admin", probe))
    assert traces(put(access, "admin", probe))
    assert traces(put(access, reader, probe)) == []


@pytest.mark.stack
def test_what_another_began_is_not_gone_on_with(access: Access, reader: str) -> None:
    began = put(access, "admin", ("POST", "/{i}/_search?scroll=1m&size=1", {"query": {"match_all": {}}}))
    body = {"scroll": "1m", "scroll_id": began.data["_scroll_id"]}
    for _ in range(12):
        assert traces(put(access, reader, ("POST", "/_search/scroll", body))) == []
    began = put(access, "admin", ("POST", "/{i}/_search/point_in_time?keep_alive=1m", None))
    body = {"size": 100, "pit": {"id": began.data["pit_id"]}, "query": {"match_all": {}}}
    assert traces(put(access, reader, ("POST", "/_search", body))) == []


@pytest.mark.stack
def test_an_index_that_came_under_the_alias_is_read_by_nobody(access: Access, reader: str) -> None:
    """It stops searches by the alias, which somebody notices, rather than mix its documents among entries."""
    name = {"index": access.other, "alias": "tabletrail"}
    assert access.admin("POST", "/_aliases", {"actions": [{"add": name}]}).ok
    try:
        for user in (reader, "reader"):
            assert put(access, user, ("POST", "/tabletrail/_search", {})).status == 403
            assert put(access, user, ("POST", "/{other}/_search", {})).status == 403
            assert put(access, user, ("POST", "/tabletrail-v1-*/_search", {})).ok
    finally:
        assert access.admin("POST", "/_aliases", {"actions": [{"remove": name}]}).ok


@pytest.mark.stack
@pytest.mark.parametrize(
    ("beside", "sees_hidden"),
    [("tabletrail_reader", False), ("readall", False), ("all_access", False), ("tabletrail_reader_other", True)],
)
def test_what_a_second_role_adds(access: Access, beside: str, sees_hidden: bool) -> None:
    """A limit holds beside a role without one. Two limits are added up."""
    other = access.server.ask("admin", "PUT", "/_plugins/_security/api/roles/tabletrail_reader_other", payroll())
    assert other.ok, other.reason
    body = {"password": PASSWORD, "opendistro_security_roles": [TEAM.replace("NAME", "access-test"), BESIDE, beside]}
    user = access.user(TEAM, beside=True) + "-two"
    assert access.admin("PUT", f"{USERS}/{user}", body).ok
    try:
        access.server.clients[user] = access.connect(user)
        assert bool(traces(put(access, user, LISTS["everything"]))) is sees_hidden
    finally:
        access.admin("DELETE", f"{USERS}/{user}")
        access.admin("DELETE", "/_plugins/_security/api/roles/tabletrail_reader_other")


def payroll() -> dict[str, Any]:
    from tabletrail.core.team_roles import Team, role_of

    return role_of(Team("other", services=(str(HIDDEN["service"]),)))


@pytest.mark.stack
@pytest.mark.parametrize("name", LEAKS, ids=id_of)
def test_a_leak_that_the_page_names_is_there(access: Access, reader: str, name: str) -> None:
    assert traces(put(access, reader, LEAKS[name])), f"{name} tells nothing any more: strike it from docs/access.md"


@pytest.mark.stack
@pytest.mark.parametrize("name", LEAKING_ASKS, ids=id_of)
def test_a_question_that_the_page_names_tells(access: Access, reader: str, name: str) -> None:
    answers = (told(put(access, reader, LEAKING_ASKS[name], values), values) for values in (HIDDEN, ABSENT))
    assert next(answers) != next(answers), f"{name} tells nothing any more: strike it from docs/access.md"


@pytest.mark.stack
def test_scores_count_the_entries_of_all(access: Access, reader: str) -> None:
    probe = ("POST", "/{i}/_search", {"explain": True, "size": 1, "query": {"match": {"message": "changed"}}})
    text = json.dumps(put(access, reader, probe).data)
    counts = [int(count) for count in re.findall(r'"value": (\d+), "description": "n, number of documents', text)]
    own = put(access, reader, ("POST", "/{i}/_count", {"query": {"match": {"message": "changed"}}})).data["count"]
    assert counts
    assert max(counts) > own, f"{SCORES} tells nothing any more: strike it from docs/access.md"


def test_the_page_names_each_leak() -> None:
    page = PAGE.read_text()
    assert [name for name in (*LEAKS, *LEAKING_ASKS, SCORES) if f"| {name} |" not in page] == []
