"""`tabletrail status`: is every change captured, and is it searchable?

Rules
- What the tables say is shown even if OpenSearch is down: capture does not depend on it.
- A quiet table has an old last change and no lag: whether something waits follows from how far its shards were read.

Called by `main`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tabletrail_cli import options
from tabletrail_cli.errors import DAMAGED, FOUND, NO_ACCESS
from tabletrail_cli.output import Output, visible
from tabletrail_cli.times import age

if TYPE_CHECKING:
    from tabletrail_cli.standing import Standing, StreamStanding

EPILOG = """columns:
  state        ACTIVE: audited. ENDING: no longer the table's stream, read to its end
  open         shards that are read now
  unfinished   shards whose end was seen, but which are not committed to their end, or wait for their parent
  behind       shards that may hold changes that are not captured yet
  last change  age of the last captured change; a quiet table's grows, and that is no lag
  read         how long ago the slowest shard was known to be read up to the present; up to 6 min is normal
  gaps         times in which changes were lost or may have been; 2+ while OpenSearch is away: the tables tell of
               two, and do not keep old ones. parked: entries that the index refused

Below the total stands why segments wait, and since when that is so. Then each period's index, as the last run saw it:
  state           open; closing, closed (takes no entries), merged or snapshotted (closed, and done); deleting, deleted
  held            ids of the legal holds that keep it, see `tabletrail holds list`
  past retention  it may be deleted, unless it is held

The exit code is 3 if OpenSearch cannot be reached, and 4 if no change is captured because tables were restored or lost;
what the tables know is shown all the same."""

PERIOD_HEADER = ("period", "state", "held", "past retention")
MOST_PERIODS = 24
"""That are listed for a person, the newest ones; --json has all."""

HEADER = (
    "table",
    "state",
    "#open",
    "#unfinished",
    "#behind",
    "#last change",
    "#read",
    "#gaps",
    "#parked",
    "other readers",
)


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "status",
        help="by table: lag, shards, what waits, gaps",
        description="Shows for each audited table how far the log has read, and what waits to be indexed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--readers", action="store_true", help="list the streams' other readers too; one call a table")
    options.add_output(parser, with_zone=False)
    options.add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from tabletrail_cli import place
    from tabletrail_cli.standing import look

    standing = look(place.find(args, os.environ, output), int(time.time()), with_readers=args.readers)
    if output.as_json:
        for stream in standing.streams:
            output.json(stream.facts(standing.now))
        for period in standing.periods:
            output.json(period.facts())
        output.json(standing.facts())
    else:
        _tell(standing, args.readers, output)
    if standing.unchecked:
        output.note(f"tabletrail: whether a table was restored is not known: {standing.unchecked}")
    if standing.trouble:
        output.note(f"tabletrail: gaps and parked entries are not known: {standing.trouble}")
    if standing.restored:
        return DAMAGED
    return NO_ACCESS if standing.trouble else FOUND


def _tell(standing: Standing, with_readers: bool, output: Output) -> None:
    width = len(HEADER) if with_readers else len(HEADER) - 1
    if standing.restored:
        words = visible(f"tables of tabletrail were restored or lost ({standing.restored}).")
        output.line(("NO CHANGE IS CAPTURED: ", "bold red"), words)
        output.line("Streams keep changes for 24 hours. Say `tabletrail recover`: it looks first, and changes nothing.")
    rows = [_row(stream, standing.now)[:width] for stream in standing.streams]
    if rows:
        output.table([name.lstrip("#") for name in HEADER[:width]], rows, right=[n[0] == "#" for n in HEADER[:width]])
    else:
        output.line("No table is audited yet: see `tabletrail onboard TABLE`.")
    output.line(_total_line(standing))
    for table, count in sorted(standing.gaps_of_others.items()):
        output.line((f"  {visible(table)} is no longer audited, and has {count} gaps", "yellow"))
    for wait in standing.waits():
        output.line((f"  waiting for {age(wait['seconds'])}: {visible(wait['why'])}", "yellow"))
    if alerts := standing.alerts():
        output.line((f"  {visible(alerts)}", "yellow"))
    output.line(_run_line(standing))
    if attribution := standing.last_run.get("attribution"):
        output.line(_attribution_line(attribution, standing.now))
    for sentence in (*standing.last_run.get("problems", ()), *standing.last_run.get("failures", ())):
        output.line((f"  {visible(str(sentence))}", "yellow"))
    _tell_periods(standing, output)


def _tell_periods(standing: Standing, output: Output) -> None:
    shown = standing.periods[:MOST_PERIODS]
    if shown:
        output.table(PERIOD_HEADER, [period.row() for period in shown], right=[False] * len(PERIOD_HEADER))
    if len(standing.periods) > len(shown):
        output.line(f"and {len(standing.periods) - len(shown)} earlier periods, see --json")
    for sentence in standing.period_remarks:
        output.line((f"  {visible(sentence)}", "yellow"))


def _row(stream: StreamStanding, now: int) -> Sequence[str]:
    return (
        visible(stream.table),
        stream.state,
        str(stream.open),
        str(stream.unfinished),
        str(stream.behind),
        age(now - stream.last_record_at) if stream.last_record_at else "none",
        age(now - stream.read_at) if stream.read_at else "never",
        _gaps(stream),
        "?" if stream.parked is None else str(stream.parked),
        visible(", ".join(stream.readers)) or "-",
    )


def _gaps(stream: StreamStanding) -> str:
    if stream.gaps is None:
        return f"{stream.known_gaps}+" if stream.known_gaps else "?"
    return str(stream.gaps)


def _total_line(standing: Standing) -> str:
    total = standing.facts()
    waiting = total["waiting_segments"]
    oldest = f", the oldest for {age(total['waiting_seconds'])}" if waiting else ""
    counts = "" if total["gaps"] is None else f", {total['gaps']} gaps, {total['parked']} parked entries"
    return (
        f"{total['tables']} tables, {total['open']} open shards, {total['behind']} behind; "
        f"{waiting} segments wait to be indexed{oldest}{counts}"
    )


def _run_line(standing: Standing) -> str:
    note = standing.last_run
    if not note:
        return "No run has finished yet: is the schedule on?"
    ago = standing.now - int(note.get("finished_at", 0))
    late = " The schedule starts one each minute: is it on?" if ago > 300 else ""
    return (
        f"Last run {age(ago)} ago: {note.get('entries', 0)} entries of {note.get('records', 0)} records, "
        f"lag {age(int(note.get('lag_seconds', 0)))}, indices {visible(_indices(note))}.{late}"
    )


def _attribution_line(note: dict[str, Any], now: int) -> str:
    """What CloudTrail was asked; where it was asked nothing lately, there is no note."""
    behind = int(note.get("behind_seconds", 0))
    ago = now - int(note["at"])
    upto = f"changes up to {age(behind + ago)} ago are attributed" if behind else "no table is attributed yet"
    names, count = note.get("uncovered", ()), int(note.get("uncovered_count", 0))
    more = f" and {count - len(names)} more" if count > len(names) else ""
    uncovered = f"; the trail does not tell of {visible(', '.join(names))}{more}" if count else ""
    return f"CloudTrail was asked {age(ago)} ago: {upto}{uncovered}"


def _indices(note: dict[str, Any]) -> str:
    """`ok`, what was made, or why none could be: without the name of an error's class, which tells a person nothing."""
    text = str(note.get("indices", "?"))
    kind, _, why = text.partition(": ")
    return f"not looked after ({why})" if kind.endswith("Error") and why else text
