"""`tabletrail recover`: after a table of checkpoints was restored or made anew, the tables agree with the log again.

Rules
- Without --apply nothing is changed: what was found is shown, and what would be done.
- Where nothing is wrong nothing is done, with --apply too.
- The log itself is never changed: nothing of it is deleted, and only entries that record the recovery are added.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tabletrail_cli import options
from tabletrail_cli.errors import DAMAGED, FOUND
from tabletrail_cli.output import Output, visible

if TYPE_CHECKING:
    from tabletrail.recovery import Findings

EPILOG = """examples:
  tabletrail recover
  tabletrail recover --apply

No run captures anything while the tables do not belong together: what is written to audited tables waits in their
streams, for 24 hours. First stop the schedule (ScheduleState=DISABLED) if you are still restoring tables.

Reads the names of all objects of the log, and the objects that have no row. The exit code is 4 if something is wrong
and was not put right."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "recover",
        help="after a table of tabletrail's own was restored or lost: go on where the log ends",
        description="Compares tabletrail's own four tables with each other and with the log; with --apply, rebuilds "
        "from the log what is older than it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--apply", action="store_true", help="do it; without it nothing is changed")
    options.add_output(parser, with_zone=False)
    options.add_place(parser)
    parser.set_defaults(run=run)


class _Noted:
    """`Progress` for the person who waits."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def note(self, event: str, **facts: str | int | float) -> None:
        self._output.note(
            f"{event}: " + ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in facts.items())
        )


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from tabletrail_cli import place
    from tabletrail_cli.log import Log
    from tabletrail_cli.recovering import recovery_of

    recovery = recovery_of(Log(place.find(args, os.environ, output)), _Noted(output))
    findings = recovery.apply(f"recover-{uuid.uuid4().hex[:12]}") if args.apply else recovery.look()
    if output.as_json:
        output.json(asdict(findings))
    else:
        for line in _lines(findings):
            output.line(visible(line))
    return FOUND if findings.is_applied or not findings.trouble else DAMAGED


def _lines(findings: Findings) -> Iterator[str]:
    if not findings.trouble:
        yield "The tables belong together and to the log: there is nothing to recover."
        return
    is_done = findings.is_applied
    yield "These tables are older than the log:"
    for table, words in findings.behind.items():
        yield f"  {table}: {words}"
    yield (
        f"The log has {findings.objects} objects; {findings.rows_missing} segments have lost their rows, which "
        f"{'were' if is_done else 'would be'} put back; {findings.orphans} objects were never committed, and stay so."
    )
    yield (
        f"{findings.shards_moved} shards {'were' if is_done else 'would be'} set to where the log ends, "
        f"{findings.streams_rebuilt} rows of streams {'were' if is_done else 'would be'} rebuilt; "
        f"{findings.streams} streams {'got' if is_done else 'would get'} a coverage entry `recovered`."
    )
    if findings.forced:
        yield f"Beware: {findings.forced} segments go on from none: the log lacks a part, ask `tabletrail verify`."
    for damage in findings.damaged:
        yield f"Beware: {damage}"
    if is_done:
        yield f"Done. The next run goes on, with stamp {findings.stamp + 1}: see `tabletrail status`."
    else:
        yield "Nothing was changed; --apply does it."
