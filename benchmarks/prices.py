"""What a month of counted calls costs: prices of us-east-1 in US dollars, without tax.

What `tabletrail cost estimate` needs too stands in `tabletrail_cli.prices`. Of the free allowances those of GetRecords
and Scheduler are taken off; those of Lambda, CloudWatch and DynamoDB, which other things in an account may use up, are
not.

Caller: `count_calls`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from benchmarks.call_counting import Work
from tabletrail_cli.prices import Prices

_SHARED = Prices()

MINUTES = 30 * 24 * 60
"""Runs a month."""

GET_RECORDS = 0.02 / 100_000
GET_RECORDS_FREE = 2_500_000
WRITE_UNIT, READ_UNIT = _SHARED.write_unit, _SHARED.read_unit
S3_PUT, S3_GET, S3_GB_MONTH = _SHARED.s3_put, _SHARED.s3_get, _SHARED.s3_gb_month
LAMBDA_GB_SECOND, LAMBDA_REQUEST = _SHARED.lambda_gb_second, _SHARED.lambda_request
EXPRESS_START, EXPRESS_GB_SECOND = _SHARED.express_start, _SHARED.express_gb_second
SCHEDULER_START = 1.00 / 1_000_000
SCHEDULER_FREE = 14_000_000
METRIC_MONTH, ALARM_MONTH = _SHARED.metric_month, _SHARED.alarm_month
LOGS_GB = 0.50

METRICS = 5
ALARMS = 4
LAMBDA_LOG_BYTES = 450
"""INIT, START, END and REPORT lines of one call."""

CPU_MB = 1769
"""A function with so much memory has one whole CPU, others their share."""
LATENCY = {"GetRecords": 0.015, "PutObject": 0.060, "GetObject": 0.030, "TransactWriteItems": 0.020}
OTHER_LATENCY = 0.010
"""Seconds that a call takes beyond our CPU time: assumed, since a local AWS on a busy machine says nothing about it."""
GET_RECORDS_AT_ONCE = 8
BULK_DOCUMENTS_A_SECOND = 10_000
"""Assumed of OpenSearch; a function waits meanwhile."""
EXPRESS_GB = 64 / 1024
"""50 MB, the definition and what the map's steps hold: far below the next 64."""
TRANSITION_SECONDS = 0.1
"""Of each state machine beyond its functions, assumed."""


@dataclass(frozen=True)
class Line:
    name: str
    amount: float
    unit: str
    dollars: float


def seconds_of(work: Work, memory: int) -> float:
    """Billed time of one call of a function, from the work of all its calls together."""
    calls = max(1.0, work.invocations)
    waiting = sum(
        count * LATENCY.get(name, OTHER_LATENCY) / (GET_RECORDS_AT_ONCE if name == "GetRecords" else 1)
        for name, count in work.calls.items()
    )
    busy = work.cpu / min(1.0, memory / CPU_MB)
    return (busy + waiting + work.slept + work.documents / BULK_DOCUMENTS_A_SECOND) / calls


def month(minute: dict[str, Work], memory: dict[str, int], at_once: int, emf_bytes: float) -> list[Line]:
    """The bill of a month whose every minute is `minute`: the work of each function. `at_once`: of the map."""
    total = Work()
    for work in minute.values():
        total.add(work)
    calls = {name: count * MINUTES for name, count in total.calls.items()}
    gb_seconds = sum(
        work.invocations * seconds_of(work, memory[name]) * memory[name] / 1024 for name, work in minute.items()
    )
    audit = _express_seconds(minute, memory, at_once)
    backlog = seconds_of(minute["IndexSegments"], memory["IndexSegments"]) + TRANSITION_SECONDS
    express = sum(ceil(seconds * 10) / 10 for seconds in (audit, backlog)) * EXPRESS_GB * MINUTES
    invocations = total.invocations * MINUTES
    logs = (invocations * LAMBDA_LOG_BYTES + emf_bytes * MINUTES) / 1e9
    records = calls.get("GetRecords", 0)
    return [
        Line("DynamoDB Streams, GetRecords", records, "calls", max(0.0, records - GET_RECORDS_FREE) * GET_RECORDS),
        Line("DynamoDB, writes", total.writes * MINUTES, "units", total.writes * MINUTES * WRITE_UNIT),
        Line("DynamoDB, reads", total.reads * MINUTES, "units", total.reads * MINUTES * READ_UNIT),
        Line("S3, PUT", calls.get("PutObject", 0), "requests", calls.get("PutObject", 0) * S3_PUT),
        Line("S3, GET", calls.get("GetObject", 0), "requests", calls.get("GetObject", 0) * S3_GET),
        Line("Lambda, time", gb_seconds * MINUTES, "GB-s", gb_seconds * MINUTES * LAMBDA_GB_SECOND),
        Line("Lambda, calls", invocations, "calls", invocations * LAMBDA_REQUEST),
        Line("Step Functions Express, starts", 2 * MINUTES, "starts", 2 * MINUTES * EXPRESS_START),
        Line("Step Functions Express, time", express, "GB-s", express * EXPRESS_GB_SECOND),
        Line("EventBridge Scheduler", 2 * MINUTES, "starts", max(0, 2 * MINUTES - SCHEDULER_FREE) * SCHEDULER_START),
        Line("CloudWatch, metrics", METRICS, "metrics", METRICS * METRIC_MONTH),
        Line("CloudWatch, alarms", ALARMS, "alarms", ALARMS * ALARM_MONTH),
        Line("CloudWatch, logs", logs, "GB", logs * LOGS_GB),
    ]


def storage(minute: dict[str, Work]) -> Line:
    """What the log grows by in a month, at the price of keeping it for one."""
    gigabytes = sum(work.stored_bytes for work in minute.values()) * MINUTES / 1e9
    return Line("S3, the log itself, each month more", gigabytes, "GB", gigabytes * S3_GB_MONTH)


def _express_seconds(minute: dict[str, Work], memory: dict[str, int], at_once: int) -> float:
    """PlanRun, the groups in waves, ReportRun, one after the other."""
    capture = minute["CaptureShards"]
    waves = ceil(capture.invocations / at_once)
    return (
        seconds_of(minute["PlanRun"], memory["PlanRun"])
        + waves * seconds_of(capture, memory["CaptureShards"])
        + seconds_of(minute["ReportRun"], memory["ReportRun"])
        + 2 * TRANSITION_SECONDS
    )
