"""Do windows of hours hold on the clock of the wall of their zone, over midnight and when clocks change?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.hours import hours_test
from tests.core.naive_rules import time_fits
from tests.core.policy_strategies import times

FUNCTIONS = Path(__file__).parents[2] / "functions"


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def berlin(**window: Any) -> dict[str, Any]:
    return {"zone": "Europe/Berlin", "within": [window]}


NIGHT = {"from": "22:00", "to": "06:00"}
FRIDAY_NIGHT = {**NIGHT, "days": ["fri"]}
WORK = {"from": "08:00", "to": "18:00", "days": ["mon", "tue", "wed", "thu", "fri"]}
OFF_HOURS = {"zone": "Europe/Berlin", "outside": [WORK]}


@pytest.mark.parametrize(
    ("condition", "moment", "is_fitting"),
    [
        (berlin(**NIGHT), "2026-01-15T21:00:00", True),  # 22:00 in winter
        (berlin(**NIGHT), "2026-01-15T20:59:59", False),
        (berlin(**NIGHT), "2026-07-15T20:00:00", True),  # 22:00 in summer
        (berlin(**NIGHT), "2026-07-15T19:59:59", False),
        (berlin(**NIGHT), "2026-07-16T03:59:59", True),  # 05:59
        (berlin(**NIGHT), "2026-07-16T04:00:00", False),
        (berlin(**FRIDAY_NIGHT), "2026-11-27T22:00:00", True),  # a Friday, 23:00
        (berlin(**FRIDAY_NIGHT), "2026-11-28T04:00:00", True),  # Saturday, 05:00: it began on Friday
        (berlin(**FRIDAY_NIGHT), "2026-11-27T04:00:00", False),  # Friday, 05:00: it began on Thursday
        (berlin(**FRIDAY_NIGHT), "2026-11-28T22:00:00", False),
        (berlin(**{"from": "22:00", "to": "06:00", "days": ["sun"]}), "2026-11-30T04:00:00", True),  # Monday, 05:00
        (berlin(**{"from": "22:00", "to": "00:00"}), "2026-01-15T22:59:59", True),
        (berlin(**{"from": "22:00", "to": "00:00"}), "2026-01-15T23:00:00", False),
        (berlin(days=["mon"]), "2026-11-29T23:00:00", True),  # Monday begins an hour before UTC's
        (berlin(days=["mon"]), "2026-11-30T23:00:00", False),
        (OFF_HOURS, "2026-11-24T06:59:59", True),
        (OFF_HOURS, "2026-11-24T07:00:00", False),
        (OFF_HOURS, "2026-11-28T09:00:00", True),  # a Saturday
        # clocks go forward at 01:00 UTC: 01:59:59 is followed by 03:00:00
        (berlin(**{"from": "02:00", "to": "03:00"}), "2026-03-29T00:59:59", False),
        (berlin(**{"from": "02:00", "to": "03:00"}), "2026-03-29T01:00:00", False),
        (berlin(**{"from": "03:00", "to": "04:00"}), "2026-03-29T01:00:00", True),
        # clocks go back at 01:00 UTC: 02:00 to 03:00 comes twice
        (berlin(**{"from": "02:00", "to": "03:00"}), "2026-10-25T00:30:00", True),
        (berlin(**{"from": "02:00", "to": "03:00"}), "2026-10-25T01:30:00", True),
        (berlin(**{"from": "02:00", "to": "03:00"}), "2026-10-25T02:00:00", False),
        ({"zone": "Australia/Lord_Howe", "within": [{"from": "02:00", "to": "02:30"}]}, "2026-10-03T15:30:00", False),
        ({"zone": "Asia/Kolkata", "within": [{"from": "05:30", "to": "05:31"}]}, "2026-11-24T00:00:30", True),
        ({"zone": "Pacific/Apia", "within": [{"days": ["fri"]}]}, "2011-12-30T10:00:00", False),  # a day that was not
        (
            {"zone": "UTC", "within": [NIGHT], "outside": [{"from": "23:00", "to": "23:30"}]},
            "2026-01-01T23:29:00",
            False,
        ),
        (
            {"zone": "UTC", "within": [NIGHT], "outside": [{"from": "23:00", "to": "23:30"}]},
            "2026-01-01T23:30:00",
            True,
        ),
    ],
)
def test_a_window_holds_on_the_wall(condition: dict[str, Any], moment: str, is_fitting: bool) -> None:
    assert hours_test(condition)(at(moment)) is is_fitting


@given(times(), st.integers(0, 4_000_000_000))
def test_windows_hold_as_the_slow_transcription_finds(condition: dict[str, Any], seconds: int) -> None:
    assert hours_test(condition)(seconds) is time_fits(condition, seconds)


CHANGES = [at("2026-03-29T01:00:00"), at("2026-10-25T01:00:00"), at("2026-03-08T07:00:00"), at("2026-11-01T06:00:00")]


@given(times(), st.sampled_from(CHANGES), st.integers(-7300, 7300))
def test_they_hold_about_the_hour_when_clocks_change(condition: dict[str, Any], change: int, offset: int) -> None:
    assert hours_test(condition)(change + offset) is time_fits(condition, change + offset)


def test_the_machine_s_zones_and_clock_say_nothing(tmp_path: Path) -> None:
    """GIVEN a machine whose own zone files call Tokyo's time Berlin's, and which is itself elsewhere."""
    elsewhere = tmp_path / "Europe" / "Berlin"
    elsewhere.parent.mkdir()
    tokyo = resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo")
    elsewhere.write_bytes(tokyo.read_bytes())
    code = f"""
import json
from zoneinfo import ZoneInfo
from datetime import datetime
from tabletrail.core.hours import hours_test
assert datetime.fromtimestamp(0, ZoneInfo("Europe/Berlin")).hour == 9, "the machine is not as it was to be"
print(json.dumps(hours_test({OFF_HOURS!r})({at("2026-11-24T16:30:00")})))
"""
    environment = {**os.environ, "PYTHONPATH": str(FUNCTIONS), "PYTHONTZPATH": str(tmp_path), "TZ": "Asia/Tokyo"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) is False
