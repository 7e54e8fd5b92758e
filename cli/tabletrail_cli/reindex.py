"""`tabletrail reindex`: an index made anew from the log.

Rules
- What is found by searches changes in one step, when the new index is complete.
- Said again after it was interrupted, it goes on where it was.
- No index is replaced by one with fewer entries, unless --force says so.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING

from tabletrail.core.rebuilds import Rebuilt, Step, name_of_period
from tabletrail.errors import QueryError
from tabletrail_cli import options
from tabletrail_cli.errors import DAMAGED, FOUND
from tabletrail_cli.output import Output, visible
from tabletrail_cli.times import age

if TYPE_CHECKING:
    from tabletrail.reindex import Reindex
    from tabletrail_cli.place import Place

LANES = 4
"""Requests under way at once. OpenSearch works on one while we read and unpack the next."""
MOST_LANES = 32
SAY_SECONDS = 5.0

EPILOG = """examples:
  tabletrail reindex --period 2026.11
  tabletrail reindex --all
  tabletrail reindex --period 2026.w47 --only-missing

A lost index is made and filled. One that is there is replaced: a second one is filled beside it, which needs its room
on the disks for that time, and takes its name when it is complete. Capture goes on meanwhile. Entries that it captures
in the last seconds before the swap may be missing in searches until the pass "finish" ends.

You need the roles tabletrail_rebuilder and tabletrail_reader in OpenSearch, and may read the table of segments, read
their objects, and write to the table of runs."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "reindex",
        help="make an index anew from the log: a lost or damaged one, or one with an older mapping",
        description="Makes the search index of a period anew from the log in S3, while capture goes on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--period", metavar="PERIOD", help="one period, as in the index's name: 2026.11, 2026.w47, ...")
    which.add_argument("--all", action="store_true", help="each period, one after the other")
    parser.add_argument(
        "--only-missing",
        action="store_true",
        help="add what is missing to the index that is there: for one that was lost and made again, empty",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace an index even if the new one lacks entries: damaged segments, or entries that are not in the log",
    )
    parser.add_argument(
        "--lanes", type=int, default=LANES, metavar="N", help=f"bulk requests at once (default: {LANES})"
    )
    options.add_output(parser, with_zone=False)
    options.add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    name = name_of_period(args.period) if args.period else None
    if args.period and name is None:
        raise QueryError(f"{args.period!r} is no period: 2026.11 (month), 2026.w47 (week) or 2026.11.24 (day)")
    if not 1 <= args.lanes <= MOST_LANES:
        raise QueryError(f"--lanes must be 1 to {MOST_LANES}")
    from tabletrail_cli import place

    found = place.find(args, os.environ, output, as_administrator=True)
    with ThreadPoolExecutor(args.lanes) as executor:
        reindex = _wired(found, executor, args.lanes, Watch(output))
        reindex.only_missing, reindex.force = args.only_missing, args.force
        results = reindex.run(name, f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    for result in results:
        _tell(result, output)
    return FOUND if all(result.in_use and not result.damaged for result in results) else DAMAGED


def _wired(place: Place, executor: ThreadPoolExecutor, lanes: int, watch: Watch) -> Reindex:
    from tabletrail.aws.clock import SystemClock
    from tabletrail.aws.opensearch import OpenSearchIndex
    from tabletrail.aws.opensearch_shelf import OpenSearchShelf
    from tabletrail.filling import Filler
    from tabletrail.reindex import Reindex
    from tabletrail_cli.log import Log

    log, clock = Log(place), SystemClock()
    # A client keeps two connections; each lane has one of its own.
    indexes = [OpenSearchIndex(place.connect()) for _ in range(lanes)]
    filler = Filler(log.store, indexes, executor, clock, place.settings.bulk_bytes)
    return Reindex(OpenSearchShelf(place.search), log.segment_scan, filler, log.leases, log.notes, clock, watch)


class Watch:
    """Says every few seconds how far it is, how fast, and how long it will take."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._pass = ("", "")
        self._began_at = self._said_at = 0.0

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if (step.name, step.phase) != self._pass:
            self._pass, self._began_at, self._said_at = (step.name, step.phase), now, now
            self._first = step
        if now - self._said_at >= SAY_SECONDS:
            self._said_at = now
            self._output.note(self._line(step, now - self._began_at))

    def _line(self, step: Step, seconds: float) -> str:
        rate = (step.entries - self._first.entries) / seconds
        line = f"{step.name}, {step.phase}: {step.segments:,} segments"
        if step.segments_of:
            line = f"{step.name}, {step.phase}: {step.segments:,} of {step.segments_of:,} segments"
        line += f", {step.entries:,} entries, {rate:,.0f} a second"
        advance = step.segments - self._first.segments
        if step.segments_of and advance:
            left = max(0, step.segments_of - step.segments) / advance * seconds
            line += f", about {age(int(left))} left"
        return line


def _tell(result: Rebuilt, output: Output) -> None:
    if output.as_json:
        output.json(asdict(result))
    elif result.in_use:
        how = f"in the place of {result.replaced}" if result.replaced else "filled"
        parked = f", {result.parked} of them parked" if result.parked else ""
        output.line(f"{result.name}: {result.target} {how}, {result.entries:,} entries{parked}")
    else:
        output.line((f"{result.name}: not replaced, since {result.target} would lack entries", "yellow"))
    for segment_id, why in result.damaged.items():
        output.note(f"tabletrail: segment {segment_id} is damaged: {visible(why)}")
    for table, count in result.lacking.items():
        output.note(f"tabletrail: {count:,} entries of {visible(table) or '(no table)'} are in the index only")
    if not result.in_use:
        output.note(
            "tabletrail: restore the damaged objects' versions, or find out with `tabletrail verify` what is not in "
            "this log (is another stack's log in the same index? were rows of segments lost?), then say the same "
            "again; --force replaces the index all the same"
        )
