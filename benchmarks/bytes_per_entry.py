"""How many bytes of the index an entry takes, by what happened, and what each choice of the template costs.

    python benchmarks/bytes_per_entry.py [--entries N] [--choices N]

It needs `tabletrail local up`. Each figure is an index of its own, filled through bulk requests, merged into one
segment, its primary's store divided by its entries. In one run:

    by kind    each kind of change alone, and what CloudTrail says of small updates, under this template; beside
               it the entry as JSON
    by choice  the same mixed entries under this template, under each earlier one, and under this one with a part of it
               left out or chosen otherwise: what that part costs
    indexing   seconds of the same bulk requests under this template and each earlier one, in turns

Indexing a part costs room; leaving it out of the index leaves it in `_source`, which has the whole entry in any case.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("functions", "cli", "local", "")]

from benchmarks.made_entries import KINDS, Maker, bulks, merged_bytes  # noqa: E402
from tabletrail.aws.opensearch_connect import ask  # noqa: E402
from tabletrail.aws.opensearch_definition import definitions_in  # noqa: E402
from tabletrail.core.entry import Entry  # noqa: E402
from tabletrail_local import info  # noqa: E402
from tests.ports.opensearch_server import MAPPINGS, Server  # noqa: E402

SEPTEMBER, OCTOBER = 1_788_220_800, 1_790_812_800
Definition = dict[str, Any]
Edit = Callable[[dict[str, Any]], None]


def without(*names: str) -> Edit:
    """Fields that are no longer in the mapping; `item.id.parts` is a field of a field."""

    def edit(properties: dict[str, Any]) -> None:
        for name in names:
            *path, last = name.split(".")
            place = properties
            for part in path:
                place = place[part].get("properties") or place[part]["fields"]
            del place[last]

    return edit


def plain_text(properties: dict[str, Any]) -> None:
    for name in ("message", "reason"):
        kept = {"fields": properties[name]["fields"]} if "fields" in properties[name] else {}
        properties[name] = {"type": "text", **kept}


def wildcard_key(properties: dict[str, Any]) -> None:
    properties["item"]["properties"]["id"] = {"type": "wildcard", "doc_values": True}


SAID = "what CloudTrail says of a change"
PARTS = ("item.id.parts", "actor.id.parts", "actor.last_known.parts", "request.id.parts", "principal.arn.parts")
CHOICES: dict[str, Edit] = {
    "without .parts of keys, persons and requests": without(*PARTS),
    "sentence and reason by the standard analyzer": plain_text,
    "without the sentence": without("message"),
    "without before and after": without("before", "after"),
    "without numbers": without("numbers"),
    "without changed and changed_path": without("changed", "changed_path"),
    "without event.hash": without("event.hash"),
    "item.id of the type wildcard": wildcard_key,
}


class Bench:
    def __init__(self) -> None:
        self.server = Server(info.load())
        self.templates = definitions_in(MAPPINGS)

    def definition(self, version: int = 0, edit: Edit | None = None) -> Definition:
        """Of one version, this release's for 0, with this part of it otherwise."""
        template = self.templates[0]
        if version:
            template = next(one for one in self.templates if one["version"] == version)
        made = copy.deepcopy(template["template"])
        if edit:
            edit(made["mappings"]["properties"])
        return {"settings": made["settings"] | {"index.number_of_replicas": 0}, "mappings": made["mappings"]}

    def measure(self, definition: Definition, entries: int, kind: str = "") -> tuple[float, float]:
        """(bytes in the index, bytes as JSON) per entry."""
        with self.an_index(definition) as name:
            sent = 0
            for body, _ in bulks(self.mixed(entries, kind), name):
                self.send(name, body)
                sent += sum(len(line) for line in body.splitlines()[1::2])
            return merged_bytes(self.server, name) / entries, sent / entries

    def send(self, index: str, body: bytes) -> float:
        """Seconds until the server has indexed it."""
        began = time.perf_counter()
        reply = ask(self.server.client("admin"), "POST", f"/{index}/_bulk", body, {"filter_path": "errors"})
        seconds = time.perf_counter() - began
        assert reply.ok, reply.reason
        assert reply.data == {"errors": False}
        return seconds

    def pace(self, entries: int, rounds: int) -> dict[int, float]:
        """Seconds of indexing the mix under each version of the template, medians of rounds in turns."""
        bodies = [body.replace(b'"_index": "x", ', b"") for body, _ in bulks(self.mixed(entries), "x")]
        taken: dict[int, list[float]] = {template["version"]: [] for template in self.templates}
        for _ in range(rounds + 1):
            for version, seconds in taken.items():
                with self.an_index(self.definition(version)) as name:
                    seconds.append(sum(self.send(name, body) for body in bodies))
        return {version: statistics.median(seconds[1:]) for version, seconds in taken.items()}

    def mixed(self, entries: int, kind: str = "") -> Iterator[Entry]:
        """The same ones each time."""
        maker = Maker(11, SEPTEMBER, OCTOBER)
        return maker.said(entries) if kind == SAID else maker.entries(entries, kind)

    @contextmanager
    def an_index(self, definition: Definition) -> Iterator[str]:
        """Under a name that no template of ours is for."""
        name = f"bytes-per-entry-{uuid4().hex[:8]}"
        made = self.server.ask("admin", "PUT", f"/{name}", definition)
        assert made.ok, made.reason
        try:
            yield name
        finally:
            self.server.ask("admin", "DELETE", f"/{name}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Bytes of the index an entry takes")
    parser.add_argument("--entries", type=int, default=10_000, help="of each kind (default: 10,000)")
    parser.add_argument("--choices", type=int, default=50_000, help="mixed ones for each choice (default: 50,000)")
    parser.add_argument("--rounds", type=int, default=7, help="of indexing 4,000 mixed ones (default: 7)")
    args = parser.parse_args()
    bench = Bench()
    paces = bench.pace(4_000, args.rounds)
    for version, seconds in paces.items():
        ratio = seconds / next(iter(paces.values()))
        print(
            f"indexing under version {version}: {4_000 / seconds:,.0f} entries/s, ratio of time {ratio:.2f}", flush=True
        )
    print(f"\n{'what happened':<45}{'of 100':>8}{'in the index':>14}{'as JSON':>9}")
    for kind, weight in [*((kind, weight) for kind, (weight, _) in KINDS.items()), (SAID, 0)]:
        stored, sent = bench.measure(bench.definition(), args.entries, kind)
        print(f"{kind:<45}{weight:>8}{stored:>12,.0f} B{sent:>7,.0f} B", flush=True)
    print(f"\n{'mixed, under':<45}{'in the index':>22}{'ratio':>9}")
    whole, sent = bench.measure(bench.definition(), args.choices)
    print(f"{'this template':<45}{whole:>20,.0f} B{1:>9.2f}   (as JSON: {sent:,.0f} B)", flush=True)
    rows = {f"version {one['version']}": bench.definition(one["version"]) for one in bench.templates[1:]}
    rows |= {name: bench.definition(edit=edit) for name, edit in CHOICES.items()}
    for name, definition in rows.items():
        stored, _ = bench.measure(definition, args.choices)
        print(f"{name:<45}{stored:>20,.0f} B{stored / whole:>9.2f}", flush=True)
    print(f"\na million mixed entries: {whole:,.0f} MB of a primary shard")
    return 0


if __name__ == "__main__":
    sys.exit(main())
