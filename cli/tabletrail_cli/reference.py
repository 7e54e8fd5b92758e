"""docs/cli.md, made from the parser, so that it cannot say anything else than the command does.

    python -m tabletrail_cli.reference          writes docs/cli.md
    python -m tabletrail_cli.reference --check  exit code 1 and the difference if it is not what would be written

Called by whoever changes an option, and by the checks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tabletrail_cli.errors import EXIT_CODES
from tabletrail_cli.main import build_parser

TARGET = Path(__file__).parents[2] / "docs" / "cli.md"

HEAD = """<!-- Made by `python -m tabletrail_cli.reference` from the parser: change the options there, not here. -->

# The command `tabletrail`

{description}

Results go to the standard output, all else to the standard error output. On a terminal results have colours, in a pipe
they are the same words without them, and with `--json` each line is one JSON object.

## Exit codes

| code | meaning |
| --- | --- |
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tabletrail_cli.reference", description="Makes docs/cli.md.")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the file is not up to date")
    args = parser.parse_args(arguments)
    wanted = text()
    if not args.check:
        TARGET.write_text(wanted, "utf-8")
        return 0
    found = TARGET.read_text("utf-8") if TARGET.exists() else ""
    sys.stdout.writelines(unified_diff(found.splitlines(True), wanted.splitlines(True), "docs/cli.md", "the parser"))
    return int(found != wanted)


def text() -> str:
    """The whole file."""
    parser = build_parser(with_local=True)
    lines = [HEAD.format(description=parser.description).rstrip("\n")]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES]
    for name, command, summary in _commands(parser):
        lines += _section(f"tabletrail {name}", command, summary)
    return "\n".join(lines) + "\n"


def _section(title: str, command: argparse.ArgumentParser, summary: str) -> Iterator[str]:
    """One command: what it is for, its arguments and options by group, its examples; then its own commands."""
    yield from ("", f"## `{title}`", "", command.description or f"{summary[:1].upper()}{summary[1:]}.")
    for group in command._action_groups:
        rows = [_row(action) for action in group._group_actions if _is_shown(action)]
        if rows:
            heading = "Arguments" if group.title == "positional arguments" else (group.title or "").capitalize()
            yield from ("", f"**{heading}**", "", *rows)
    if command.epilog:
        yield from ("", "```text", command.epilog, "```")
    for name, inner, words in _commands(command):
        yield from _section(f"{title} {name}", inner, words)


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """(name, parser, summary) of each command below this one."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, command in action.choices.items():
                yield name, command, summaries.get(name, "")


def _is_shown(action: argparse.Action) -> bool:
    return not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction))


def _row(action: argparse.Action) -> str:
    names = [f"{name}{_value_of(action)}" for name in action.option_strings] or [_name(action)]
    values: dict[str, Any] = {**vars(action), "prog": "tabletrail"}
    meaning = (action.help or "") % values if action.help else ""
    return f"- {', '.join(f'`{name}`' for name in names)}: {meaning}".rstrip(": ")


def _value_of(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return " " + ("|".join(map(str, action.choices)) if action.choices else _name(action))


def _name(action: argparse.Action) -> str:
    return str(action.metavar or action.dest.upper())


if __name__ == "__main__":
    sys.exit(main())
