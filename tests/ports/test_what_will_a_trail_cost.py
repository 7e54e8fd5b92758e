"""Is the estimate what a person would compute by hand from the same figures, and does it say what it does not know?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail.errors import QueryError
from tabletrail_cli.errors import FOUND, NO_ACCESS, USAGE
from tabletrail_cli.estimate import OPERATIONS, WAYS, Line, Terms, Usage, estimate
from tabletrail_cli.main import main
from tabletrail_cli.prices import Prices, with_changes
from tabletrail_cli.usage import MOST_POINTS, MOST_QUERIES
from tabletrail_local.paths import DIRECTORY_VARIABLE
from tests.ports.metrics_server import HOUR, MetricsServer, metrics_server

DAYS_14 = 14 * 24.0
ORDERS = Usage(
    "orders",
    "arn:orders",
    DAYS_14,
    {"PutItem": 1_400_000, "UpdateItem": 700_000, "BatchWriteItem": 140_000},
    failed=28_000,
    write_units=4_200_000,
)


def priced(lines: tuple[Line, ...]) -> dict[str, Line]:
    return {line.name: line for line in lines}


def test_a_month_is_computed_as_by_hand() -> None:
    """14 days: 2,240,000 calls and 28,000 that failed, 2,268,000 events. Times 30/14: 4,860,000 events a month, at a
    dollar a million. 2,100,000 single calls and 140,000 batches of 10 are 3,500,000 changes, 7,500,000 a month."""
    found = estimate([ORDERS], Terms())
    assert found.events == pytest.approx(4_860_000)
    assert found.changes == pytest.approx(7_500_000)
    lines = priced(found.trail)
    assert lines["CloudTrail, data events"].dollars == pytest.approx(4.86)
    # 8,640 files of five minutes and 720 hourly digests, at $5 a million.
    assert lines["S3, PUT"].dollars == pytest.approx(0.0468)
    # 4,860,000 events of 150 bytes are 0.729 GB.
    assert lines["S3, files of events, kept a month"].amount == pytest.approx(0.729)
    # 8,640 starts of a second, 4,860,000 events 5 times at 0.1 ms, 7,500,000 changes at 0.6 ms: 8,640 + 2,430 + 4,500.
    assert lines["Lambda, AttributeChanges"].amount == pytest.approx(15_570)
    assert lines["Lambda, AttributeChanges"].dollars == pytest.approx(15_570 * 0.0000133334)
    # 2,880 commits, each a segment with 10 units and one stream's row with 2; 7,500,000 entries of 260 bytes.
    assert lines["DynamoDB, commits"].amount == 34_560
    assert lines["S3, PUT of segments"].dollars == pytest.approx(0.0144)
    assert lines["the log, attribution entries, kept a month"].amount == pytest.approx(1.95)
    assert found.outbox == ()
    assert found.dollars == pytest.approx(sum(line.dollars for line in found.trail))


def test_a_trail_that_exists_costs_no_events_and_firehose_its_steps_of_5_kb() -> None:
    existing = priced(estimate([ORDERS], Terms(way="existing")).trail)
    assert not {"CloudTrail, data events", "S3, PUT", "Firehose"} & set(existing)
    firehose = priced(estimate([ORDERS], Terms(way="firehose")).trail)
    # 4,860,000 times 5,120 bytes are 23.17 GiB, at 2.9 cents.
    assert firehose["Firehose"].dollars == pytest.approx(23.174 * 0.029, rel=1e-3)
    assert "CloudTrail, data events" not in firehose


def test_the_outbox_doubles_the_writes_and_adds_rows_and_claims() -> None:
    """4,200,000 units are 9,000,000 a month, once more; 7,500,000 changes have a row and a claim of 2 units each."""
    lines = priced(estimate([ORDERS], Terms(has_outbox=True)).outbox)
    assert lines["outbox, the change itself, in a transaction"].dollars == pytest.approx(9 * 0.625)
    assert lines["outbox, rows"].dollars == pytest.approx(15 * 0.625)
    assert lines["outbox, claims of rows"].dollars == pytest.approx(15 * 0.625)
    assert lines["outbox, reading rows"].dollars == pytest.approx(7.5 * 0.125)
    assert lines["the log, entries of the outbox, kept a month"].amount == pytest.approx(7.68)


def test_tables_add_up_and_one_without_figures_adds_nothing() -> None:
    silent = Usage("silent", "arn:silent", DAYS_14)
    unborn = Usage("unborn", "arn:unborn", 0.0, {"PutItem": 5})
    one, three = estimate([ORDERS], Terms()), estimate([ORDERS, silent, ORDERS, unborn], Terms())
    assert three.events == pytest.approx(2 * one.events)
    assert silent.is_silent
    assert not ORDERS.is_silent


def test_each_operation_that_may_write_is_counted_once_as_a_call() -> None:
    found = estimate([Usage("t", "arn", 720.0, dict.fromkeys(OPERATIONS, 1.0))], Terms(items=7))
    assert found.events == len(OPERATIONS) == 8
    assert found.changes == 4 + 4 * 7


def test_a_price_can_be_another() -> None:
    prices = with_changes(Prices(), ["data_event=0.000002", "s3_put=0"])
    lines = priced(estimate([ORDERS], Terms(prices)).trail)
    assert lines["CloudTrail, data events"].dollars == pytest.approx(9.72)
    assert lines["S3, PUT"].dollars == 0


@pytest.mark.parametrize("word", ["gold=1", "data_event", "data_event=much", "data_event=-1", "data_event=nan", "=1"])
def test_a_price_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(QueryError, match="data_event"):
        with_changes(Prices(), [word])


# ------------------------------------------------------------------------------------------ from figures of CloudWatch


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MetricsServer]:
    with metrics_server() as server:
        monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
        for name in ("TABLETRAIL_STACK", "TABLETRAIL_OPENSEARCH_ENDPOINT", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        given = {"ENDPOINT_URL": server.url, "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s"}
        for name, value in {**given, "DEFAULT_REGION": "eu-west-1", "REGION": "eu-west-1"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield server


@pytest.fixture
def this_hour() -> int:
    now = int(time.time())
    return now - now % HOUR


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["cost", "estimate", *words, "--json"]) == FOUND
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def plant(metrics: MetricsServer, this_hour: int) -> None:
    metrics.add_table("orders", this_hour - 100 * 24 * HOUR)
    for hour in range(1, 14 * 24 + 1):
        metrics.add("orders", "PutItem", this_hour - hour * HOUR, 100)
    metrics.add("orders", "TransactWriteItems", this_hour - HOUR, 40)
    metrics.add("orders", "GetItem", this_hour - HOUR, 10**9)
    metrics.add("orders", "ConditionalCheckFailedRequests", this_hour - 2 * HOUR, 60)
    metrics.add("orders", "ConsumedWriteCapacityUnits", this_hour - 2 * HOUR, 70_000)
    metrics.add("orders", "PutItem", this_hour - (14 * 24 + 1) * HOUR, 10**9)  # before the time
    metrics.add("orders", "PutItem", this_hour, 10**9)  # an hour that is not over


def test_what_cloudwatch_says_is_added_up(
    metrics: MetricsServer, this_hour: int, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(metrics, this_hour)
    found = told(capsys, "orders", "--outbox")
    [table] = found["tables"]
    assert table["calls"] == {"PutItem": 33_600, "TransactWriteItems": 40}
    assert (table["failed_conditions"], table["write_units"], table["hours"]) == (60, 70_000, 336)
    assert table["events_a_month"] == pytest.approx(33_700 * 30 / 14)
    assert found["trail_table_arns"] == "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
    [doubled] = [line for line in found["outbox"] if line["name"].startswith("outbox, the change")]
    assert doubled["amount"] == pytest.approx(150_000)
    assert found["prices"]["as_of"]
    assert found["prices"]["source"]
    assert any("eu-west-1" in note for note in found["not_known"])


def test_a_young_table_is_judged_by_its_own_hours_and_one_without_figures_is_named(
    metrics: MetricsServer, this_hour: int, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.add_table("young", this_hour - 10 * HOUR + 60)
    metrics.add_table("silent", this_hour - 1000 * HOUR)
    metrics.add("young", "PutItem", this_hour - HOUR, 720)
    found = told(capsys, "young", "silent")
    young, silent = found["tables"]
    assert (young["hours"], young["events_a_month"]) == (10, pytest.approx(720 * 72))
    assert silent["events_a_month"] == 0
    notes = " ".join(found["not_known"])
    assert "No figures: silent." in notes
    assert "young (10 hours)" in notes


def test_many_tables_are_asked_in_pieces_that_cloudwatch_takes(
    metrics: MetricsServer, this_hour: int, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"table-{number}" for number in range(70)]
    metrics.page = 200
    for number, name in enumerate(names):
        metrics.add_table(name, 1)
        metrics.add(name, "UpdateItem", this_hour - 5 * HOUR, number)
    found = told(capsys, *names)
    assert [table["calls"].get("UpdateItem", 0) for table in found["tables"]] == list(range(70))
    for asked in metrics.asked:
        points = len(asked["MetricDataQueries"]) * (asked["EndTime"] - asked["StartTime"]) / HOUR
        assert points <= MOST_POINTS
        assert len(asked["MetricDataQueries"]) <= MOST_QUERIES
    assert any("more than 4096 characters" in note for note in found["not_known"]) == (
        len(found["trail_table_arns"]) > 4096
    )


def test_a_person_reads_the_same(metrics: MetricsServer, this_hour: int, capsys: pytest.CaptureFixture[str]) -> None:
    plant(metrics, this_hour)
    assert main(["cost", "estimate", "orders", "--price", "data_event=1"]) == FOUND
    said = capsys.readouterr().out
    assert "72,214" in said
    assert "November 2026" in said
    assert "\nTrailTableArns=arn:aws:dynamodb:eu-west-1:123456789012:table/orders\n" in said
    assert "OpenSearch is not in it" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["orders", "--days", "0"], "--days must be from 1 to 60"),
        (["orders", "--days", "61"], "--days must be from 1 to 60"),
        (["orders", "--items", "101"], "--items must be from 1 to 100"),
        (["orders", "--items", "nan"], "--items must be from 1 to 100"),
        (["orders", "--price", "gold=1"], "there is no price 'gold'"),
        (["orders", "nowhere"], "there is no table nowhere"),
        (["x"], "there is no table x"),
        ([], "no stack is named"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    metrics: MetricsServer, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    metrics.add_table("orders", 1)
    assert main(["cost", "estimate", *words]) == USAGE
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("operation", "code", "says"),
    [
        ("GetMetricData", "AccessDeniedException", "cloudwatch:GetMetricData is needed"),
        ("DescribeTable", "AccessDeniedException", "dynamodb:DescribeTable is needed"),
        ("GetMetricData", "InternalServiceFault", "GetMetricData"),
    ],
)
def test_a_service_that_refuses_is_named(
    metrics: MetricsServer, capsys: pytest.CaptureFixture[str], operation: str, code: str, says: str
) -> None:
    metrics.add_table("orders", 1)
    metrics.refused[operation] = code
    assert main(["cost", "estimate", "orders"]) == NO_ACCESS
    assert says in capsys.readouterr().err


def test_half_an_answer_is_no_figure(
    metrics: MetricsServer, this_hour: int, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(metrics, this_hour)
    metrics.status = "InternalError"
    assert main(["cost", "estimate", "orders"]) == NO_ACCESS
    assert "could not answer" in capsys.readouterr().err


def test_the_page_of_costs_shows_what_the_estimate_says() -> None:
    """docs/cost.md: one table with ten single writes of one unit a second."""
    page = (Path(__file__).parents[2] / "docs" / "cost.md").read_text("utf-8")
    calls = 10 * 14 * 86_400.0
    usage = Usage("t", "arn", DAYS_14, {"UpdateItem": calls}, write_units=calls)
    found = {way: estimate([usage], Terms(way=way, has_outbox=True)) for way in WAYS}
    trails = [sum(line.dollars for line in found[way].trail) for way in WAYS]
    outbox = sum(line.dollars for line in found["new"].outbox)
    together = " | ".join(f"**{dollars:.2f}**" for dollars in (*trails, outbox))
    assert f"| **together** | {together} |" in page
    assert f"| CloudTrail, 25.9 million data events | {found['new'].trail[0].dollars:.2f} |" in page
    assert round(found["new"].events / 1e6, 1) == 25.9
