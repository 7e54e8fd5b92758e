"""`tabletrail who`: who last changed an item, or a path in it, with the evidence and how sure it is.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from tabletrail.errors import QueryError
from tabletrail_cli import options
from tabletrail_cli.entry_text import at
from tabletrail_cli.errors import FOUND, NOTHING_FOUND
from tabletrail_cli.item_key import item_key
from tabletrail_cli.output import Output, visible
from tabletrail_cli.queries import changed_clause, item_query
from tabletrail_cli.times import LEGAL, Role, parse_time

if TYPE_CHECKING:
    from tabletrail_cli.last_changes import LastChange, LastChanges

EPILOG = r"""examples:
  tabletrail who orders order#17
  tabletrail who orders order#17 status
  tabletrail who orders '{"customer": "c1", "order": 17}' 'lines[].qty' --at 2026-11-24T10:00 --zone Europe/Berlin
  tabletrail who orders order#17 status --last 5

PATH is an attribute or a place in it (status, address.city, lines[2].qty, lines[].qty for any place of a list), and
stands for all that lies in it; * is any text, \* a star. Its last change may be the item's creation or its removal.

What stands in an answer:
  who    whom the change itself names: a claim of the writer, or DynamoDB's own word
  sure   certain, likely or possible, and what that rests on; nobody is named where nothing tells
  IAM    whom IAM verified, by CloudTrail. Never certain to be this change's caller; what contradicts who is marked
  TTL    of an item that TTL removed: who set the attribute for it last, which is not who removed it

A key, or a name in PATH, that was declared sensitive is found by its value if you may read the key of the tokens, or by
its token.

The exit code is 1 if no change is on record. What makes the answer doubtful follows as "not certain": changes that may
be missing, or that wait to be read or indexed. The last minutes' changes may not be in the log yet."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "who",
        help="who last changed an item, or a path in it, and how sure that is",
        description="Answers who last changed an item, or a path in it, with the evidence and how sure it is.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("table", metavar="TABLE", help="name or ARN of the table")
    parser.add_argument("key", metavar="KEY", help="the item's readable key, or its key as JSON, plain or typed")
    parser.add_argument("path", metavar="PATH", nargs="?", default="", help="an attribute, or a place in one")
    parser.add_argument(
        "--at", metavar="TIME", help=f"who had last changed it by then: {LEGAL}; a date is its beginning"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--last", type=int, metavar="N", help="the last N changes, the newest first (default: 1)")
    length.add_argument("--all", action="store_true", help="all of them")
    options.add_output(parser, with_zone=True)
    options.add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    now = datetime.now(UTC)
    key, zone = item_key(args.key), options.zone(args)
    moment = parse_time(args.at, zone, now, Role.MOMENT) if args.at else now
    if args.last is not None and args.last < 1:
        raise QueryError("--last must be 1 or more; --all shows every change")
    if args.path:
        changed_clause(args.path)  # what cannot be asked is said before anything is
    from tabletrail_cli import place
    from tabletrail_cli.entries import PAGE, Entries
    from tabletrail_cli.hidden_paths import paths_of
    from tabletrail_cli.known_item import clause_of
    from tabletrail_cli.last_changes import LastChanges
    from tabletrail_cli.log import Log

    found = place.find(args, os.environ, output)
    limit = None if args.all else args.last or 1
    # A parked entry and its full form may be two for one.
    index = Entries(found.search, PAGE if limit is None else min(PAGE, limit + 3))
    clause, log = clause_of(index, args.table, key, found), Log(found)
    paths, note = paths_of(index, item_query(args.table, clause), args.path, found)
    changes = LastChanges(index, log, args.table, clause, paths, moment)
    found_changes = changes.walk(limit)
    known = list(islice(found_changes, limit or 1))
    doubts = [*([note] if note else []), *_doubts(changes, known, is_whole=limit is None)]
    if not known:
        return _say_nothing(args, moment, changes.why_nothing(), doubts, output)
    for number, change in enumerate(chain(known, found_changes)):
        later = changes.later(change.entry) if number == 0 else ""
        if output.as_json:
            output.json({**_asked(args, moment), **_facts(change, later), "doubts": doubts})
        else:
            if number:
                output.line("")
            _tell(args, change, later, zone, output)
    _tell_doubts(doubts, output)
    return FOUND


def _doubts(changes: LastChanges, known: Sequence[LastChange], is_whole: bool) -> list[str]:
    """What may be missing since the oldest of the known changes, or ever; and since their TTL attribute was set."""
    from tabletrail_cli.doubts import Doubts

    doubts = Doubts(changes.entries, changes.log, changes.table, changes.key)
    entries = [change.entry for change in known]
    entries += [change.setter.told.entry for change in known if change.setter and change.setter.told]
    since = min((at(entry, "@timestamp") for entry in entries), default=None)
    return [
        *changes.unlisted(known[0].entry if known else None),
        *doubts.of_the_index(None if is_whole else since, changes.moment),
        *doubts.of_the_log(int(time.time())),
    ]


def _tell(args: argparse.Namespace, change: LastChange, later: str, zone: tzinfo, output: Output) -> None:
    from tabletrail_cli.who_text import evidence, headline

    output.line(*headline(change, f"{visible(args.table)} {visible(args.key)}", visible(args.path), zone))
    for parts in evidence(change, zone):
        output.line(*parts)
    if later:
        output.line((f"  {visible(later)}", "yellow"))


def _say_nothing(args: argparse.Namespace, moment: datetime, why: str, doubts: list[str], output: Output) -> int:
    if output.as_json:
        output.json({**_asked(args, moment), "sure": None, "because": why, "entry": None, "doubts": doubts})
    else:
        what = f"{visible(args.path)} of " if args.path else ""
        output.line((f"no change of {what}{visible(args.table)} {visible(args.key)} is on record: ", ""), visible(why))
    _tell_doubts(doubts, output)
    return NOTHING_FOUND


def _tell_doubts(doubts: list[str], output: Output) -> None:
    for doubt in doubts:
        output.note(f"not certain: {visible(doubt)}")


def _asked(args: argparse.Namespace, moment: datetime) -> dict[str, Any]:
    when = moment.isoformat().replace("+00:00", "Z")
    return {"table": args.table, "key": args.key, "path": args.path or None, "at": when if args.at else None}


def _facts(change: LastChange, later: str) -> dict[str, Any]:
    """`entry` and `findings` as they are; `actor` is the entry's own, which may name nobody."""
    from tabletrail_cli.who_text import because, how_sure, is_contradicted

    facts = {
        "changed_at": at(change.entry, "@timestamp"),
        "actor": change.entry.get("actor"),
        "sure": how_sure(change.entry),
        "because": because(change.entry),
        "contradiction": is_contradicted(change.told),
        "later": later or None,
        "entry": change.entry,
        "findings": change.told.findings,
        "first_step": change.first_step,
        "ttl": None,
    }
    if change.setter:
        told = change.setter.told
        facts["ttl"] = {
            "attribute": change.setter.name,
            "set_by": told and told.entry,
            "findings": told.findings if told else [],
            "sure": how_sure(told.entry) if told else None,
            "because": because(told.entry) if told else None,
        }
    return facts
