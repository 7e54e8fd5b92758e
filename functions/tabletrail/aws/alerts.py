"""`Alerts` over EventBridge and over SNS: two ways, each with its own progress.

Rules
- EventBridge gets each alert as an event of its own: Source `tabletrail`, DetailType `Audit alert`, its detail as the
  schema alert_event.v1 says. At most ten and 256 KB in one request, the bound of older endpoints.
- PutEvents answers for each event by itself. What was turned away is sent again, it alone, a few times.
- SNS gets words for people. A few alerts of one segment are a message each; more are one message, since a thousand
  messages are read by nobody.
- Clients come late: a call without alerts does not pay for them.

Wired by `wiring`; called by `tabletrail.alert` through the port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from tabletrail.aws.tries import Tries
from tabletrail.core.alert import FEW, Alert, subject_of, text_of
from tabletrail.errors import TabletrailError, ThrottledError
from tabletrail.ports import Clock

SOURCE = "tabletrail"
DETAIL_TYPE = "Audit alert"
BATCH = 10
BATCH_BYTES = 250_000
BUS_SECONDS = 8
"""For one segment's alerts; the rest goes with the next call."""

Client = Callable[[], Any]


class BusAlerts:
    """`connect` makes a client of `events` without retries of its own."""

    def __init__(self, connect: Client, bus: str, tries: Tries, clock: Clock) -> None:
        self._connect, self._bus, self._tries, self._clock = connect, bus, tries, clock

    @cached_property
    def _client(self) -> Any:
        return self._connect()

    def publish(self, alerts: Sequence[Alert]) -> frozenset[str]:
        taken: set[str] = set()
        until = self._clock.monotonic() + BUS_SECONDS
        for batch in batches(alerts):
            try:
                self._put(batch, taken)
            except TabletrailError:
                if not taken:
                    raise
                break
            if self._clock.monotonic() >= until:
                break
        return frozenset(taken)

    def _put(self, batch: Sequence[Alert], taken: set[str]) -> None:
        """Adds to `taken` what was taken, whether all was or not. ThrottledError if some were not, after all tries."""
        left = list(batch)

        def put_the_rest() -> None:
            nonlocal left
            results = self._client.put_events(Entries=[self._entry(alert) for alert in left])["Entries"]
            taken.update(alert.id for alert, result in zip(left, results, strict=True) if "ErrorCode" not in result)
            left = [alert for alert in left if alert.id not in taken]
            if left:
                raise ThrottledError("the bus turned events away")

        self._tries.run("PutEvents", put_the_rest)

    def _entry(self, alert: Alert) -> dict[str, Any]:
        return {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "EventBusName": self._bus,
            "Resources": [alert.detail["table"]["arn"]],
            "Detail": alert.json(),
        }


class TopicAlerts:
    """`connect` makes a client of `sns` without retries of its own."""

    def __init__(self, connect: Client, topic: str, tries: Tries) -> None:
        self._connect, self._topic, self._tries = connect, topic, tries

    @cached_property
    def _client(self) -> Any:
        return self._connect()

    def publish(self, alerts: Sequence[Alert]) -> frozenset[str]:
        messages = [[alert] for alert in alerts] if len(alerts) <= FEW else [list(alerts)]
        taken: set[str] = set()
        for message in messages:
            try:
                self._publish(message)
            except TabletrailError:
                if not taken:
                    raise
                break
            taken.update(alert.id for alert in message)
        return frozenset(taken)

    def _publish(self, alerts: Sequence[Alert]) -> None:
        details = [alert.detail for alert in alerts]
        kinds = sorted({one["kind"] for one in details})
        attributes = {
            "severity": {"DataType": "Number", "StringValue": str(max(one["severity"] for one in details))},
            "kind": {"DataType": "String", "StringValue": kinds[0] if len(kinds) == 1 else "several"},
            "count": {"DataType": "Number", "StringValue": str(len(alerts))},
        }
        self._tries.run(
            "Publish",
            lambda: self._client.publish(
                TopicArn=self._topic,
                Subject=subject_of(alerts),
                Message=text_of(alerts),
                MessageAttributes=attributes,
            ),
        )


def batches(alerts: Sequence[Alert]) -> Iterator[list[Alert]]:
    """In order, each within what one request may hold."""
    batch: list[Alert] = []
    size = 0
    for alert in alerts:
        length = len(alert.json().encode()) + 2_000  # the fields around the detail, an ARN among them
        if batch and (len(batch) == BATCH or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(alert)
        size += length
    if batch:
        yield batch
