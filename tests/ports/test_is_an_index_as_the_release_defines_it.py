"""Is an index that departs from the release's definition told from one that does not, on the real server too?"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tabletrail.aws.opensearch_definition import departure_of
from tabletrail.core.index_definition import departure
from tabletrail.errors import TransientError
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import MAPPINGS, Server, unused_name

TEMPLATE: dict[str, Any] = json.loads((MAPPINGS / "index_template.v1.json").read_text())
Change = Callable[[dict[str, Any]], object]


def as_the_server_shows_it() -> dict[str, Any]:
    ours = copy.deepcopy(TEMPLATE["template"])
    settings = {name: str(value).lower() for name, value in ours["settings"].items()}
    mappings = ours["mappings"] | {"dynamic": "false"}
    return {"mappings": mappings, "settings": settings | {"index.uuid": "u", "index.number_of_shards": "3"}}


def fields(index: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = index["mappings"]["properties"]
    return found


def test_the_same_definition_departs_in_nothing() -> None:
    assert departure(as_the_server_shows_it(), TEMPLATE) == ""


def test_an_index_of_an_earlier_release_lacks_fields_and_does_not_depart() -> None:
    index = as_the_server_shows_it()
    del fields(index)["principal"], fields(index)["item"]["properties"]["key"]
    index["mappings"]["_meta"] = {"schema": 0}
    assert departure(index, TEMPLATE) == ""


CHANGES: dict[str, tuple[Change, str]] = {
    "another type": (lambda index: fields(index)["message"].update(type="date"), "field message"),
    "another type below": (
        lambda index: fields(index)["item"]["properties"]["id"].update(type="long"),
        "field item.id",
    ),
    "a limit less": (
        lambda index: fields(index)["item"]["properties"]["id"].pop("ignore_above"),
        "field item.id",
    ),
    "a parameter more": (lambda index: fields(index)["@timestamp"].update(format="epoch_millis"), "field @timestamp"),
    "an object in place of a value": (
        lambda index: fields(index).update(message={"properties": {"text": {"type": "text"}}}),
        "field message",
    ),
    "a field more": (lambda index: fields(index).update(images={"type": "date"}), "does not have"),
    "strict": (lambda index: index["mappings"].update(dynamic="strict"), "own parameters"),
    "routing": (lambda index: index["mappings"].update(_routing={"required": True}), "own parameters"),
    "empty": (lambda index: index.update(mappings={}), "own parameters"),
    "a pipeline": (
        lambda index: index["settings"].update({"index.default_pipeline": "p"}),
        "setting index.default_pipeline",
    ),
    "a lower limit": (
        lambda index: index["settings"].update({"index.mapping.nested_objects.limit": "10"}),
        "setting index.mapping.nested_objects.limit",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_decides_about_refusals_departs(name: str) -> None:
    change, words = CHANGES[name]
    index = as_the_server_shows_it()
    change(index)
    assert words in departure(index, TEMPLATE)


@pytest.mark.stack
class TestRealServer:
    @pytest.fixture
    def server(self, stack: StackInfo) -> Server:
        server = Server(stack)
        server.install()
        return server

    def look(self, server: Server, index: str) -> str:
        return departure_of(server.client("index-owner"), index, TEMPLATE)

    @contextmanager
    def made(self, server: Server, body: dict[str, Any]) -> Iterator[str]:
        name = unused_name()
        assert server.ask("admin", "PUT", f"/{name}", body).ok
        try:
            yield name
        finally:
            server.ask("admin", "DELETE", f"/{name}")

    def test_an_index_that_the_owner_made_departs_in_nothing_closed_or_under_another_name(self, server: Server) -> None:
        with server.an_index() as name:
            assert self.look(server, name) == ""
            alias = unused_name()
            assert server.ask("admin", "PUT", f"/{name}/_alias/{alias}").ok
            assert self.look(server, alias) == ""
            assert server.ask("admin", "POST", f"/{name}/_close").ok
            assert self.look(server, name) == ""

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"mappings": {"properties": {"item": {"properties": {"id": {"type": "long"}}}}}}, "field item.id"),
            ({"mappings": {"dynamic": "strict"}}, "own parameters"),
            ({"settings": {"index.mapping.total_fields.limit": 2000}}, "setting index.mapping.total_fields.limit"),
        ],
    )
    def test_one_that_another_hand_made_departs(self, server: Server, body: dict[str, Any], words: str) -> None:
        with self.made(server, body) as name:
            assert words in self.look(server, name)

    def test_one_that_is_not_there_departs_and_trouble_is_no_answer(self, server: Server) -> None:
        assert "not there" in self.look(server, unused_name())
        with server.an_index() as name, pytest.raises(TransientError, match="does not tell how"):
            departure_of(server.client("writer"), name, TEMPLATE)
