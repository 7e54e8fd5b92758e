"""Does docs/dashboards.md name each object and quote each query exactly, and does what it teaches to ask find it?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabletrail_dashboards.objects import Panel, SavedObject, panels
from tabletrail_dashboards.search_body import search_body
from tests.dashboards.asking import ALL, OBJECTS, SOURCES, WHOLE, asked, expected, ids
from tests.dashboards.planted_index import story
from tests.dashboards.planted_story import Deed
from tests.dashboards.planted_truth import is_change
from tests.ports.opensearch_server import Server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dashboards.md").read_text("utf-8")
SEARCHES = [json.loads(path.read_text("utf-8")) for path in sorted(SOURCES.glob("searches/*.json"))]
DASHBOARDS = [one for one in OBJECTS.values() if one.type == "dashboard"]


def section(heading: str) -> str:
    """From a heading to the next one of any depth."""
    found = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{len(found)} headings {heading!r}"
    return str(found[0])


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("source", SEARCHES, ids=lambda source: source["slug"])
def test_a_saved_search_is_told_as_it_is(source: dict[str, Any]) -> None:
    text = section(source["title"])
    assert f"`tabletrail-search-{source['slug']}`. {source['description']}" in words(text)
    quoted = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    assert quoted == [source["query"], *(example["query"] for example in source["examples"])]
    for example in source["examples"]:
        assert f"{example['says'][0].upper()}{example['says'][1:]}:" in text
    fields = ", ".join(f"`{name}`" for name in source["to_fill_in"])
    columns = ", ".join(f"`{name}`" for name in source["columns"])
    assert f"To fill in: {fields}. Columns: {columns}." in words(text)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.id)
def test_a_dashboard_is_told_panel_by_panel(dashboard: SavedObject) -> None:
    text = section(f"The dashboard {dashboard.title}")
    assert f"`{dashboard.id}`, opens with {dashboard.attributes['timeFrom']} to now." in words(text)
    told = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)[1:]
    assert told == [row(panel) for panel in panels(dashboard)]


def row(panel: Panel) -> tuple[str, str]:
    one = OBJECTS[panel.object_id]
    if one.type == "search":
        return panel.title or one.title, f"the saved search *{one.title}*"
    return one.title, str(one.attributes["description"]).rpartition(" [")[0]


def test_each_object_is_on_the_page_and_each_id_on_the_page_is_one() -> None:
    named = set(re.findall(r"`(tabletrail-(?:search|vis|dashboard)-[a-z0-9-]+)`", PAGE))
    assert named == {one.id for one in OBJECTS.values() if one.type in ("search", "dashboard")}
    assert (len(SEARCHES), len(DASHBOARDS)) == (13, 4)
    assert "thirteen saved searches and four dashboards" in PAGE
    versions = {one.type: one.migration_version[one.type] for one in OBJECTS.values()}
    ordered = [versions[name] for name in ("index-pattern", "search", "visualization", "dashboard")]
    assert f"{ordered[0]}, {ordered[1]}, {ordered[2]} and {ordered[3]}" in words(PAGE)


TAUGHT: dict[str, Callable[[Deed], bool]] = {
    'after.status: "shipped"': lambda deed: is_change(deed) and deed.after.get("status") == "shipped",
    'before.address.city: "Oslo"': lambda deed: is_change(deed) and deed.before.get("address.city") == "Oslo",
    'numbers: { path: "price" and after > 100 }': lambda deed: (
        is_change(deed) and int(deed.after.get("price", 0)) > 100
    ),
    'changed_path: "lines[].qty"': lambda deed: is_change(deed) and "lines[].qty" in deed.paths,
    'changed: "lines[0].qty"': lambda deed: is_change(deed) and "lines[0].qty" in {**deed.before, **deed.after},
    'item.id.parts: "17"': lambda deed: deed.item.rpartition("#")[2] == "17",
    'actor.id.parts: "billing"': lambda deed: is_change(deed) and deed.actor == "billing-service",
    "item.id: order#1*": lambda deed: deed.item.startswith("order#1"),
    'message: "from paid to shipped"': lambda deed: (
        is_change(deed) and deed.before.get("status") == "paid" and deed.after.get("status") == "shipped"
    ),
    "not actor.id: *": lambda deed: not deed.actor or not is_change(deed),
}


def taught() -> list[str]:
    rows = re.findall(r"^\| [^|]+ \| (`.+) \|$", section("Asking"), re.MULTILINE)
    return [query for line in rows for query in re.findall(r"`([^`]+)`", line)]


def test_each_way_of_asking_that_is_taught_has_an_expectation() -> None:
    assert taught() == list(TAUGHT)


@pytest.mark.stack
@pytest.mark.parametrize("query", TAUGHT)
def test_what_is_taught_finds_it(server: Server, query: str) -> None:
    one = OBJECTS["tabletrail-search-changes-of-one-item"]
    right = expected(TAUGHT[query])
    assert right, "the story plants nothing for it"
    assert len(right) < len(story())
    assert ids(asked(server, one, search_body(one, OBJECTS, WHOLE, query=query, rows=ALL))) == right
