"""Runs the tests with stacks of their own: `make test`, or `python -m tabletrail_local.run_tests [for pytest]`.

All tests are three processes beside each other: those that need no stack, and two that share the others, file by file,
each with a stack of its own: most of what these do is waiting. Arguments for pytest make it one process with one stack.

The stacks lie in .local-test and start empty each time. With $TABLETRAIL_LOCAL_DIR set, the stack in that directory is
used as it is, alone, and is left running if it ran before. Exit code: the largest one of pytest's, so that 5, no tests,
counts as a failure.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from tabletrail_local import stack
from tabletrail_local.console import complain
from tabletrail_local.errors import LocalStackError
from tabletrail_local.paths import (
    DIRECTORY_VARIABLE,
    TEST_STACKS_VARIABLE,
    StackPaths,
    repository_root,
    stack_paths,
)

STACKS = 2
"""Each takes about 1.5 GB. More than these only wait for the processors of a small machine."""


def main(arguments: list[str]) -> int:
    # Ended from outside, as by a time limit, the stacks must still be taken down.
    signal.signal(signal.SIGTERM, _stop)
    try:
        if DIRECTORY_VARIABLE in os.environ:
            return _with_given_stack(stack_paths(), arguments)
        return _with_own_stacks(arguments)
    except LocalStackError as error:
        complain(f"tabletrail: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _with_given_stack(paths: StackPaths, arguments: list[str]) -> int:
    already_up = all(item.answers for item in stack.status(paths))
    try:
        with _without_stack(_environment([paths]), arguments) as others:
            stack.up(paths)
            return max(_pytest(_environment([paths]), arguments or ["-m", "stack"]), others())
    finally:
        if not already_up:
            stack.down(paths)


def _with_own_stacks(arguments: list[str]) -> int:
    root = repository_root() / ".local-test"
    all_paths = [StackPaths(root / str(number + 1)) for number in range(1 if arguments else STACKS)]
    environment = _environment(all_paths)
    shared = ["-n", str(len(all_paths)), "--dist", "loadfile", "--no-loadscope-reorder"]
    try:
        for paths in all_paths:
            stack.reset(paths)
        with _without_stack(environment, arguments) as others:
            for paths in all_paths:
                stack.up(paths)
            return max(_pytest(environment, arguments or ["-m", "stack", *shared]), others())
    finally:
        for paths in all_paths:
            stack.down(paths)


@contextlib.contextmanager
def _without_stack(environment: dict[str, str], arguments: list[str]) -> Iterator[Callable[[], int]]:
    """Tests beside the others, from before a stack is up; none where `arguments` choose some. What is yielded waits for
    their end, shows what they said and returns their exit code."""
    if arguments:
        yield lambda: 0
        return
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            _command(["-m", "not stack"]),
            cwd=repository_root(),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
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


def _pytest(environment: dict[str, str], arguments: list[str]) -> int:
    with subprocess.Popen(_command(arguments), cwd=repository_root(), env=environment) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            raise


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _environment(all_paths: Sequence[StackPaths]) -> dict[str, str]:
    """Of one stack its directory; of several, from which the tests' processes take one each, all of them."""
    directories = [str(paths.root) for paths in all_paths]
    several = {TEST_STACKS_VARIABLE: os.pathsep.join(directories)} if len(directories) > 1 else {}
    return {**os.environ, DIRECTORY_VARIABLE: directories[0], **several}


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
