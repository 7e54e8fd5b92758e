"""A queue of the local AWS at the end of a way of alerts."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tabletrail_local.info import StackInfo


class Queue:
    """An SQS queue of its own, which each way writes to in its own manner."""

    def __init__(self, stack: StackInfo) -> None:
        self.stack = stack
        self.client = stack.session().client("sqs")
        self.name = f"alerts-{uuid.uuid4().hex}"
        self.url = self.client.create_queue(QueueName=self.name)["QueueUrl"]
        attributes = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = attributes["Attributes"]["QueueArn"]
        allow = {"Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}}
        policy = {"Version": "2012-10-17", "Statement": [allow | {"Action": "sqs:SendMessage", "Resource": self.arn}]}
        self.client.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})

    def take(self) -> list[dict[str, Any]]:
        """The bodies that arrive within some seconds, each once."""
        reply = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        for message in reply.get("Messages", []):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in reply.get("Messages", [])]

    def wait(self, is_enough: Any) -> list[dict[str, Any]]:
        """All bodies, once `is_enough` of them."""
        bodies: list[dict[str, Any]] = []
        for _ in range(10):
            bodies += self.take()
            if is_enough(bodies):
                return bodies
        pytest.fail(f"only {len(bodies)} messages arrived")

    def behind_bus(self, bus: str, rule: str, pattern: dict[str, Any]) -> None:
        """From now on events of the bus that fit the pattern arrive here."""
        events = self.stack.session().client("events")
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "queue", "Arn": self.arn}])

    def leave_bus(self, bus: str, rule: str) -> None:
        events = self.stack.session().client("events")
        events.remove_targets(Rule=rule, EventBusName=bus, Ids=["queue"])
        events.delete_rule(Name=rule, EventBusName=bus)
