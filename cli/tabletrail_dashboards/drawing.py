"""A dashboard as one picture: its panels where Dashboards has them, each from the answer to its own query.

    answers = {panel.object_id: <what _search said to search_body(...)>, or a text why there is none}
    save(picture(dashboard, objects, answers, time_range, zone), Path("activity.svg"))

Rules
- The same answers give the same bytes: no date, no random ids in the file.
- The picture names no font of this machine and nothing outside of itself.

Called by `tabletrail dashboards render`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from tabletrail_cli.output import visible
from tabletrail_dashboards.answers import Row, Table, table_of
from tabletrail_dashboards.charts import FAINT, GRID, INK, NORMAL, draw, draw_lines, say
from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.objects import Objects, Panel, SavedObject, panels
from tabletrail_dashboards.search_source import TimeRange

COLUMNS = 48
"""Of Dashboards' grid."""
WIDTH = 14.0
ROW = 0.19
HEAD = 0.6
MARGIN = 0.08
"""Inches: of the picture, of a row of the grid, of what stands above it, around a panel."""
TITLE = 0.3
PADDING = 0.12
AXES = 0.34
"""Room below a chart for its times, in inches."""
LEGEND = 1.9
LABELS = 1.9
"""Room beside a chart for its names, in inches."""

Answer = Mapping[str, Any] | str
Words = Mapping[str, Mapping[str, str]]

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tabletrail",
    "font.family": "sans-serif",
    "text.parse_math": False,
    "axes.formatter.useoffset": False,
}


def picture(
    dashboard: SavedObject, objects: Objects, answers: Mapping[str, Answer], time_range: TimeRange, zone: tzinfo
) -> Any:
    """matplotlib's Figure. `answers` has one for each panel's object. SavedObjectError for what cannot be drawn."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    placed = panels(dashboard)
    height = HEAD + max(panel.y + panel.height for panel in placed) * ROW
    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height), facecolor="#FAFBFD")
        top = 1 - HEAD / 2 / height
        figure.text(0.01, top, dashboard.title, size=14, color=INK, weight="bold", va="center")
        figure.text(0.99, top, _times(time_range, zone), size=NORMAL, color=FAINT, ha="right", va="center")
        for panel in placed:
            _draw_panel(figure, panel, objects, answers[panel.object_id], time_range, zone)
    return figure


def save(figure: Any, path: Path) -> None:
    """Writes an .svg or .png, by the name's end. OSError if it cannot be written."""
    from matplotlib import rc_context

    kind = path.suffix[1:]
    metadata = {"Date": None, "Creator": "tabletrail"} if kind == "svg" else {"Software": "tabletrail"}
    with rc_context(_STYLE), warnings.catch_warnings():
        # A character that this machine has no glyph for is still right in the file.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, format=kind, metadata=metadata, dpi=100, facecolor=figure.get_facecolor())


def _draw_panel(
    figure: Any, panel: Panel, objects: Objects, answer: Answer, time_range: TimeRange, zone: tzinfo
) -> None:
    one = objects[panel.object_id]
    x, y = panel.x * WIDTH / COLUMNS + MARGIN, HEAD + panel.y * ROW + MARGIN
    width, height = panel.width * WIDTH / COLUMNS - 2 * MARGIN, panel.height * ROW - 2 * MARGIN
    frame = _axes(figure, x, y, width, height)
    frame.set_xticks([])
    frame.set_yticks([])
    frame.set_facecolor("white")
    for spine in frame.spines.values():
        spine.set_color(GRID)
    title = panel.title or one.title
    frame.text(0.1 / width, 1 - TITLE / 2 / height, title, size=9, color=INK, weight="bold", va="center",
               transform=frame.transAxes)  # fmt: skip
    kind = str(one.parsed("visState")["type"]) if one.type == "visualization" else "search"
    left, right, below = _room(kind)
    inside = _axes(figure, x + left, y + TITLE, width - left - right, height - TITLE - below)
    if isinstance(answer, str):
        say(inside, answer)
    elif one.type == "visualization":
        draw(inside, kind, _ordered(one, table_of(one, answer)), time_range, zone)
    elif one.type == "search":
        _draw_search(inside, one, answer, _words_of(objects), zone)
    else:
        raise SavedObjectError(f"{one.id} is a {one.type}: it is not drawn here")


def _room(kind: str) -> tuple[float, float, float]:
    """Inches left and right of a chart and below it."""
    return {
        "histogram": (0.5, LEGEND, AXES),
        "line": (0.5, LEGEND, AXES),
        "horizontal_bar": (LABELS, 0.2, AXES),
        "pie": (PADDING, LEGEND, PADDING),
    }.get(kind, (PADDING, PADDING, PADDING))


def _ordered(one: SavedObject, table: Table) -> Table:
    """Rows in the order of the visualization's `filters` within each bar, whichever of them comes first in time."""
    aggs = [agg for agg in one.parsed("visState")["aggs"] if agg["type"] == "filters"]
    labels = [str(each.get("label") or each["input"]["query"]) for agg in aggs for each in agg["params"]["filters"]]

    def place(row: Row) -> int:
        return min((labels.index(str(key)) for key in row.keys if key in labels), default=len(labels))

    return replace(table, rows=tuple(sorted(table.rows, key=place)))


def _draw_search(axes: Any, search: SavedObject, answer: Mapping[str, Any], words: Words, zone: tzinfo) -> None:
    """The newest entries as a list: their time, then the columns of the saved search."""
    columns = [name for name in search.attributes["columns"] if name != "@timestamp"]
    hits = answer["hits"]["hits"]
    if not hits:
        say(axes, "nothing found in this time")
        return
    rows = [[_moment(hit, zone), *(_cell(hit["_source"], name, words) for name in columns)] for hit in hits]
    total = int(answer["hits"]["total"]["value"])
    draw_lines(axes, ["time", *columns], rows, [False] * (len(columns) + 1), total)


def _words_of(objects: Objects) -> Words:
    """What data views say instead of a field's bare values."""
    formats = [one.parsed("fieldFormatMap") for one in objects.values() if "fieldFormatMap" in one.attributes]
    return {
        field: {entry["key"]: entry["value"] for entry in form["params"]["lookupEntries"]}
        for each in formats
        for field, form in each.items()
        if form["id"] == "static_lookup"
    }


def _moment(hit: Mapping[str, Any], zone: tzinfo) -> str:
    return datetime.fromisoformat(hit["_source"]["@timestamp"]).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _cell(source: Mapping[str, Any], path: str, words: Words) -> str:
    value: Any = source
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return visible(", ".join(f"{name}: {inner}" for name, inner in value.items()))
    values = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return visible(", ".join(words.get(path, {}).get(one, one) for one in values))


def _times(time_range: TimeRange, zone: tzinfo) -> str:
    start, end = (moment.astimezone(zone) for moment in (time_range.start, time_range.end))
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} {end:%Z}"


def _axes(figure: Any, x: float, y: float, width: float, height: float) -> Any:
    """Axes at inches from the picture's upper left corner."""
    total = figure.get_size_inches()[1]
    return figure.add_axes((x / WIDTH, 1 - (y + height) / total, width / WIDTH, height / total))
