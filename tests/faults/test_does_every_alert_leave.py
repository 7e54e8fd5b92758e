"""Does each entry that is due an alert leave by each way, whatever is broken, and is none told again for nothing?

The crash sweep fails each call; here are the states that last: a way that is away, a single alert that is refused, a
damaged segment, one with more alerts than a call can send, OpenSearch away, a backlog that takes all of a call's time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tabletrail.alert import MOST_FAILURES
from tabletrail.core.alert import Alert
from tabletrail.core.alert_digest import text_of
from tabletrail.errors import TransientError
from tabletrail.log_survey import opened_object
from tabletrail.owing import PAGE
from tabletrail.ports import Logged
from tests.fakes.alerts import FakeEvents
from tests.fakes.faulty import Crash, Fault, Way
from tests.faults.alerting import assert_alerted, due
from tests.faults.world import SETTINGS, World

SCHEMA = json.loads((Path(__file__).parents[2] / "mappings/schema/alert_event.v1.schema.json").read_text("utf-8"))


def with_alerts(segments: int = 3, each: int = 1) -> World:
    """A log in which `segments` segments owe `each` alerts, and whose changes are all indexed."""
    world = World()
    arn = world.add_table("orders")
    world.run()
    for _ in range(segments):
        world.write(arn, "shard-0", 2)
        world.write(arn, "shard-0", each, event="EXPLODE")
        world.run()
    assert len(due(world)) == segments * each
    return world


def in_order(world: World) -> list[str]:
    """The rows that owe alerts, oldest first."""
    rows = [row for row in world.rows.segments.values() if row.alerts]
    return [row.segment_id for row in sorted(rows, key=lambda row: (row.committed_at, row.segment_id))]


def test_oldest_first_once_and_within_the_next_call() -> None:
    world = with_alerts()
    assert world.backlog().run("at once").alerts == 6
    assert world.bus.sent == due(world)
    world.drain()
    assert_alerted(world, once=True)


def test_a_young_segment_does_not_wait_as_indexing_does() -> None:
    world = with_alerts(1)
    world.clock.advance(-60)
    result = world.backlog().run("early")
    assert (result.segments, result.alerts) == (0, 2)


@pytest.mark.parametrize("status", [503, 429, 403])
def test_opensearch_away(status: int) -> None:
    world = World()
    arn = world.add_table("orders")
    world.index.turn_away(status, times=10_000)
    world.write(arn, "shard-0", 1, event="EXPLODE")
    world.run()
    backlog = world.backlog()
    backlog.indexer.breaker.trip()
    backlog.run("b")
    assert backlog.indexer.breaker.is_open()
    assert_alerted(world, once=True)


def test_a_backlog_that_takes_all_time_leaves_alerts_theirs() -> None:
    world = with_alerts(2)
    backlog = world.backlog()
    backlog.settings = replace(SETTINGS, function_seconds=0)
    backlog.run("b")
    assert_alerted(world, once=True)


def test_trouble_with_alerts_does_not_stop_indexing() -> None:
    world = World()
    arn = world.add_table("orders")
    world.index.turn_away(503, times=2)
    world.write(arn, "shard-0", 2)
    world.write(arn, "shard-0", 1, event="EXPLODE")
    world.run()
    world.index.turned_away.clear()
    world.faults.add(Fault(Way.BEFORE, method="segments.unalerted"))
    assert world.drain().segments > 0
    world.assert_complete()
    world.drain()
    assert_alerted(world, once=True)


def test_a_broken_way_lets_the_other_go_on_and_not_repeat_itself() -> None:
    world = with_alerts(MOST_FAILURES + 3)
    world.topic.takes = lambda _: False
    for _ in range(4):
        world.drain()
    assert world.bus.sent == due(world)
    world.run()
    failures = " ".join(world.notes.read("last_run")["failures"])
    assert "alerts do not leave" in failures
    assert "topic: ThrottledError" in failures
    world.topic.takes = lambda _: True
    world.drain()
    assert_alerted(world, once=True)
    world.run()
    assert "alerts" not in " ".join(world.notes.read("last_run")["failures"])


def test_a_way_that_is_away_is_left_alone_after_a_few_tries() -> None:
    world = with_alerts(9)
    fault = Fault(Way.BEFORE, method="bus.publish", error=lambda: TransientError("away"), times=100)
    world.faults.add(fault)
    world.drain()
    assert world.faults.count("bus.publish") == MOST_FAILURES
    assert world.topic.sent == due(world)


def test_a_single_refused_alert_holds_up_no_other_segment() -> None:
    world = with_alerts(4, each=3)
    refused = due(world)[4]
    world.bus.takes = lambda id_: id_ != refused
    for _ in range(3):
        world.drain()
    sent = world.bus.sent
    assert set(sent) == set(due(world)) - {refused}
    assert world.topic.sent == due(world)
    assert world.rows.segments[in_order(world)[1]].alerted_to == (("bus", 1), ("topic", 3))
    world.bus.takes = lambda _: True
    world.drain()
    assert_alerted(world, once=False)


def test_more_alerts_than_a_call_can_send_go_on_where_they_were() -> None:
    world = with_alerts(1, each=25)
    world.bus.most = 10
    for _ in range(3):
        world.drain()
    assert [len(call) for call in world.bus.calls] == [10, 10, 5]
    assert [len(digest.ids) for digest in world.topic.digests] == [25]
    assert_alerted(world, once=True)


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_damage_is_named_and_not_sent_and_the_rest_leaves(damage: str) -> None:
    world = with_alerts(3)
    row = world.rows.segments[in_order(world)[0]]
    version, body = world.store.objects.pop(row.key)
    other = world.rows.segments[in_order(world)[1]]
    if damage == "altered":
        world.store.objects[row.key] = (version, world.store.objects[other.key][1])
    world.drain()
    assert world.notes.read("backlog")["alerts"]["damaged"] == [row.segment_id], "once, whichever ways go over it"
    world.run()
    assert (
        f"segment {row.segment_id} is missing or altered: its alerts are not sent"
        in (world.notes.read("last_run")["failures"])
    )
    assert len(world.bus.sent) == 2
    world.store.objects[row.key] = (version, body)
    world.drain()
    assert_alerted(world, once=True)


def test_damage_and_trouble_on_more_than_a_page_hide_nothing_behind_it() -> None:
    world = with_alerts(PAGE + 3)
    for segment_id in in_order(world)[: PAGE + 2]:
        del world.store.objects[world.rows.segments[segment_id].key]
    assert world.backlog().run("b").alerts == 2


def test_without_a_way_nothing_piles_up_and_the_note_says_so() -> None:
    world = with_alerts(3)
    world.ways.clear()
    world.drain()
    assert not any(row.alerts and not row.alerted_at for row in world.rows.segments.values())
    assert world.notes.read("backlog")["alerts"] == {"nowhere": True}


def test_a_crash_between_sending_and_marking_sends_the_same_again() -> None:
    world = with_alerts(1)
    world.faults.add(Fault(Way.BEFORE, method="segments.mark_alerted", error=Crash))
    with pytest.raises(Crash):
        world.drain()
    world.clock.advance(SETTINGS.lease_seconds)
    world.drain()
    first, again = world.bus.calls
    assert [alert.json() for alert in first] == [alert.json() for alert in again]
    assert_alerted(world, once=False)


def test_time_ends_it_between_segments_and_asks_for_another_call() -> None:
    world = with_alerts(5)

    class Slow(FakeEvents):
        def publish(self, alerts: Sequence[Alert]) -> frozenset[str]:
            world.clock.advance(6)
            return super().publish(alerts)

    world.ways = {"bus": Slow()}
    result = world.drain()
    assert (result.alerts, result.more) == (2, True)


def test_a_recovered_row_owes_what_the_lost_one_did() -> None:
    world = with_alerts(1, each=4)
    row = world.rows.segments[in_order(world)[0]]
    logged = Logged(row.key, row.version_id, row.committed_at)
    opened = opened_object(logged, row.version_id, world.store.get(row.key, row.version_id))
    assert opened.row.alerts == row.alerts == 4


def test_each_event_follows_the_schema() -> None:
    world = with_alerts(2, each=3)
    world.drain()
    for call in world.bus.calls:
        for alert in call:
            Draft202012Validator(SCHEMA).validate(alert.detail)


def test_a_few_of_several_segments_are_told_one_by_one_and_more_are_one_message() -> None:
    few, many = with_alerts(2, each=2), with_alerts(3, each=2)
    for world in (few, many):
        world.drain()
        assert_alerted(world, once=True)
        assert len(world.topic.digests) == 1
    assert few.topic.digests[0].is_few
    digest = many.topic.digests[0]
    assert not digest.is_few
    assert list(digest.segments) == in_order(many)
    assert [len(call) for call in many.bus.calls] == [2, 2, 2], "a bus is for programs"


def test_thousands_in_many_segments_are_one_message_and_each_an_event() -> None:
    world = with_alerts(12, each=250)
    world.bus.most = 100
    rounds = 0
    while not rounds or world.drain().more:
        rounds += 1
    assert rounds > 1, "the bus takes several calls"
    assert [len(digest.ids) for digest in world.topic.digests] == [3_000]
    assert_alerted(world, once=True)


def test_a_crash_after_telling_tells_the_same_again_and_no_event_twice() -> None:
    world = with_alerts(3, each=4)
    world.faults.add(Fault(Way.AFTER, method="topic.tell", error=Crash))
    with pytest.raises(Crash):
        world.drain()
    world.clock.advance(SETTINGS.lease_seconds)
    world.drain()
    first, again = world.topic.digests
    assert first.ids == again.ids == due(world)
    assert text_of(first) == text_of(again)
    assert_alerted(world, once=True, but=["topic"])


def test_a_way_that_is_no_longer_there_holds_nothing_up() -> None:
    world = with_alerts(3)
    world.topic.takes = lambda _: False
    world.drain()
    assert due(world) == world.bus.sent
    del world.ways["topic"]
    world.drain()
    assert_alerted(world, once=True)
