"""Do EventBridge, SNS and the fakes take alerts with the same promises, and what of the services' own replies?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tabletrail.aws.alerts import BATCH, BATCH_BYTES, BusAlerts, TopicAlerts, batches
from tabletrail.aws.clients import alert_client
from tabletrail.aws.tries import Tries
from tabletrail.core.alert import Alert, AlertForm, alert_of
from tabletrail.core.alert_digest import FEW, Digest, digest_of
from tabletrail.errors import TabletrailError, ThrottledError
from tabletrail_local.info import StackInfo
from tests.fakes.alerts import FakeEvents, FakeWords
from tests.fakes.clock import FakeClock
from tests.ports.alert_queue import Queue

FORM = AlertForm(dashboards="https://search.example/_dashboards")


def alert(number: int, message: str = "changes of orders may be missing", table: str = "orders") -> Alert:
    """Of a gap, so that it is as small as an entry can be."""
    arn = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}"
    entry = {
        "@timestamp": "2027-01-15T08:00:00Z",
        "cloud": {"account": {"id": "123456789012"}, "region": "eu-central-1"},
        "event": {"action": "gap", "id": f"{number:064x}", "severity": 73},
        "log": {"index": "tabletrail-v1-2027.01", "line": number + 1, "segment": "s"},
        "message": message,
        "stream": {"arn": f"{arn}/stream/x"},
        "table": {"arn": arn, "name": table},
        "tabletrail": {"kind": "gap"},
    }
    return alert_of(entry, FORM)


ALERTS = [alert(number) for number in range(23)]
IDS = [one.id for one in ALERTS]


def digest(alerts: list[Alert]) -> Digest:
    return digest_of(alerts, FORM)


@pytest.fixture
def queue(stack: StackInfo) -> Iterator[Queue]:
    queue = Queue(stack)
    yield queue
    queue.client.delete_queue(QueueUrl=queue.url)


class EventsContract:
    """`arrived` waits for the ids of `count` arrivals."""

    def test_all_are_taken_and_arrive(self, way: BusAlerts, arrived: Callable[[int], list[str]]) -> None:
        assert way.publish(ALERTS) == {*IDS}
        assert sorted(arrived(len(IDS))) == IDS

    def test_a_repeat_is_taken_too(self, way: BusAlerts, arrived: Callable[[int], list[str]]) -> None:
        assert way.publish(ALERTS[:1]) == way.publish(ALERTS[:1])
        assert arrived(2) == [IDS[0]] * 2


class TestFakeEvents(EventsContract):
    @pytest.fixture
    def way(self) -> FakeEvents:
        return FakeEvents()

    @pytest.fixture
    def arrived(self, way: FakeEvents) -> Callable[[int], list[str]]:
        return lambda _count: way.sent


@pytest.mark.stack
class TestBus(EventsContract):
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
    def arrived(self, queue: Queue) -> Callable[[int], list[str]]:
        def wait(count: int) -> list[str]:
            bodies = queue.wait(lambda bodies: len(bodies) >= count)
            assert {body["source"] for body in bodies} == {"tabletrail"}
            assert {tuple(body["resources"]) for body in bodies} == {(ALERTS[0].detail["table"]["arn"],)}
            return [body["detail"]["id"] for body in bodies]

        return wait


class WordsContract:
    """`arrived` waits for `count` messages and returns the ids that they name."""

    def test_a_few_are_told_one_by_one(self, way: TopicAlerts, arrived: Callable[[int], list[str]]) -> None:
        assert way.tell(digest(ALERTS[:FEW])) == {*IDS[:FEW]}
        assert sorted(arrived(FEW)) == IDS[:FEW]

    def test_more_are_told_together(self, way: TopicAlerts, arrived: Callable[[int], list[str]]) -> None:
        assert way.tell(digest(ALERTS)) == {*IDS}
        assert {*arrived(1)} >= {*IDS[:10]}

    def test_a_repeat_is_told_too(self, way: TopicAlerts, arrived: Callable[[int], list[str]]) -> None:
        assert way.tell(digest(ALERTS[:1])) == way.tell(digest(ALERTS[:1]))
        assert arrived(2) == [IDS[0]] * 2


class TestFakeWords(WordsContract):
    @pytest.fixture
    def way(self) -> FakeWords:
        return FakeWords()

    @pytest.fixture
    def arrived(self, way: FakeWords) -> Callable[[int], list[str]]:
        return lambda _count: way.sent


@pytest.mark.stack
class TestTopic(WordsContract):
    @pytest.fixture
    def way(self, stack: StackInfo, queue: Queue) -> Iterator[TopicAlerts]:
        client = stack.session().client("sns")
        topic = client.create_topic(Name=queue.name)["TopicArn"]
        client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
        yield TopicAlerts(lambda: alert_client(stack.session(), "sns"), topic, Tries(FakeClock()))
        client.delete_topic(TopicArn=topic)

    @pytest.fixture
    def arrived(self, queue: Queue) -> Callable[[int], list[str]]:
        def wait(count: int) -> list[str]:
            bodies = queue.wait(lambda bodies: len(bodies) >= count)
            assert len(bodies) == count
            assert all(body["Subject"].startswith("tabletrail: ") for body in bodies)
            words = " ".join(body["Message"] for body in bodies).split()
            return [word for word in words if len(word) == 64]

        return wait

    def test_a_topic_that_is_gone_is_refused(self, stack: StackInfo, way: TopicAlerts) -> None:
        gone = TopicAlerts(lambda: stack.session().client("sns"), f"{way._topic}-gone", Tries(FakeClock()))
        with pytest.raises(TabletrailError, match="Publish was refused"):
            gone.tell(digest(ALERTS))

    def test_attributes_are_for_the_filters_of_subscriptions(
        self, stack: StackInfo, queue: Queue, way: TopicAlerts
    ) -> None:
        client = stack.session().client("sns")
        [subscription] = client.list_subscriptions_by_topic(TopicArn=way._topic)["Subscriptions"]
        policy = {"severity": [{"numeric": [">=", 73]}], "tables": ["payments"]}
        client.set_subscription_attributes(
            SubscriptionArn=subscription["SubscriptionArn"],
            AttributeName="FilterPolicy",
            AttributeValue=json.dumps(policy),
        )
        way.tell(digest(ALERTS))
        way.tell(digest([*ALERTS, alert(99, table="payments")]))
        bodies = queue.wait(lambda bodies: bodies)
        assert len(bodies) == 1, "the other message was of other tables"
        attributes = {name: one["Value"] for name, one in bodies[0]["MessageAttributes"].items()}
        assert attributes["count"] == "24"
        assert json.loads(attributes["tables"]) == ["orders", "payments"]


class Topic:
    """A client of `sns` that refuses what names one of `refused`, with `code`."""

    def __init__(self, refused: set[str], code: str) -> None:
        self.refused, self.code = refused, code
        self.messages: list[str] = []

    def publish(self, Message: str, **_: Any) -> None:  # noqa: N803 -- the SDK's name
        if any(id_ in Message for id_ in self.refused):
            raise ClientError({"Error": {"Code": self.code, "Message": ""}}, "Publish")
        self.messages.append(Message)


def topic_of(refused: set[str], code: str) -> tuple[Topic, TopicAlerts]:
    topic = Topic(refused, code)
    return topic, TopicAlerts(lambda: topic, "arn", Tries(FakeClock(), most=4, seconds=3.0))


def test_a_message_that_is_refused_holds_up_no_other() -> None:
    topic, way = topic_of({IDS[0]}, "InvalidParameter")
    assert way.tell(digest(ALERTS[:3])) == {IDS[1], IDS[2]}
    assert len(topic.messages) == 2


def test_a_topic_that_throttles_is_left_alone() -> None:
    topic, way = topic_of({IDS[1]}, "ThrottlingException")
    assert way.tell(digest(ALERTS[:3])) == {IDS[0]}
    assert len(topic.messages) == 1
    with pytest.raises(ThrottledError):
        topic_of({*IDS}, "ThrottlingException")[1].tell(digest(ALERTS))


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
