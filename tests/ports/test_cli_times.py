"""Do times mean what people write, also where clocks change?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tabletrail.errors import QueryError
from tabletrail_cli.times import Role, age, as_stored, parse_time, shown, zone_of

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "zone", "role", "expected"),
    [
        ("2026-11-24T10:00:00Z", "UTC", Role.START, "2026-11-24T10:00:00Z"),
        ("2026-11-24T10:00:00.250Z", "UTC", Role.START, "2026-11-24T10:00:00.250Z"),
        ("2026-11-24T10:00:00+05:30", BERLIN, Role.START, "2026-11-24T04:30:00Z"),
        ("2026-11-24T10:00", BERLIN, Role.START, "2026-11-24T09:00:00Z"),
        ("2026-07-01 10:00", BERLIN, Role.START, "2026-07-01T08:00:00Z"),
        ("2026-11-24", "UTC", Role.START, "2026-11-24T00:00:00Z"),
        ("2026-11-24", "UTC", Role.END, "2026-11-25T00:00:00Z"),
        ("2026-11-24", BERLIN, Role.START, "2026-11-23T23:00:00Z"),
        # The day the clocks go forward has 23 hours, the day they go back has 25.
        ("2026-03-29", BERLIN, Role.START, "2026-03-28T23:00:00Z"),
        ("2026-03-29", BERLIN, Role.END, "2026-03-29T22:00:00Z"),
        ("2026-10-25", BERLIN, Role.START, "2026-10-24T22:00:00Z"),
        ("2026-10-25", BERLIN, Role.END, "2026-10-25T23:00:00Z"),
        # 02:30 comes twice: nothing of either falls out.
        ("2026-10-25T02:30", BERLIN, Role.START, "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30", BERLIN, Role.END, "2026-10-25T01:30:00Z"),
        ("2026-10-25T02:30+01:00", BERLIN, Role.MOMENT, "2026-10-25T01:30:00Z"),
        # Beirut's clocks went forward at midnight: the day began at 01:00.
        ("2022-03-27", "Asia/Beirut", Role.START, "2022-03-26T22:00:00Z"),
        ("now", BERLIN, Role.END, "2026-11-24T10:00:00Z"),
        ("90s", "UTC", Role.START, "2026-11-24T09:58:30Z"),
        ("30m", "UTC", Role.START, "2026-11-24T09:30:00Z"),
        ("2h", BERLIN, Role.START, "2026-11-24T08:00:00Z"),
        ("3d", "UTC", Role.START, "2026-11-21T10:00:00Z"),
        ("2w", "UTC", Role.START, "2026-11-10T10:00:00Z"),
    ],
)
def test_given_a_time_as_people_write_it_which_moment_is_it(text: str, zone: str, role: Role, expected: str) -> None:
    assert as_stored(parse_time(text, zone_of(zone), NOW, role)) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "Legal: RFC 3339"),
        ("", "Legal: RFC 3339"),
        ("2026-13-01", "Legal: RFC 3339"),
        ("2026-02-30T10:00Z", "Legal: RFC 3339"),
        ("999999999w", "Legal: RFC 3339"),
        ("0001-01-01T00:00+14:00", "outside the years"),
        ("2026-03-29T02:30", "does not exist in Europe/Berlin"),
        ("2026-10-25T02:30", "comes twice in Europe/Berlin: give an offset (2026-10-25T00:30:00Z or"),
    ],
)
def test_given_a_time_that_cannot_be_is_the_legal_form_shown(text: str, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_time(text, zone_of(BERLIN), NOW, Role.MOMENT)
    assert said in str(caught.value)


def test_given_no_such_zone_is_that_said() -> None:
    for name in ("Europe/Nowhere", "../../etc/passwd", "", "\x00"):
        with pytest.raises(QueryError, match="no time zone"):
            zone_of(name)


def test_given_the_machines_zone_is_it_the_one_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", BERLIN)
    assert as_stored(parse_time("2026-07-01", zone_of("local"), NOW, Role.START)) == "2026-06-30T22:00:00Z"


def test_are_times_shown_in_the_zone_with_their_offset() -> None:
    assert shown("2026-03-29T00:59:59Z", zone_of(BERLIN)) == "2026-03-29 01:59:59 +01:00"
    assert shown("2026-03-29T01:00:00Z", zone_of(BERLIN)) == "2026-03-29 03:00:00 +02:00"
    assert shown("2026-03-29T01:00:00Z", zone_of("UTC")) == "2026-03-29 01:00:00Z"
    assert shown("no time", zone_of("UTC")) == "no time"


def test_are_ages_short() -> None:
    assert [age(seconds) for seconds in (-5, 42, 600, 9000, 400_000)] == ["0 s", "42 s", "10 min", "2.5 h", "4.6 d"]
