"""`tabletrail verify`: is anything missing, doubled, altered or foreign, in the log or in the index?

Rules
- The checks themselves are `tabletrail_verify`, which knows nothing of the code that writes; this module finds the
  place, hands clients over and prints.
- What was found goes to the standard output, how far it is to the standard error output.
- A run that ended early, however, goes on when it is said again with the same options.

Called by `main`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabletrail.errors import SettingsError, TransientError
from tabletrail_cli import options
from tabletrail_cli.errors import FOUND, AccessError
from tabletrail_cli.output import Output, visible
from tabletrail_cli.times import Role, parse_time

if TYPE_CHECKING:
    from tabletrail_cli.place import Place
    from tabletrail_verify.verification import Clients, Result, Verification, Wish

DAMAGE = 1
"""The exit code for damage of this command alone: a script asks it a yes or no."""
SCHEMA = Path(__file__).parents[2] / "mappings" / "schema" / "audit_entry.v1.schema.json"
SHOWN = 100
TOLD_EVERY_SECONDS = 10.0

EPILOG = """examples:
  tabletrail verify
  tabletrail verify --stream --json
  tabletrail verify --log-only --since 7d
  tabletrail verify --period 2026.11

Without options: every segment of the log, the chain of every shard, and every document of the index. Capture may go on
meanwhile: what is committed after the start is not looked at. A run that was interrupted goes on where it was when it
is said again with the same options.

exit codes of this command:
  0  nothing is wrong with what was checked
  1  damage was found: each is named, with what it means and what to do
  2, 3  as for the other commands: nothing can be said about the log

It needs the right to scan the tables, to read versions of objects, and to search; --stream reads the streams, which
costs what their records cost to read once more. Whether each token stands for its value is checked if you may read the
key of the tokens (secretsmanager:GetSecretValue)."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "verify",
        help="check the log and the index for anything missing, doubled, altered or foreign",
        description="Checks the log against itself, against its tables, against the index and against the streams.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = parser.add_argument_group("what to check")
    what.add_argument("--log-only", action="store_true", help="leave the index out")
    what.add_argument(
        "--stream",
        action="store_true",
        help="compare every record that the streams still have (24 hours) with the log: shows one skipped in a commit",
    )
    what.add_argument("--table", metavar="NAME", default="", help="this table's entries only")
    what.add_argument("--period", metavar="PERIOD", default="", help="entries of one index only: 2026.11, 2026.w48")
    what.add_argument("--since", metavar="TIME", help="segments committed at or after this time only")
    what.add_argument("--until", metavar="TIME", help="segments committed before this time only")
    what.add_argument(
        "--all-schemas",
        action="store_true",
        help="hold every entry against the schema, not one of each kind in each segment; takes some 10 times as long",
    )
    what.add_argument("--orphans", action="store_true", help="also count objects without a row; lists the bucket")
    how = parser.add_argument_group("how")
    how.add_argument("--work", metavar="DIR", type=Path, help="keep the state there (default: in your cache directory)")
    how.add_argument("--restart", action="store_true", help="do not go on with an earlier run")
    how.add_argument(
        "--limit", metavar="N", type=int, default=SHOWN, help="show so many findings (default: %(default)s); all count"
    )
    options.add_output(parser, with_zone=True)
    options.add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    from tabletrail.aws.troubles import translated
    from tabletrail_cli import place
    from tabletrail_verify.index_pages import SearchError
    from tabletrail_verify.state import BusyError, State

    wish = _wish(args)
    found = place.find(args, os.environ, output)
    directory = args.work or _cache() / _fingerprint(found, wish)
    is_finished = False
    try:
        state = State(directory, restart=args.restart)
    except BusyError as error:
        raise SettingsError(f"{error}: wait for it, or name another directory with --work") from None
    except OSError as error:
        raise SettingsError(f"no state can be kept: {error}: name another directory with --work") from None
    try:
        verification = _verification(found, wish, state, output)
        if state.is_resumed:
            output.note(
                f"tabletrail: going on with the verification of {_moment(state.fact('begun_at'))}, about the log as it "
                "was then; --restart begins anew"
            )
        with translated("verifying"):
            result = verification.run()
        _tell(verification, result, args.limit, output)
        is_finished = True
    except (SearchError, TransientError) as error:
        raise AccessError(f"{error}; said again with the same options, the verification goes on") from None
    finally:
        state.close(finished=is_finished)
    return FOUND if result.is_clean else DAMAGE


def _wish(args: argparse.Namespace) -> Wish:
    from tabletrail_verify.cut import Question
    from tabletrail_verify.entry_rules import PREFIX
    from tabletrail_verify.verification import Wish

    zone, now = options.zone(args), datetime.now(UTC)
    since, until = (
        int(parse_time(text, zone, now, role).timestamp()) if text else 0
        for text, role in ((args.since, Role.START), (args.until, Role.END))
    )
    if until and since >= until:
        raise SettingsError("--since is not before --until: nothing can lie between")
    period = args.period.removeprefix(PREFIX)
    if args.stream and (period or since or until):
        raise SettingsError("--stream compares with the whole log: leave out --period, --since and --until")
    if args.limit < 0:
        raise SettingsError("--limit must be 0 or more")
    question = Question(args.table, PREFIX + period if period else "", since, until)
    return Wish(question, not args.log_only, args.stream, args.all_schemas, args.orphans)


