"""`tabletrail token`: what stands in the index for a value that was declared sensitive.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import sys
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from tabletrail.errors import QueryError
from tabletrail_cli import options
from tabletrail_cli.errors import FOUND
from tabletrail_cli.output import Output

DIGITS = 38
"""Of a DynamoDB number."""

EPILOG = """examples:
  tabletrail token ada@example.com
  tabletrail token 4711 --type N
  tabletrail token - < value.txt

The same value has the same token in every entry of every table of the stack, so the token can be searched for, also by
somebody who may not see the value. You must be allowed to read the secret with the key (secretsmanager:GetSecretValue);
with it anyone can find out by trying which value a token stands for.
- in the place of VALUE reads it from the standard input, without its last line end, so that it stands in no shell's
history."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "token",
        help="the token that stands in the index for a sensitive value",
        description="Shows the token of a value, to search for it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("value", metavar="VALUE", help="the value as text (binary in base64), or -")
    parser.add_argument(
        "--type", choices=("S", "N", "B"), default="S", help="text, number or binary, as DynamoDB has it (default: S)"
    )
    options.add_output(parser, with_zone=False)
    options.add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    text = _last_end_off(sys.stdin.read()) if args.value == "-" else args.value
    if args.type == "N":
        text = number_text(text)
    from tabletrail_cli import place
    from tabletrail_cli.hidden import tokens_of

    token = tokens_of(place.find(args, os.environ, output))(args.type, text)
    if output.as_json:
        output.json({"type": args.type, "token": token})
    else:
        output.line(token)
    return FOUND


def number_text(text: str) -> str:
    """A number as DynamoDB gives it back: without zeros that say nothing. QueryError."""
    try:
        number = Context(prec=DIGITS).create_decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise QueryError("VALUE is not a number, which --type N asks for")
    return format(number.normalize(Context(prec=DIGITS)), "f") if number else "0"


def _last_end_off(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
