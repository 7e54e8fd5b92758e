"""The questions that the demo asks of the log, each by the very command that is shown above its answer.

Called by the demo.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from tabletrail_cli.entry_text import at
from tabletrail_cli.main import main
from tabletrail_cli.times import as_stored
from tabletrail_local.console import say
from tabletrail_local.demo_display import command_line, heading
from tabletrail_local.demo_tables import DemoTables
from tabletrail_local.workload_truth import Change, Place, Truth

Entry = dict[str, Any]
_READABLE_CHANGES = 8
"""A history of more fills the screen."""


def ask_questions(tables: DemoTables, started_at: float) -> None:
    """By full text, by facets, by filters; of this run, as `started_at` is its beginning."""
    since = as_stored(datetime.fromtimestamp(int(started_at), UTC))
    heading("What did alice change in orders? (full text)")
    _type("search", '"alice changed"', "--table", tables.orders, "--since", since, "--limit", "5")
    heading("Who changed how much? (facets)")
    _type("search", "--facets", "table,actor", "--kind", "change", "--since", since)
    heading("Which e-mail addresses were changed by anyone but the CRM's own job? (filters)")
    filters = ("--table", tables.customers, "--action", "modify", "--changed", "email", "--not", "actor=crm-sync")
    _type("search", *filters, "--since", since, "--limit", "4", "--diff")


def show_one_item(tables: DemoTables, truth: Truth, entries: Sequence[Entry]) -> bool:
    """An order's history, who changed its status last, and the order as it was in the middle of that history. True if
    that is what was written then."""
    place, changes = telling_item(tables, truth)
    own = [entry for entry in entries if (at(entry, "table.name"), at(entry, "item.id")) == place]
    heading("What happened to one order?")
    _type("history", *place)
    heading("Who changed its status last, and how sure is that?")
    _type("who", *place, "status")
    middle = at(own[(len(own) - 1) // 2], "@timestamp")
    heading("What was it in the middle of that? (rebuilt from the log in S3, its bytes checked)")
    _type("history", *place, "--at", middle)
    # Several changes may share a second: as of that second, the last of them counts.
    expected = changes[max(n for n, entry in enumerate(own) if at(entry, "@timestamp") == middle)].new
    return bool(item_at(place, middle) == expected)


def ask_what_is_missing() -> bool:
    """True if a verification of the whole log finds nothing wrong."""
    heading("Is anything missing, and has anyone touched the log? (every segment, chain and document, and the streams)")
    return _type("verify", "--stream") == 0


def telling_item(tables: DemoTables, truth: Truth) -> tuple[Place, list[Change]]:
    """The order with the most changes that still fit on a screen."""
    orders = {place: changes for place, changes in truth.by_item().items() if place[0] == tables.orders}

    def telling(place: Place) -> tuple[bool, int]:
        number = len(orders[place])
        return number <= _READABLE_CHANGES, number if number <= _READABLE_CHANGES else -number

    best = max(orders, key=telling)
    return best, orders[best]


def item_at(place: Place, moment: str) -> Any:
    """The item as the command line rebuilds it, in typed JSON; None if there was none."""
    with redirect_stdout(StringIO()) as out:
        main(["history", *place, "--at", moment, "--json", "--local"])
    return json.loads(out.getvalue())["item"] if out.getvalue() else None


def _type(*words: str) -> int:
    words = (*words, "--local")
    command_line(f"tabletrail {shlex.join(words)}")
    code = main(words)
    if code > 1:
        say("(the command could not answer; see above)")
    sys.stdout.flush()
    return code
