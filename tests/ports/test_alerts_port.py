"""Do EventBridge, SNS and the fake take alerts with the same promises, and what of EventBridge's own replies?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.alert import Alerts
from tabletrail.aws.alerts import BATCH, BATCH_BYTES, BusAlerts, TopicAlerts, batches
from tabletrail.aws.clients import alert_client
from tabletrail.aws.tries import Tries
from tabletrail.core.alert import Alert
from tabletrail.errors import TabletrailError, ThrottledError
from tabletrail_local.info import StackInfo
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.ports.alert_queue import Queue


def alert(number: int, message: str = "changes of orders may be missing") -> Alert:
    id_ = f"{number:064x}"
    return Alert(
        id_,
        {
            "account": "123456789012",
            "action": "gap",
            "id": id_,
            "kind": "gap",
            "log": {"index": "tabletrail-v1-2027.01", "line": number + 1, "segment": "s"},
            "message": message,
            "region": "eu-central-1",
            "schema": 1,
            "severity": 73,
            "stream": {"arn": "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/x"},
            "table": {"arn": "arn:aws:dynamodb:eu-central-1:123456789012:table/orders", "name": "orders"},
            "time": "2027-01-15T08:00:00Z",
        },
    )


ALERTS = [alert(number) for number in range(23)]


class AlertsContract:
    """`ports` gives the way and a function that waits for the ids of `count` arrivals."""

    def test_all_are_taken_and_arrive(self, way: Alerts, arrived: Any) -> None:
        assert way.publish(ALERTS[:2]) == {one.id for one in ALERTS[:2]}
        assert sorted(arrived(2)) == [one.id for one in ALERTS[:2]]

    def test_many_of_a_segment_arrive(self, way: Alerts, arrived: Any) -> None:
        assert way.publish(ALERTS) == {one.id for one in ALERTS}
        assert set(arrived(len(ALERTS))) >= {one.id for one in ALERTS[:10]}

    def test_a_repeat_is_taken_too(self, way: Alerts, arrived: Any) -> None:
        assert way.publish(ALERTS[:1]) == way.publish(ALERTS[:1])
        assert arrived(2) == [ALERTS[0].id] * 2


class TestFake(AlertsContract):
    @pytest.fixture
    def way(self) -> FakeAlerts:
        return FakeAlerts()

    @pytest.fixture
    def arrived(self, way: FakeAlerts) -> Any:
        return lambda _count: way.sent


@pytest.fixture
def queue(stack: StackInfo) -> Iterator[Queue]:
    queue = Queue(stack)
    yield queue
    queue.client.delete_queue(QueueUrl=queue.url)


@pytest.mark.stack
class TestBus(AlertsContract):
    @pytest.fixture
    def way(self, stack: StackInfo, queue: Queue) -> Iterator[BusAlerts]:
        client = stack.session().client("events")
        bus = queue.name
        client.create_event_bus(Name=bus)
        pattern = {"source": ["tabletrail"], "detail-type": ["Audit alert"], "detail": {"kind": ["gap"]}}
        queue.behind_bus(bus, bus, pattern)
        clock = FakeClock()
        yield BusAlerts(lambda: alert_client(stack.session(), "events"), bus, Tries(clock), clock)
        queue.leave_bus(bus, bus)
        client.delete_event_bus(Name=bus)

    @pytest.fixture
    def arrived(self, queue: Queue) -> Any:
        def wait(count: int) -> list[str]:
            bodies = queue.wait(lambda bodies: len(bodies) >= count)
            assert {body["source"] for body in bodies} == {"tabletrail"}
            assert {tuple(body["resources"]) for body in bodies} == {(ALERTS[0].detail["table"]["arn"],)}
            return [body["detail"]["id"] for body in bodies]

        return wait


@pytest.mark.stack
class TestTopic(AlertsContract):
    @pytest.fixture
    def way(self, stack: StackInfo, queue: Queue) -> Iterator[TopicAlerts]:
        client = stack.session().client("sns")
        topic = client.create_topic(Name=queue.name)["TopicArn"]
        client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
        yield TopicAlerts(lambda: alert_client(stack.session(), "sns"), topic, Tries(FakeClock()))
        client.delete_topic(TopicArn=topic)

    @pytest.fixture
    def arrived(self, queue: Queue) -> Any:
        def wait(count: int) -> list[str]:
            messages = count if count <= 5 else 1
            bodies = queue.wait(lambda bodies: len(bodies) >= messages)
            assert len(bodies) == messages
            assert all(body["Subject"].startswith("tabletrail: gap in orders") for body in bodies)
            words = " ".join(body["Message"] for body in bodies).split()
            return [word for word in words if len(word) == 64]

        return wait

    def test_a_topic_that_is_gone_is_refused(self, stack: StackInfo, way: TopicAlerts) -> None:
        gone = TopicAlerts(lambda: stack.session().client("sns"), f"{way._topic}-gone", Tries(FakeClock()))
        with pytest.raises(TabletrailError, match="Publish was refused"):
            gone.publish(ALERTS)


class Bus:
    """A client of `events` whose replies are planned: `refuses` says which tries of an event are turned away."""

    def __init__(self, refuses: dict[str, int]) -> None:
        self.refuses, self.requests = dict(refuses), []

    requests: list[list[str]]

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 -- the SDK's name
        ids = [json.loads(entry["Detail"])["id"] for entry in Entries]
        self.requests.append(ids)
        results = []
        for id_ in ids:
            is_refused = self.refuses.get(id_, 0) > 0
            self.refuses[id_] = self.refuses.get(id_, 0) - 1
            results.append({"ErrorCode": "ThrottlingException"} if is_refused else {"EventId": "e"})
        return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}


def bus_of(refuses: dict[str, int]) -> tuple[Bus, BusAlerts]:
    bus, clock = Bus(refuses), FakeClock()
    return bus, BusAlerts(lambda: bus, "default", Tries(clock, most=4, seconds=3.0), clock)


def test_only_what_was_turned_away_is_sent_again() -> None:
    bus, way = bus_of({ALERTS[3].id: 2, ALERTS[5].id: 1})
    assert way.publish(ALERTS[:10]) == {one.id for one in ALERTS[:10]}
    assert [len(ids) for ids in bus.requests] == [10, 2, 1]


def test_what_stays_turned_away_ends_it_with_what_was_taken() -> None:
    bus, way = bus_of({ALERTS[3].id: 99})
    taken = way.publish(ALERTS)
    assert taken == {one.id for one in ALERTS[:10]} - {ALERTS[3].id}
    assert [len(ids) for ids in bus.requests] == [10, 1, 1, 1], "nothing behind it: it would be sent again each minute"


def test_nothing_taken_is_an_error() -> None:
    _, way = bus_of({one.id: 99 for one in ALERTS})
    with pytest.raises(ThrottledError):
        way.publish(ALERTS)


def test_time_ends_a_long_one_and_the_rest_is_left_for_the_next_call() -> None:
    bus, clock = Bus({}), FakeClock()
    put = bus.put_events

    def slow(Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 -- the SDK's name
        clock.advance(5)
        return put(Entries)

    bus.put_events = slow  # type: ignore[method-assign]
    assert len(BusAlerts(lambda: bus, "default", Tries(clock), clock).publish(ALERTS)) == 2 * BATCH


def test_a_request_holds_ten_events_and_no_more_bytes_than_fit() -> None:
    assert [len(batch) for batch in batches(ALERTS)] == [10, 10, 3]
    large = [alert(number, "x" * 40_000) for number in range(12)]
    for batch in batches(large):
        assert sum(len(one.json().encode()) for one in batch) <= BATCH_BYTES
    assert [one for batch in batches(large) for one in batch] == large
