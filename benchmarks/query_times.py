"""How long questions take over a million entries: each saved search and panel of Dashboards, and the command's own.

    python benchmarks/query_times.py [--entries N] [--rounds N] [--keep]

It needs `tabletrail local up`, no deployment. The entries lie in the indices of three months, made by the index owner
as in production, and are asked for through the alias, as the reader, over all three months: what a person does who
narrows nothing. Saved searches and panels are read from mappings/dashboards/tabletrail.v1.ndjson and asked as
Dashboards asks them, Discover's bars, marks and 500 rows included; what is to be filled in changes with each round.

    cold   median of some rounds, OpenSearch's own caches cleared before each; the files stay in the machine's memory
    warm   median and 99th percentile of the other rounds
    ratio  the warm median over that of the newest 50 entries: says more than milliseconds on a machine that is busy
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("functions", "cli", "local", "")]

from benchmarks.made_entries import ITEMS, PEOPLE, Maker, bulks, merged_bytes, stored_bytes  # noqa: E402
from tabletrail.aws.opensearch import OpenSearchKeeper  # noqa: E402
from tabletrail.aws.opensearch_connect import ask  # noqa: E402
from tabletrail.core.periods import ALIAS  # noqa: E402
from tabletrail_cli.queries import Question, facets_of, item_query, query_of, sort_of  # noqa: E402
from tabletrail_dashboards.objects import load  # noqa: E402
from tabletrail_dashboards.search_body import data_view_for, search_body  # noqa: E402
from tabletrail_dashboards.search_source import TimeRange  # noqa: E402
from tabletrail_local import info  # noqa: E402
from tests.ports.opensearch_server import Server  # noqa: E402

Body = dict[str, Any]
Ask = Callable[[random.Random], Body]
INDICES = [f"tabletrail-v1-2043.0{month}" for month in (1, 2, 3)]
"""2043: months that no one else has."""
START, END = datetime(2043, 1, 1, tzinfo=UTC), datetime(2043, 3, 31, 23, 59, 59, tzinfo=UTC)
SAVED = ROOT / "mappings" / "dashboards" / "tabletrail.v1.ndjson"
COLD = 7
REFERENCE = "search: the newest 50"


def order(chance: random.Random) -> str:
    return f"order#{chance.randrange(ITEMS)}"


FILLED_IN: dict[str, Callable[[random.Random], Mapping[str, str]]] = {
    "who-changed-this-value": lambda chance: {
        "table.name": "orders",
        "item.id": order(chance),
        "changed_path": "orderStatus",
    },
    "what-removed-this-item": lambda chance: {"table.name": "orders", "item.id": order(chance)},
    "changes-of-one-item": lambda chance: {"table.name": "orders", "item.id": order(chance)},
    "activity-of-one-person": lambda chance: {"actor.id": chance.choice(PEOPLE)},
}
"""By the end of a saved search's id; the others are asked as they are."""


@dataclass(frozen=True)
class Times:
    """In milliseconds."""

    cold: float
    median: float
    last: float
    hits: int


def questions() -> Iterator[tuple[str, Ask]]:
    yield REFERENCE, lambda _: listed(Question(), 50)
    yield from of_dashboards()
    yield from of_command_line()


def of_dashboards() -> Iterator[tuple[str, Ask]]:
    objects = load(SAVED.read_text("utf-8"))
    span = TimeRange(START, END)
    for name, one in objects.items():
        if one.type not in ("search", "visualization") or data_view_for(one, objects).index != ALIAS:
            continue
        slug = name.removeprefix("tabletrail-search-")
        fill = FILLED_IN.get(slug, lambda _: {})
        kind = "saved search" if one.type == "search" else "panel"
        title = f"{kind}: {one.title}"

        def body(chance: random.Random, one: Any = one, fill: Any = fill) -> Body:
            with_bars = one.type == "search"
            return search_body(one, objects, span, fill=fill(chance), with_bars=with_bars)

        yield title, body


def of_command_line() -> Iterator[tuple[str, Ask]]:
    yield "history of an item", lambda chance: history(order(chance))
    yield "search: a key in words", lambda chance: listed(Question(text=order(chance)), 50)
    yield "search: shipped alice1", lambda _: listed(Question(text="shipped alice1"), 50)
    yield "search: a frequent word", lambda _: listed(Question(text="changed"), 50)
    yield '"from paid to shipped"', lambda _: listed(Question(text='"from paid to shipped"'), 50)
    yield "--changed address", lambda _: listed(Question(changed=["address"]), 50)
    yield "--after orderStatus=shipped", lambda _: listed(Question(after=["orderStatus=shipped"]), 50)
    yield "--number 'price after > 99000'", lambda _: listed(Question(numbers=["price after > 99000"]), 50)
    yield "--item 'order#12*'", lambda _: listed(Question(fields=[("item", ["order#12*"])]), 50)
    yield "--item '*2345*'", lambda _: listed(Question(fields=[("item", ["*2345*"])]), 50)
    yield "--facets table,actor,changed", lambda _: counted("table,actor,changed")
    yield "--facets item", lambda _: counted("item")


