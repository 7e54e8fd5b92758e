"""`--number`: comparisons of a changed number, before or after the change.

Pure. Form: PATH, then one or more of `before|after OP NUMBER`: `price after > 100`, `price before <= 100 after > 100`,
`lines[].qty after >= 3 after < 5`. All comparisons of one path, also from several options, hold for the same place.

Numbers are compared as 64-bit floats, about 15 digits; exact values are asked for with `--before` and `--after`.

Called by `queries`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tabletrail.errors import QueryError
from tabletrail_cli.patterns import Clause, every_index, has_any_index

_OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_COMPARISON = r"\b(before|after)\s*(>=|<=|>|<|=)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?=\s|$)"
_WHOLE = re.compile(rf"(?P<path>\S.*?)\s+(?P<rest>{_COMPARISON}(?:\s+(?:and\s+)?{_COMPARISON})*)\s*")
_ONE = re.compile(_COMPARISON)
LEGAL = "'PATH before|after >|>=|<|<=|= NUMBER', e.g. --number 'price after > 100'"


def number_clauses(texts: Iterable[str]) -> list[Clause]:
    """One nested query for each path. QueryError shows the legal form."""
    by_path: dict[str, list[Clause]] = {}
    for text in texts:
        match = _WHOLE.fullmatch(text.strip())
        if match is None:
            raise QueryError(f"--number {text!r} is not of the form {LEGAL}")
        comparisons = by_path.setdefault(match["path"], [])
        comparisons += [_comparison(text, *part.groups()) for part in _ONE.finditer(match["rest"])]
    return [_nested(path, comparisons) for path, comparisons in by_path.items()]


def _comparison(text: str, side: str, operator: str, digits: str) -> Clause:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise QueryError(f"--number {text!r}: {digits} is beyond what can be compared (about 1.8e308)")
    field = f"numbers.{side}"
    if operator == "=":
        return {"term": {field: number}}
    return {"range": {field: {_OPERATORS[operator]: number}}}


def _nested(path: str, comparisons: list[Clause]) -> Clause:
    return {"nested": {"path": "numbers", "query": {"bool": {"filter": [_number_path(path), *comparisons]}}}}


def _number_path(path: str) -> Clause:
    """`lines[].qty` stands for every `lines[N].qty`; any other path for itself."""
    if not has_any_index(path):
        return {"term": {"numbers.path": path}}
    return {"regexp": {"numbers.path": {"value": every_index(path)}}}
