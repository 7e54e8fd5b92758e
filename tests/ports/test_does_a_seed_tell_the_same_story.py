"""Does a plan's seed fix what befalls which shard, by laboratory time alone, and does all of it befall?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tabletrail_lab.client import LabClient
from tabletrail_lab.clocks import DrivenClock
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.plan import Chances, Event, Plan
from tabletrail_lab.server import serve
from tests.ports.laboratory_reading import DirectCaller

HOUR = 3_600
OFTEN = Chances(split=0.2, empty_run=0.05, quiet_tip=0.05, late_children=0.05, parent_open=0.05, miss_parent=0.05)


def story(seed: int, records: int, hours: int = 12) -> tuple[Laboratory, list[Event]]:
    """Two tables over some hours, with so many records an hour."""
    laboratory = Laboratory(DrivenClock(), seed=51)
    arns = [laboratory.add_stream(name, shards=3) for name in ("orders", "customers")]
    plan, events = Plan(seed, laboratory, OFTEN), []
    for hour in range(hours):
        for arn in arns:
            laboratory.generate(arn, records, seed=hour)
        for _ in range(12):
            laboratory.advance(300)
            events += plan.step()
        laboratory.clear_faults()
    return laboratory, events


def told(events: list[Event]) -> list[tuple[Any, ...]]:
    """Without the shards' ids, which are made up anew."""
    plain = ("count", "where", "pages", "calls", "last_records", "operation", "kind")
    return [(e.at, e.table, e.do, *(e.arguments.get(name) for name in plain)) for e in events]


def test_the_same_seed_tells_the_same_story_whatever_is_written() -> None:
    first, second = story(7, records=3)[1], story(7, records=90)[1]
    assert told(first) == told(second)
    assert told(first) != told(story(8, records=3)[1])


def test_everything_befalls_and_shards_roll_about_every_four_hours() -> None:
    laboratory, events = story(7, records=20, hours=24)
    done = Counter(event.do for event in events)
    for name in (
        "roll",
        "split",
        "add_empty_pages",
        "quiet_tip",
        "late_children",
        "parent_open",
        "miss_parent",
        "fault",
    ):
        assert done[name], f"no {name} in a day"
    arns = [stream["stream_arn"] for stream in laboratory.streams()]
    shards = [shard for arn in arns for shard in laboratory.shards(arn)]
    ages = [shard["closed_at"] - shard["opened_at"] for shard in shards if not shard["open"]]
    assert min(ages) >= 3 * HOUR
    assert max(ages) <= 5 * HOUR + 300


def test_what_loses_records_happens_on_request_only() -> None:
    assert not {"vanish", "disable", "enable"} & {event.do for event in story(7, records=3)[1]}
    laboratory = Laboratory(DrivenClock(), seed=51)
    laboratory.add_stream("orders", shards=3)
    plan = Plan(7, laboratory, Chances(vanish=0.1, switch=0.05))
    laboratory.advance(HOUR)
    done = Counter(event.do for event in plan.step())
    assert done["vanish"]
    assert done["disable"] == done["enable"] == len(laboratory.streams()) - 1 > 0


def test_it_goes_on_over_a_restart_and_over_http() -> None:
    whole = story(7, records=3, hours=4)[1]
    laboratory = Laboratory(DrivenClock(), seed=51)
    arns = [laboratory.add_stream(name, shards=3) for name in ("orders", "customers")]
    events: list[Event] = []
    with serve(laboratory) as url:
        for hour in range(4):
            since = laboratory.now()
            for arn in arns:
                laboratory.generate(arn, 3, seed=hour)
            plan = Plan(7, LabClient(url), OFTEN, since=since)
            for _ in range(12):
                laboratory.advance(300)
                events += plan.step()
            laboratory.clear_faults()
    assert told(events) == told(whole)


def test_what_a_plan_does_loses_no_record() -> None:
    laboratory, _ = story(9, records=30, hours=10)
    laboratory.clear_faults()
    for stream in laboratory.streams():
        arn = stream["stream_arn"]
        for _ in range(5):  # inconsistent views end after so many calls
            DirectCaller(laboratory).shards(arn)
        read = [
            record["eventID"]
            for shard in laboratory.shards(arn)
            for record in _to_the_tip(DirectCaller(laboratory), arn, shard["shard_id"], shard["empty_pages"])
        ]
        assert sorted(read) == sorted(record["event_id"] for record in laboratory.truth(arn))


def _to_the_tip(caller: DirectCaller, arn: str, shard_id: str, empty: int) -> list[dict[str, Any]]:
    """Everything, past as many empty pages as the shard has."""
    records: list[dict[str, Any]] = []
    iterator: str | None = caller.iterator(arn, shard_id)
    while iterator is not None and empty >= 0:
        page = caller.records(iterator)
        records += page["Records"]
        empty -= not page["Records"]
        iterator = page.get("NextShardIterator")
    return records
