"""The picture in the README: `python -m tabletrail_local.demo_picture docs/img/demo.svg [options of the demo]`.

It runs the demo in a terminal of its own and draws what stood there at the end, up to the addresses and passwords of
this machine's stack. The drawing names no font and no address elsewhere.
"""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tabletrail_local.demo import WHERE

_COLUMNS = 118
_ROWS = 50
_ERASE, _UP = "\x1b[2K", "\x1b[1A"
_PIECE = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)")
_SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main(arguments: list[str]) -> int:
    target, *options = arguments
    content = bytearray()

    def keep(descriptor: int) -> bytes:
        data = os.read(descriptor, 65536)
        content.extend(data)
        return data

    terminal = {"TERM": "xterm-256color", "COLUMNS": str(_COLUMNS), "LINES": str(_ROWS), "COLORTERM": "truecolor"}
    os.environ.update(terminal)
    command = [sys.executable, "-m", "tabletrail_local", "demo", *options]
    status = os.waitstatus_to_exitcode(pty.spawn(command, keep))
    if status == 0:
        Path(target).write_text(drawing(content.decode(errors="replace")))
    return status


def drawing(output: str) -> str:
    """The SVG of a terminal's last state, without what follows the heading WHERE."""
    lines = screen(output)
    end = next((number for number, line in enumerate(lines) if WHERE in line), len(lines))
    console = Console(record=True, file=io.StringIO(), width=_COLUMNS, force_terminal=True, color_system="truecolor")
    for line in lines[:end]:
        console.print(Text.from_ansi(line))
    svg = console.export_svg(title="make demo", theme=MONOKAI, code_format=_SVG, unique_id="demo")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def screen(output: str) -> list[str]:
    """What rich's spinners and bars leave on a terminal: they erase lines and go up, and nothing else."""
    lines, row = [""], 0
    for piece in _PIECE.split(output):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece == _ERASE:
            lines[row] = ""
        elif piece == _UP:
            row = max(0, row - 1)
        elif piece.endswith("m") or not piece.startswith(("\x1b", "\r")):
            lines[row] += piece
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
