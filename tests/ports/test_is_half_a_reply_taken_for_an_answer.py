"""A connection that ends in the middle of a reply: does anybody take what came for all there is?

The SDK does: it reads half of `{"Item": ...}` as a reply without contents, which means "there is no such item".
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import IncompleteReadError

from tabletrail.aws import clients
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.tries import Tries
from tabletrail.errors import CommitUnknownError, TransientError
from tabletrail_cli.verify import _clients

ITEM = b'{"Item":{"id":{"S":"there"}}}'


@dataclass
class Service:
    """Answers each request with `replies`' next; of each, so many bytes come as the number says, then nothing."""

    replies: list[tuple[bytes, int]] = field(default_factory=list)
    asked: int = 0
    url: str = ""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service.asked += 1
            body, length = service.replies.pop(0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:length])

        do_GET = do_HEAD = do_POST  # noqa: N815 -- the names that the server looks for

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    environment = {"ENDPOINT_URL": service.url, "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "x"}
    for name, value in environment.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield service
    server.shutdown()
    server.server_close()


def get_item(client: Any) -> dict[str, Any]:
    reply: dict[str, Any] = client.get_item(TableName="rows", Key={"id": {"S": "there"}})
    return reply


def test_would_the_sdk_itself_say_that_there_is_no_item(service: Service) -> None:
    """The reason for all this: when it fails, the SDK has become as careful, and our own check may go."""
    service.replies = [(ITEM, 5)]
    assert "Item" not in get_item(boto3.client("dynamodb", config=clients._repeatable(3, 1)))


@pytest.mark.parametrize("length", [0, 1, 8, len(ITEM) - 1])
def test_is_half_a_reply_asked_for_again(service: Service, length: int) -> None:
    client = clients.dynamodb_client(clients.new_session())
    service.replies = [(ITEM, length), (ITEM, len(ITEM))]
    assert Tries(SystemClock()).run("GetItem", lambda: get_item(client))["Item"] == {"id": {"S": "there"}}
    assert service.asked == 2


def test_is_a_write_whose_reply_broke_off_unknown(service: Service) -> None:
    client = clients.dynamodb_client(clients.new_session())
    put = {"TableName": "rows", "Item": {"id": {"S": "new"}}}
    service.replies = [(b"{}", 0)] * 2
    with pytest.raises(CommitUnknownError):
        Tries(SystemClock(), most=2).run("PutItem", lambda: client.put_item(**put), lost=CommitUnknownError)


CALLS: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (clients.streams_client, lambda client: client.describe_stream(StreamArn="a" * 40)),
    (lambda session: clients.control_client(session, "dynamodb"), get_item),
    (
        lambda session: clients.control_client(session, "resourcegroupstaggingapi"),
        lambda client: client.get_resources(),
    ),
    (clients.s3_client, lambda client: client.list_objects_v2(Bucket="log")),
    (lambda session: clients.alert_client(session, "events"), lambda client: client.put_events(Entries=[{}])),
    (lambda session: clients.alert_client(session, "sns"), lambda client: client.publish(Message="it")),
    (lambda session: _clients(cast(Any, SimpleNamespace(session=session))).dynamodb, get_item),
    (clients.hasty_secrets_client, lambda client: client.get_secret_value(SecretId="password")),
]


@pytest.mark.parametrize(("make", "call"), CALLS)
def test_does_no_client_take_half_a_reply(service: Service, make: Any, call: Any) -> None:
    service.replies = [(b'{"half": "of it"}', 7)] * 9
    client = make(clients.new_session())
    with pytest.raises(IncompleteReadError):
        call(client)
    with pytest.raises(TransientError):
        Tries(SystemClock(), most=1).run("it", lambda: call(client))


def test_is_a_reply_without_a_body_left_alone(service: Service) -> None:
    service.replies = [(b"of an object that is only asked about", 0)]
    assert clients.s3_client(clients.new_session()).head_object(Bucket="log", Key="one")["ContentLength"] > 0
