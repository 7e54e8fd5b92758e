"""Many stories, each in memory from a seed of its own: is any name wrong?

    python -m tests.attribution [--first 1] [--seeds 40] [--changes 5000]

Exit code 1 if a name is wrong that is certain, or one in a hundred that is likely, the entry's or CloudTrail's.
"""

# ruff: noqa: T201 -- a command's output

from __future__ import annotations

import argparse
import sys

from tests.attribution.answers import Tally
from tests.attribution.telling import Telling

MOST_WRONG = 0.01


def is_sound(tally: Tally) -> bool:
    """What each story must show."""
    wrong, seen_wrong = len(tally.wrong("likely")), tally.seen("likely", wrong=True)
    is_likely_right = wrong < MOST_WRONG * tally.count("likely") and seen_wrong < MOST_WRONG * tally.seen("likely")
    return not tally.wrong("certain") and is_likely_right


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--changes", type=int, default=5_000)
    args = parser.parse_args()
    unsound = 0
    for seed in range(args.first, args.first + args.seeds):
        tally = Telling(seed, args.changes).run()
        unsound += not is_sound(tally)
        print(
            f"seed {seed}: {len(tally.answers)} changes;"
            f" certain {tally.count('certain')}, wrong {len(tally.wrong('certain'))};"
            f" likely {tally.count('likely')}, wrong {len(tally.wrong('likely'))};"
            f" CloudTrail likely {tally.seen('likely')}, wrong {tally.seen('likely', wrong=True)}",
            flush=True,
        )
    return int(unsound > 0)


if __name__ == "__main__":
    sys.exit(main())
