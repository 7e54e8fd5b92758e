"""`tabletrail onboard`: what it takes to audit a table, and doing it.

Rules
- Without --yes or a yes at the prompt nothing is changed.
- A stream of the wrong view type is replaced only by --replace-stream: it orphans the stream's other readers, and what
  they have not read yet, and what is written while the table has no stream, is lost to them.
- Before a stream is replaced a note is left for the service, so that the log says that changes may be missing.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from tabletrail_cli import options
from tabletrail_cli.errors import FOUND, NOTHING_FOUND, USAGE
from tabletrail_cli.output import Output, visible

if TYPE_CHECKING:
    from tabletrail_cli.onboarding import Steps, TableState

EPILOG = """examples:
  tabletrail onboard orders
  tabletrail onboard orders --yes
  tabletrail onboard orders --replace-stream

You need the right to describe and tag the table, to switch its stream on, and to list event source mappings."""

REPLACING = """\
Its stream carries {view_type}, and both images are needed to tell what changed.
A stream's view type cannot be changed: it must be switched off and a new one on. That
- orphans the old stream's readers: a Lambda trigger must be made anew for the new stream's ARN;
- loses what they have not read, and for everyone the changes made while there is no stream. The log will say so with
  an entry of kind gap.
If you want that, give --replace-stream."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "onboard",
        help="see what auditing a table takes, and do it",
        description="Shows a table's stream, its other readers and its tag; with --yes or when asked, has it audited.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("table", metavar="TABLE", help="name of the table, in the stack's account and region")
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    parser.add_argument(
        "--replace-stream",
        action="store_true",
        help="replace a stream that does not carry both images; orphans its other readers",
    )
    options.add_output(parser, with_zone=False)
    options.add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from tabletrail_cli import place
    from tabletrail_cli.log import Log
    from tabletrail_cli.onboarding import Onboarding

    onboarding = Onboarding(Log(place.find(args, os.environ, output)))
    state = onboarding.look(args.table)
    if state is None:
        output.note(f"tabletrail: there is no table {visible(args.table)!r} in this account and region")
        return NOTHING_FOUND
    is_blocked = state.has_wrong_view and not args.replace_stream
    steps = onboarding.steps(state) if not is_blocked else {}
    if not output.as_json:
        _tell(state, steps, is_blocked, output)
    is_done = bool(steps) and _may_go_on(args, output) and _do(state, steps, output)
    if output.as_json:
        output.json({**state.facts(), "steps": list(steps), "done": is_done, "needs_replace_stream": is_blocked})
    return USAGE if is_blocked else FOUND


def _tell(state: TableState, steps: Steps, is_blocked: bool, output: Output) -> None:
    for line in state.lines():
        output.line(visible(line))
    if is_blocked:
        output.line(REPLACING.format(view_type=state.view.view_type))
    elif not steps:
        output.line("Nothing to do: it is audited, or will be with the next run.")
    for step in steps:
        output.line(f"To do: {step}")


def _may_go_on(args: argparse.Namespace, output: Output) -> bool:
    if args.yes:
        return True
    if output.as_json or not sys.stdin.isatty():
        output.note("nothing was changed; --yes does it")
        return False
    answer = input("Do it? [y/N] ").strip().lower()
    if answer in ("y", "yes"):
        return True
    output.note("nothing was changed")
    return False


def _do(state: TableState, steps: Steps, output: Output) -> bool:
    for words, step in steps.items():
        step(state)
        output.note(f"done: {words}")
    if not output.as_json:
        output.line("It is audited from the next run, within two minutes: see `tabletrail status`.")
    return True
