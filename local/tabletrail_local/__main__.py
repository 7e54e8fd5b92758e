"""`python -m tabletrail_local up`: the same commands as `tabletrail local`, without the rest of the operator's tool."""

from __future__ import annotations

import argparse
import sys

from tabletrail_local.command import add_commands, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tabletrail_local", description=__doc__)
    add_commands(parser)
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        return 130  # the next `up` goes on from here, and `down` ends what was started


if __name__ == "__main__":
    sys.exit(main())
