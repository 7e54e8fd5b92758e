"""What the user sees: spinners and bars on a terminal, plain lines when the output goes to a file or a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


class Bar(Protocol):
    def advance(self) -> None: ...


def say(text: str) -> None:
    _out.print(text, markup=False)


def complain(text: str) -> None:
    _err.print(text, markup=False, style="red" if _err.is_terminal else None)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announces a step that takes a while, and says how long it took when it succeeded."""
    started = time.monotonic()
    if _out.is_terminal:
        with _out.status(title):
            yield
    else:
        say(f"{title} ...")
        yield
    say(f"{title}: {time.monotonic() - started:.1f} s")


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Bar]:
    """A bar over `total` things; piped, four lines in all, so that a log stays readable."""
    if _out.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=_out) as progress:
            yield _TerminalBar(progress, title, total)
    else:
        say(f"{title}: {total} files ...")
        yield _PlainBar(title, total)


class _TerminalBar:
    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def advance(self) -> None:
        self._progress.advance(self._task)


class _PlainBar:
    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._done = 0

    def advance(self) -> None:
        before, self._done = self._done, self._done + 1
        if before * 4 // self._total != self._done * 4 // self._total:
            say(f"{self._title}: {self._done} of {self._total}")
