"""The SDK's clients, each with the time-outs and retries that its adapter counts on.

Rules
- One session in a process; its clients are safe to share between threads, making them is not.
- Retries are the SDK's where a call may be repeated blindly, and `tries.Tries` where it matters what happened.
- A reply that breaks off is no reply: the SDK would take it for one without contents, "no such row".
- Short time-outs: a deadline holds only if no single call can outlast what is kept back for it.

Called where adapters are wired: the handlers, the command line, the tests.
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import IncompleteReadError

CONNECT_SECONDS = 1
READ_SECONDS = 3
THREADS = 16
"""Connections kept for one service; more threads than this would open connections and throw them away."""


def new_session() -> Any:
    """A boto3 session with credentials and region as the SDK finds them."""
    return boto3.Session()


def dynamodb_client(session: Any) -> Any:
    """For the checkpoint tables: no retries of its own, see `tries`."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=THREADS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return _client(session, "dynamodb", config)


def streams_client(session: Any) -> Any:
    """For DescribeStream and GetShardIterator, which may be repeated; its connections also carry GetRecords."""
    return _client(session, "dynamodbstreams", _repeatable(read_seconds=5, attempts=3))


def s3_client(session: Any) -> Any:
    """For segments: up to some 10 MB, so more time to read. A put is repeatable: its own earlier try gives 412."""
    return _client(session, "s3", _repeatable(read_seconds=10, attempts=3))


def alert_client(session: Any, service: str) -> Any:
    """For `events` and `sns`: no retries of its own, see `tries`."""
    once = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return _client(session, service, once)


def control_client(session: Any, service: str) -> Any:
    """For `dynamodb` as the tables' control plane and `resourcegroupstaggingapi`."""
    return _client(session, service, _repeatable(read_seconds=5, attempts=4))


def hasty_secrets_client(session: Any) -> Any:
    """For a password in the middle of a request to OpenSearch: one try, since that request's time is counted on."""
    once = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
    return _client(session, "secretsmanager", once)


def _repeatable(read_seconds: int, attempts: int) -> Config:
    return Config(
        connect_timeout=2,
        read_timeout=read_seconds,
        max_pool_connections=THREADS,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )


def _client(session: Any, service: str, config: Config) -> Any:
    return whole_replies(session.client(service, config=config))


def whole_replies(client: Any) -> Any:
    """The same client, to which a reply that breaks off is an IncompleteReadError."""
    client.meta.events.register("before-parse", _insist_on_the_whole)
    return client


def _insist_on_the_whole(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """IncompleteReadError for a body shorter than its headers say. Streams see to that themselves."""
    body, announced = response_dict["body"], response_dict["headers"].get("Content-Length", "")
    is_without_body = operation_model.http.get("method") == "HEAD" or response_dict["status_code"] in (204, 304)
    if isinstance(body, bytes) and announced.isdigit() and len(body) < int(announced) and not is_without_body:
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(announced))
