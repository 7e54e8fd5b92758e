"""`tabletrail history`: one item's changes from the oldest to the newest, or the item as it was at a time.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import chain
from typing import TYPE_CHECKING, Any

from tabletrail_cli import options
from tabletrail_cli.entry_text import actor, at, timeline
from tabletrail_cli.errors import FOUND, NOTHING_FOUND
from tabletrail_cli.item_key import item_key
from tabletrail_cli.output import Output, visible
from tabletrail_cli.queries import item_query
from tabletrail_cli.times import LEGAL, Role, parse_time, shown

if TYPE_CHECKING:
    from tabletrail_cli.as_of import AsOf

EPILOG = """examples:
  tabletrail history orders order#17
  tabletrail history orders '{"customer": "c1", "order": 17}'
  tabletrail history orders order#17 --at 2026-11-24T10:00 --zone Europe/Berlin

Of a key with two parts the readable form is both, the partition key's first, joined by /.
With --at the item comes from the log itself, and the bytes it comes from are checked. The exit code is 1 if the item
did not exist then or if nothing is known of it, and 4 if the log is damaged.
A key that was declared sensitive is found by its value, if you may read the key of the tokens, or by its token.
Below a change stands what CloudTrail says of who made it (IAM), apart from what the change itself says. `tabletrail
who` answers who made the last change, with the evidence."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "history",
        help="the changes of one item, or the item as it was at a time",
        description="Shows what happened to one item, from the oldest change to the newest.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("table", metavar="TABLE", help="name or ARN of the table")
    parser.add_argument("key", metavar="KEY", help="the item's readable key, or its key as JSON, plain or typed")
    parser.add_argument("--at", metavar="TIME", help=f"the item as it was then: {LEGAL}; a date is its beginning")
    options.add_output(parser, with_zone=True)
    options.add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    key, zone = item_key(args.key), options.zone(args)
    moment = parse_time(args.at, zone, datetime.now(UTC), Role.MOMENT) if args.at else None
    from tabletrail_cli import place
    from tabletrail_cli.as_of import Rebuilder
    from tabletrail_cli.attribution_text import finding
    from tabletrail_cli.entries import Entries, without_superseded
    from tabletrail_cli.item_story import marks_of_removals, story
    from tabletrail_cli.known_item import clause_of
    from tabletrail_cli.log import Log

    found = place.find(args, os.environ, output)
    index = Entries(found.search)
    clause = clause_of(index, args.table, key, found)
    if moment:
        answer = Rebuilder(index, Log(found), args.table, clause).at(moment)
        return _show_as_of(args, moment, answer, zone, output)
    item = item_query(args.table, clause)
    entries = without_superseded(index.walk(item, "asc"))
    first = next(entries, None)
    if first is None:
        output.note(f"nothing found of {visible(args.key)} in {visible(args.table)}; is the key complete?")
        return NOTHING_FOUND
    entries = chain([first], entries)
    if output.as_json:
        for entry in entries:
            output.json(entry)
        return FOUND
    for told in story(entries, marks_of_removals(index, item)):
        for parts in timeline(told.entry, zone, told.remark, map(finding, told.findings)):
            output.line(*parts)
    return FOUND


def _show_as_of(args: argparse.Namespace, moment: datetime, answer: AsOf, zone: tzinfo, output: Output) -> int:
    from tabletrail_cli.as_of import State

    if output.as_json:
        output.json(_as_json(args, moment, answer))
    else:
        for line in _as_text(args, moment, answer, zone):
            output.line(line)
    for doubt in answer.doubts:
        output.note(f"not certain: {visible(doubt)}")
    return FOUND if answer.state is State.EXISTED else NOTHING_FOUND


def _as_json(args: argparse.Namespace, moment: datetime, answer: AsOf) -> dict[str, Any]:
    return {
        "table": args.table,
        "key": args.key,
        "at": moment.isoformat().replace("+00:00", "Z"),
        "state": answer.state.value,
        "why": answer.why,
        "item": answer.item,
        "entry": at(answer.entry or {}, "event.id") or None,
        "doubts": answer.doubts,
    }


def _as_text(args: argparse.Namespace, moment: datetime, answer: AsOf, zone: tzinfo) -> Iterator[str]:
    from tabletrail_cli.item_text import item_lines

    who = f" by {actor(answer.entry)}" if answer.entry and at(answer.entry, "actor.id") else ""
    when = shown(moment.isoformat(), zone)
    yield f"{visible(args.table)} {visible(args.key)} at {when}: {answer.state.value}, {visible(answer.why)}{who}"
    if answer.item is not None:
        yield from item_lines(answer.item)
