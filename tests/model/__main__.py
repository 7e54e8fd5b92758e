"""`python -m tests.model [--deep]`: explores each configuration and prints what was found.

Ends with 1 if an invariant is violated, after the shortest way to it.
"""

from __future__ import annotations

import argparse
import sys

from tests.model.configurations import CI, DEEP
from tests.model.explorer import Result, explore


def report(result: Result) -> str:
    sizes = result.sizes
    lines = [
        f"{sizes.name}",
        f"  records by shard {sizes.records}, parents {sizes.parents}, runs {sizes.runs}, backlogs {sizes.backlogs}",
        f"  {result.states:,} states, {result.transitions:,} transitions, diameter {result.diameter}, "
        f"{result.seconds:.1f} s, {result.complete:,} states are complete",
        "  held: " + ", ".join(f"{name} {count:,}" for name, count in result.checked.items()),
    ]
    if result.violation is not None:
        lines.append(f"  VIOLATED {result.violation.invariant}: {result.violation.what}")
        lines += [f"    {number}. {step}" for number, step in enumerate(result.violation.trace, 1)]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--deep", action="store_true", help="the large configurations too: minutes, some GB of memory")
    chosen = (*CI, *DEEP) if parser.parse_args().deep else CI
    states = transitions = 0
    is_broken = False
    for sizes in chosen:
        result = explore(sizes)
        print(report(result), flush=True)  # noqa: T201  # this is the command's output
        states, transitions = states + result.states, transitions + result.transitions
        is_broken |= result.violation is not None
    print(f"{states:,} distinct states in {len(chosen)} configurations, {transitions:,} transitions")  # noqa: T201
    return int(is_broken)


sys.exit(main())
