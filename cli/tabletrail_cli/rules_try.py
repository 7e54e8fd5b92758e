"""`tabletrail rules try`: what rules would have marked, had they been in force before.

Called by `rules`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from typing import Any

from tabletrail.errors import QueryError
from tabletrail_cli import options, rules_attribution
from tabletrail_cli.entry_text import at
from tabletrail_cli.errors import DAMAGED, FOUND, NOTHING_FOUND
from tabletrail_cli.output import Output, visible
from tabletrail_cli.times import LEGAL, Role, parse_time, shown

EXAMPLES = 5

EPILOG = """examples:
  tabletrail rules try --since 7d
  tabletrail rules try my-rules.json --table customers --against index --examples 20
  tabletrail rules try --since 2026-11-01 --until 2026-11-30 --json

Each change is judged by its whole images, as they lie in the log, also where the index has tokens for them. --against
log goes through all segments; --against index asks the index which segments hold changes of that time and table, and
reads those: faster for a part of a large log, and blind for what is not indexed. Where the rules say which attributes
name actors, the changes that would get one are counted by table. The exit code is 1 if no rule fits anything and no
attribute names anybody, 2 if something is wrong with the rules, 4 if segments are damaged, which are then left out.

You must be able to scan the table of segments (or to search) and to read the log's objects. Nothing is written."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "try",
        help="run rules over the log's past: which changes they would have marked, and which alerted",
        description="Judges the changes that the log holds by rules that are not in force (yet).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="files of rules, which count together (default: mappings/rules/*.json of this checkout)",
    )
    group = command.add_argument_group("what to judge")
    group.add_argument("--since", metavar="TIME", help=f"changes at or after: {LEGAL}")
    group.add_argument("--until", metavar="TIME", help="before; a date is included whole")
    group.add_argument("--table", metavar="NAME", default="", help="changes of this table only")
    group.add_argument(
        "--against", choices=("log", "index"), default="log", help="how to find them (default: log, all segments)"
    )
    group.add_argument(
        "--examples", type=int, default=EXAMPLES, metavar="N", help="show so many of each rule (default: %(default)s)"
    )
    options.add_output(command, with_zone=True)
    options.add_place(command)
    command.set_defaults(run=run)
    return command


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from pathlib import Path

    from tabletrail.policy_files import check
    from tabletrail_cli import place
    from tabletrail_cli.log import Log
    from tabletrail_cli.trial import Asked, Trial, from_index, from_log

    if args.examples < 0:
        raise QueryError("--examples must be 0 or more")
    zone, now = options.zone(args), datetime.now(UTC)
    since, until = (
        parse_time(text, zone, now, role) if text else None
        for text, role in ((args.since, Role.START), (args.until, Role.END))
    )
    if since and until and since >= until:
        raise QueryError("--since is not before --until: nothing can lie between")
    checked = check(args.files_of([Path(name) for name in args.files]))
    if checked.policy is None:
        tell: Callable[[Any, Output], int] = args.tell
        return tell(checked, output)
    found = place.find(args, os.environ, output)
    log, asked = Log(found), Asked(args.table, since, until)
    rows = from_index(found, log, asked) if args.against == "index" else from_log(log, asked)
    trial = Trial(checked.policy, asked, found.settings.actor_attribute, args.examples, output.note)
    trial.run(rows, log.store)
    return _tell(trial, zone, output)


def _tell(trial: Any, zone: tzinfo, output: Output) -> int:
    for name, found in sorted(trial.found.items()):
        if output.as_json:
            output.json({"kind": "rule", "rule": name, "entries": found.entries, "alerts": found.alerts})
        else:
            output.line((name, "bold"), f": {found.entries:,} changes, {found.alerts:,} alerted")
        for entry in found.first():
            if output.as_json:
                output.json({"kind": "example", "rule": name, "entry": entry})
            else:
                when, what = shown(at(entry, "@timestamp"), zone), visible(at(entry, "message"))
                output.line(f"  {when}  {what}  ", (at(entry, "event.id")[:12], "dim"))
    for table, named in sorted(trial.named.items()) if output.as_json else ():
        output.json({"kind": "attribution", "table": table, **asdict(named)})
    for line in rules_attribution.tried_lines(trial.named) if not output.as_json else ():
        output.line(line)
    for segment_id, why in trial.damaged.items():
        output.note(f"tabletrail: segment {segment_id} was left out: {visible(why)}")
    counts = {
        "segments": trial.segments,
        "changes": trial.changes,
        "marked": trial.marked,
        "alerts": trial.alerts,
        "alerted_then": trial.alerted_then,
        "damaged": len(trial.damaged),
    }
    if output.as_json:
        output.json({"kind": "result", **counts})
    else:
        output.line(
            f"{trial.changes:,} changes in {trial.segments:,} segments: {trial.marked:,} marked, {trial.alerts:,} would"
            f" have alerted; {trial.alerted_then:,} did under the rules of their time"
        )
    if trial.damaged:
        return DAMAGED
    is_found = trial.marked or any(named.now for named in trial.named.values())
    return FOUND if is_found else NOTHING_FOUND
