"""Does a picture of a dashboard show what the log says, and nothing else?

Drawn from the planted story on the real server. The pictures are read
back: texts out of the SVG, heights of bars out of the figure.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tabletrail_cli.dashboards import OBJECTS as FILE
from tabletrail_cli.dashboards import answers_for, chosen
from tabletrail_dashboards.answers import Row, Table
from tabletrail_dashboards.charts import text_of
from tabletrail_dashboards.drawing import Answer, picture, save
from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.objects import SavedObject, load, panels
from tabletrail_dashboards.search_source import TimeRange
from tests.dashboards.planted_index import story
from tests.dashboards.planted_pictures import PICTURES
from tests.dashboards.planted_story import END, START
from tests.end_to_end.cli_story import tabletrail
from tests.ports.opensearch_server import Server

OBJECTS = load(FILE.read_text("utf-8"))
WHOLE = TimeRange(datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(END, UTC))
DASHBOARDS = [one.id for one in OBJECTS.values() if one.type == "dashboard"]
PICTURE = "tabletrail-vis-"
SVG = "{http://www.w3.org/2000/svg}"
OVER_TIME = ("histogram", "line")


def texts(svg: str) -> Counter[str]:
    return Counter("".join(one.itertext()).strip() for one in ET.fromstring(svg).iter(f"{SVG}text"))


def kind_of(one: SavedObject) -> str:
    return str(one.parsed("visState")["type"]) if one.type == "visualization" else "search"


def right(one: SavedObject) -> list[Any]:
    return PICTURES[one.id.removeprefix(PICTURE)]([planted.deed for planted in story()], "UTC")


@pytest.mark.stack
@pytest.mark.parametrize("name", DASHBOARDS)
def test_are_all_the_storys_figures_in_the_picture(server: Server, name: str) -> None:
    dashboard = OBJECTS[name]
    answers = answers_for(server.client("admin"), dashboard, OBJECTS, WHOLE, "UTC")
    figure = picture(dashboard, OBJECTS, answers, WHOLE, UTC)
    insides = list(figure.axes[1::2])
    for panel, axes in zip(panels(dashboard), insides, strict=True):
        one = OBJECTS[panel.object_id]
        if kind_of(one) in OVER_TIME:
            _check_series(one, axes)
        elif kind_of(one) != "search":
            _check_texts(one, axes)


def _check_series(one: SavedObject, axes: Any) -> None:
    """All bars of a panel together are as high as what they count, and so are the points of lines."""
    total = sum(value for _, values in right(one) for value in values)
    heights = sum(bar.get_height() for bar in axes.patches) if kind_of(one) == "histogram" else 0
    points = sum(float(y) for line in axes.lines for y in line.get_ydata())
    assert heights + points == pytest.approx(total)
    assert total


def _check_texts(one: SavedObject, axes: Any) -> None:
    shown = {text.get_text().strip() for text in axes.texts}
    shown |= {label.get_text() for label in axes.get_yticklabels()}
    legend = axes.get_legend()
    shown |= {text.get_text() for text in legend.get_texts()} if legend else set()
    all_of = " ".join(shown)
    rows = right(one)
    hidden = next((int(text.split()[1]) for text in shown if text.startswith("and ") and text.endswith("more")), 0)
    missing = [row for row in rows if not all(text_of(value, UTC) in all_of for value in (*row[0], *row[1]))]
    assert len(missing) <= hidden, (one.id, missing, shown)


@pytest.mark.stack
def test_does_the_command_draw_all_dashboards_the_same_again(server: Server, tmp_path: Path) -> None:
    times = ("--since", "2061-03-01", "--until", "2061-04-30")
    login = server.stack.login("admin")
    (tmp_path / "password").write_text(login.password)
    (tmp_path / "ca").write_text(server.stack.ca_pem)
    where = ["--opensearch", server.stack.opensearch_url, "--opensearch-user", login.user]
    where += ["--opensearch-password-file", str(tmp_path / "password"), "--opensearch-ca", str(tmp_path / "ca")]
    for place in ("one", "two"):
        run = tabletrail("dashboards", "render", "--json", "--out", str(tmp_path / place), *times, *where)
        assert run.code == 0, run.err
        assert [one["dashboard"] for one in run.entries] == DASHBOARDS
        assert all(one["unanswered"] == {} for one in run.entries)
    drawn = {path.name: path.read_text() for path in (tmp_path / "one").iterdir()}
    assert set(drawn) == {f"dashboard-{name}.svg" for name in ("activity", "health", "sensitive", "who")}
    assert drawn == {path.name: path.read_text() for path in (tmp_path / "two").iterdir()}
    for dashboard in (OBJECTS[name] for name in DASHBOARDS):
        found = texts(drawn[f"dashboard-{dashboard.id.rpartition('-')[2]}.svg"])
        assert found[dashboard.title] >= 1
        assert all(found[panel.title or OBJECTS[panel.object_id].title] for panel in panels(dashboard))


@pytest.mark.stack
def test_does_a_panel_say_why_it_has_no_answer(server: Server, tmp_path: Path) -> None:
    """A reader of entries who may not read the health index still gets the panels that are of entries."""
    for name, index in (("activity", "tabletrail"), ("health", "tabletrail-health")):
        dashboard = OBJECTS[f"tabletrail-dashboard-{name}"]
        answers = answers_for(server.client("reader"), dashboard, OBJECTS, WHOLE, "UTC")
        refused = [one for one, answer in answers.items() if isinstance(answer, str)]
        save(picture(dashboard, OBJECTS, answers, WHOLE, UTC), tmp_path / f"{name}.svg")
        shown = texts((tmp_path / f"{name}.svg").read_text())
        assert all(any(str(answers[one]) == text for text in shown) for one in refused), (index, shown)


def _answers(dashboard: SavedObject, answer: Answer) -> dict[str, Answer]:
    return {panel.object_id: answer for panel in panels(dashboard)}


def test_is_an_items_text_neither_a_formula_nor_a_control_character(tmp_path: Path) -> None:
    search = OBJECTS["tabletrail-search-sensitive-changes"]
    dashboard = next(one for one in map(OBJECTS.get, DASHBOARDS) if one and search.id in one.references.values())
    source = {
        "@timestamp": "2061-03-01T00:00:00Z",
        "message": "cost $x^2$ & <b>\x1b[31m</b>",
        "actor": {"id": "$\\frac$"},
    }
    found = {"hits": {"total": {"value": 1}, "hits": [{"_source": source}]}, "aggregations": {}}
    answers = {one: (found if one == search.id else "not asked") for one in _answers(dashboard, "")}
    save(picture(dashboard, OBJECTS, answers, WHOLE, UTC), tmp_path / "it.svg")
    shown = texts((tmp_path / "it.svg").read_text())
    assert shown["cost $x^2$ & <b>\\x1b[31m</b>"] == 1
    assert shown["$\\frac$"] == 1


def test_does_an_unknown_kind_of_chart_stop_the_picture() -> None:
    from matplotlib.figure import Figure

    from tabletrail_dashboards.charts import draw

    with pytest.raises(SavedObjectError, match="'gauge' are not drawn"):
        draw(Figure().add_subplot(), "gauge", Table((), ("n",), (Row((), (1,)),)), WHOLE, UTC)
    with pytest.raises(SavedObjectError, match="no date_histogram"):
        draw(Figure().add_subplot(), "line", Table(("a",), ("n",), (Row(("x",), (1,)),)), WHOLE, UTC)


def test_is_a_name_that_no_dashboard_has_refused_with_those_that_there_are() -> None:
    from tabletrail.errors import QueryError

    assert [one.id for one in chosen(["health", DASHBOARDS[0]], OBJECTS)] == [
        "tabletrail-dashboard-health",
        DASHBOARDS[0],
    ]
    with pytest.raises(QueryError, match=r"'helth': there are activity, health, sensitive, who"):
        chosen(["helth"], OBJECTS)