def within(query: Any) -> Any:
    bounds = {"gte": START.isoformat(), "lte": END.isoformat()}
    return {"bool": {"filter": [query, {"range": {"@timestamp": bounds}}]}}


def listed(question: Question, size: int) -> Body:
    return {"query": within(query_of(question)), "sort": sort_of("desc"), "size": size, "track_total_hits": False}


def history(key: str) -> Body:
    query = within(item_query("orders", {"term": {"item.id": key}}))
    return {"query": query, "sort": sort_of("asc"), "size": 500, "track_total_hits": False}


def counted(names: str) -> Body:
    return {"query": within({"match_all": {}}), "size": 0, "track_total_hits": False, "aggs": facets_of(names)}


class Bench:
    def __init__(self) -> None:
        self.server = Server(info.load())
        self.server.install()
        self.chance = random.Random(5)

    def fill(self, entries: int) -> None:
        self.remove()
        keeper = OpenSearchKeeper(self.server.client("index-owner"))
        made = [keeper.ensure(index) for index in INDICES]
        assert all(made)
        began, done, client = time.monotonic(), 0, self.server.client("writer")
        for body, documents in bulks(Maker(11, int(START.timestamp()), int(END.timestamp())).entries(entries)):
            reply = ask(client, "POST", "/_bulk", body, {"filter_path": "errors"}, 120)
            assert reply.ok, reply.reason
            assert reply.data == {"errors": False}
            done += documents
            print(f"\r{done:,} of {entries:,} entries", end="", file=sys.stderr, flush=True)
        print(f"\n{done:,} entries indexed in {time.monotonic() - began:,.0f} s")
        for how, size in (("as they fell", stored_bytes), ("merged, as a closed period is", merged_bytes)):
            size_now = size(self.server, ",".join(INDICES))
            print(f"{size_now / 1e6:,.0f} MB {how}: {size_now / done:,.0f} MB for each million entries", flush=True)

    def remove(self) -> None:
        for index in INDICES:
            self.server.ask("admin", "DELETE", f"/{index}")

    def times(self, question: Ask, rounds: int) -> Times:
        cold: list[float] = []
        warm: list[float] = []
        hits = 0
        for number in range(COLD + rounds):
            if number < COLD:
                cleared = self.server.ask("admin", "POST", f"/{','.join(INDICES)}/_cache/clear")
                assert cleared.ok, cleared.reason
            milliseconds, hits = self.once(question(self.chance))
            (cold if number < COLD else warm).append(milliseconds)
        last = sorted(warm)[min(len(warm) - 1, len(warm) * 99 // 100)]
        return Times(statistics.median(cold), statistics.median(warm), last, hits)

    def once(self, body: Body) -> tuple[float, int]:
        """Milliseconds until the reply was read, and how many entries it is about, as far as it says."""
        began = time.perf_counter()
        reply = ask(self.server.client("reader"), "POST", f"/{ALIAS}/_search", body, None, 120)
        milliseconds = (time.perf_counter() - began) * 1000
        assert reply.ok, reply.reason
        assert reply.data["_shards"]["failed"] == 0
        hits = reply.data["hits"]
        return milliseconds, int(hits.get("total", {}).get("value", len(hits["hits"])))

    def report(self, rounds: int) -> None:
        print(
            f"\n{'':<46}{'entries':>9}{'cold':>9}{'p50':>9}{'p99':>9}{'ratio':>8}   (ms; load {os.getloadavg()[0]:.1f})"
        )
        for _ in range(5):
            for _, question in questions():
                self.once(question(self.chance))  # the server's own warming up
        reference = 0.0
        for title, question in questions():
            found = self.times(question, rounds)
            reference = reference or found.median
            figures = f"{found.hits:>9,}{found.cold:>9,.1f}{found.median:>9,.1f}{found.last:>9,.1f}"
            print(f"{title[:45]:<46}{figures}{found.median / reference:>8.1f}", flush=True)
        print(f"{rounds} warm rounds, {COLD} cold ones; load at the end {os.getloadavg()[0]:.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description="How long questions take over a million entries")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100, help="warm ones for each question (default: 100)")
    parser.add_argument("--keep", action="store_true", help="take the entries of an earlier call, and leave them there")
    args = parser.parse_args()
    bench = Bench()
    if not (args.keep and bench.server.ask("admin", "GET", f"/{INDICES[0]}").ok):
        bench.fill(args.entries)
    try:
        bench.report(args.rounds)
    finally:
        if not args.keep:
            bench.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
