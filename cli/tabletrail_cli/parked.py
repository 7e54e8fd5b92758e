"""`tabletrail parked list | show | retry`: entries that the index refused, and records that could not be read.

Rules
- Nothing here changes the log, and nothing in the index: a retry only creates, beside what is there.

Called by `main`. `show` and `retry` are in modules of their own.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, tzinfo
from typing import Any

from tabletrail.errors import QueryError
from tabletrail_cli import options, parked_retry, parked_show
from tabletrail_cli.entry_text import Entry
from tabletrail_cli.entry_text import at as text_at
from tabletrail_cli.errors import FOUND, NOTHING_FOUND
from tabletrail_cli.output import Output, visible
from tabletrail_cli.parked_entries import PARKED, SHORT_ID, UNREADABLE, pages, query, retried
from tabletrail_cli.patterns import Clause
from tabletrail_cli.times import LEGAL, Role, parse_time, shown

DEFAULT_LIMIT = 50
HEADER = ("id", "time", "table", "item", "kind", "reason", "segment:line", "retried")

EPILOG = """examples:
  tabletrail parked list --since 7d
  tabletrail parked show 3f9a27c1d0b2 --images
  tabletrail parked retry --all --table orders --dry-run

A parked entry stands in the index for one that OpenSearch refused; the full one is in the log, untouched. `show` takes
it from there. `retry` offers it to the index once more, after a limit or a mapping was mended."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "parked",
        help="entries that the index refused: list them, show them whole, offer them again",
        description="What the index refused and what could not be read: nothing of it is lost, and this gets it back.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="parked_command", required=True, metavar="command")
    _add_list(commands)
    parked_show.add_parser(commands)
    retry = parked_retry.add_parser(commands)
    for command in (commands.choices["list"], retry):
        add_filters(command)
    for command in commands.choices.values():
        options.add_output(command, with_zone=True)
        options.add_place(command)


def _add_list(commands: Any) -> None:
    command = commands.add_parser(
        "list",
        help="which entries were refused, the newest first",
        description="Lists parked entries, the newest first.",
        allow_abbrev=False,
    )
    command.add_argument(
        "--unreadable", action="store_true", help="also records that could not be converted; the log has them whole"
    )
    length = command.add_mutually_exclusive_group()
    length.add_argument("--limit", type=int, metavar="N", help=f"at most so many (default: {DEFAULT_LIMIT})")
    length.add_argument("--all", action="store_true", help="all of them")
    command.set_defaults(run=run)


def add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("filters")
    group.add_argument("--table", action="append", default=[], metavar="VALUE", help="name of the table")
    group.add_argument("--reason", action="append", default=[], metavar="VALUE", help="OpenSearch's word for it")
    group.add_argument("--since", metavar="TIME", help=f"at or after: {LEGAL}")
    group.add_argument("--until", metavar="TIME", help="before; a date is included whole")


def query_of(args: argparse.Namespace, *kinds: str) -> Clause:
    """Of the filters above. QueryError."""
    zone, now = options.zone(args), datetime.now(UTC)
    since = parse_time(args.since, zone, now, Role.START) if args.since else None
    until = parse_time(args.until, zone, now, Role.END) if args.until else None
    return query(kinds, args.table, args.reason, since, until)


def run(args: argparse.Namespace, output: Output) -> int:
    """`list`. The exit code."""
    if args.limit is not None and args.limit < 1:
        raise QueryError("--limit must be 1 or more; --all lists everything")
    kinds = (PARKED, UNREADABLE) if args.unreadable else (PARKED,)
    clause, zone = query_of(args, *kinds), options.zone(args)
    from tabletrail_cli import place
    from tabletrail_cli.entries import PAGE, Entries

    index = Entries(place.find(args, os.environ, output).search)
    limit = None if args.all else args.limit or DEFAULT_LIMIT
    count = 0
    for page in pages(index.walk(clause, "desc", limit), PAGE):
        _show(page, retried(index, page), zone, output)
        count += len(page)
    if not count:
        output.note("nothing found")
        return NOTHING_FOUND
    if count == limit and (total := index.count(clause)) > count:
        output.note(f"{count} of {total:,} entries; --all lists them all, --limit N more of them")
    return FOUND


def _show(page: list[Entry], done: dict[str, str], zone: tzinfo, output: Output) -> None:
    if output.as_json:
        for entry in page:
            output.json(facts(entry, done))
    else:
        output.table(HEADER, [_row(entry, done, zone) for entry in page], right=[False] * len(HEADER))


def facts(entry: Entry, done: dict[str, str]) -> dict[str, Any]:
    """One entry for programs; `done` is which ones are in the index after all. Called by `parked_show` too."""
    is_parked = text_at(entry, "tabletrail.kind") == PARKED
    entry_id = text_at(entry, "event.id")
    return {
        "id": entry_id,
        "time": text_at(entry, "@timestamp"),
        "table": text_at(entry, "table.name"),
        "item": text_at(entry, "item.id") or None,
        "state": PARKED if is_parked else UNREADABLE,
        "kind": text_at(entry, "tabletrail.parked.kind") if is_parked else UNREADABLE,
        "reason": text_at(entry, "tabletrail.parked.reason" if is_parked else "tabletrail.unreadable.reason"),
        "index": text_at(entry, "log.index"),
        "segment": text_at(entry, "log.segment"),
        "line": int(text_at(entry, "log.line") or 0),
        "retried": entry_id in done if is_parked else None,
        "retried_as": done.get(entry_id),
    }


def _row(entry: Entry, done: dict[str, str], zone: tzinfo) -> list[str]:
    known = facts(entry, done)
    item = visible(known["item"] or "-")
    return [
        known["id"][:SHORT_ID],
        shown(known["time"], zone),
        visible(known["table"]),
        item if len(item) <= 40 else item[:40] + "…",
        known["kind"],
        visible(known["reason"]),
        f"{known['segment']}:{known['line']}",
        "-" if known["retried"] is None else "yes" if known["retried"] else "no",
    ]
