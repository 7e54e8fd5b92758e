"""Where results go: colours for eyes on a terminal, the same words without them for a pipe, JSON lines for programs.

Rules
- No byte of an item reaches a terminal as a control character: an attribute could hold an escape sequence.
- Colours only on a terminal, whatever FORCE_COLOR says; NO_COLOR is honoured.
- Results go to the standard output, everything about them to the standard error output.

Called by the commands.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

Part = tuple[str, str]
"""(text, style): a style of rich's, or empty"""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, those that turn the direction of writing, and Unicode's own line ends: they could make a line
read as another, or as two."""

_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""`text` on one line, with control characters written out (`\n`, `\x1b`)."""
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)


def json_line(value: Any) -> str:
    """One line of JSON, UTF-8 kept readable."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Output:
    """One for a command. `as_json`: the command prints objects only."""

    def __init__(self, as_json: bool = False, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self.as_json = as_json
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._console = _console(self._stdout)

    def line(self, *parts: Part | str) -> None:
        """One line of text; whatever came from an item must have gone through `visible`."""
        styled = [(part, "") if isinstance(part, str) else part for part in parts]
        if self._console is None:
            self._stdout.write("".join(text for text, _ in styled) + "\n")
            return
        from rich.text import Text

        self._console.print(Text.assemble(*styled), soft_wrap=True)

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool]) -> None:
        """Columns aligned by spaces; `right` says which ones to the right."""
        cells = [list(header), *[list(row) for row in rows]]
        widths = [max(len(text) for text in column) for column in zip(*cells, strict=True)]
        for number, row in enumerate(cells):
            columns = zip(row, widths, right, strict=True)
            padded = [text.rjust(width) if is_right else text.ljust(width) for text, width, is_right in columns]
            self.line(("  ".join(padded).rstrip(), "bold" if number == 0 else ""))

    def json(self, value: Any) -> None:
        self._stdout.write(json_line(value) + "\n")

    def note(self, text: str) -> None:
        """Something about the results, for the person."""
        self._stdout.flush()
        self._stderr.write(f"{text}\n")


def _console(stdout: TextIO) -> Any:
    if not stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return None
    from rich.console import Console

    return Console(file=stdout, highlight=False, markup=False, emoji=False)
