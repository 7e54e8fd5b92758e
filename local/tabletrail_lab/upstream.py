"""A DynamoDB Streams endpoint to take real records from, as raw JSON.

Rules
- Replies are not put through the SDK's model: what a record says must stay as it is, to the byte of its numbers.
- Reads only; each call may be repeated.

Called by `relay`.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tabletrail_lab.errors import LabError

_TARGET = "DynamoDBStreams_20120810."
_SECONDS = 10.0


class UpstreamError(Exception):
    """The source refused or gave no sound reply. `code` is its short name, empty if there is none."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class Upstream:
    """`url` of the endpoint; credentials and region as the SDK finds them. For one thread."""

    def __init__(self, url: str) -> None:
        session = boto3.Session()
        credentials = session.get_credentials()
        if credentials is None or session.region_name is None:
            raise LabError("to read a source the laboratory needs AWS credentials and a region, as every SDK does")
        self.url = url
        self._auth = SigV4Auth(credentials.get_frozen_credentials(), "dynamodb", session.region_name)
        address = urlsplit(url)
        if not address.hostname or address.scheme != "http":
            raise LabError(f"{url} is no http://HOST:PORT of a local streams endpoint")
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_SECONDS)

    def streams(self) -> Iterator[dict[str, Any]]:
        """StreamArn, TableName and StreamLabel of each."""
        start: dict[str, str] = {}
        while True:
            reply = self.call("ListStreams", **start)
            yield from reply["Streams"]
            if not reply.get("LastEvaluatedStreamArn"):
                return
            start = {"ExclusiveStartStreamArn": reply["LastEvaluatedStreamArn"]}

    def describe(self, stream_arn: str) -> dict[str, Any]:
        """The whole description, with all shards."""
        shards: list[dict[str, Any]] = []
        start: dict[str, str] = {}
        while True:
            description: dict[str, Any] = self.call("DescribeStream", StreamArn=stream_arn, **start)[
                "StreamDescription"
            ]
            shards += description["Shards"]
            if not description.get("LastEvaluatedShardId"):
                return description | {"Shards": shards}
            start = {"ExclusiveStartShardId": description["LastEvaluatedShardId"]}

    def iterator(self, stream_arn: str, shard_id: str, after: str | None) -> str:
        """Behind a sequence number; at the horizon for None, and where that number is trimmed."""
        where = {"ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        try:
            return str(self.call("GetShardIterator", StreamArn=stream_arn, ShardId=shard_id, **where)["ShardIterator"])
        except UpstreamError as error:
            if error.code != "TrimmedDataAccessException" or after is None:
                raise
        return self.iterator(stream_arn, shard_id, None)

    def read(self, iterator: str) -> tuple[list[dict[str, Any]], str | None]:
        reply = self.call("GetRecords", ShardIterator=iterator)
        return reply["Records"], reply.get("NextShardIterator")

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        body = json.dumps(request).encode()
        headers = {"X-Amz-Target": _TARGET + operation, "Content-Type": "application/x-amz-json-1.0"}
        signed = AWSRequest("POST", self.url + "/", headers, body)
        self._auth.add_auth(signed)
        try:
            self._connection.request("POST", "/", body, dict(signed.headers))
            response = self._connection.getresponse()
            content = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise UpstreamError(f"{operation} at {self.url}: {error!r}") from error
        if response.status != 200 or not isinstance(content, dict):
            code = str(content.get("__type", "")) if isinstance(content, dict) else ""
            code = code.rpartition("#")[2]
            raise UpstreamError(f"{operation} at {self.url}: status {response.status} {code}", code)
        return content
