"""A mailbox for alerts on this machine: a topic of the local SNS and a queue of the local SQS behind it.

Called by the demo and by tests, which deploy with `parameters`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

NAME = "tabletrail-alerts"


@dataclass(frozen=True)
class Message:
    """What a person would get. `attributes` are for filters of subscriptions."""

    subject: str
    text: str
    attributes: dict[str, str]

    @property
    def first_line(self) -> str:
        return self.text.splitlines()[0]


@dataclass(frozen=True)
class AlertQueue:
    client: Any
    url: str
    topic: str

    @property
    def parameters(self) -> dict[str, str]:
        """Of the template."""
        return {"AlertTopicArn": self.topic}

    def take(self, wait_seconds: int = 2) -> list[Message]:
        """What has arrived, at most ten, each once; waits for the first."""
        reply = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds)
        messages = []
        for message in reply.get("Messages", []):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(message["Body"])
            attributes = {name: value["Value"] for name, value in body.get("MessageAttributes", {}).items()}
            messages.append(Message(body.get("Subject", ""), body["Message"], attributes))
        return messages


def ensure_alert_queue(session: Any, name: str = NAME) -> AlertQueue:
    """Makes topic, queue and subscription where they are missing."""
    sqs, sns = session.client("sqs"), session.client("sns")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = str(sns.create_topic(Name=name)["TopicArn"])
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    there = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    if arn not in [subscription["Endpoint"] for subscription in there]:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return AlertQueue(sqs, url, topic)
