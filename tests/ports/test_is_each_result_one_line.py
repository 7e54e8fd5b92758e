"""Can what an item holds end a line of the command's output, or steer the terminal that shows it?"""

from __future__ import annotations

import json
import unicodedata

import pytest

from tabletrail_cli.output import json_line, visible
from tests.core.hostile import NAMES

ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""What some reader takes for the end of a line: Python's `splitlines` takes them all."""


@pytest.mark.parametrize("text", [*NAMES, *ENDS, ENDS])
def test_is_it_one_line_without_control_characters(text: str) -> None:
    line = json_line({text: [text]})
    for one in (visible(f"a{text}z"), line.removesuffix("\n")):
        assert len(one.splitlines()) == 1
        assert not [character for character in one if unicodedata.category(character) == "Cc"]
        assert not [
            character for character in one if unicodedata.bidirectional(character) in ("RLO", "LRO", "RLE", "RLI")
        ]
    assert json.loads(line) == {text: [text]}
