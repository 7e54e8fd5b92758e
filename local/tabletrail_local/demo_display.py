"""How the demo shows its work: headings, waits, a bar, the table of counts. Plain lines where there is no terminal.

Called by the demo.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tabletrail_local.console import say
from tabletrail_local.demo_compare import Comparison

_out = Console(highlight=False, soft_wrap=True)
_PLAIN_SECONDS = 10.0
"""Seconds between two lines of one wait in a file or pipe."""
_MOST_DIFFERENCES = 10


def heading(text: str) -> None:
    _out.print()
    _out.print(text, style="bold", markup=False)


def command_line(text: str) -> None:
    """What somebody would type to get what follows."""
    _out.print()
    _out.print(f"$ {text}", style="bold cyan", markup=False)


@contextmanager
def waiting(title: str) -> Iterator[Callable[[str], None]]:
    """Gives a function that shows how far it is."""
    started = time.monotonic()
    if _out.is_terminal:
        with _out.status(title) as status:
            yield lambda state: status.update(f"{title}: {state}, {time.monotonic() - started:.0f} s")
    else:
        say(f"{title} ...")
        yield _Lines(title)
    say(f"{title}: {time.monotonic() - started:.1f} s")


class _Lines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._next = time.monotonic()
        self._last = ""

    def __call__(self, state: str) -> None:
        if state != self._last and time.monotonic() >= self._next:
            say(f"{self._title}: {state}")
            self._last, self._next = state, time.monotonic() + _PLAIN_SECONDS


@contextmanager
def counting(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Gives a function to be called once for each of `total` things."""
    if _out.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=_out) as progress:
            task = progress.add_task(title, total=total)
            yield lambda: progress.advance(task)
        return
    lines, done = _Lines(title), 0

    def tick() -> None:
        nonlocal done
        done += 1
        lines(f"{done} of {total}")

    say(f"{title} ...")
    yield tick
    say(f"{title}: {done} of {total}")


def show_comparison(comparison: Comparison) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("table", "action"):
        table.add_column(name)
    for name in ("changes made", "entries found", ""):
        table.add_column(name, justify="right")
    for row in comparison.rows:
        is_equal = row.made == row.found
        mark = "equal" if is_equal else f"{row.found - row.made:+}"
        style = "green" if is_equal else "bold red"
        table.add_row(row.table, row.action, str(row.made), str(row.found), mark, style=None if is_equal else style)
    table.add_section()
    table.add_row("all", "", str(comparison.made), str(comparison.found), "", style="bold")
    _out.print(table)
    for line in comparison.differing[:_MOST_DIFFERENCES]:
        _out.print(f"  {line}", style="red", markup=False)
    more = len(comparison.differing) - _MOST_DIFFERENCES
    if more > 0:
        _out.print(f"  and {more} more items", style="red")


def verdict(text: str, is_good: bool) -> None:
    _out.print(text, style="bold green" if is_good else "bold red", markup=False)
