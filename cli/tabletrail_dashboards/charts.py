"""A visualization's table drawn into one panel.

Rules
- What a panel shows is its table and nothing else: no value is made up, and an empty table says so.
- Texts are an item's data: control characters are written out, long ones are cut, and none is taken for a formula.
- A type of visualization that is not known here is refused, as everywhere in this package.

Called by `drawing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Any

from tabletrail_cli.output import visible
from tabletrail_dashboards.answers import Key, Row, Table, Value
from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.search_source import TimeRange

COLOURS = ("#54B399", "#6092C0", "#D36086", "#9170B8", "#CA8EAE", "#D6BF57", "#B9A888", "#DA8B45", "#AA6556", "#E7664C")
INK, FAINT, GRID = "#343741", "#69707D", "#E3E6EC"
SMALL, NORMAL, LARGE = 7.0, 8.0, 20.0
"""Points."""
CHARACTER = 0.062
"""Inches that a character of SMALL size takes, about."""
LINE = 0.17
"""Inches from one line of a list to the next."""
MOST_BARS = 15
MOST_LEGEND = 24
"""Characters beside a chart."""


def draw(axes: Any, kind: str, table: Table, time_range: TimeRange, zone: tzinfo) -> None:
    """Draws `table` into matplotlib's `axes`. `kind` is the `visState`'s type. SavedObjectError if it is not known.

    Groups are stacked and listed in the order of `table.rows`.
    """
    if kind not in _CHARTS:
        raise SavedObjectError(f"visualizations of type {kind!r} are not drawn here")
    if not table.rows:
        say(axes, "nothing found in this time")
        return
    _CHARTS[kind](axes, table, time_range, zone)


def say(axes: Any, text: str) -> None:
    """A panel that has only words."""
    axes.axis("off")
    axes.text(0.5, 0.5, text, ha="center", va="center", size=NORMAL, color=FAINT, transform=axes.transAxes)


def draw_lines(
    axes: Any, header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], total: int
) -> None:
    """A list with aligned columns, as many rows as fit; the last line says how many of `total` are not shown."""
    axes.axis("off")
    width, height = _inches(axes)
    room = max(int(height / LINE) - 1, 1)
    shown = rows if total <= room else rows[: room - 1]
    widths = _widths([header, *shown], width / CHARACTER)
    for line, cells in enumerate([header, *shown]):
        at = 0.0
        for cell, wide, is_right in zip(cells, widths, right, strict=True):
            x = (at + (wide - 1 if is_right else 0)) * CHARACTER / width
            style = {"size": SMALL, "color": INK if line else FAINT, "weight": "normal" if line else "bold"}
            side = "right" if is_right else "left"
            y = 1 - (line + 0.5) * LINE / height
            axes.text(x, y, cut(cell, wide - 1), ha=side, va="center", transform=axes.transAxes, **style)
            at += wide
    if len(shown) < total:
        more = f"and {total - len(shown):,} more"
        y = 1 - (len(shown) + 1.5) * LINE / height
        axes.text(0, y, more, size=SMALL, color=FAINT, va="center", transform=axes.transAxes)


def text_of(value: Value | Key, zone: tzinfo) -> str:
    """As a person reads it; moments in `zone`."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else visible(value)


def cut(text: str, characters: float) -> str:
    most = max(int(characters), 2)
    return text if len(text) <= most else text[: most - 1] + "…"


def _metric(axes: Any, table: Table, _: TimeRange, zone: tzinfo) -> None:
    axes.axis("off")
    cells = [
        (text_of(value, zone), " ".join([*(text_of(key, zone) for key in row.keys), name]))
        for row in table.rows
        for value, name in zip(row.values, table.value_names, strict=True)
    ]
    width = _inches(axes)[0] / len(cells)
    for place, (number, label) in enumerate(cells):
        x = (place + 0.5) / len(cells)
        axes.text(x, 0.62, number, ha="center", va="center", size=LARGE, color=INK, transform=axes.transAxes)
        words = cut(label, width / CHARACTER)
        axes.text(x, 0.2, words, ha="center", va="center", size=NORMAL, color=FAINT, transform=axes.transAxes)


def _bars(axes: Any, table: Table, time_range: TimeRange, zone: tzinfo) -> None:
    series = _series(table, zone)
    moments = sorted({moment for points in series.values() for moment in points})
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    seconds = min(gaps, default=(time_range.end - time_range.start).total_seconds() / 50)
    bottom = dict.fromkeys(moments, 0.0)
    for place, (name, points) in enumerate(series.items()):
        heights = [points.get(moment, 0.0) for moment in moments]
        axes.bar(
            moments, heights, width=seconds / 86_400 * 0.9, bottom=[bottom[moment] for moment in moments], align="edge",
            color=COLOURS[place % len(COLOURS)], label=cut(name, MOST_LEGEND),
        )  # fmt: skip
        bottom = {moment: bottom[moment] + height for moment, height in zip(moments, heights, strict=True)}
    _time_axis(axes, time_range, zone, has_legend=len(series) > 1)


def _lines(axes: Any, table: Table, time_range: TimeRange, zone: tzinfo) -> None:
    series = _series(table, zone)
    for place, (name, points) in enumerate(series.items()):
        moments = sorted(points)
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(
            moments, [points[one] for one in moments], color=colour, marker=".", lw=1.5, label=cut(name, MOST_LEGEND)
        )
    _time_axis(axes, time_range, zone, has_legend=len(series) > 1)
    axes.set_ylim(bottom=0)


