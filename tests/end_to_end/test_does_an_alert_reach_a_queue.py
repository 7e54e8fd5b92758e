"""A table is audited no more: does what the log says of it arrive in a queue, by EventBridge and by SNS?

A real table and its stream, real tables of checkpoints and a real bucket; the handler of IndexSegments as it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tabletrail.aws.wiring import Wiring
from tabletrail_local.info import StackInfo
from tests.ports.alert_queue import Queue
from tests.verify.real_log import RealLog, streamed_log

pytestmark = pytest.mark.stack


@pytest.fixture
def log(stack: StackInfo, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealLog]:
    with streamed_log(stack, tmp_path) as log:
        for name, value in log.environment.items():
            if name.startswith(("AWS_", "TABLETRAIL_")):
                monkeypatch.setenv(name, value)
        yield log


@pytest.fixture
def queues(stack: StackInfo, log: RealLog) -> Iterator[tuple[Queue, Queue, str]]:
    """One behind the default bus, for this table alone; one behind a topic; the topic."""
    events, words = Queue(stack), Queue(stack)
    pattern = {"source": ["tabletrail"], "detail": {"table": {"name": [log.table]}}}
    events.behind_bus("default", events.name, pattern)
    sns = stack.session().client("sns")
    topic = sns.create_topic(Name=words.name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=words.arn)
    yield events, words, topic
    sns.delete_topic(TopicArn=topic)
    events.leave_bus("default", events.name)
    for queue in (events, words):
        queue.client.delete_queue(QueueUrl=queue.url)


def call(log: RealLog, topic: str) -> dict[str, Any]:
    """IndexSegments, called as the state machine does."""
    handler = importlib.import_module("handlers.index_segments")
    settings = replace(log.wiring.settings, alert_bus="default", alert_topic=topic)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "WIRING", Wiring(settings, log.session))
        result: dict[str, Any] = handler.handler({"run_id": "alerts"}, None)
    return result


def test_a_table_that_left(log: RealLog, queues: tuple[Queue, Queue, str]) -> None:
    events, words, topic = queues
    log.dynamodb.put_item(TableName=log.table, Item={"id": {"S": "one"}})
    log.capture()
    assert call(log, topic)["alerts"] == 0, "nothing was due"
    log.wiring = Wiring(replace(log.wiring.settings, table_names=""), log.session)
    log.capture()
    due = [item for item in log.segments() if "not_alerted" in item]
    assert len(due) >= 1

    sent = call(log, topic)["alerts"]

    assert sent >= 2, "each by both ways"
    details = [body["detail"] for body in events.wait(lambda bodies: len(bodies) >= sent // 2)]
    assert {detail["log"]["segment"] for detail in details} == {item["segment_id"]["S"] for item in due}
    assert all(detail["severity"] >= 73 for detail in details)
    told = " ".join(body["Message"] for body in words.wait(lambda bodies: len(bodies) >= sent // 2))
    assert all(detail["id"] in told for detail in details)
    assert not [item for item in log.segments() if "not_alerted" in item]
    assert call(log, topic)["alerts"] == 0, "once"
