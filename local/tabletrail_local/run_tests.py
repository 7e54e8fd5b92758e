"""Runs the tests with a stack of their own: `make test`, or `python -m tabletrail_local.run_tests [for pytest]`.

The stack lies in .local-test and starts empty each time. With $TABLETRAIL_LOCAL_DIR set, the stack in that directory is
used as it is, and is left running if it ran before. All tests are two processes: those that need no stack begin at
once, beside its start and the others. Exit code: the larger one of pytest's, so that 5, no tests, counts as a failure.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
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
            with _without_stack(paths, [] if arguments else ["-m", "not stack"]) as others:
                stack.up(paths)
                codes = _pytest(paths, arguments or ["-m", "stack"]), others()
                return max(codes)
        finally:
            if not already_up:
                stack.down(paths)
    except LocalStackError as error:
        complain(f"tabletrail: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


@contextlib.contextmanager
def _without_stack(paths: StackPaths, arguments: list[str]) -> Iterator[Callable[[], int]]:
    """Tests beside the others, from before the stack is up; none without `arguments`. What is yielded waits for their
    end, shows what they said and returns their exit code."""
    if not arguments:
        yield lambda: 0
        return
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            _command(arguments), cwd=repository_root(), env=_environment(paths), stdout=output, stderr=subprocess.STDOUT
        )

        def finish() -> int:
            code = process.wait()
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
            return code

        try:
            yield finish
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()


def _pytest(paths: StackPaths, arguments: list[str]) -> int:
    with subprocess.Popen(_command(arguments), cwd=repository_root(), env=_environment(paths)) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _environment(paths: StackPaths) -> dict[str, str]:
    return {**os.environ, DIRECTORY_VARIABLE: str(paths.root)}


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
