"""`tabletrail parked show ID`: the full entry of a parked one, or an unreadable record whole, from the log.

Called by `parked`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tabletrail_cli import options
from tabletrail_cli.errors import FOUND, NOTHING_FOUND, DamageError
from tabletrail_cli.output import Output, visible
from tabletrail_cli.parked_entries import by_id, full_entries, retried
from tabletrail_cli.times import shown

if TYPE_CHECKING:
    from tabletrail.core.segment import Line

_MAPPING = "a field does not fit the index's mapping, or the document is beyond one of its limits; a retry tells which"
MEANINGS = {
    "mapper_parsing_exception": _MAPPING,
    "document_parsing_exception": _MAPPING,
    "illegal_argument_exception": _MAPPING,
    "max_bytes_length_exceeded_exception": "a term is longer than the 32,766 bytes that the index takes",
    "request_entity_too_large": "this document alone is larger than OpenSearch takes in one request",
}
"""OpenSearch's words for a refusal, as far as they were met; it may have others."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        "show",
        help="the full entry as the log has it, checked",
        description="Shows the full entry of a parked one, or an unreadable record whole, from the log.",
        epilog="The bytes it comes from are checked: the exit code is 4 if they are not what was committed, or not "
        "what was parked.",
        allow_abbrev=False,
    )
    parser.add_argument("id", metavar="ID", help="the entry's id, or its first 8 digits or more")
    parser.add_argument("--images", action="store_true", help="the item's whole images too: they hold all its data")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace, output: Output) -> int:
    """The exit code."""
    zone = options.zone(args)
    from tabletrail_cli import place
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.log import Log
    from tabletrail_cli.parked import facts

    found = place.find(args, os.environ, output)
    index, log = Entries(found.search), Log(found)
    entry = by_id(index, args.id)
    if entry is None:
        output.note(f"no parked or unreadable entry has the id {visible(args.id)}: `tabletrail parked list` has them")
        return NOTHING_FOUND
    known = facts(entry, retried(index, [entry]))
    [full] = full_entries(log, [entry])
    if full.line is None:
        raise DamageError(f"line {known['line']} of segment {known['segment']}: {full.damage}")
    row = log.segments.get(known["segment"])
    known |= {"key": row.key, "version_id": row.version_id, "sha256": row.sha256} if row else {}
    if output.as_json:
        output.json({**known, "meaning": _meaning(known), **_content(full.line, args.images)})
    else:
        for line in _lines(known, shown(known["time"], zone), full.line, args.images):
            output.line(line)
    return FOUND


def _content(line: Line, with_images: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"entry": line.entry}
    if line.images.get("form") == "record":
        content["record"] = line.images.get("record")
    elif with_images:
        content["images"] = line.images
    return content


def _meaning(known: dict[str, Any]) -> str:
    if known["state"] != "parked":
        return "the record could not be converted; the index has this entry, the log has the record whole"
    return MEANINGS.get(known["reason"], "OpenSearch's word for why it refused the full entry")


def _lines(known: dict[str, Any], time: str, line: Line, with_images: bool) -> Iterator[str]:
    yield f"{known['state']}: {time}  {visible(known['table'])} {visible(known['item'] or '(no key)')}"
    yield f"  id       {known['id']}"
    yield f"  reason   {visible(known['reason'])}: {_meaning(known)}"
    yield f"  log      line {known['line']} of segment {visible(known['segment'])}"
    yield f"  object   {visible(known.get('key', ''))}, version {visible(known.get('version_id', ''))}"
    yield "  checked  the object is the committed one, the entry is the one that was taken note of"
    if known["retried"] is not None:
        yield f"  retried  {'yes, as ' + known['retried_as'] if known['retried'] else 'no'}"
    yield "entry:"
    yield from _pretty(line.entry)
    if line.images.get("form") == "record":
        yield "record:"
        yield visible(str(line.images.get("record")))
    elif with_images:
        yield f"images ({visible(str(line.images.get('form')))}):"
        yield from _pretty({side: line.images[side] for side in ("old", "new") if side in line.images})
    elif line.images.get("form") == "plain":
        yield "--images shows the item whole, before and after"


def _pretty(value: Any) -> Iterator[str]:
    yield from map(visible, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).split("\n"))
