"""What a month of CloudTrail's data events, and of the outbox, will cost: arithmetic over what tables did lately.

Pure: figures in, dollars out. A month has 30 days.

Rules
- What is not known is not guessed silently: it is an assumption that is printed, or a note.
- Where only a bound is known it is the upper one.

Called by `cost`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tabletrail_cli.prices import Prices

MONTH_HOURS = 30 * 24

SINGLE = ("PutItem", "UpdateItem", "DeleteItem")
SEVERAL = ("BatchWriteItem", "TransactWriteItems", "ExecuteTransaction", "BatchExecuteStatement")
STATEMENT = "ExecuteStatement"
OPERATIONS = (*SINGLE, *SEVERAL, STATEMENT)
"""Calls that may write, as CloudWatch names them in the dimension Operation."""

WAYS = ("new", "existing", "firehose")
"""A trail of ours; one that records these tables already; that one, read by way of EventBridge and Firehose."""

EVENT_BYTES = 150
"""One event in a file, zipped. Measured on made ones: 93 to 103, of 1,470 unzipped; real ones differ more."""
FIREHOSE_STEP = 5 * 1024
FILES = MONTH_HOURS * 12
"""A file about every five minutes, of a trail or of Firehose; more where there are many events."""
DIGESTS = MONTH_HOURS
READINGS = 5
"""How often a file is read: changes of fifteen minutes are judged by their files and those of the hour behind them."""
WINDOWS = MONTH_HOURS * 4
"""A commit each fifteen minutes, for up to 50 tables at once."""
STARTS = MONTH_HOURS * 12
"""Of the state machine and its function: every five minutes."""
START_SECONDS = 1.0
GIGABYTES = 1.0
"""AttributeChanges has CaptureMemory, 1,024 MB by default."""
CALL_SECONDS = 0.0001
"""To unzip and read one event, once, at the share of a CPU that 1,024 MB give. Measured: 63 microseconds of a whole."""
CHANGE_SECONDS = 0.0006
"""To read a change from its segment, to judge it, to write its attribution entry and to index it. Measured: 230
microseconds of a whole CPU, in memory; 100 more in OpenSearch are assumed."""
ENTRY_BYTES = 260
"""An attribution entry in its segment, zipped. Measured: 236, of 1,660 unzipped, with ids shorter than real ones."""
COMMIT_UNITS, ROW_MOVE_UNITS = 10, 2
"""A segment's row with its indexes and marks, and a stream's row that moves, in a transaction."""
EXPRESS_GB = 64 / 1024

ROW_UNITS = 2
"""A row of the outbox under 1 KB, in a transaction."""
CLAIM_UNITS = 2
ROW_ENTRIES = 2
"""The outbox is audited: each row comes, and goes by TTL."""
CHANGE_BYTES = 512
"""An entry with both images in its segment, zipped, as docs/cost.md has it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One table, in the last `hours` of its life. `calls`: successful ones by operation; `failed`: by a condition."""

    table: str
    arn: str
    hours: float
    calls: Mapping[str, float] = field(default_factory=dict)
    failed: float = 0.0
    write_units: float = 0.0

    @property
    def is_silent(self) -> bool:
        return not sum(self.calls.values()) + self.failed

    def month(self, number: float) -> float:
        """That many in `hours`, in a month."""
        return number * MONTH_HOURS / self.hours if self.hours else 0.0

    @property
    def events(self) -> float:
        """A month's: each call is one, whatever it holds, and a refused one too."""
        return self.month(sum(self.calls.get(name, 0.0) for name in OPERATIONS) + self.failed)

    def changes(self, items: float) -> float:
        """A month's changes, if a call for several has `items` of them."""
        single = sum(self.calls.get(name, 0.0) for name in (*SINGLE, STATEMENT))
        return self.month(single + items * sum(self.calls.get(name, 0.0) for name in SEVERAL))


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    amount: float
    unit: str
    dollars: float


