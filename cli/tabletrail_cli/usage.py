"""How often tables were written to lately, as CloudWatch knows it.

Rules
- Successful calls are the samples of `SuccessfulRequestLatency` by table and operation. DynamoDB's own list of
  operations has the batch, transaction and statement calls beside the single ones.
- A call for several tables is counted at each: the sum is an upper bound.
- Whole hours only, and none before the table was made: a young table is not taken for a quiet one.
- Asking costs a cent for a thousand metrics; there are ten for a table.

Source: Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions".

Called by `cost`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tabletrail.aws.clients import control_client
from tabletrail.aws.troubles import RefusedError, translated
from tabletrail_cli.errors import AccessError
from tabletrail_cli.estimate import OPERATIONS, Usage

HOUR = 3600
MOST_POINTS = 100_000
"""Of one request: CloudWatch gives 100,800."""
MOST_QUERIES = 500
FAILED, UNITS = "failed", "units"
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    arn: str
    made_at: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One metric: `what` is an operation, FAILED or UNITS."""

    table: str
    what: str

    def query(self, number: int) -> dict[str, Any]:
        dimensions = [{"Name": "TableName", "Value": self.table}]
        name, statistic = "SuccessfulRequestLatency", "SampleCount"
        if self.what == FAILED:
            name, statistic = "ConditionalCheckFailedRequests", "Sum"
        elif self.what == UNITS:
            name, statistic = "ConsumedWriteCapacityUnits", "Sum"
        else:
            dimensions.append({"Name": "Operation", "Value": self.what})
        metric = {"Namespace": "AWS/DynamoDB", "MetricName": name, "Dimensions": dimensions}
        return {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": HOUR, "Stat": statistic}}


def described(session: Any, names: Iterable[str]) -> dict[str, Table | None]:
    """The table of each name, in their order; None if there is none here. AccessError says which right is missing."""
    client = control_client(session, "dynamodb")
    return {name: _described(client, name) for name in dict.fromkeys(names)}


def _described(client: Any, name: str) -> Table | None:
    try:
        with translated("DescribeTable"):
            table = client.describe_table(TableName=name)["Table"]
    except RefusedError as error:
        if error.code in ("ResourceNotFoundException", "ValidationException"):
            return None
        if error.code in DENIED:
            raise AccessError(f"you may not describe the table {name}: dynamodb:DescribeTable is needed") from None
        raise
    return Table(str(table["TableName"]), str(table["TableArn"]), int(table["CreationDateTime"].timestamp()))


def usages(session: Any, tables: Sequence[Table], days: int, now: int) -> list[Usage]:
    """Of each table in the last `days` before the present hour. AccessError says which right is missing."""
    end = now - now % HOUR
    start = end - days * 24 * HOUR
    wanted = [_Wanted(table.name, what) for table in tables for what in (*OPERATIONS, FAILED, UNITS)]
    sums: defaultdict[_Wanted, float] = defaultdict(float)
    client = control_client(session, "cloudwatch")
    a_time = min(MOST_QUERIES, MOST_POINTS // (days * 24))
    for first in range(0, len(wanted), a_time):
        some = wanted[first : first + a_time]
        for number, value in _asked(client, [one.query(place) for place, one in enumerate(some)], start, end):
            sums[some[number]] += value
    return [_usage(table, sums, start, end) for table in tables]


def _usage(table: Table, sums: defaultdict[_Wanted, float], start: int, end: int) -> Usage:
    return Usage(
        table.name,
        table.arn,
        max(0, end - max(start, table.made_at - table.made_at % HOUR)) / HOUR,
        {name: sums[_Wanted(table.name, name)] for name in OPERATIONS},
        sums[_Wanted(table.name, FAILED)],
        sums[_Wanted(table.name, UNITS)],
    )


def _asked(client: Any, queries: list[dict[str, Any]], start: int, end: int) -> Iterator[tuple[int, float]]:
    """(number of the query, sum of its points) page by page."""
    more: dict[str, str] = {}
    while True:
        try:
            with translated("GetMetricData"):
                reply = client.get_metric_data(
                    MetricDataQueries=queries,
                    StartTime=datetime.fromtimestamp(start, UTC),
                    EndTime=datetime.fromtimestamp(end, UTC),
                    **more,
                )
        except RefusedError as error:
            if error.code in DENIED:
                raise AccessError("you may not read metrics: cloudwatch:GetMetricData is needed") from None
            raise
        for result in reply["MetricDataResults"]:
            if result.get("StatusCode") not in ("Complete", "PartialData", None):
                raise AccessError(f"CloudWatch could not answer ({result['StatusCode']}): try again")
            yield int(result["Id"].removeprefix("m")), sum(result["Values"])
        if not reply.get("NextToken"):
            return
        more = {"NextToken": reply["NextToken"]}
