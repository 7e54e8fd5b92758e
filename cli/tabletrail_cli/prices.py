"""What AWS asks for what tabletrail uses: the one place, for the command and for the benchmarks.

Dollars of us-east-1, without tax, from the services' public price pages as of `AS_OF`. Free allowances are not taken
off: other things in an account may use them up.

Called by `estimate` and `cost`; `benchmarks/prices.py` computes with them too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from tabletrail.errors import QueryError

AS_OF = "November 2026"
REGION = "us-east-1"
SOURCE = "the public price pages of CloudTrail, S3, Lambda, Step Functions, DynamoDB, Data Firehose and CloudWatch"


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars for one of each."""

    data_event: float = 0.10 / 100_000
    """An event that a trail records. The first copy is charged as any other."""
    s3_put: float = 5.00 / 1_000_000
    s3_get: float = 0.40 / 1_000_000
    s3_gb_month: float = 0.023
    firehose_gb: float = 0.029
    """Each event counts for a multiple of 5 KB."""
    lambda_gb_second: float = 0.0000133334
    """arm64."""
    lambda_request: float = 0.20 / 1_000_000
    express_start: float = 1.00 / 1_000_000
    express_gb_second: float = 0.06 / 3600
    write_unit: float = 0.625 / 1_000_000
    """On demand."""
    read_unit: float = 0.125 / 1_000_000
    metric_month: float = 0.30
    alarm_month: float = 0.10


def with_changes(prices: Prices, words: Iterable[str]) -> Prices:
    """`prices` with each NAME=DOLLARS of `words` in its place. QueryError shows what is legal."""
    names = [field.name for field in fields(Prices)]
    for word in words:
        name, _, text = word.partition("=")
        if name not in names:
            raise QueryError(f"there is no price {name!r}: {', '.join(names)}")
        prices = replace(prices, **{name: _dollars(name, text)})
    return prices


def _dollars(name: str, text: str) -> float:
    try:
        dollars = float(text)
    except ValueError:
        dollars = math.nan
    if not (math.isfinite(dollars) and dollars >= 0):
        raise QueryError(f"{name} must be dollars for one, as {name}=0.000001, not {text!r}")
    return dollars
