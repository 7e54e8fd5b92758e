"""A table whose writes a trail records, before the stack is deployed: real writes, and the files that CloudTrail makes.

The local AWS records no calls into a bucket. So each write here says who made it, and a file in CloudTrail's form, in
CloudTrail's place, tells of that call: with noise, failures, doubles and a call that never happened among them.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tabletrail.aws.trail import TrailPlace
from tabletrail_local.info import StackInfo
from tests.core.trail import event, role, stamp, table_arn, user
from tests.ports.trail_bucket import firehose_file, firehose_key, trail_file, trail_key

ORGANIZATION, PREFIX = "o-abcdef1234", "evidence/trail"
SINGLE = {"PutItem": "put_item", "UpdateItem": "update_item", "DeleteItem": "delete_item"}
SINGLE_SIGN_ON = "AWSReservedSSO_Support_0123456789abcdef"


@dataclass
class WitnessedTable:
    """`truth`: item to the ARN of who made its last change; empty where no call was recorded."""

    stack: StackInfo
    name: str = field(default_factory=lambda: f"witnessed-{uuid.uuid4().hex[:8]}")
    truth: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    began: int = 0
    ended: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """Of the template: a trail that exists, under an organization's folders."""
        return {
            "Trail": "existing",
            "TrailEvents": "s3",
            "TrailTableArns": table_arn(self.name, self.stack.account_id, self.stack.region),
            "TrailBucketName": self.name,
            "TrailPrefix": PREFIX,
            "TrailOrganizationId": ORGANIZATION,
            "TrailSettledSeconds": "0",
        }

    def make(self) -> None:
        self.client("s3").create_bucket(Bucket=self.name)
        self.client("dynamodb").create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            Tags=[{"Key": "tabletrail", "Value": "on"}],
        )
        self.began = int(time.time())
        self._write()
        self.ended = int(time.time())
        self._tell()

    def client(self, service: str) -> Any:
        return self.stack.session().client(service)

    def _write(self) -> None:
        account = self.stack.account_id
        alice, bob = user("alice", account), user("bob", account)
        api = role("orders-api", "i-0a1b2c3d", account=account)
        support = role(SINGLE_SIGN_ON, "carol@example.com", "aws-reserved/sso.amazonaws.com/", account)
        nightly = role("nightly", "batch-17", account=account)
        self.one(alice, "PutItem", "put")
        self.one(api, "PutItem", "updated")
        self.one(api, "UpdateItem", "updated")
        self.one(bob, "PutItem", "deleted")
        self.one(bob, "DeleteItem", "deleted")
        self.one(alice, "PutItem", "forged", claimed="mallory")
        self.one(nightly, "PutItem", "unseen", told=False)
        self.truth["unseen"] = ""
        self.together(support, "TransactWriteItems", ["transacted-1", "transacted-2"])
        self.together(nightly, "BatchWriteItem", ["batched-1", "batched-2"])
        self.record(alice, "PutItem", {"tableName": self.name, "key": {"id": "ghost"}})  # never happened
        denied = {"errorCode": "AccessDenied", "errorMessage": "no"}
        self.record(user("eve", account), "PutItem", {"tableName": self.name, "key": {"id": "put"}}, **denied)
        self.record(user("eve", account), "PutItem", {"tableName": "elsewhere", "key": {"id": "put"}})
        other_region = {"awsRegion": "eu-north-1"}
        self.record(user("eve", account), "PutItem", {"tableName": self.name, "key": {"id": "put"}}, **other_region)

    def one(self, who: dict[str, Any], name: str, item: str, *, claimed: str = "", told: bool = True) -> None:
        """A write of one item by a single call; `told`: the trail has it."""
        key: dict[str, Any] = {"id": {"S": item}}
        more: dict[str, Any] = {"Key": key}
        if name == "PutItem":
            more = {"Item": key | ({"updatedBy": {"S": claimed}} if claimed else {"n": {"N": "1"}})}
        elif name == "UpdateItem":
            more |= {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "2"}}}
        getattr(self.client("dynamodb"), SINGLE[name])(TableName=self.name, **more)
        if told:
            self.truth[item] = who["arn"]
            self.record(who, name, {"tableName": self.name, "key": {"id": item}})

    def together(self, who: dict[str, Any], name: str, items: list[str]) -> None:
        """Puts of several items by one call."""
        client = self.client("dynamodb")
        puts = [{"Item": {"id": {"S": item}}} for item in items]
        if name == "BatchWriteItem":
            client.batch_write_item(RequestItems={self.name: [{"PutRequest": put} for put in puts]})
            told = [{"tableName": self.name, "putRequest": {"key": {"id": item}}} for item in items]
        else:
            client.transact_write_items(TransactItems=[{"Put": {"TableName": self.name, **put}} for put in puts])
            told = [{"operation": "Put", "tableName": self.name, "key": {"id": item}} for item in items]
        self.truth |= dict.fromkeys(items, who["arn"])
        self.record(who, name, {"requestItems": told})

    def record(self, who: dict[str, Any], name: str, parameters: Any, **more: Any) -> None:
        stack = self.stack
        arn = table_arn(self.name, stack.account_id, stack.region)
        whole = {
            "userIdentity": who,
            "eventTime": stamp(int(time.time())),
            "eventID": str(uuid.uuid4()),
            "requestID": uuid.uuid4().hex.upper(),
            "awsRegion": stack.region,
            "recipientAccountId": stack.account_id,
            "resources": [{"accountId": stack.account_id, "type": "AWS::DynamoDB::Table", "ARN": arn}],
        }
        self.events.append(event(name, parameters, **whole | more))

    def _tell(self) -> None:
        """Files in CloudTrail's places: out of order, some calls twice, once by way of Firehose; and what is none."""
        place = TrailPlace(self.name, PREFIX, ORGANIZATION, (self.stack.account_id,), self.stack.region)
        account, events, later = self.stack.account_id, self.events, self.ended + 60
        half = len(events) // 2
        self._put(trail_key(place, account, later, "second"), trail_file(*reversed(events[half:])))
        self._put(trail_key(place, account, later, "first"), trail_file(*events[: half + 2]))
        self._put(firehose_key(place, account, self.ended), firehose_file(*events[half - 2 : half + 1]))
        digest = trail_key(place, account, later, "digest").replace("/CloudTrail/", "/CloudTrail-Digest/")
        self._put(digest, b"a digest is not read")

    def _put(self, key: str, body: bytes) -> None:
        self.client("s3").put_object(Bucket=self.name, Key=key, Body=body)

    def read_again_from(self, outputs: dict[str, str], seconds: int) -> None:
        """Sets the stream's row back, as if audit and trail had been there since then, and lets the next run walk its
        shards. So no test waits for as long as a window is."""
        row = self.row(outputs)
        self.client("dynamodb").update_item(
            TableName=outputs["StreamsTableName"],
            Key={name: row[name] for name in ("fleet_partition", "stream_arn")},
            UpdateExpression="SET attributed_until = :at, joined_at = :at, last_walk_at = :never",
            ExpressionAttributeValues={":at": {"N": str(seconds)}, ":never": {"N": "0"}},
        )

    def row(self, outputs: dict[str, str]) -> dict[str, Any]:
        """The stream's row, empty before it is audited."""
        rows = self.client("dynamodb").scan(TableName=outputs["StreamsTableName"])["Items"]
        found = [row for row in rows if row.get("table_name") == {"S": self.name}]
        return found[0] if found else {}


def run_machine(stack: StackInfo, arn: str) -> dict[str, Any]:
    """One execution to its end; its output."""
    from botocore.config import Config

    states = stack.session().client("stepfunctions", config=Config(inject_host_prefix=False, read_timeout=300))
    done = states.start_sync_execution(stateMachineArn=arn, input="{}")
    assert done["status"] == "SUCCEEDED", done
    output: dict[str, Any] = json.loads(done["output"])
    return output


def eventually(holds: Callable[[], Any], what: str, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(1)
