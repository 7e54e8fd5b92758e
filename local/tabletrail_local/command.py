"""`tabletrail local up | status | down | reset | deploy | demo | lab`: arguments in, exit code out.

The work is done in `stack`, `deploy`, `demo` and `lab_command`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabletrail_local import stack
from tabletrail_local.console import complain, say
from tabletrail_local.errors import LocalStackError
from tabletrail_local.lab_command import add_lab_parser, run_lab
from tabletrail_local.laboratory import MODES
from tabletrail_local.paths import stack_paths
from tabletrail_local.stack import NamedServer

PASSWORD_VARIABLE = "TABLETRAIL_OPENSEARCH_PASSWORD"  # noqa: S105 -- the name of a variable


def add_parser(subparsers: Any) -> Any:
    """Adds `local` to a command line. Returns its own subparsers, so that the caller can add commands beside these."""
    local = subparsers.add_parser("local", help="a complete stack on this machine: OpenSearch and a local AWS")
    return add_commands(local)


def add_commands(parser: argparse.ArgumentParser) -> Any:
    parser.set_defaults(run=run)
    commands = parser.add_subparsers(dest="local_command", required=True, metavar="command")
    up = commands.add_parser("up", help="start it, downloading what is missing; again: see that all of it runs")
    _add_named_server(up)
    up.add_argument(
        "--streams",
        choices=MODES,
        help="whose streams are read: the local AWS's own, or the stream laboratory's, whose shards roll, split and "
        "fail when `local lab` says so (default: as before; dynamodb for a new stack)",
    )
    commands.add_parser("status", help="say what runs where; exit code 1 when something does not answer")
    commands.add_parser("down", help="stop it; all data are kept")
    commands.add_parser("reset", help="stop it and remove its data; downloads are kept")
    deploy = commands.add_parser("deploy", help="build and deploy tabletrail to the local AWS")
    deploy.add_argument("parameters", nargs="*", metavar="Name=value", help="more parameters of the template")
    _add_demo(commands)
    add_lab_parser(commands)
    return commands


def _add_named_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--opensearch", metavar="URL", help="use this OpenSearch (https) instead of starting one")
    parser.add_argument("--opensearch-user", metavar="NAME", default="admin", help="its administrator (default: admin)")
    parser.add_argument("--opensearch-password-file", metavar="FILE", type=Path, help="a file that holds the password")
    parser.add_argument("--opensearch-ca", metavar="FILE", type=Path, help="the certificate that signed the server's")


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser("demo", help="up, deploy, a minute of work on four tables, questions to the log, alerts")
    demo.add_argument("--seconds", type=_positive, metavar="N", default=60.0, help="how long it works (default: 60)")
    demo.add_argument("--seed", type=int, metavar="S", default=17, help="the same seed makes the same calls")
    demo.add_argument("--rate", type=_positive, metavar="R", default=12.0, help="calls a second (default: 12)")
    _add_named_server(demo)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: more than 0 and less than a million")
    return number


def run(args: argparse.Namespace) -> int:
    """Returns the exit code; every foreseen failure is one message on the standard error output and 1."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "up": _up,
        "status": _status,
        "down": _down,
        "reset": _reset,
        "deploy": _deploy,
        "demo": _demo,
        "lab": _lab,
    }
    try:
        return actions[args.local_command](args)
    except LocalStackError as error:
        complain(f"tabletrail: {error}")
    except PermissionError as error:
        complain(f"tabletrail: {error}. If another user started this stack, run this as that user.")
    except OSError as error:
        complain(f"tabletrail: {error}. See that the disk has space and that {stack_paths().root} is writable.")
    return 1


def _up(args: argparse.Namespace) -> int:
    info = stack.up(stack_paths(), _named_server(args), args.streams)
    say(f"OpenSearch  {info.opensearch_url}  users and passwords: {stack_paths().stack}")
    say(f"local AWS   {info.aws_endpoint}  account {info.account_id}, {info.region}")
    if info.streams_endpoint:
        say(f"laboratory  {info.streams_endpoint}  has the streams; drive it with `tabletrail local lab`")
    return 0


def _status(_: argparse.Namespace) -> int:
    components = stack.status(stack_paths())
    for item in components:
        process = f"process {item.pid}" if item.pid else "no process of ours"
        state = "answers" if item.answers else "does not answer" if item.pid else "down"
        say(f"{item.name:<24}{state:<18}{item.address}  {process}")
    return 0 if all(item.answers for item in components) else 1


def _down(_: argparse.Namespace) -> int:
    if not stack.down(stack_paths()):
        say("nothing was running")
    return 0


def _reset(_: argparse.Namespace) -> int:
    stack.reset(stack_paths())
    say(f"{stack_paths().root} is empty")
    return 0


def _deploy(args: argparse.Namespace) -> int:
    from tabletrail_local import info
    from tabletrail_local.deploy import deploy, parse_parameters

    deploy(info.load(), stack_paths(), parse_parameters(args.parameters))
    return 0


def _demo(args: argparse.Namespace) -> int:
    from tabletrail_local.demo import run_demo
    from tabletrail_local.workload import Pace

    return run_demo(stack_paths(), _named_server(args), Pace(args.seconds, args.rate, args.seed))


def _lab(args: argparse.Namespace) -> int:
    return run_lab(stack_paths(), args.lab_command, args.arguments)


def _named_server(args: argparse.Namespace) -> NamedServer | None:
    if not args.opensearch:
        return None
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if args.opensearch_password_file:
        password = args.opensearch_password_file.read_text().strip()
    if not password:
        raise LocalStackError(f"--opensearch needs --opensearch-password-file FILE, or {PASSWORD_VARIABLE} set")
    return NamedServer(args.opensearch, args.opensearch_user, password, args.opensearch_ca)
