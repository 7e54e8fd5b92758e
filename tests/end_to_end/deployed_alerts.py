"""The deployed product with both ways of alerts, each with a queue of the local SQS at its end.

Nothing here calls the product's code: tables are written, state machines run as by the scheduler, queues are read.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.config import Config

from tabletrail_local.alert_queue import AlertQueue, Message
from tabletrail_local.deploy import STACK_NAME
from tabletrail_local.info import StackInfo
from tests.ports.alert_queue import Queue

LIMIT_SECONDS = 300


@dataclass
class DeployedAlerts:
    """`words` is behind the topic, `events` behind the default bus."""

    stack: StackInfo
    words: AlertQueue
    events: Queue
    details: list[dict[str, Any]] = field(default_factory=list)
    """Of all events that arrived."""
    messages: list[Message] = field(default_factory=list)

    def client(self, service: str, **options: Any) -> Any:
        return self.stack.session().client(service, config=Config(**options) if options else None)

    def make_table(self, name: str) -> str:
        """An audited one with the key `id`; returns its name, which nobody else has."""
        name = f"{name}-{uuid.uuid4().hex[:8]}"
        self.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            Tags=[{"Key": "tabletrail", "Value": "on"}, {"Key": "service", "Value": "people"}],
        )
        return name

    def write(self, table: str, items: Iterable[dict[str, str]]) -> None:
        """Items of texts, 25 in a request."""
        client, requests = self.client("dynamodb"), []
        for item in items:
            typed = {name: {"S": text} for name, text in item.items()}
            requests.append({"PutRequest": {"Item": typed}})
        for start in range(0, len(requests), 25):
            left = {table: requests[start : start + 25]}
            while left:
                left = client.batch_write_item(RequestItems=left)["UnprocessedItems"]

    def until(self, is_enough: Callable[[], Any]) -> None:
        """Runs of both state machines, one after the other, until `is_enough` of what has arrived."""
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            for machine in ("AuditRunArn", "IndexBacklogArn"):
                self.run(machine)
            self.collect()
            if is_enough():
                return
            if time.monotonic() > end:
                pytest.fail(f"after {LIMIT_SECONDS} s: {len(self.details)} events, {len(self.messages)} messages")

    def run(self, output: str) -> None:
        """One execution, to its end; one that finds another at work ends at once."""
        states = self.client("stepfunctions", inject_host_prefix=False, read_timeout=LIMIT_SECONDS)
        done = states.start_sync_execution(stateMachineArn=self.outputs()[output], input="{}")
        assert done["status"] == "SUCCEEDED", done

    def outputs(self) -> dict[str, str]:
        [stack] = self.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def collect(self) -> None:
        """Takes all that has arrived, until nothing more does."""
        while bodies := self.events.take():
            self.details += [body["detail"] for body in bodies]
        while messages := self.words.take(wait_seconds=0):
            self.messages += messages

    def of(self, table: str) -> list[dict[str, Any]]:
        return [detail for detail in self.details if detail["table"]["name"] == table]

    def told_of(self, table: str) -> list[Message]:
        return [one for one in self.messages if table in json.loads(one.attributes["tables"])]