def _horizontal_bars(axes: Any, table: Table, _: TimeRange, zone: tzinfo) -> None:
    totals: dict[str, dict[str, float]] = {}
    for row in table.rows:
        group = text_of(row.keys[1], zone) if len(row.keys) > 1 else table.value_names[0]
        inner = totals.setdefault(text_of(row.keys[0], zone), {})
        inner[group] = inner.get(group, 0.0) + _number(row.values[0])
    names = list(totals)[:MOST_BARS]
    left = [0.0] * len(names)
    groups = list(dict.fromkeys(group for inner in totals.values() for group in inner))
    for place, group in enumerate(groups):
        lengths = [totals[name].get(group, 0.0) for name in names]
        colour = COLOURS[place % len(COLOURS)]
        axes.barh(range(len(names)), lengths, left=left, height=0.7, color=colour, label=cut(group, MOST_LEGEND))
        left = [before + length for before, length in zip(left, lengths, strict=True)]
    axes.set_yticks(range(len(names)), [cut(name, 28) for name in names])
    axes.invert_yaxis()
    for place, total in enumerate(left):
        axes.text(total, place, f" {total:,.0f}", va="center", size=SMALL, color=FAINT)
    if len(totals) > len(names):
        more = f"and {len(totals) - len(names)} more"
        axes.text(1, 0.02, more, ha="right", size=SMALL, color=FAINT, transform=axes.transAxes)
    axes.margins(x=0.12)
    _plain(axes, "x", has_legend=len(groups) > 1)


def _pie(axes: Any, table: Table, _: TimeRange, zone: tzinfo) -> None:
    sizes = [_number(row.values[0]) for row in table.rows]
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(sizes))]
    wedges = axes.pie(sizes, colors=colours, startangle=90, counterclock=False, wedgeprops={"width": 0.4})[0]
    labels = [f"{cut(text_of(row.keys[-1], zone), 24)}  {text_of(row.values[0], zone)}" for row in table.rows]
    axes.legend(wedges, labels, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=SMALL, frameon=False)


def _table(axes: Any, table: Table, _: TimeRange, zone: tzinfo) -> None:
    header = [*table.key_names, *table.value_names]
    rows = [[text_of(cell, zone) for cell in (*row.keys, *row.values)] for row in table.rows]
    numbers = [all(isinstance(row.values[place], int | float) for row in table.rows) for place in _places(table)]
    draw_lines(axes, header, rows, [False] * len(table.key_names) + numbers, len(rows))


def _places(table: Table) -> range:
    return range(len(table.value_names))


def _series(table: Table, zone: tzinfo) -> dict[str, dict[datetime, float]]:
    """By name, in the order in which they come: a group's key, or the metric's label."""
    series: dict[str, dict[datetime, float]] = {}
    for row in table.rows:
        moment = next((key for key in row.keys if isinstance(key, datetime)), None)
        if moment is None:
            raise SavedObjectError("bars and lines are drawn over time alone, and this one has no date_histogram")
        for name, value in zip(table.value_names, row.values, strict=True):
            points = series.setdefault(_series_name(row, name, table, zone), {})
            if value is not None:
                points[moment] = _number(value)
    return series


def _series_name(row: Row, metric: str, table: Table, zone: tzinfo) -> str:
    groups = [text_of(key, zone) for key in row.keys if not isinstance(key, datetime)]
    names = [*groups, metric] if len(table.value_names) > 1 or not groups else groups
    return " ".join(names)


def _number(value: Value) -> float:
    if value is None or isinstance(value, str | datetime):
        raise SavedObjectError("what should be drawn as a number is none")
    return float(value)


def _time_axis(axes: Any, time_range: TimeRange, zone: tzinfo, *, has_legend: bool) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=zone, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    axes.xaxis.get_offset_text().set_size(SMALL)
    axes.set_xlim(time_range.start, time_range.end)
    _plain(axes, "y", has_legend=has_legend)


def _plain(axes: Any, grid: str, *, has_legend: bool) -> None:
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.tick_params(labelsize=SMALL, colors=FAINT, length=0)
    axes.grid(axis=grid, color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    getattr(axes, f"{grid}axis").get_major_locator().set_params(integer=True, nbins=5)
    if has_legend:
        axes.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), fontsize=SMALL, frameon=False)


def _inches(axes: Any) -> tuple[float, float]:
    box = axes.get_position()
    width, height = axes.figure.get_size_inches()
    return box.width * width, box.height * height


def _widths(rows: Sequence[Sequence[str]], room: float) -> list[float]:
    """Characters for each column: as wide as its texts, the widest cut first where there is not room for all."""
    widths = [max(len(cell) for cell in column) + 2.0 for column in zip(*rows, strict=True)]
    while sum(widths) > room and max(widths) > 6:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    return widths


_CHARTS: dict[str, Callable[[Any, Table, TimeRange, tzinfo], None]] = {
    "metric": _metric,
    "histogram": _bars,
    "line": _lines,
    "horizontal_bar": _horizontal_bars,
    "pie": _pie,
    "table": _table,
}
