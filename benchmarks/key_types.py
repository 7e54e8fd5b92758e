"""Should `item.id` be a keyword or of the type wildcard? What each takes, and how long patterns take.

    python benchmarks/key_types.py [--entries N] [--rounds N]

It needs `tabletrail local up`. Half of the keys are like order#17, of which some repeat, half are UUIDs. Each pattern
is made anew in each round, so that no cache answers.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("functions", "cli", "local", "")]

from benchmarks.made_entries import merged_bytes  # noqa: E402
from tabletrail.aws.opensearch_connect import ask  # noqa: E402
from tabletrail_local import info  # noqa: E402
from tests.ports.opensearch_server import Server  # noqa: E402

INDEX = "key-types"
TYPES = {"keyword": {"type": "keyword"}, "wildcard": {"type": "wildcard"}}
PATTERNS: dict[str, Callable[[random.Random], str]] = {
    "order#12345": lambda chance: f"order#{chance.randrange(10_000, 99_999)}",
    "order#12*": lambda chance: f"order#{chance.randrange(10, 99)}*",
    "*#12345": lambda chance: f"*#{chance.randrange(10_000, 99_999)}",
    "*2345*": lambda chance: f"*{chance.randrange(1_000, 9_999)}*",
    "*a7*": lambda chance: f"*{chance.getrandbits(4):x}{chance.randrange(9)}*",
    "*9f2c-*": lambda chance: f"*{chance.getrandbits(16):04x}-*",
    "*nowhere12*": lambda chance: f"*nowhere{chance.randrange(99)}*",
}


def keys(entries: int) -> Iterator[str]:
    chance = random.Random(3)
    for number in range(entries):
        yield f"order#{chance.randrange(300_000)}" if number % 2 else str(UUID(int=chance.getrandbits(128)))


def fill(server: Server, types: dict[str, Any], entries: int) -> float:
    """Makes the index with fields of these types and returns its bytes an entry."""
    server.ask("admin", "DELETE", f"/{INDEX}")
    mappings = {"dynamic": False, "properties": types}
    assert server.ask("admin", "PUT", f"/{INDEX}", {"settings": {"number_of_replicas": 0}, "mappings": mappings}).ok
    lines: list[str] = []
    for number, key in enumerate(keys(entries), 1):
        lines.append('{"index":{}}\n' + json.dumps(dict.fromkeys(TYPES, key)) + "\n")
        if len(lines) == 10_000 or number == entries:
            assert ask(server.client("admin"), "POST", f"/{INDEX}/_bulk", "".join(lines).encode(), None, 120).ok
            lines = []
    return merged_bytes(server, INDEX) / entries


def count(server: Server, field: str, pattern: str) -> tuple[int, float]:
    """(found, milliseconds)"""
    body = {"query": {"wildcard": {field: {"value": pattern}}}, "size": 0, "track_total_hits": True}
    began = time.perf_counter()
    reply = server.ask("admin", "POST", f"/{INDEX}/_search?request_cache=false", body)
    milliseconds = (time.perf_counter() - began) * 1000
    assert reply.ok, reply.reason
    return int(reply.data["hits"]["total"]["value"]), milliseconds


def main() -> int:
    parser = argparse.ArgumentParser(description="item.id as keyword and as wildcard")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    server = Server(info.load())
    try:
        for kind, mapping in TYPES.items():
            print(f"{kind}: {fill(server, {kind: mapping}, args.entries):.0f} bytes an entry, _source included")
        fill(server, TYPES, args.entries)
        print(f"\n{'pattern, as':<16}{'found':>10}{'keyword':>10}{'wildcard':>10}   (ms, medians of {args.rounds})")
        for name, make in PATTERNS.items():
            chance = random.Random(9)
            found: list[int] = []
            times: dict[str, list[float]] = {kind: [] for kind in TYPES}
            for pattern in [make(chance) for _ in range(args.rounds)]:
                counts = set()
                for kind, taken in times.items():
                    number, milliseconds = count(server, kind, pattern)
                    taken.append(milliseconds)
                    counts.add(number)
                assert len(counts) == 1, f"the types differ about {pattern}: {counts}"
                found += counts
            medians = "".join(f"{statistics.median(taken):>10.1f}" for taken in times.values())
            print(f"{name:<16}{statistics.median(found):>10,.0f}{medians}", flush=True)
    finally:
        server.ask("admin", "DELETE", f"/{INDEX}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
