"""`tabletrail dashboards render`: the dashboards as pictures, from the queries of the saved objects themselves.

Rules
- Each panel's query is the one that Dashboards would send, to the same index, as the same reader.
- A panel that cannot be answered says why in its place; the others are drawn.
- A file is written whole or not at all, and replaces an earlier picture of the same name.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabletrail.errors import QueryError, TabletrailError
from tabletrail_cli import options
from tabletrail_cli.errors import FOUND, AccessError
from tabletrail_cli.output import Output
from tabletrail_cli.times import LEGAL, Role, parse_time

if TYPE_CHECKING:
    from tabletrail_dashboards.drawing import Answer
    from tabletrail_dashboards.objects import SavedObject
    from tabletrail_dashboards.search_source import TimeRange

OBJECTS = Path(__file__).resolve().parents[2] / "mappings" / "dashboards" / "tabletrail.v1.ndjson"
DASHBOARD = "tabletrail-dashboard-"
FORMATS = ("svg", "png")
ROWS = 100
"""Entries fetched for a list; no panel has room for more."""

DESCRIPTION = """Draws dashboards as SVG or PNG: each panel from the answer to the very query that OpenSearch Dashboards
would send for it."""

EPILOG = """examples:
  tabletrail dashboards render --since 1d
  tabletrail dashboards render sensitive --since 2026-11-01 --until 2026-11-30 --zone Europe/Berlin --format png
  tabletrail dashboards render --objects export.ndjson my-dashboard"""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("dashboards", help="draw the dashboards as pictures", allow_abbrev=False)
    commands = parser.add_subparsers(dest="dashboards_command", required=True, metavar="command")
    render = commands.add_parser(
        "render",
        help="draw dashboards as SVG or PNG",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    render.add_argument(
        "names", nargs="*", metavar="NAME", help="activity, sensitive, who, health, or a dashboard's id; none: all"
    )
    render.add_argument(
        "--out", type=Path, default=Path(), metavar="DIRECTORY", help="where the files go (default: here)"
    )
    render.add_argument("--format", choices=FORMATS, default="svg", help="of the files (default: svg)")
    render.add_argument(
        "--objects", type=Path, default=OBJECTS, metavar="FILE", help="saved objects (NDJSON) other than this release's"
    )
    group = render.add_argument_group("time")
    group.add_argument("--since", default="1d", metavar="TIME", help=f"{LEGAL} (default: 1d)")
    group.add_argument("--until", default="now", metavar="TIME", help="a date is included whole (default: now)")
    options.add_output(render, with_zone=True)
    options.add_place(render)
    render.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code. QueryError for a time or a name that cannot be; SavedObjectError, AccessError."""
    zone = options.zone(args)
    time_range = _time_range(args, zone)
    from tabletrail_cli import place
    from tabletrail_dashboards.drawing import picture, save

    objects = _load(args.objects)
    wanted = chosen(args.names, objects)
    client = place.find(args, os.environ, output).search
    args.out.mkdir(parents=True, exist_ok=True)
    for dashboard in wanted:
        answers = answers_for(client, dashboard, objects, time_range, _name_of(zone))
        path = args.out / f"dashboard-{dashboard.id.removeprefix(DASHBOARD)}.{args.format}"
        unfinished = path.with_name(f".{path.stem}.unfinished.{args.format}")
        save(picture(dashboard, objects, answers, time_range, zone), unfinished)
        unfinished.replace(path)
        unanswered = {name: why for name, why in answers.items() if isinstance(why, str)}
        if output.as_json:
            output.json({"dashboard": dashboard.id, "file": str(path), "unanswered": unanswered})
        else:
            output.line(f"{dashboard.title}: {path}")
        for name, why in unanswered.items():
            output.note(f"tabletrail: {name}: {why}")
    return FOUND


def chosen(names: list[str], objects: Mapping[str, SavedObject]) -> list[SavedObject]:
    """Dashboards by their short names or ids, in the order asked for; without names all of them."""
    known = {one.id: one for one in objects.values() if one.type == "dashboard"}
    if not names:
        return list(known.values())
    found = [known.get(name, known.get(DASHBOARD + name)) for name in names]
    unknown = [name for name, one in zip(names, found, strict=True) if one is None]
    if unknown:
        short = ", ".join(sorted(one.removeprefix(DASHBOARD) for one in known))
        raise QueryError(f"there is no dashboard {unknown[0]!r}: there are {short or 'none in this file'}")
    return [one for one in found if one is not None]


def answers_for(
    client: Any, dashboard: SavedObject, objects: Mapping[str, SavedObject], time_range: TimeRange, zone: str
) -> dict[str, Answer]:
    """By object, what `_search` said for each panel, or why it said nothing."""
    from tabletrail_cli.entries import Entries
    from tabletrail_dashboards.objects import panels
    from tabletrail_dashboards.search_body import data_view_for, search_body

    answers: dict[str, Answer] = {}
    for panel in panels(dashboard):
        one = objects[panel.object_id]
        body = search_body(one, objects, time_range, zone=zone, rows=ROWS)
        try:
            answers[one.id] = Entries(client, index=data_view_for(one, objects).index).answer(body)
        except AccessError as error:
            answers[one.id] = str(error)
    if all(isinstance(answer, str) for answer in answers.values()):
        raise AccessError(str(next(iter(answers.values()), f"{dashboard.id} has no panels")))
    return answers


def _name_of(zone: tzinfo) -> str:
    """What OpenSearch calls it. A machine's own zone has no name here: its offset of today stands for it."""
    offset = datetime.now(zone).strftime("%z")
    return str(zone) if str(zone) != "local" else f"{offset[:3]}:{offset[3:]}"


def _load(path: Path) -> dict[str, SavedObject]:
    from tabletrail_dashboards.objects import load

    try:
        return load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"the saved objects {path} cannot be read ({type(error).__name__})") from None
    except TabletrailError as error:
        raise QueryError(f"{path}: {error}") from None


def _time_range(args: argparse.Namespace, zone: tzinfo) -> TimeRange:
    from tabletrail_dashboards.search_source import TimeRange

    now = datetime.now(UTC)
    start, end = parse_time(args.since, zone, now, Role.START), parse_time(args.until, zone, now, Role.END)
    if end - start < timedelta(seconds=1):
        raise QueryError("--until must be later than --since, by a second or more")
    return TimeRange(start, end)
