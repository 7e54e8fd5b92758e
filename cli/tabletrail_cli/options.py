"""Options that several commands share: where the log is, how results are written.

Called by the commands' parsers.
"""

from __future__ import annotations

import argparse
import os
from datetime import tzinfo
from pathlib import Path

from tabletrail_cli.times import zone_of

ZONE_VARIABLE = "TABLETRAIL_ZONE"


def add_place(parser: argparse.ArgumentParser) -> None:
    """Where to look. Without any of these: the environment, then a local stack if there is one."""
    group = parser.add_argument_group("where to look")
    group.add_argument("--stack", metavar="NAME", help="the CloudFormation stack of tabletrail (or TABLETRAIL_STACK)")
    group.add_argument("--local", action="store_true", help="the local stack; your AWS account is never used")
    group.add_argument(
        "--opensearch",
        metavar="URL",
        help="an OpenSearch to ask instead of the stack's own (or TABLETRAIL_OPENSEARCH_ENDPOINT)",
    )
    group.add_argument(
        "--opensearch-user",
        metavar="NAME",
        help="log in by password instead of your AWS credentials (or TABLETRAIL_OPENSEARCH_USER)",
    )
    group.add_argument(
        "--opensearch-password-file",
        metavar="FILE",
        type=Path,
        help="a file that holds the password (or TABLETRAIL_OPENSEARCH_PASSWORD_FILE)",
    )
    group.add_argument(
        "--opensearch-ca",
        metavar="FILE",
        type=Path,
        help="the certificate that signed the server's, if the system does not trust it (or TABLETRAIL_OPENSEARCH_CA)",
    )


def add_output(parser: argparse.ArgumentParser, *, with_zone: bool) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="one JSON object a line")
    if with_zone:
        group.add_argument(
            "--zone",
            metavar="NAME",
            help="time zone of times without an offset, and of times shown: an IANA name, UTC or local "
            f"(or {ZONE_VARIABLE}; default: UTC)",
        )
    group.add_argument("--debug", action="store_true", help="show where an error came from")


def zone(args: argparse.Namespace) -> tzinfo:
    """UTC unless asked otherwise, so that two operators in two countries read the same times."""
    return zone_of(args.zone or os.environ.get(ZONE_VARIABLE) or "UTC")
