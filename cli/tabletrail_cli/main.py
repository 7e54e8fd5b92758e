"""The command `tabletrail`: arguments to a command, errors to one line and an exit code.

Rules
- Each command is a module with `add_parser` and `run(args, output) -> exit code`; what is heavy is imported in `run`.
- The local stack's commands are loaded only when they are asked for.
- No traceback reaches an operator, unless with --debug.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tabletrail.errors import TabletrailError
from tabletrail_cli import (
    cost,
    dashboards,
    history,
    holds,
    onboard,
    parked,
    recover,
    reindex,
    rules,
    search,
    status,
    token,
    verify,
    who,
)
from tabletrail_cli.errors import EXIT_CODES, NO_ACCESS, exit_code
from tabletrail_cli.output import Output

INTERRUPTED = 130
LOCAL = "local"


def build_parser(with_local: bool) -> argparse.ArgumentParser:
    """The whole command line; without `with_local` its part of the local stack is only named."""
    parser = argparse.ArgumentParser(
        prog="tabletrail",
        description="The audit log for DynamoDB: who changed what, when, and what it was before.",
        epilog="exit codes:\n" + "\n".join(f"  {code}  {meaning}" for code, meaning in EXIT_CODES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands = (
        search,
        history,
        who,
        token,
        status,
        onboard,
        parked,
        rules,
        recover,
        reindex,
        holds,
        cost,
        verify,
        dashboards,
    )
    for command in commands:
        command.add_parser(subparsers)
    if with_local:
        from tabletrail_local import command as local

        local.add_parser(subparsers)
    else:
        subparsers.add_parser(LOCAL, help="a complete stack on this machine: OpenSearch and a local AWS")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. Prints; never raises for what an operator can cause."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_local = words[:1] == [LOCAL]
    args = build_parser(with_local=is_local).parse_args(words)
    try:
        if is_local:
            return int(args.run(args))
        return _run(args)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough (`| head`). Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(args: argparse.Namespace) -> int:
    output = Output(as_json=args.json)
    try:
        code = int(args.run(args, output))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        raise
    except TabletrailError as error:
        if args.debug:
            raise
        output.note(f"tabletrail: {error}")
        return exit_code(error)
    except Exception as error:
        if args.debug:
            raise
        output.note(f"tabletrail: {type(error).__name__}: {error}. This should not happen; --debug shows where")
        return NO_ACCESS


if __name__ == "__main__":
    sys.exit(main())
