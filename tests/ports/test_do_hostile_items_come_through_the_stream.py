"""What is written to a real table: does its stream hand it over, and does it become entries that hold it whole?

The local DynamoDB writes, its stream is read by the product's own reader, and each record is converted.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tabletrail.aws.clients import dynamodb_client, streams_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.core.entry import convert
from tabletrail_local.info import StackInfo
from tests.core.hostile import hostile_items
from tests.core.strategies import CONVERSION, SOURCE
from tests.ports.local_tables import drop_tables, make_table, unique
from tests.validation import assert_valid_entry

pytestmark = pytest.mark.stack
PAGES = 200


@pytest.fixture
def written(stack: StackInfo) -> Iterator[tuple[SignedStreamReader, str, dict[str, Any]]]:
    """A table to which each item was written and changed; its stream, and the items by their keys."""
    session = stack.session()
    client, table = dynamodb_client(session), unique("hostile")
    make_table(client, table, "id")
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    arn = client.update_table(TableName=table, StreamSpecification=specification)["TableDescription"]["LatestStreamArn"]
    items = {what: {"id": {"S": what}, **content} for what, content in hostile_items().items()}
    for item in items.values():
        client.put_item(TableName=table, Item=_with_bytes(item))
        client.put_item(TableName=table, Item=_with_bytes({**item, "status": {"S": "shipped"}}))
    yield SignedStreamReader(session, streams_client(session), SystemClock()), arn, items
    drop_tables(client, table)


def _with_bytes(value: Any) -> Any:
    """Typed JSON as boto3 wants it: binary as bytes."""
    if isinstance(value, dict):
        return {
            name: base64.b64decode(one) if name == "B" and isinstance(one, str)
            else [base64.b64decode(text) for text in one] if name == "BS"
            else _with_bytes(one)
            for name, one in value.items()
        }  # fmt: skip
    return [_with_bytes(one) for one in value] if isinstance(value, list) else value


def _records(reader: SignedStreamReader, arn: str, wanted: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for shard in reader.describe(arn).shards:
        iterator: str | None = reader.iterator_after(arn, shard.shard_id, None)
        for _ in range(PAGES):
            if iterator is None or len(found) >= wanted:
                break
            page = reader.read(iterator)
            found, iterator = found + page.records, page.next_iterator
    return found


def _same(value: Any) -> Any:
    """With sets in one order and numbers as numbers: DynamoDB may write both in a way of its own."""
    if isinstance(value, dict):
        if len(value) == 1:
            [(kind, content)] = value.items()
            if kind == "N" and isinstance(content, str):
                return {"N": Decimal(content)}
            if kind in ("SS", "NS", "BS"):
                return {kind: sorted(map(Decimal, content)) if kind == "NS" else sorted(content)}
        return {name: _same(one) for name, one in value.items()}
    return [_same(one) for one in value] if isinstance(value, list) else value


def test_is_each_one_an_entry_that_holds_both_images(
    written: tuple[SignedStreamReader, str, dict[str, Any]],
) -> None:
    reader, arn, items = written
    records = _records(reader, arn, 2 * len(items))
    entries = [convert(record, SOURCE, CONVERSION) for record in records]
    assert [entry.kind for entry in entries] == ["change"] * (2 * len(items))
    for record, entry in zip(records, entries, strict=True):
        document, images = assert_valid_entry(entry.document), json.loads(entry.images)
        item = items[record["dynamodb"]["Keys"]["id"]["S"]]
        changed = {**item, "status": {"S": "shipped"}}
        is_first = document["event"]["action"] == "insert"
        assert _same(images["new"]) == _same(item if is_first else changed)
        assert _same(images["old"]) == (None if is_first else _same(item))
        assert is_first or document["changed"] == ["status"]
