"""A laboratory day of a mixed fleet, in minutes: is each record exactly one entry, and is each loss said?

    python -m tests.soak --hours 24 --tables 20 --shards 300 --seed 4711 --report soak.json

Exit code 1 if the log is not what the laboratory wrote: each difference is named. The same seed orders the same story
and the same faults; which of a group's eight readers meets a fault of the streams is up to the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

from tests.soak.checking import check
from tests.soak.laboratory_process import laboratory_process
from tests.soak.reporting import as_text, report
from tests.soak.story import Soak


def main() -> int:
    options = _options()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    _say(f"seed {seed}")
    with laboratory_process(seed) as client:
        soak = Soak(client, seed, options.hours, options.tables, options.shards, _say)
        soak.run()
        begun = time.perf_counter()
        found = report(soak, check(soak))
        _say(f"checked in {time.perf_counter() - begun:.0f} s\n")
    _say(as_text(found))
    if options.report:
        options.report.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if found["differences"] else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hours", type=float, default=24, help="laboratory hours after the outage")
    parser.add_argument("--tables", type=int, default=20, help="at least 4")
    parser.add_argument("--shards", type=int, default=300, help="open when the day begins")
    parser.add_argument("--seed", type=int, help="fixes the story; printed if it is left out")
    parser.add_argument("--report", type=Path, help="file that gets the report as JSON")
    options = parser.parse_args()
    if options.tables < 4 or options.shards < options.tables or options.hours < 1:
        parser.error("a soak has at least 4 tables, a shard for each, and an hour")
    return options


if __name__ == "__main__":
    sys.exit(main())
