"""`tabletrail cost estimate`: what it will cost to be told who made the changes, before anything is switched on.

Rules
- Nothing is changed, and nothing but metrics and names of tables is read.
- Each figure says on what it stands; what is not known is said beside it.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tabletrail.errors import QueryError, SettingsError
from tabletrail_cli import options
from tabletrail_cli.errors import FOUND, NOTHING_FOUND
from tabletrail_cli.output import Output, visible

if TYPE_CHECKING:
    from tabletrail_cli.estimate import Estimate, Line, Terms, Usage
    from tabletrail_cli.usage import Table

MOST_DAYS = 60
"""CloudWatch keeps points of minutes for 15 days, and sums of hours for longer; two months say enough."""
PARAMETER_LENGTH = 4096
HEADER = ("table", "events a month", "changes", "CloudTrail $")

EPILOG = """examples:
  tabletrail cost estimate
  tabletrail cost estimate orders stock --days 30
  tabletrail cost estimate orders --trail existing --outbox
  tabletrail cost estimate --price data_event=0.0000012 --json

Without TABLE it is about all tables that the stack audits; with TABLE no stack is needed. It needs the rights
cloudwatch:GetMetricData and dynamodb:DescribeTable. Prices by name: data_event, s3_put, s3_get, s3_gb_month,
firehose_gb, lambda_gb_second, lambda_request, express_start, express_gb_second, write_unit, read_unit, metric_month,
alarm_month."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "cost", help="what parts of tabletrail will cost, before they are switched on", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="cost_command", required=True, metavar="command")
    command = commands.add_parser(
        "estimate",
        help="a month of CloudTrail's data events, and of the outbox",
        description="What a month of CloudTrail's data events, and of the outbox, costs, by what tables did lately.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("tables", metavar="TABLE", nargs="*", help="names of tables (default: all audited ones)")
    command.add_argument("--days", type=int, default=14, metavar="N", help="by the last N days (default: 14)")
    command.add_argument(
        "--trail",
        choices=("new", "existing", "firehose"),
        default="new",
        help="new: a trail of its own (default); existing: one that records these writes already; firehose: the same, "
        "whose bucket cannot be read",
    )
    command.add_argument("--outbox", action="store_true", help="also what the outbox costs, if each change has a row")
    command.add_argument(
        "--items", type=float, default=10.0, metavar="N", help="changes in a batch or transaction (default: 10)"
    )
    command.add_argument(
        "--price", action="append", default=[], metavar="NAME=DOLLARS", help="another price for one; may be repeated"
    )
    options.add_output(command, with_zone=False)
    options.add_place(command)
    command.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from tabletrail_cli.estimate import Terms, estimate
    from tabletrail_cli.prices import Prices, with_changes
    from tabletrail_cli.usage import usages

    if not 1 <= args.days <= MOST_DAYS:
        raise QueryError(f"--days must be from 1 to {MOST_DAYS}")
    if not 1 <= args.items <= 100:
        raise QueryError("--items must be from 1 to 100: as many as one call can have")
    terms = Terms(with_changes(Prices(), args.price), args.items, args.trail, args.outbox)
    session, tables = _tables(args, output)
    if not tables:
        output.note("tabletrail: no table is audited here: name the tables, or see `tabletrail onboard`")
        return NOTHING_FOUND
    found = usages(session, tables, args.days, int(time.time()))
    whole = estimate(found, terms)
    notes = list(_notes(found, terms, args.days, whole, str(session.region_name)))
    if output.as_json:
        output.json(_facts(found, whole, terms, args.days, notes))
    else:
        _tell(found, whole, terms, notes, output)
    return FOUND


def _tables(args: argparse.Namespace, output: Output) -> tuple[Any, list[Table]]:
    """(a session, the tables that were asked for). QueryError if one of those named is not there."""
    from tabletrail_cli import place, usage
    from tabletrail_cli.log import Log

    try:
        where = place.find(args, os.environ, output)
    except SettingsError:
        if not args.tables:
            raise
        import boto3

        session, names = boto3.Session(), args.tables
    else:
        session = where.session
        names = args.tables or sorted({row.table_name for row in Log(where).checkpoints.streams() if row.is_enabled})
    found = usage.described(session, names)
    missing = [name for name, table in found.items() if table is None]
    if missing and args.tables:
        raise QueryError(f"there is no table {visible(', '.join(missing))} in this account and region")
    return session, [table for table in found.values() if table is not None]


def _tell(found: list[Usage], whole: Estimate, terms: Terms, notes: list[str], output: Output) -> None:
    rows = [
        (
            visible(usage.table),
            _number(usage.events),
            _number(usage.changes(terms.items)),
            _dollars(0.0 if terms.way != "new" else usage.events * terms.prices.data_event),
        )
        for usage in found
    ]
    output.table(HEADER, rows, right=(False, True, True, True))
    output.line("")
    lines = [*whole.trail, *whole.outbox]
    cells = [(line.name, _number(line.amount), line.unit, _dollars(line.dollars)) for line in lines]
    cells.append(("together", "", "", _dollars(whole.dollars)))
    output.table(("a month", "", "", "$"), cells, right=(False, True, False, True))
    output.line("")
    for note in notes:
        output.line(f"- {visible(note)}")
    output.line("")
    output.line(f"TrailTableArns={_arns(found)}")


def _facts(found: list[Usage], whole: Estimate, terms: Terms, days: int, notes: list[str]) -> dict[str, Any]:
    from dataclasses import asdict

    from tabletrail_cli.prices import AS_OF, REGION, SOURCE

    return {
        "days": days,
        "trail": terms.way,
        "tables": [
            {
                "table": usage.table,
                "arn": usage.arn,
                "hours": usage.hours,
                "calls": {name: count for name, count in usage.calls.items() if count},
                "failed_conditions": usage.failed,
                "write_units": usage.write_units,
                "events_a_month": usage.events,
                "changes_a_month": usage.changes(terms.items),
            }
            for usage in found
        ],
        "lines": [_line(line) for line in whole.trail],
        "outbox": [_line(line) for line in whole.outbox],
        "dollars_a_month": whole.dollars,
        "prices": {**asdict(terms.prices), "as_of": AS_OF, "region": REGION, "source": SOURCE},
        "trail_table_arns": _arns(found),
        "not_known": notes,
    }


def _notes(found: list[Usage], terms: Terms, days: int, whole: Estimate, region: str) -> Iterator[str]:
    """On what it stands, and what is not known."""
    from tabletrail_cli.prices import AS_OF, REGION

    yield f"By the last {days} days, for a month of 30. Prices of {REGION}, {AS_OF}, without tax; --price changes one."
    if region != REGION:
        yield f"Here is {region}: its prices may be others."
    if terms.way != "new":
        yield "The trail is taken to record these tables' writes already: its data events are not counted here."
    silent = [usage.table for usage in found if usage.is_silent]
    if silent:
        yield f"No figures: {', '.join(silent)}. Nothing was written, or CloudWatch has not counted it yet."
    young = [f"{usage.table} ({usage.hours:.0f} hours)" for usage in found if usage.hours < days * 24]
    if young:
        yield f"Younger than that, and judged by what there is: {', '.join(young)}."
    yield (
        "A call is one event, whatever it holds; one for several tables is counted at each. Statements may be reads, "
        "which are not recorded. So the figures are upper bounds."
    )
    yield (
        "Calls that failed by their condition are counted. Those that were throttled or denied are not, though they "
        "are recorded and charged too."
    )
    yield f"A batch or transaction is taken to have {terms.items:g} changes (--items): CloudWatch does not know."
    yield (
        f"OpenSearch is not in it: it gets {_number(whole.changes)} documents a month more, one for each change, "
        "of about 1.7 KB."
    )
    yield "Not taken off: free allowances. Not in it: a KMS key, and what another trail of the same events costs."
    if len(_arns(found)) > PARAMETER_LENGTH:
        yield f"TrailTableArns has more than {PARAMETER_LENGTH} characters, the most of a parameter: name fewer tables."


def _line(line: Line) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(line)


def _arns(found: list[Usage]) -> str:
    return ",".join(usage.arn for usage in found)


def _number(amount: float) -> str:
    return f"{amount:,.2f}" if 0 < amount < 10 and amount != int(amount) else f"{amount:,.0f}"


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}"
