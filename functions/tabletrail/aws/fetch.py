"""Reads of several items: all pages of a query, and batches with what the service left unprocessed.

Called by `checkpoints`, `segments`, `outbox` and `claims`. `client` is the SDK's, or a `DirectCalls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from tabletrail.aws.rows import Item
from tabletrail.aws.tries import Tries
from tabletrail.deadline import Deadline
from tabletrail.errors import ThrottledError, TransientError

BATCH = 100
"""Keys that one BatchGetItem takes."""
PAGE = 2_500
"""Keys of an index in one reply, about 400 KB."""


def query(client: Any, tries: Tries, deadline: Deadline | None = None, **request: Any) -> Iterator[Item]:
    """All items of a query, page by page, lazily: who stops early reads no further page. TransientError, also where a
    page is left at the deadline."""
    start: dict[str, Any] = {}
    while True:
        if deadline is not None and deadline.passed():
            raise TransientError("a query was not read in time")
        reply = tries.run("Query", partial(client.query, **request, **start))
        yield from reply["Items"]
        if "LastEvaluatedKey" not in reply:
            return
        start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}


def query_keys(
    client: Any,
    tries: Tries,
    table: str,
    index: str,
    attribute: str,
    value: str,
    page: int = PAGE,
    behind: tuple[str, str] = ("", ""),
) -> Iterator[Item]:
    """The keys that an index holds under `attribute` = `value`, in the index's order. May lag a second.

    `page` is what is read, and paid for, at once. `behind`: the sort key's name, and the value after which to begin.
    """
    request: dict[str, Any] = {
        "KeyConditionExpression": "#key = :value",
        "ExpressionAttributeNames": {"#key": attribute},
        "ExpressionAttributeValues": {":value": {"S": value}},
    }
    if behind[1]:
        request["KeyConditionExpression"] += " AND #order > :after"
        request["ExpressionAttributeNames"]["#order"] = behind[0]
        request["ExpressionAttributeValues"][":after"] = {"S": behind[1]}
    return query(client, tries, TableName=table, IndexName=index, Limit=page, **request)


def batch_get(
    client: Any,
    tries: Tries,
    table: str,
    keys: Iterable[Item],
    attributes: Sequence[str] = (),
    keep: Callable[[Item], bool] = lambda _: True,
) -> list[Item]:
    """The items of these keys that exist, consistent, in no order; only `attributes` if given. TransientError.

    What `keep` refuses is dropped as each reply comes: it may be 16 MB.
    """
    distinct = list({repr(key): key for key in keys}.values())
    found: list[Item] = []
    for start in range(0, len(distinct), BATCH):
        found += _get_one_batch(client, tries, table, distinct[start : start + BATCH], attributes, keep)
    return found


def _get_one_batch(
    client: Any, tries: Tries, table: str, keys: list[Item], attributes: Sequence[str], keep: Callable[[Item], bool]
) -> list[Item]:
    found: list[Item] = []
    left = keys

    def get_the_rest() -> None:
        nonlocal left
        request: dict[str, Any] = {"Keys": left, "ConsistentRead": True}
        if attributes:
            request["ProjectionExpression"] = ", ".join(f"#{name}" for name in attributes)
            request["ExpressionAttributeNames"] = {f"#{name}": name for name in attributes}
        reply = client.batch_get_item(RequestItems={table: request})
        found.extend(filter(keep, reply["Responses"].get(table, [])))
        left = reply.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if left:
            raise ThrottledError("the service left keys unprocessed")

    tries.run("BatchGetItem", get_the_rest)
    return found
