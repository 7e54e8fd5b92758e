"""CloudTrail's files, written from the very calls that were sent: the record's form is that of the guides.

Rules
- One record for each call, the failed ones with their error; what a call wrote shows as CloudTrail shows it.
- Some records are lost, some come twice, and they come in no order. Reads, other regions and other accounts stand
  between them.
- Who called is what IAM knows, whatever the item says.

Called by `world`.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.core.trail import ACCOUNT, OTHER_ACCOUNT, event, stamp, table_arn

Event = dict[str, Any]
FILE_EVENTS = 200
_AGENT = "Boto3/1.40.0 md/Botocore#1.40.0 lang/python#3.11"


@dataclass(slots=True)
class TrailWriter:
    """`keys`: names of key attributes by table. `lost`: the share of records that never come."""

    keys: Mapping[str, tuple[str, ...]]
    chance: random.Random
    lost: float = 0.0
    account: str = ACCOUNT
    region: str = "eu-central-1"
    events: list[Event] = field(default_factory=list)
    lost_calls: int = 0
    trail: str = "c2fc"
    """Four hex digits that keep the calls of two writers apart."""
    _count: int = 0

    def note(self, operation: str, body: Mapping[str, Any], code: str, identity: Mapping[str, Any], at: float) -> None:
        """One call that ended at `at`, with this error or none."""
        self._count += 1
        made = self._event(operation, body, identity, at)
        if code:
            made |= {"errorCode": code, "errorMessage": "The conditional request failed"}
        if self.chance.random() < self.lost:
            self.lost_calls += 1
            return
        self.events.append(made)
        if self.chance.random() < 0.02:
            self._add_noise(made)

    def files(self) -> Iterator[bytes]:
        """Gzip JSON, as they lie in the bucket."""
        events = [*self.events, *self.chance.sample(self.events, len(self.events) // 10)]
        self.chance.shuffle(events)
        for start in range(0, len(events), FILE_EVENTS):
            text = json.dumps({"Records": events[start : start + FILE_EVENTS]})
            yield gzip.compress(text.encode(), compresslevel=1)

    def _event(self, operation: str, body: Mapping[str, Any], identity: Mapping[str, Any], at: float) -> Event:
        tables = sorted(set(_tables(operation, body)))
        number = f"{self._count:08x}"
        return event(
            operation,
            self._shown(operation, body),
            userIdentity=dict(identity),
            eventTime=stamp(int(at)),
            eventID=f"{number}-{self.trail}-4561-8aea-7a30ba1fdf52",
            requestID=f"{number.upper()}RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG",
            sourceIPAddress=f"192.0.2.{self._count % 200}",
            userAgent=_AGENT,
            awsRegion=self.region,
            recipientAccountId=self.account,
            resources=[
                {"accountId": self.account, "type": "AWS::DynamoDB::Table", "ARN": self._arn(name)} for name in tables
            ],
        )

    def _arn(self, table: str) -> str:
        return table if table.startswith("arn:") else table_arn(table, self.account, self.region)

    def _add_noise(self, made: Event) -> None:
        """What a reader must leave out, though it looks like a call of ours."""
        read = made | {"eventName": "GetItem", "readOnly": True, "eventID": f"{made['eventID']}-read"}
        away = made | {"awsRegion": "us-east-1", "eventID": f"{made['eventID']}-away"}
        others = made | {
            "eventID": f"{made['eventID']}-other",
            "recipientAccountId": OTHER_ACCOUNT,
            "resources": [{**one, "ARN": one["ARN"].replace(self.account, OTHER_ACCOUNT)} for one in made["resources"]],
        }
        self.events += [read, away, others]

    def _shown(self, operation: str, body: Mapping[str, Any]) -> Any:
        if operation == "TransactWriteItems":
            return {"requestItems": [self._action(*next(iter(item.items()))) for item in body["TransactItems"]]}
        if operation == "BatchWriteItem":
            requests = body["RequestItems"].items()
            return {"requestItems": {table: [self._request(table, one) for one in found] for table, found in requests}}
        if operation == "ExecuteStatement":
            return {"statement": body["Statement"].replace("?", "***(Redacted)")}
        return self._single(body)

    def _single(self, body: Mapping[str, Any]) -> dict[str, Any]:
        shown = {"tableName": body["TableName"], "key": self._key(body)}
        names = {"UpdateExpression": "updateExpression", "ConditionExpression": "conditionExpression"}
        shown |= {theirs: body[ours] for ours, theirs in names.items() if ours in body}
        if "Item" in body:
            shown["items"] = sorted(body["Item"])
        return shown

    def _action(self, kind: str, part: Mapping[str, Any]) -> dict[str, Any]:
        return {"operation": kind, **self._single(part)}

    def _request(self, table: str, request: Mapping[str, Any]) -> dict[str, Any]:
        [(kind, part)] = request.items()
        return {kind[0].lower() + kind[1:]: {"key": self._key({**part, "TableName": table})}}

    def _key(self, part: Mapping[str, Any]) -> dict[str, str]:
        """Plain texts without their types."""
        table = str(part["TableName"]).rpartition(":table/")[2] or part["TableName"]
        whole = part.get("Key") or part["Item"]
        return {name: str(next(iter(whole[name].values()))) for name in self.keys[table]}


def _tables(operation: str, body: Mapping[str, Any]) -> Iterator[str]:
    if operation == "TransactWriteItems":
        for item in body["TransactItems"]:
            yield next(iter(item.values()))["TableName"]
    elif operation == "BatchWriteItem":
        yield from body["RequestItems"]
    elif operation == "ExecuteStatement":
        yield body["Statement"].split('"')[1]
    else:
        yield body["TableName"]
