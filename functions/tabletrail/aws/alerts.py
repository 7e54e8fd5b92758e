"""`Events` over EventBridge and `Words` over SNS: two ways, each with its own progress.

Rules
- EventBridge gets each alert as an event of its own: Source `tabletrail`, DetailType `Audit alert`, its detail as the
  schema alert_event.v1 says. At most ten and 256 KB in one request, the bound of older endpoints.
- PutEvents answers for each event by itself. What was turned away is sent again, it alone, a few times.
- SNS gets words for people: a few alerts are a message each, more are one message. Its attributes are for filters of
  subscriptions.
- Clients come late: a call without alerts does not pay for them.

Wired by `wiring`; called by `tabletrail.alert` through the port.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from tabletrail.aws.tries import Tries
from tabletrail.core.alert import Alert
from tabletrail.core.alert_digest import Digest, digest_of, subject_of, text_of
from tabletrail.errors import TabletrailError, ThrottledError, TransientError
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

    def tell(self, digest: Digest) -> frozenset[str]:
        if not digest.is_few:
            self._publish(digest)
            return frozenset(digest.ids)
        taken: set[str] = set()
        trouble: TabletrailError | None = None
        for alert in digest.few:
            try:
                self._publish(digest_of([alert], digest.form))
                taken.add(alert.id)
            except TransientError as error:
                trouble = error
                break
            except TabletrailError as error:
                trouble = error  # it may be this message's own fault: the others are tried
        if trouble and not taken:
            raise trouble
        return frozenset(taken)

    def _publish(self, digest: Digest) -> None:
        self._tries.run(
            "Publish",
            lambda: self._client.publish(
                TopicArn=self._topic,
                Subject=subject_of(digest),
                Message=text_of(digest),
                MessageAttributes=attributes_of(digest),
            ),
        )


def attributes_of(digest: Digest) -> dict[str, dict[str, str]]:
    """For the filters of subscriptions: severity (the highest), count, kind, and the names of rules and tables."""
    kinds = digest.names("kinds")
    attributes = {
        "severity": {"DataType": "Number", "StringValue": str(digest.severity)},
        "count": {"DataType": "Number", "StringValue": str(len(digest.ids))},
        "kind": {"DataType": "String", "StringValue": kinds[0] if len(kinds) == 1 else "several"},
    }
    for name in ("rules", "tables"):
        if names := digest.names(name):  # an empty list is refused
            attributes[name] = {"DataType": "String.Array", "StringValue": json.dumps(names)}
    return attributes


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
