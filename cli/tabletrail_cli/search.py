"""`tabletrail search`: which entries match.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from tabletrail.errors import QueryError
from tabletrail_cli import options
from tabletrail_cli.errors import FOUND, NOTHING_FOUND
from tabletrail_cli.filters import FACETS, FILTERS, TRUE
from tabletrail_cli.output import Output, visible
from tabletrail_cli.queries import SEVERITIES, Question, facets_of, query_of
from tabletrail_cli.times import LEGAL, Role, parse_time

if TYPE_CHECKING:
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.patterns import Clause

DEFAULT_LIMIT = 50

EPILOG = r"""examples:
  tabletrail search shipped --table orders --since 2d
  tabletrail search --changed email --not 'actor=billing*' --after 'email=*@example.com'
  tabletrail search --number 'price before <= 100 after > 100' --json
  tabletrail search --action remove --action expire --since 2026-11-24 --until 2026-11-24 --zone Europe/Berlin
  tabletrail search --actor-last-known alice --not 'actor=*' --action remove
  tabletrail search --principal billing-writer --claimed alice --since 7d
  tabletrail search --contradiction --since 30d
  tabletrail search --facets actor,action --since 7d

In values of filters * stands for any text; \* is a star. Several values of one filter mean any of them, several
filters mean all of them. Who claims to have done it (actor) and whom IAM verified (principal, claimed, contradiction)
stand in two entries: a search for both finds nothing. `tabletrail who` and `history` put them together."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "search",
        help="find entries by text, table, actor, path, value, number and time",
        description="Finds entries; the newest first.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "text",
        nargs="*",
        metavar="TEXT",
        help="words of the entry: its sentence or reason, its key, who made it, its request, tags, a changed path "
        "or a whole value; all must be there. A part of order#17 is a word too, and order#17 means the whole of it. In "
        "quotes for the shell: '\"a phrase\"', 'begin*', 'either | or', 'with -without'",
    )
    _add_filters(parser)
    _add_times_and_lists(parser)
    options.add_output(parser, with_zone=True)
    options.add_place(parser)
    parser.set_defaults(run=run)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("filters")
    for name, chosen in FILTERS.items():
        if chosen.is_flag:
            group.add_argument(f"--{name}", action="append_const", const=TRUE, default=[], dest=name, help=chosen.help)
        else:
            group.add_argument(f"--{name}", action="append", default=[], dest=name, metavar="VALUE", help=chosen.help)
    group.add_argument(
        "--not",
        dest="excluded",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"without these; NAME is one of {', '.join(FILTERS)}",
    )
    group.add_argument(
        "--changed",
        action="append",
        default=[],
        metavar="PATH",
        help="that changed this attribute or anything in it: status, lines[2].qty, lines[].qty (any place), addr*.city",
    )
    for side in ("before", "after"):
        group.add_argument(
            f"--{side}",
            action="append",
            default=[],
            metavar="PATH=VALUE",
            help=f"where a changed attribute had this value {side} the change; * in VALUE is any text",
        )
    group.add_argument(
        "--number",
        action="append",
        default=[],
        metavar="'PATH before|after OP N'",
        help="where a changed number compares so (>, >=, <, <=, =); more may follow: 'price after >= 1 after < 9'",
    )
    group.add_argument(
        "--severity", default="", metavar="LEVEL", help=f"at least this: {', '.join(SEVERITIES)}, or a number"
    )


