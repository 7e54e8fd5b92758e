"""`tabletrail parked retry`: the full entries of parked ones, offered to their index once more.

Rules
- The full entry goes in under an id derived from its own and names the parked one, which stays: nothing is replaced.
- Create only, so saying it again changes nothing: what is there already is said to be there.
- What the log does not hold as it was parked is not offered.

Called by `parked`.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tabletrail.core.bulk import requests
from tabletrail.core.entry import retried_entry
from tabletrail.core.identity import retry_id
from tabletrail.core.outcome import ItemResult, Outcome
from tabletrail.core.paths import cut_text
from tabletrail.errors import QueryError, TransientError
from tabletrail_cli.entry_text import Entry
from tabletrail_cli.entry_text import at as text_at
from tabletrail_cli.errors import DAMAGED, FOUND, NO_ACCESS, NOTHING_FOUND, AccessError
from tabletrail_cli.output import Output, visible
from tabletrail_cli.parked_entries import PARKED, SHORT_ID, by_id, full_entries, pages, retried

if TYPE_CHECKING:
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.log import Log
    from tabletrail_cli.place import Place

STORED, THERE, REFUSED, WAITING, DAMAGE, WOULD = (
    "stored",
    "already there",
    "refused again",
    "not taken now",
    "damaged",
    "would be offered",
)
_CODES = ((DAMAGE, DAMAGED), (WAITING, NO_ACCESS), (REFUSED, NOTHING_FOUND))
"""The worst outcome decides the exit code."""
TOO_LARGE = 413
NO_RIGHT = "OpenSearch does not let you create entries ({status}): you need the role tabletrail_writer"
READ_ONLY = "; its index takes no more entries: `tabletrail reindex` makes it anew, with this entry"

EPILOG = """examples:
  tabletrail parked retry 3f9a27c1d0b2
  tabletrail parked retry --all --reason illegal_argument_exception --dry-run

You need the roles tabletrail_reader and tabletrail_writer in OpenSearch; on the local stack its own users are taken.

exit codes of this command:
  0  each entry is stored now, or was there
  1  OpenSearch refused one again, or there was nothing to offer
  3  OpenSearch did not take one at this time, or does not let you in
  4  the log does not hold one as it was parked"""


@dataclass(frozen=True, slots=True)
class Offered:
    """What became of one parked entry. `reason` is OpenSearch's word, `detail` its sentence, which may hold data."""

    entry: Entry
    outcome: str
    reason: str = ""
    detail: str = ""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "retry",
        help="offer full entries to the index once more",
        description="Offers the full entries of parked ones to their index once more. Only creates; may be repeated.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="ids of parked entries, or their first 8 digits or more")
    parser.add_argument("--all", action="store_true", help="all parked entries that the filters leave, oldest first")
    parser.add_argument("--dry-run", action="store_true", help="read and check the full entries, and offer nothing")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    if bool(args.ids) == args.all:
        raise QueryError("say which: IDs as `tabletrail parked list` shows them, or --all with filters")
    if args.ids and (args.table or args.reason or args.since or args.until):
        raise QueryError("filters are for --all; an ID names its entry by itself")
    from tabletrail_cli import place
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.log import Log
    from tabletrail_cli.parked import query_of

    clause = query_of(args, PARKED)
    found = place.find(args, os.environ, output)
    index = Entries(found.search)
    parked = _named(index, args.ids) if args.ids else index.walk(clause, "asc")
    retry = Retry(index, Log(found), None if args.dry_run else writer_of(found), found.settings.bulk_bytes)
    counts: Counter[str] = Counter()
    for offered in retry.all(parked):
        counts[offered.outcome] += 1
        _tell(offered, output)
    if not counts:
        output.note("nothing found")
        return NOTHING_FOUND
    output.note(", ".join(f"{count:,} {outcome}" for outcome, count in counts.items()))
    return next((code for outcome, code in _CODES if counts[outcome]), FOUND)


def writer_of(place: Place) -> Any:
    """A client that may create entries: as the local stack's writer, else as the caller."""
    if not place.is_local:
        return place.search
    from tabletrail_cli.place import Login
    from tabletrail_local import info

    local = info.load()
    user = local.login(info.WRITER_ROLE)
    return replace(place, login=Login(user.user, user.password, local.ca_pem)).search


def _named(index: Entries, ids: Sequence[str]) -> Iterator[Entry]:
    found = {text: by_id(index, text) for text in ids}
    for text, entry in found.items():
        if entry is None:
            raise QueryError(f"no parked entry has the id {text}: `tabletrail parked list` has them")
        if text_at(entry, "tabletrail.kind") != PARKED:
            raise QueryError(f"{text} is an unreadable record: the index has its entry, so there is nothing to offer")
    yield from {text_at(entry, "event.id"): entry for entry in found.values() if entry}.values()


