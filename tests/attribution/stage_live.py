"""The story on real clients of boto3 with the writers' package installed, against an endpoint that speaks DynamoDB.

What goes over the wire is read at botocore's own events, right before it is sent and right after the answer came: the
ledger learns from it, and nothing from what the caller sees.

Called by the tests that need the stack.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from tabletrail_client import audited, install
from tests.attribution.cast import Writer
from tests.attribution.table_model import Item
from tests.attribution.world import Ledger

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement"})
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=60, read_timeout=120)
"""A write that is sent twice by the SDK would have another truth."""


@dataclass
class LiveStage:
    """One thread's clients, one for each way and habit of deleting."""

    session: Any
    ledger: Ledger
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _under_way: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def now(self) -> float:
        return time.time()

    def rest(self, seconds: float) -> None:
        """Nothing: time goes by itself."""

    def read(self, table: str, key: Item) -> Item | None:
        found: Item | None = self._client("", "").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return found

    def call(self, writer: Writer, way: str, operation: str, body: Mapping[str, Any]) -> str:
        method = getattr(self._client(way, writer.deletes if way else ""), xform_name(operation))
        try:
            if not way:
                method(**body)
                return ""
            context = {"step": len(self.ledger.sent)} if way == "outbox" else None
            with audited(
                writer.name,
                type=writer.type,
                service=writer.service,
                request_id=f"req-{len(self.ledger.sent)}",
                reason=f"{writer.name} at work",
                context=context,
            ):
                method(**body)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    def _client(self, way: str, deletes: str) -> Any:
        known = self._clients.get((way, deletes))
        if known is None:
            known = self._clients[way, deletes] = self.session.client("dynamodb", config=ONCE)
            if way:
                install(known, way=way, deletes=deletes, outbox=self.ledger.outbox, keys=self.ledger.model.keys)
            known.meta.events.register("before-send.dynamodb", self._before)
            known.meta.events.register("response-received.dynamodb", self._after)
        return known

    def _before(self, request: Any, **_: Any) -> None:
        operation = _operation_of(request)
        if operation in WRITES:
            body = json.loads(request.body)
            self.ledger.between(operation, body)
            self._under_way.append((operation, body))

    def _after(self, response_dict: Mapping[str, Any] | None, parsed_response: Any, exception: Any, **_: Any) -> None:
        if not self._under_way or exception is not None or response_dict is None:
            return
        operation, body = self._under_way.pop()
        code = str((parsed_response or {}).get("Error", {}).get("Code", ""))
        self.ledger.note(operation, body, time.time(), code)


def _operation_of(request: Any) -> str:
    target = request.headers.get("X-Amz-Target", "")
    text = target.decode() if isinstance(target, bytes) else str(target)
    return text.rpartition(".")[2]
