"""Services and some people at work on four tables, through boto3, for about as long as asked.

Rules
- The same seed makes the same calls in the same order; only the run's own name in the keys differs.
- Every item's key holds the run's name, and nobody else writes such items: what a run changed can be told from what an
  earlier one did, and the truth needs no knowledge of what lay in the tables before.
- The last call for each table is a change. A shard is read in order, so once that one is in the log, everything before
  it is: also an entry that should not exist.

Called by the demo and its tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tabletrail_local.demo_tables import DemoTables
from tabletrail_local.workload_billing import Billing
from tabletrail_local.workload_customers import Customers
from tabletrail_local.workload_orders import Orders
from tabletrail_local.workload_staff import Staff
from tabletrail_local.workload_truth import Truth
from tabletrail_local.workload_writer import Writer

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SERVICES_SHARE = (5, 3, 3)
"""How often each service acts, compared with the others: orders, customers, billing."""


@dataclass(frozen=True)
class Pace:
    """How long, how fast and by which seed."""

    seconds: float
    rate: float  # calls a second
    seed: int

    @property
    def calls(self) -> int:
        return max(1, round(self.seconds * self.rate))


def run_workload(
    client: Any, tables: DemoTables, run: str, pace: Pace, tick: Callable[[], None] = lambda: None
) -> Truth:
    """Writes, and returns what it changed. `tick` is called after each of `pace.calls` calls.

    botocore's errors pass, except refused conditions, which are part of the play.
    """
    random = Random(pace.seed)  # noqa: S311 -- a play, not a secret
    truth = Truth(tables.keys())
    writer = Writer(client, truth)
    orders = Orders(writer, random, run, tables.orders)
    customers = Customers(writer, random, run, tables.customers)
    billing = Billing(writer, random, run, tables.payments, orders)
    services, staff = (orders, customers, billing), Staff(writer, random, run, tables.staff)
    started = time.monotonic()
    for number in range(pace.calls):
        if number == pace.calls // 2:
            staff.act()  # what comes of it is told while the others still work
        chosen = random.choices(services, weights=_SERVICES_SHARE)[0]
        chosen.act()
        tick()
        time.sleep(max(0.0, started + (number + 1) / pace.rate - time.monotonic()))
    for service in services:
        service.finish()
    return truth


def new_run_name() -> str:
    """Short, unlike any that was given before on this machine, and later ones sort behind earlier ones."""
    number, text = int(time.time()), ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
