"""Is an index that departs from the release's definition told from one that does not, on the real server too?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.opensearch_definition import definitions_in, departure_of
from tabletrail.core.index_definition import departure
from tabletrail.errors import InstallError, TransientError
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import MAPPINGS, Server, unused_name

TEMPLATES = definitions_in(MAPPINGS)
THIS, *EARLIER = TEMPLATES
FIRST = next(template for template in EARLIER if template["version"] == 1)
Change = Callable[[dict[str, Any]], object]


def as_the_server_shows_it(template: dict[str, Any] = THIS) -> dict[str, Any]:
    ours = copy.deepcopy(template["template"])
    settings = {name: shown(value) for name, value in ours["settings"].items()}
    mappings = ours["mappings"] | {"dynamic": "false"}
    return {"mappings": mappings, "settings": settings | {"index.uuid": "u", "index.number_of_shards": "3"}}


def shown(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, list) else str(value)


def fields(index: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = index["mappings"]["properties"]
    return found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: f"version {one['version']}")
def test_an_index_that_any_release_made_departs_in_nothing(template: dict[str, Any]) -> None:
    assert departure(as_the_server_shows_it(template), TEMPLATES) == ""


def test_each_earlier_version_is_known() -> None:
    assert [template["version"] for template in EARLIER] == list(range(1, THIS["version"]))


def test_an_index_that_lacks_fields_does_not_depart() -> None:
    index = as_the_server_shows_it()
    del fields(index)["principal"], fields(index)["item"]["properties"]["key"]
    index["mappings"]["_meta"] = {"schema": 0}
    assert departure(index, TEMPLATES) == ""


def test_one_that_is_half_of_one_release_and_half_of_another_departs() -> None:
    """The first version's text cannot stand beside the second one's analysis: nobody made that."""
    index = as_the_server_shows_it()
    fields(index)["message"] = {"type": "text"}
    assert departure(index, TEMPLATES) == "field message"
    settings = as_the_server_shows_it(FIRST)
    settings["mappings"] = as_the_server_shows_it()["mappings"]
    assert departure(settings, TEMPLATES).startswith("setting index.analysis.")


def test_what_is_told_is_where_it_departs_from_the_release_that_made_it() -> None:
    index = as_the_server_shows_it(FIRST)
    index["mappings"]["_meta"] = {"schema": 1, "template": 1}
    fields(index)["event"]["properties"]["severity"] = {"type": "date"}
    assert departure(index, TEMPLATES) == "field event.severity"


def test_a_release_without_its_definitions_says_so(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="release is incomplete"):
        definitions_in(tmp_path)


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
    assert words in departure(index, TEMPLATES)


@pytest.mark.stack
class TestRealServer:
    @pytest.fixture
    def server(self, stack: StackInfo) -> Server:
        server = Server(stack)
        server.install()
        return server

    def look(self, server: Server, index: str) -> str:
        return departure_of(server.client("index-owner"), index, TEMPLATES)

    @contextmanager
    def made(self, server: Server, body: dict[str, Any], name: str = "") -> Iterator[str]:
        name = name or unused_name()
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

    def test_one_of_an_earlier_release_departs_in_nothing(self, server: Server) -> None:
        # A template of one name alone goes before the general one: it may have any version.
        name = unused_name()
        template = {**FIRST, "index_patterns": [name], "priority": 501}
        assert server.ask("admin", "PUT", f"/_index_template/{name}", template).ok
        try:
            with self.made(server, {}, name):
                mapping = server.ask("admin", "GET", f"/{name}/_mapping").data[name]["mappings"]
                assert "parts" not in str(mapping)
                assert self.look(server, name) == ""
        finally:
            server.ask("admin", "DELETE", f"/_index_template/{name}")

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
            departure_of(server.client("writer"), name, TEMPLATES)
