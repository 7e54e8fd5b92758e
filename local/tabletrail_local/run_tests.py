"""Runs the tests with a stack of their own: `make test`, or `python -m tabletrail_local.run_tests [for pytest]`.

The stack lies in .local-test and starts empty each time. With $TABLETRAIL_LOCAL_DIR set, the stack in that directory is
used as it is, and is left running if it ran before. Exit code: pytest's own, so that 5, no tests, counts as a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from tabletrail_local import stack
from tabletrail_local.console import complain
from tabletrail_local.errors import LocalStackError
from tabletrail_local.paths import DIRECTORY_VARIABLE, StackPaths, repository_root, stack_paths


def main(arguments: list[str]) -> int:
    # Ended from outside, as by a time limit, the stack must still be taken down.
    signal.signal(signal.SIGTERM, _stop)
    chosen = DIRECTORY_VARIABLE in os.environ
    paths = stack_paths() if chosen else StackPaths(repository_root() / ".local-test")
    try:
        already_up = chosen and all(item.answers for item in stack.status(paths))
        try:
            if not chosen:
                stack.reset(paths)
            stack.up(paths)
            return _pytest(paths, arguments)
        finally:
            if not already_up:
                stack.down(paths)
    except LocalStackError as error:
        complain(f"tabletrail: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _pytest(paths: StackPaths, arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    environment = {**os.environ, DIRECTORY_VARIABLE: str(paths.root)}
    with subprocess.Popen(command, cwd=repository_root(), env=environment) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
