"""After an upgrade, do indices of both templates answer one question under one alias, and can the old one be made anew?

Into the old one comes what this release says of changes, too: taken, and by its new fields not found until then.

The cluster's template is set back to the first version, as an earlier release left it, and then this release installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_definition import definitions_in, departure_of
from tabletrail.aws.opensearch_shelf import OpenSearchShelf
from tabletrail.core.cloudtrail import Call
from tabletrail.core.cloudtrail_writes import Write
from tabletrail.core.cluster_objects import TEMPLATE
from tabletrail.core.periods import ALIAS
from tabletrail.core.principal import Principal
from tabletrail_cli.entries import Entries as Listing
from tabletrail_cli.queries import Question, facets_of, query_of
from tabletrail_dashboards.dql_query import query_of as of_bar
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import MAPPINGS, Server, unused_name
from tests.ports.rebuilder import a_rebuilder
from tests.ports.searched_entries import ROLE, VIEW, Entries, Searched, put, text

pytestmark = pytest.mark.stack

TEMPLATES = definitions_in(MAPPINGS)
FIRST = next(template for template in TEMPLATES if template["version"] == 1)
OURS = "table.name: upgraded"
PRINCIPAL = Principal(ROLE, "AssumedRole", "billing-writer", ROLE, session="job-42")
CALL = Call("e1f0", "UpdateItem", 1_800_000_000, (Write("upgraded", "update"),), PRINCIPAL, "203.0.113.7")


def story(prefix: str, key: str, first: int) -> dict[str, Any]:
    made = Entries(first=first)
    made.add(f"{prefix} shipped", key, {"status": text("paid")}, {"status": text("shipped")}, table="upgraded")
    made.add(f"{prefix} created", f"{key}/lines", None, {"by": text("alice")}, table="upgraded", service="crm")
    # What this release says of a change, into whatever index the change is in.
    made.say(f"{prefix} said", f"{prefix} shipped", CALL, contradiction=True)
    return made.documents


OLD, NEW = story("old", "order#17", 10**20), story("new", "order#18", 10**21)


@pytest.fixture(scope="module")
def upgraded(stack: StackInfo) -> Iterator[tuple[Server, str, str]]:
    """(server, index of the earlier release, index of this one), both with entries."""
    server = Server(stack)
    server.install()
    path = f"/_index_template/{TEMPLATE}"
    keeper = OpenSearchKeeper(server.client("index-owner"))
    old, new = f"{unused_name()}.old", f"{unused_name()}.new"
    try:
        assert server.ask("admin", "PUT", path, FIRST).ok
        assert keeper.ensure(old)
        put(server, old, OLD)
        server.install()
        installed = server.ask("admin", "GET", path).data["index_templates"][0]["index_template"]
        assert installed["version"] == TEMPLATES[0]["version"] > FIRST["version"]
        assert keeper.ensure(new)
        put(server, new, NEW)
        yield server, old, new
    finally:
        server.install()
        for name in (old, new):
            server.ask("admin", "DELETE", f"/{name}*")


def ask(server: Server, dql: str) -> set[str]:
    """As the bar does, over the alias."""
    found = Searched(server, ALIAS, {})
    return found.names({"bool": {"filter": [of_bar(text, VIEW, "UTC") for text in (OURS, dql)]}})


def test_the_old_index_is_as_its_release_made_it_and_that_is_no_fault(upgraded: tuple[Server, str, str]) -> None:
    server, old, new = upgraded
    for name in (old, new):
        assert departure_of(server.client("index-owner"), name, TEMPLATES) == ""
    assert "field actor.id" in departure_of(server.client("index-owner"), old, TEMPLATES[:1])


@pytest.mark.parametrize(
    ("dql", "names"),
    [
        ("event.action: modify", {"old shipped", "new shipped"}),
        ('item.id: "order#17"', {"old shipped", "old said"}),
        ("item.id: order#1*", {*OLD, *NEW}),
        ("message: shipped", {"old shipped", "new shipped"}),
        ('"from paid to shipped"', {"old shipped", "new shipped"}),
        ("after.status: shipped and not service.name: crm", {"old shipped", "new shipped"}),
        ("message: order#17", {*OLD}),
        ("order#18", {*NEW, *OLD}),
        # What the old index does not have is not found there, and is no error.
        ("item.id.parts: order", {*NEW}),
        ("item.id.parts: 17", set()),
        ("item.id.parts: *", {*NEW}),
        ("tabletrail.kind: attribution", {"old said", "new said"}),
        ("principal.name: billing-writer", {"old said", "new said"}),
        ("principal.session: job-42", {"new said"}),
        ("tabletrail.contradiction: true", {"new said"}),
        ("principal.claimed: *", set()),
    ],
)
def test_one_question_finds_what_both_hold(upgraded: tuple[Server, str, str], dql: str, names: set[str]) -> None:
    assert ask(upgraded[0], dql) == names


def test_lists_facets_and_words_of_the_command_line_go_over_both(upgraded: tuple[Server, str, str]) -> None:
    reader = Listing(upgraded[0].client("reader"), page=3)
    everything = {one["event"]["id"] for one in (OLD | NEW).values()}
    question = Question(fields=[("table", ["upgraded"])])
    for order in ("asc", "desc"):
        entries = list(reader.walk(query_of(question), order))
        assert {one["event"]["id"] for one in entries} == everything
        assert len(entries) == len(everything)
    facets = reader.aggregate(query_of(question), facets_of("service,action,changed"))
    counts = {one["key"]: one["doc_count"] for one in facets["service"]["buckets"]}
    assert counts == {"shop": 4, "crm": 2}
    words = Question(text="order#17 shipped", fields=question.fields)
    assert reader.count(query_of(words)) == 1
    whole = Question(text="order#17/lines", fields=question.fields)
    assert reader.count(query_of(whole)) == 1


def test_the_old_index_made_anew_is_searched_by_part_too(upgraded: tuple[Server, str, str]) -> None:
    """With what `tabletrail reindex` calls, and with nobody's rights but a rebuilder's."""
    server, old, _ = upgraded
    target = f"{old}-r000002"
    with a_rebuilder(server) as user:
        shelf = OpenSearchShelf(server.client(user))
        shelf.make_hidden(target)
        put(server, target, OLD)
        assert ask(server, "event.action: modify") == {"old shipped", "new shipped"}
        shelf.replace(old, old, target)
    assert ask(server, "item.id.parts: 17") == {*OLD}
    assert ask(server, "tabletrail.contradiction: true") == {"old said", "new said"}
    assert ask(server, "order#18") == {*NEW}
    assert departure_of(server.client("index-owner"), old, TEMPLATES[:1]) == ""
