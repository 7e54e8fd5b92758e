"""DynamoDB's DescribeTable and CloudWatch's GetMetricData over HTTP, with the points that a test plants.

It gives points of the hours asked for and pages as CloudWatch may: some results a page, a metric's points on several.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.ports.serving import QuietHandler, served

HOUR = 3600

Metric = tuple[str, str, str]
"""(table, name of the metric, operation or empty)"""


@dataclass
class MetricsServer:
    url: str = ""
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: dict[Metric, dict[int, float]] = field(default_factory=dict)
    """Second of the hour to value."""
    refused: dict[str, str] = field(default_factory=dict)
    """Operation to error code."""
    status: str = "Complete"
    page: int = 3
    """Results in a reply."""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def add_table(self, name: str, made_at: int) -> str:
        arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}"
        self.tables[name] = {"TableName": name, "TableArn": arn, "CreationDateTime": made_at}
        return arn

    def add(self, table: str, what: str, hour: int, value: float) -> None:
        """`what`: an operation, or a metric's own name."""
        metric = (
            (table, what, "") if what.endswith(("Requests", "Units")) else (table, "SuccessfulRequestLatency", what)
        )
        self.points.setdefault(metric, {})[hour] = value

    def answer(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if operation in self.refused:
            return 400, {"__type": f"x#{self.refused[operation]}", "message": "no"}
        if operation == "DescribeTable":
            table = self.tables.get(asked["TableName"])
            return (200, {"Table": table}) if table else (400, {"__type": "x#ResourceNotFoundException"})
        self.asked.append(asked)
        start = int(asked.get("NextToken", "0"))
        pieces = [piece for query in asked["MetricDataQueries"] for piece in self._pieces(query, asked)]
        reply: dict[str, Any] = {"MetricDataResults": pieces[start : start + self.page]}
        if start + self.page < len(pieces):
            reply["NextToken"] = str(start + self.page)
        return 200, reply

    def _pieces(self, query: dict[str, Any], asked: dict[str, Any]) -> list[dict[str, Any]]:
        """A metric's result in two parts, as may be where there are many points."""
        stat = query["MetricStat"]
        dimensions = {one["Name"]: one["Value"] for one in stat["Metric"]["Dimensions"]}
        metric = (dimensions["TableName"], stat["Metric"]["MetricName"], dimensions.get("Operation", ""))
        assert stat["Stat"] == ("SampleCount" if metric[2] else "Sum")
        found = self.points.get(metric, {})
        times = sorted(hour for hour in found if asked["StartTime"] <= hour < asked["EndTime"])
        middle = len(times) // 2
        return [
            {"Id": query["Id"], "StatusCode": status, "Timestamps": part, "Values": [found[hour] for hour in part]}
            for part, status in ((times[middle:], "PartialData"), (times[:middle], self.status))
        ]


@contextmanager
def metrics_server() -> Generator[MetricsServer]:
    server = MetricsServer()

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, reply = server.answer(self.headers["X-Amz-Target"].rpartition(".")[2], asked)
            body = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with served(Handler) as server.url:
        yield server
