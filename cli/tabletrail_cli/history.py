"""`tabletrail history`: one item's changes from the oldest to the newest, or the item as it was at a time.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from tabletrail_cli import options
from tabletrail_cli.entry_text import actor, at, timeline
from tabletrail_cli.errors import FOUND, NOTHING_FOUND, AccessError
from tabletrail_cli.item_key import ItemKey, item_key
from tabletrail_cli.output import Output, visible
from tabletrail_cli.queries import item_query
from tabletrail_cli.times import LEGAL, Role, parse_time, shown

if TYPE_CHECKING:
    from tabletrail_cli.as_of import AsOf
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.place import Place

EPILOG = """examples:
  tabletrail history orders order#17
  tabletrail history orders '{"customer": "c1", "order": 17}'
  tabletrail history orders order#17 --at 2026-11-24T10:00 --zone Europe/Berlin

Of a key with two parts the readable form is both, the partition key's first, joined by /.
With --at the item comes from the log itself, and the bytes it comes from are checked. The exit code is 1 if the item
did not exist then or if nothing is known of it, and 4 if the log is damaged.
A key that was declared sensitive is found by its value, if you may read the key of the tokens, or by its token."""


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
    from tabletrail_cli.entries import Entries, without_superseded
    from tabletrail_cli.log import Log

    found = place.find(args, os.environ, output)
    index = Entries(found.search)
    key = _revealed(index, args.table, key, found)
    clause = _settled(index, args.table, key).clause()
    if moment:
        answer = Rebuilder(index, Log(found), args.table, clause).at(moment)
        return _show_as_of(args, moment, answer, zone, output)
    entries = without_superseded(index.walk(item_query(args.table, clause), "asc"))
    is_empty = True
    for entry in entries:
        is_empty = False
        if output.as_json:
            output.json(entry)
        else:
            for parts in timeline(entry, zone):
                output.line(*parts)
    if is_empty:
        output.note(f"nothing found of {visible(args.key)} in {visible(args.table)}; is the key complete?")
        return NOTHING_FOUND
    return FOUND


def _revealed(index: Entries, table: str, key: ItemKey, place: Place) -> ItemKey:
    """The key also as tokens, where the table's keys were declared sensitive; a token itself is found as it is."""
    from tabletrail_cli.hidden import has_tokens, is_token, tokens_of, with_tokens

    if any(is_token(one) for one in key.ids) or not has_tokens(index, ["item.key"], table):
        return key
    try:
        return with_tokens(key, tokens_of(place))
    except AccessError as error:
        raise AccessError(
            f"keys of {table} stand in the index as tokens. {error} Or give the item's token in place of KEY: whoever "
            "may read the key has it from `tabletrail token`"
        ) from None


def _settled(index: Entries, table: str, key: ItemKey) -> ItemKey:
    """Of two readings of a key the one that the log knows, however its parts stand there."""
    if not key.parts:
        return key
    ids = {"ids": {"terms": {"field": "item.id"}}}
    found = index.aggregate(item_query(table, key.candidates()), ids)["ids"]["buckets"]
    return ItemKey(tuple(bucket["key"] for bucket in found), {}) if found else key


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
