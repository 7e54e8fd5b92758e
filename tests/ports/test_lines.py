"""What stands in the lines of metrics and progress, and does the pacer keep its rate?"""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tabletrail.aws.clock import SystemClock
from tabletrail.aws.metrics import EmfMetrics
from tabletrail.aws.pacer import Pacer
from tabletrail.aws.progress import JsonProgress
from tests.fakes.clock import FakeClock


def test_metrics_are_one_line_of_embedded_metric_format_without_dimensions() -> None:
    out = io.StringIO()
    EmfMetrics(FakeClock(1_800_000_000.5), out).emit({"Entries": 12, "LagSeconds": 3.5, "Broken": float("nan")})
    (line,) = out.getvalue().splitlines()
    directive = {
        "Namespace": "Tabletrail",
        "Dimensions": [[]],
        "Metrics": [{"Name": "Entries", "Unit": "Count"}, {"Name": "LagSeconds", "Unit": "Seconds"}],
    }
    assert json.loads(line) == {
        "_aws": {"Timestamp": 1_800_000_000_500, "CloudWatchMetrics": [directive]},
        "Entries": 12,
        "LagSeconds": 3.5,
    }


def test_metrics_go_to_the_standard_output_of_the_moment(capsys: pytest.CaptureFixture[str]) -> None:
    EmfMetrics(FakeClock()).emit({"Entries": 1})
    assert json.loads(capsys.readouterr().out)["Entries"] == 1


def test_metrics_never_fail_a_run() -> None:
    closed = io.StringIO()
    closed.close()
    EmfMetrics(FakeClock(), closed).emit({"Entries": 1})


def test_no_line_holds_more_metrics_than_one_may() -> None:
    out = io.StringIO()
    EmfMetrics(FakeClock(), out).emit({f"Metric{number}": number for number in range(101)})
    sizes = [len(json.loads(line)["_aws"]["CloudWatchMetrics"][0]["Metrics"]) for line in out.getvalue().splitlines()]
    assert sizes == [100, 1]


def test_progress_is_one_json_object_a_line_with_its_context() -> None:
    out = io.StringIO()
    JsonProgress(FakeClock(1_800_000_000), out, run="r1").note("captured", records=3, table="orders")
    assert json.loads(out.getvalue()) == {
        "time": "2027-01-15T08:00:00.000+00:00",
        "event": "captured",
        "run": "r1",
        "records": 3,
        "table": "orders",
    }


def test_callers_pass_the_pacer_evenly_and_the_first_at_once() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, per_second=5)
    for _ in range(4):
        pacer.wait()
    assert clock.sleeps == [pytest.approx(0.2)] * 3


def test_a_pause_earns_no_burst() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, per_second=5)
    pacer.wait()
    clock.advance(60)
    pacer.wait()
    pacer.wait()
    assert clock.sleeps == [pytest.approx(0.2)]


def test_threads_get_turns_of_their_own() -> None:
    class StillClock(FakeClock):
        """Time stands, so that each caller's turn shows as its sleep."""

        lock = threading.Lock()

        def sleep(self, seconds: float) -> None:
            with self.lock:
                self.sleeps.append(seconds)

    clock = StillClock()
    pacer = Pacer(clock, per_second=5)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pacer.wait(), range(8)))
    assert sorted(clock.sleeps) == [pytest.approx(0.2 * turn) for turn in range(1, 8)]


def test_the_machines_clock_goes_on() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.001)
    clock.sleep(-1)
    assert clock.monotonic() > before
    assert clock.now() > 1_700_000_000
