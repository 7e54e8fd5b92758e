"""`tabletrail rules`: are rules right, what would they have marked, and which ones are in force?

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabletrail.core.checkpoint import NO_RULES
from tabletrail.errors import QueryError
from tabletrail_cli import options, rules_attribution, rules_try
from tabletrail_cli.errors import FOUND, NOTHING_FOUND, USAGE
from tabletrail_cli.output import Output, visible
from tabletrail_cli.times import shown

if TYPE_CHECKING:
    from tabletrail.core.policy import Policy
    from tabletrail.policy_files import CheckedFiles

FOLDER = Path(__file__).parents[2] / "mappings" / "rules"
"""Of this checkout: what its next deployment publishes."""
SHORT = 12

EPILOG = """examples:
  tabletrail rules check
  tabletrail rules check my-rules.json
  tabletrail rules try mappings/rules/*.json --since 7d --table customers
  tabletrail rules show

Rules, sensitive values and how the writers of tables say who they are: all are declared in mappings/rules/*.json (see
docs/rules.md). All files together are published by the next deployment, which refuses them whole, and changes nothing,
if anything is wrong with them."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "rules",
        help="rules of sensitive changes: check them, try them on the log's past, show those in force",
        description="Works with the rules that mark sensitive changes and the declarations of sensitive values.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="rules_command", required=True, metavar="command")
    _add_check(commands)
    _add_show(commands)
    attempt = rules_try.add_parser(commands)
    attempt.set_defaults(files_of=files_of, tell=tell_problems)


def _add_check(commands: Any) -> None:
    command = commands.add_parser(
        "check",
        help="what is wrong with rules, by file, line and reason",
        description="Checks files of rules as a deployment does. The exit code is 2 if anything is wrong.",
        allow_abbrev=False,
    )
    add_files(command)
    options.add_output(command, with_zone=False)
    command.set_defaults(run=run_check)


def _add_show(commands: Any) -> None:
    command = commands.add_parser(
        "show",
        help="which rules are in force, since when, and under which ones each table is",
        description="Shows the published rules and how far they have reached the tables.",
        allow_abbrev=False,
    )
    options.add_output(command, with_zone=True)
    options.add_place(command)
    command.set_defaults(run=run_show)


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="files of rules, which count together (default: mappings/rules/*.json of this checkout)",
    )


def files_of(given: Sequence[Path]) -> list[tuple[str, str]]:
    """Names and texts. QueryError for what cannot be read."""
    paths = list(given) or sorted(FOLDER.glob("*.json"))
    if not paths:
        raise QueryError(f"there are no rules in {FOLDER}: name the files")
    found = []
    for path in paths:
        try:
            found.append((str(path if given else path.name), path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise QueryError(f"{path} cannot be read ({type(error).__name__}): rules are files of JSON") from None
    return found


def run_check(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from tabletrail.policy_files import check

    checked = check(files_of(args.files))
    if checked.policy is None:
        return tell_problems(checked, output)
    if output.as_json:
        output.json({"kind": "result", "is_right": True, "version": checked.version, **checked.counts})
    else:
        output.line(("Nothing is wrong.", "green"), f" {_counted(checked.policy)}, version {checked.version[:SHORT]}")
    return FOUND


def tell_problems(checked: CheckedFiles, output: Output) -> int:
    """The exit code for rules with something wrong, which a deployment would refuse."""
    for problem in checked.problems:
        if output.as_json:
            output.json({"kind": "problem", **asdict(problem)})
            continue
        column = f":{problem.column}" if problem.column else ""
        what = ", ".join(filter(None, (problem.rule, problem.part)))
        place = f"{visible(problem.file)}:{problem.line}{column}"
        output.line((place, "bold"), f": {visible(what)}{': ' if what else ''}{visible(problem.reason)}")
    if output.as_json:
        output.json({"kind": "result", "is_right": False, "problems": len(checked.problems)})
    else:
        output.note(f"{len(checked.problems)} problems: a deployment would refuse these rules, and change nothing")
    return USAGE


def run_show(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    zone = options.zone(args)
    from tabletrail.aws.clients import s3_client
    from tabletrail.aws.rules_store import BucketRules
    from tabletrail.conversions import load_policy
    from tabletrail.rules_change import NOTE
    from tabletrail_cli import place
    from tabletrail_cli.log import Log

    found = place.find(args, os.environ, output)
    log = Log(found)
    note = log.notes.read(NOTE)
    version = str(note.get("version", NO_RULES))
    policy = load_policy(BucketRules(s3_client(found.session), found.settings.segments_bucket), version)
    tables = [{"table": row.table_name, "version": row.rules_version} for row in log.checkpoints.streams()]
    tables.sort(key=lambda one: one["table"])
    since = datetime.fromtimestamp(int(note["at"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if note else ""
    if output.as_json:
        rules = [{"name": rule.name, "severity": rule.severity, "tags": list(rule.tags)} for rule in policy.rules]
        said = rules_attribution.as_rows(policy)
        output.json({"version": version, "published_at": since, "rules": rules, "attribution": said, "tables": tables})
    elif note:
        output.line((f"version {version[:SHORT]}", "bold"), f", published {shown(since, zone)}: {_counted(policy)}")
        for rule in policy.rules:
            output.line(f"  {rule.severity:>3}  {rule.name}" + (f"  ({', '.join(rule.tags)})" if rule.tags else ""))
        for line in rules_attribution.lines(policy):
            output.line(line)
        for one in tables:
            late = "" if one["version"] == version else f"  still under {one['version'][:SHORT]}, moved by a next run"
            output.line(f"  {visible(one['table'])}{late}")
    else:
        output.note("no rules were published: deploy this release")
    return FOUND if note else NOTHING_FOUND


def _counted(policy: Policy) -> str:
    counted = f"{len(policy.rules)} rules, {len(policy.sensitive)} declarations of sensitive values"
    return counted + rules_attribution.counted(policy)