@dataclass(frozen=True, slots=True)
class Terms:
    """`items`: changes in a call for several. `way`: one of WAYS. `has_outbox`: these tables' writers use it."""

    prices: Prices = field(default_factory=Prices)
    items: float = 10.0
    way: str = "new"
    has_outbox: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """`trail`: what data events and AttributeChanges cost; `outbox`: what the outbox costs, empty if not asked."""

    trail: tuple[Line, ...]
    outbox: tuple[Line, ...]
    events: float
    changes: float

    @property
    def dollars(self) -> float:
        return sum(line.dollars for line in (*self.trail, *self.outbox))


def estimate(usages: Sequence[Usage], terms: Terms) -> Estimate:
    events = sum(usage.events for usage in usages)
    changes = sum(usage.changes(terms.items) for usage in usages)
    trail = [*_recording(events, terms), *_attributing(events, changes, len(usages), terms.prices)]
    outbox = _outbox(usages, terms) if terms.has_outbox else []
    return Estimate(tuple(trail), tuple(outbox), events, changes)


def _recording(events: float, terms: Terms) -> list[Line]:
    """What it takes to get the events into a bucket that we can read."""
    prices = terms.prices
    if terms.way == "existing":
        return []
    stored = events * EVENT_BYTES / 1e9
    kept = Line("S3, files of events, kept a month", stored, "GB", stored * prices.s3_gb_month)
    if terms.way == "firehose":
        carried = events * FIREHOSE_STEP / 1024**3
        return [
            Line("Firehose", carried, "GB", carried * prices.firehose_gb),
            Line("S3, PUT", FILES, "requests", FILES * prices.s3_put),
            kept,
        ]
    return [
        Line("CloudTrail, data events", events, "events", events * prices.data_event),
        Line("S3, PUT", FILES + DIGESTS, "requests", (FILES + DIGESTS) * prices.s3_put),
        kept,
    ]


def _attributing(events: float, changes: float, tables: int, prices: Prices) -> list[Line]:
    seconds = STARTS * START_SECONDS + events * READINGS * CALL_SECONDS + changes * CHANGE_SECONDS
    express = STARTS * START_SECONDS * EXPRESS_GB
    log = changes * ENTRY_BYTES / 1e9
    gets = FILES * READINGS + WINDOWS
    units = WINDOWS * (COMMIT_UNITS + ROW_MOVE_UNITS * tables)
    return [
        Line("Lambda, AttributeChanges", seconds * GIGABYTES, "GB-s", seconds * GIGABYTES * prices.lambda_gb_second),
        Line("Lambda, calls", STARTS, "calls", STARTS * prices.lambda_request),
        Line(
            "Step Functions Express",
            STARTS,
            "starts",
            STARTS * prices.express_start + express * prices.express_gb_second,
        ),
        Line("S3, GET", gets, "requests", gets * prices.s3_get),
        Line("S3, PUT of segments", WINDOWS, "requests", WINDOWS * prices.s3_put),
        Line("DynamoDB, commits", units, "write units", units * prices.write_unit),
        Line("CloudWatch, a metric and its alarm", 1, "", prices.metric_month + prices.alarm_month),
        Line("the log, attribution entries, kept a month", log, "GB", log * prices.s3_gb_month),
    ]


def _outbox(usages: Sequence[Usage], terms: Terms) -> list[Line]:
    """If every change of these tables were written with a row: a transaction's writes count twice."""
    prices = terms.prices
    changes = sum(usage.changes(terms.items) for usage in usages)
    doubled = sum(usage.month(usage.write_units) for usage in usages)
    units = {
        "outbox, the change itself, in a transaction": doubled,
        "outbox, rows": changes * ROW_UNITS,
        "outbox, claims of rows": changes * CLAIM_UNITS,
    }
    log = changes * ROW_ENTRIES * CHANGE_BYTES / 1e9
    return [
        *(Line(name, amount, "write units", amount * prices.write_unit) for name, amount in units.items()),
        Line("outbox, reading rows", changes, "read units", changes * prices.read_unit),
        Line("the log, entries of the outbox, kept a month", log, "GB", log * prices.s3_gb_month),
    ]