def _verification(found: Place, wish: Wish, state: Any, output: Output) -> Verification:
    from tabletrail_verify.cut import Tables
    from tabletrail_verify.verification import Verification

    settings = found.settings
    tables = Tables(settings.streams_table, settings.shards_table, settings.segments_table)
    schema, notes = _schema_check()
    return Verification(
        _clients(found),
        tables,
        settings.segments_bucket,
        state,
        wish,
        schema,
        _Teller(output).tell,
        time.time,
        time.sleep,
        notes,
        _key_of(found),
    )


def _key_of(found: Place) -> Callable[[], bytes | None]:
    """The reader of the tokens' key: None where the caller may not read it, which the result then says."""
    from tabletrail.aws.token_key import token_key_reader
    from tabletrail.errors import TabletrailError

    @cache
    def read() -> bytes | None:
        try:
            return token_key_reader(found.session, found.settings.token_key_secret)()
        except TabletrailError:
            return None

    return read


def _clients(found: Place) -> Clients:
    from botocore.config import Config

    from tabletrail.aws.clients import whole_replies
    from tabletrail.aws.opensearch_connect import ask
    from tabletrail_verify.verification import Clients

    config = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 8})

    def search(method: str, path: str, body: Any, params: Any) -> tuple[int, Any]:
        reply = ask(found.search, method, path, body, params)
        return reply.status, reply.data

    session = found.session
    names = ("dynamodb", "s3", "dynamodbstreams")
    dynamodb, s3, streams = [whole_replies(session.client(name, config=config)) for name in names]
    return Clients(dynamodb, s3, streams, search)


def _schema_check() -> tuple[Callable[[Any], str], list[str]]:
    """The check, and a note if there is none: the schema comes with the sources, jsonschema with the tests."""
    try:
        from jsonschema import Draft202012Validator

        validator = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    except (ImportError, OSError):
        note = "no entry was held against the schema: that needs the Python package jsonschema, and the sources"
        return lambda _: "", [note]

    def check(entry: Any) -> str:
        error = next(validator.iter_errors(entry), None)
        return error.json_path[:200] if error else ""

    return check, []


class _Teller:
    """Progress: one line that is written over on a terminal, else a line now and then."""

    def __init__(self, output: Output) -> None:
        self._output, self._is_terminal = output, sys.stderr.isatty()
        self._every = 0.2 if self._is_terminal else TOLD_EVERY_SECONDS
        self._told_at = time.monotonic()
        self._what, self._began_at, self._began_with = "", self._told_at, 0

    def tell(self, what: str, done: int, total: int, entries: int) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._began_at, self._began_with = what, now, entries
        if now - self._told_at < self._every and not (self._is_terminal and done == total):
            return
        self._told_at = now
        seconds = now - self._began_at
        rate = f", {(entries - self._began_with) / seconds:,.0f}/s" if seconds > 0 else ""
        line = f"{what}: {done:,} of {total:,}, {entries:,} entries{rate}"
        if self._is_terminal:
            sys.stderr.write(f"\r\x1b[K{line}" + ("\n" if done == total else ""))
            sys.stderr.flush()
        else:
            self._output.note(line)


def _tell(verification: Verification, result: Result, limit: int, output: Output) -> None:
    from tabletrail_verify.findings import KINDS

    total = sum(result.counts.values())
    for finding in verification.findings(limit):
        if output.as_json:
            output.json(finding.facts())
        else:
            output.line((finding.code, "red"), visible(f"  {finding.place}: {finding.detail}"))
    if output.as_json:
        output.json({"kind": "result", "is_clean": result.is_clean, **asdict(result)})
        return
    if total > limit:
        output.line(f"... and {total - min(limit, total)} more: --limit N shows them")
    for code, count in result.counts.items():
        output.line((f"{count} x {code}", "red"), f": {KINDS[code][0]}. What to do: {KINDS[code][1]}.")
    for note in result.notes:
        output.line((f"Not checked: {visible(note)}.", "yellow"))
    output.line(_sum(result))
    output.line(("Damage was found.", "red") if total else ("Nothing is wrong.", "green"))


def _sum(result: Result) -> str:
    parts = [f"{result.segments:,} segments with {result.entries:,} entries, as of {_moment(str(result.begun_at))}"]
    if result.waiting:
        parts.append(f"{result.waiting:,} entries wait to be indexed")
    if result.records:
        parts.append(f"{result.records:,} records of the streams compared ({result.requests:,} GetRecords)")
    if result.orphans:
        parts.append(f"{result.orphans:,} objects without a row, which never happened and are no damage")
    return "; ".join(parts)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tabletrail" / "verify"


def _fingerprint(found: Place, wish: Wish) -> str:
    """One directory for each log and question: another one is another verification."""
    facts = [found.settings.segments_bucket, found.settings.segments_table, found.settings.opensearch_endpoint]
    text = json.dumps([found.is_local, *facts, asdict(wish)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _moment(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds or 0), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