@dataclass(frozen=True)
class Retry:
    """`client` may create entries; None offers nothing. AccessError, TransientError end it; what was stored stays."""

    index: Entries
    log: Log
    client: Any
    bulk_bytes: int

    def all(self, parked: Iterable[Entry]) -> Iterator[Offered]:
        for page in pages(parked):
            done = retried(self.index, page)
            yield from (Offered(one, THERE) for one in page if text_at(one, "event.id") in done)
            yield from self._page([one for one in page if text_at(one, "event.id") not in done])

    def _page(self, page: Sequence[Entry]) -> Iterator[Offered]:
        entries: dict[str, Entry] = {}
        damaged: list[Offered] = []

        def documents() -> Iterator[tuple[str, str, bytes]]:
            for full in full_entries(self.log, page):
                if full.line is None:
                    damaged.append(Offered(full.entry, DAMAGE, full.damage))
                    continue
                document_id = retry_id(full.line.id)
                entries[document_id] = full.entry
                yield document_id, full.line.index, retried_entry(full.line.document)

        for request in requests(documents(), self.bulk_bytes):
            yield from self._offer(request.body, [entries[id_] for id_ in request.ids])
        yield from damaged

    def _offer(self, body: bytes, entries: Sequence[Entry]) -> Iterator[Offered]:
        if self.client is None:
            yield from (Offered(entry, WOULD) for entry in entries)
            return
        from tabletrail.aws.opensearch import OpenSearchIndex

        index = OpenSearchIndex(self.client)
        reply = index.create(body)
        if reply.results is not None:
            lines = body.split(b"\n")
            for number, (entry, result) in enumerate(zip(entries, reply.results, strict=True)):
                document = b"\n".join(lines[2 * number : 2 * number + 2]) + b"\n"
                yield self._settled(entry, result, document)
        elif reply.status == TOO_LARGE and len(entries) > 1:
            yield from self._one_by_one(body, entries)
        elif reply.status == TOO_LARGE:
            yield Offered(entries[0], REFUSED, "request_entity_too_large")
        elif reply.status in (401, 403):
            raise AccessError(NO_RIGHT.format(status=reply.status))
        else:
            raise TransientError(f"OpenSearch takes no entries now ({reply.status}): try again")

    def _one_by_one(self, body: bytes, entries: Sequence[Entry]) -> Iterator[Offered]:
        lines = body.split(b"\n")
        for number, entry in enumerate(entries):
            yield from self._offer(b"\n".join(lines[2 * number : 2 * number + 2]) + b"\n", [entry])

    def _settled(self, entry: Entry, result: ItemResult, document: bytes) -> Offered:
        if result.outcome is Outcome.STORED:
            return Offered(entry, STORED)
        if result.outcome is Outcome.ALREADY_THERE:
            return Offered(entry, THERE)
        if result.outcome is Outcome.REFUSED:
            return Offered(entry, REFUSED, result.reason, self._detail(document))
        if result.reason == "security_exception":
            raise AccessError(NO_RIGHT.format(status=result.status))
        is_closed = result.reason in ("cluster_block_exception", "index_closed_exception", "index_not_found_exception")
        return Offered(entry, WAITING, f"{result.status} {result.reason}{READ_ONLY if is_closed else ''}")

    def _detail(self, document: bytes) -> str:
        """What OpenSearch says of a refused document in a sentence. The functions never ask: it may hold item data."""
        from tabletrail.aws.opensearch_connect import ask

        reply = ask(self.client, "POST", "/_bulk", document, {"filter_path": "items.*.error"})
        try:
            error = reply.data["items"][0]["create"]["error"]
            causes = [error.get("reason"), (error.get("caused_by") or {}).get("reason")]
        except (KeyError, IndexError, TypeError):
            return ""
        return cut_text("; ".join(str(cause) for cause in causes if cause))


def _tell(offered: Offered, output: Output) -> None:
    entry_id = text_at(offered.entry, "event.id")
    table, item = text_at(offered.entry, "table.name"), text_at(offered.entry, "item.id")
    if output.as_json:
        output.json(
            {
                "id": entry_id,
                "retry_id": retry_id(entry_id),
                "outcome": offered.outcome,
                "reason": offered.reason,
                "detail": offered.detail,
                "table": table,
                "item": item or None,
            }
        )
        return
    why = ": ".join(visible(text) for text in (offered.reason, offered.detail) if text)
    style = "green" if offered.outcome in (STORED, THERE, WOULD) else "yellow"
    output.line((offered.outcome, style), f"  {entry_id[:SHORT_ID]}  {visible(table)} {visible(item)}  {why}".rstrip())
