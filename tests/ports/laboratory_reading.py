"""Reading a streams endpoint as a client would that has no SDK: raw JSON, and a reader that respects lineage."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from tabletrail_lab.laboratory import Laboratory

TARGET = "DynamoDBStreams_20120810."
SIGNED = "AWS4-HMAC-SHA256 Credential=lab/20270115/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"


class RefusedError(Exception):
    """An error reply: its short code."""

    def __init__(self, status: int, content: dict[str, Any]) -> None:
        self.status, self.content = status, content
        self.code = content["__type"].rpartition("#")[2]
        super().__init__(f"{status} {content}")


class Caller:
    """Calls operations of an endpoint, and reads streams as a client must. `call` is the parent's business."""

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """The reply's JSON; RefusedError for an error."""
        raise NotImplementedError

    def iterator(self, arn: str, shard_id: str, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        reply = self.call("GetShardIterator", StreamArn=arn, ShardId=shard_id, ShardIteratorType=kind, **more)
        return str(reply["ShardIterator"])

    def records(self, iterator: str, **more: Any) -> dict[str, Any]:
        return self.call("GetRecords", ShardIterator=iterator, **more)

    def shards(self, arn: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        start: dict[str, str] = {}
        while True:
            description = self.call("DescribeStream", StreamArn=arn, **start)["StreamDescription"]
            found += description["Shards"]
            if "LastEvaluatedShardId" not in description:
                return found
            start = {"ExclusiveStartShardId": description["LastEvaluatedShardId"]}

    def shard_records(self, arn: str, shard_id: str) -> list[dict[str, Any]]:
        """All from the horizon to the end, or up to 50 empty pages in a row."""
        records: list[dict[str, Any]] = []
        iterator: str | None = self.iterator(arn, shard_id)
        quiet = 0
        while iterator is not None and quiet < 50:
            page = self.records(iterator)
            records += page["Records"]
            quiet = 0 if page["Records"] else quiet + 1
            iterator = page.get("NextShardIterator")
        return records

    def all_records(self, arn: str) -> list[dict[str, Any]]:
        """Of all listed shards, parents before children."""
        shards = {shard["ShardId"]: shard for shard in self.shards(arn)}
        records: list[dict[str, Any]] = []
        done: set[str] = set()
        while len(done) < len(shards):
            for shard_id in sorted(shards.keys() - done):
                parent = shards[shard_id].get("ParentShardId")
                if parent not in shards or parent in done:
                    records += self.shard_records(arn, shard_id)
                    done.add(shard_id)
        return records

    def all_event_ids(self, arn: str) -> list[str]:
        return [record["eventID"] for record in self.all_records(arn)]


class HttpCaller(Caller):
    """On one keep-alive connection."""

    def __init__(self, url: str, timeout: float = 60) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        self._connection = HTTPConnection(address.hostname, address.port, timeout=timeout)

    def reply(self, operation: str, body: bytes, **headers: str) -> tuple[HTTPResponse, bytes]:
        sent = {"X-Amz-Target": TARGET + operation, "Authorization": SIGNED} | headers
        try:
            self._connection.request("POST", "/", body, {name: value for name, value in sent.items() if value})
            response = self._connection.getresponse()
            return response, response.read()
        except (OSError, HTTPException):
            self._connection.close()
            raise

    def ask(self, operation: str, **request: Any) -> None:
        """Sends a request whose reply nobody waits for."""
        headers = {"X-Amz-Target": TARGET + operation, "Authorization": SIGNED}
        self._connection.request("POST", "/", json.dumps(request), headers)

    def close(self) -> None:
        self._connection.close()

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        response, body = self.reply(operation, json.dumps(request).encode())
        return _content(response.status, body)


class DirectCaller(Caller):
    """Without HTTP, in this process. `replies` are all bodies that came, by operation."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self.replies: list[tuple[str, int, dict[str, Any]]] = []

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        reply = self.laboratory.answer(operation, request)
        if reply.action != "send":
            raise ConnectionResetError(reply.action)
        self.replies.append((operation, reply.status, json.loads(reply.body)))
        return _content(reply.status, reply.body)


def _content(status: int, body: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(body)
    if status != 200:
        raise RefusedError(status, content)
    return content


def change(item: str, **more: Any) -> dict[str, Any]:
    """An insert of an item by its `id`, as the laboratory's `write` takes it."""
    keys = {"id": {"S": item}}
    return {"eventName": "INSERT", "Keys": keys, "NewImage": keys} | more