def _add_times_and_lists(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("time and order")
    group.add_argument("--since", metavar="TIME", help=f"at or after: {LEGAL}")
    group.add_argument("--until", metavar="TIME", help="before; a date is included whole")
    group.add_argument(
        "--order", choices=("asc", "desc"), default="desc", help="oldest or newest first (default: desc)"
    )
    length = group.add_mutually_exclusive_group()
    length.add_argument("--limit", type=int, metavar="N", help=f"at most so many (default: {DEFAULT_LIMIT})")
    length.add_argument("--all", action="store_true", help="all of them, as they come")
    group.add_argument(
        "--facets",
        metavar="NAMES",
        help=f"count instead of listing, by these, separated by commas: {', '.join(FACETS)}",
    )
    group.add_argument("--diff", action="store_true", help="with each entry what changed, line by line")


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    question = question_of(args, datetime.now(UTC))
    query_of(question)  # what cannot be asked is said before anything is
    if args.limit is not None and args.limit < 1:
        raise QueryError("--limit must be 1 or more; --all lists everything")
    aggregations = facets_of(args.facets) if args.facets else None
    zone = options.zone(args)
    from tabletrail_cli import place
    from tabletrail_cli.entries import PAGE, Entries, without_superseded
    from tabletrail_cli.hidden import reveal

    limit = None if args.all else args.limit or DEFAULT_LIMIT
    # One more than is shown tells whether more follow.
    page = PAGE if limit is None else min(PAGE, limit + 1)
    found_place = place.find(args, os.environ, output)
    entries = Entries(found_place.search, page)
    question, note = reveal(question, found_place, entries)
    if note:
        output.note(f"tabletrail: {note}")
    query = query_of(question)
    if aggregations:
        counted = entries.aggregate(query, aggregations)
        # OpenSearch answers in an order of its own; the user named one.
        return _facets({name: counted[name] for name in aggregations}, output)
    found = without_superseded(entries.walk(query, args.order))
    first = next(found, None)
    if first is None:
        output.note("nothing found")
        return NOTHING_FOUND
    shown = 0
    for entry in islice(chain([first], found), limit):
        show(entry, args.diff, zone, output)
        shown += 1
    if shown == limit and next(found, None) is not None:
        _tell_the_rest(entries, query, shown, output)
    return FOUND


def question_of(args: argparse.Namespace, now: datetime) -> Question:
    """Pure. QueryError for times that cannot be."""
    zone = options.zone(args)
    return Question(
        text=" ".join(args.text),
        fields=[(name, getattr(args, name)) for name in FILTERS],
        excluded=args.excluded,
        changed=args.changed,
        before=args.before,
        after=args.after,
        numbers=args.number,
        severity=args.severity,
        since=parse_time(args.since, zone, now, Role.START) if args.since else None,
        until=parse_time(args.until, zone, now, Role.END) if args.until else None,
    )


def show(entry: dict[str, Any], with_diff: bool, zone: Any, output: Output) -> None:
    from tabletrail_cli.entry_text import changes, list_line

    if output.as_json:
        output.json(entry)
        return
    output.line(*list_line(entry, zone))
    if with_diff:
        for parts in changes(entry):
            output.line(*parts)


def _tell_the_rest(entries: Entries, query: Clause, number: int, output: Output) -> None:
    total = entries.count(query)
    if total > number:
        output.note(f"{number} of {total:,} entries; --all lists them all, --limit N more of them")


def _facets(found: dict[str, Any], output: Output) -> int:
    rows = list(_facet_rows(found))
    for facet, value, count in rows:
        if output.as_json:
            output.json({"facet": facet, "value": value, "count": count})
    if not output.as_json:
        for facet in dict.fromkeys(row[0] for row in rows):
            output.line((facet, "bold"))
            for _, value, count in (row for row in rows if row[0] == facet):
                output.line(f"{count:>12,}  {'(none)' if value is None else visible(str(value))}")
            _tell_others(facet, found[facet], output)
    return FOUND if any(count for *_, count in rows) else NOTHING_FOUND


def _facet_rows(found: dict[str, Any]) -> Iterator[tuple[str, Any, int]]:
    for facet in (name for name in found if not name.endswith(" missing")):
        for bucket in found[facet]["buckets"]:
            # A boolean's key is a number, and its text the word.
            yield facet, bucket.get("key_as_string", bucket["key"]), int(bucket["doc_count"])
        missing = int(found[f"{facet} missing"]["doc_count"])
        if missing:
            yield facet, None, missing


def _tell_others(facet: str, aggregation: dict[str, Any], output: Output) -> None:
    others = int(aggregation.get("sum_other_doc_count", 0))
    if others:
        output.line((f"{others:>12,}  under other values, not listed: narrow the search to see them", "dim"))
    if aggregation.get("doc_count_error_upper_bound"):
        output.line((f"{'':>12}  counts of {facet} are approximate", "dim"))
