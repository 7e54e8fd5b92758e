"""`tabletrail holds list | set | release`: what may not be deleted from OpenSearch, whatever the retention says.

Rules
- Who sets or releases a hold is who AWS says the caller is, never what the caller says.
- Nothing is forgotten: a released hold is still listed with --all.
- A hold is in force when a run has seen it: `list` tells.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

from tabletrail_cli import options
from tabletrail_cli.errors import FOUND, NOTHING_FOUND
from tabletrail_cli.output import Output, visible
from tabletrail_cli.times import age

if TYPE_CHECKING:
    from tabletrail.core.holds import Hold
    from tabletrail_cli.log import Log

HEADER = ("id", "holds", "since", "by", "reason", "state")

EPILOG = """examples:
  tabletrail holds set all --reason "case 2026-114"
  tabletrail holds set 2026.11 --reason "inquiry of the tax office"
  tabletrail holds set orders --reason "case 2026-114, discovery"
  tabletrail holds release h-3f9a27c1 --reason "case closed"

A hold keeps indices of OpenSearch from being deleted when RetentionDays have passed. An index holds a period's entries
of all tables and is kept or deleted as a whole: a hold on a table keeps every period. The log in S3 is kept by Object
Lock, whatever is held. Each change becomes an entry of kind coverage in the log of the tables that it is about."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "holds",
        help="legal holds: what may not be deleted, by table or period",
        description="Legal holds: what may not be deleted from OpenSearch, whatever the retention says.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="holds_command", required=True, metavar="command")
    listing = commands.add_parser("list", help="what is held, by whom and why", allow_abbrev=False)
    listing.add_argument("--all", action="store_true", help="released ones too")
    listing.set_defaults(run=run_list)
    setting = commands.add_parser("set", help="hold all, a period or a table", allow_abbrev=False)
    setting.add_argument(
        "target", metavar="WHAT", help="`all`, a period (2026.11, 2026.w47, 2026.11.24), a table's name or ARN"
    )
    setting.set_defaults(run=run_set)
    releasing = commands.add_parser("release", help="end a hold", allow_abbrev=False)
    releasing.add_argument("id", metavar="ID", help="as `tabletrail holds list` shows it")
    releasing.set_defaults(run=run_release)
    for command in (setting, releasing):
        command.add_argument("--reason", required=True, metavar="TEXT", help="why; it is kept with the hold")
    for command in commands.choices.values():
        options.add_output(command, with_zone=False)
        options.add_place(command)


def run_list(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from dataclasses import asdict

    log, now = _log(args, output), int(time.time())
    holds, note = log.holds.read(), _note(log)
    shown = [hold for hold in holds.every if args.all or hold.is_active]
    is_seen = note.get("holds") == holds.number
    if output.as_json:
        for hold in shown:
            output.json({**asdict(hold), "seen": is_seen})
    elif shown:
        rows = [_row(hold, is_seen, now) for hold in shown]
        output.table(HEADER, rows, right=[False] * len(HEADER))
    else:
        output.line("Nothing is held.")
    if shown and not is_seen:
        output.note("The last change was not seen by a run yet: the next one heeds it, see `tabletrail status`.")
    return FOUND if shown else NOTHING_FOUND


def run_set(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    log = _log(args, output)
    hold = _holding(log).set(args.target, args.reason, f"h-{uuid.uuid4().hex[:8]}")
    _tell(hold, f"{hold.id}: holds {hold.words()}", output)
    if not output.as_json:
        if hold.kind == "table":
            output.line("An index is kept or deleted as a whole, so every period is kept until the release.")
        output.line("A run heeds it within two minutes: `tabletrail holds list` says when one has.")
    _warn(log, output)
    return FOUND


def run_release(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    hold = _holding(_log(args, output)).release(args.id, args.reason)
    _tell(hold, f"{hold.id}: released, held {hold.words()}", output)
    return FOUND


def _tell(hold: Hold, words: str, output: Output) -> None:
    from dataclasses import asdict

    if output.as_json:
        output.json(asdict(hold))
    else:
        output.line(visible(words))


def _warn(log: Log, output: Output) -> None:
    """ISM may have been told to delete an index before the hold: a run takes that back, if one comes in time."""
    from tabletrail_cli.periods import about_to_go

    going = about_to_go(_note(log), log.holds.read(), int(time.time()))
    if going:
        output.note(
            f"tabletrail: beware, the deletion of {visible(', '.join(going))} has begun. The next run takes it back. "
            "If none comes within minutes, take the policy off in Dashboards (Index Management, Policy managed indices)"
        )


def _log(args: argparse.Namespace, output: Output) -> Log:
    from tabletrail_cli import place
    from tabletrail_cli.log import Log

    return Log(place.find(args, os.environ, output))


def _note(log: Log) -> dict[str, Any]:
    from tabletrail.closing import NOTE

    return log.notes.read(NOTE)


def _holding(log: Log) -> Any:
    from tabletrail.aws.clock import SystemClock
    from tabletrail.aws.troubles import translated
    from tabletrail.holding import Holding

    with translated("asking AWS who you are"):
        by = str(log.place.session.client("sts").get_caller_identity()["Arn"])
    return Holding(log.holds, SystemClock(), by)


def _row(hold: Hold, is_seen: bool, now: int) -> tuple[str, ...]:
    state = "in force" if is_seen else "set"
    if not hold.is_active:
        state = f"released {age(now - hold.released_at)} ago by {hold.released_by}: {hold.release_reason}"
    words = (hold.id, hold.words(), age(now - hold.at), hold.by, hold.reason, state)
    return tuple(visible(text) for text in words)
