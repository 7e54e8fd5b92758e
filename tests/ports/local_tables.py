"""The stack's tables and bucket, made anew for tests of the adapters, with the template's keys and indexes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from tabletrail.aws.commit import TableNames

BY_GROUP = ("by_group", "group_id", "shard_id")
NOT_INDEXED = ("not_indexed", "not_indexed", "committed_order")
NOT_ALERTED = ("not_alerted", "not_alerted", "committed_order")


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:12]}"


def make_checkpoint_tables(client: Any) -> TableNames:
    """streams, streams_shards and segments."""
    tables = TableNames(unique("streams"), unique("streams_shards"), unique("segments"))
    make_table(client, tables.streams, "fleet_partition", "stream_arn")
    make_table(client, tables.shards, "stream_arn", "shard_id", BY_GROUP)
    make_table(client, tables.segments, "segment_id", None, NOT_INDEXED, NOT_ALERTED)
    return tables


def drop_tables(client: Any, *names: str) -> None:
    for name in names:
        client.delete_table(TableName=name)


def make_table(client: Any, name: str, key: str, sort: str | None = None, *indexes: tuple[str, str, str]) -> None:
    """All keys are strings; indexes are (name, key, sort key), keys only."""
    attributes = {key, *([sort] if sort else []), *(part for index in indexes for part in index[1:])}
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": part, "AttributeType": "S"} for part in sorted(attributes)],
        "KeySchema": _keys(key, sort),
    }
    if indexes:
        request["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": _keys(*parts), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            for index, *parts in indexes
        ]
    client.create_table(**request)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def remake_table(client: Any, name: str, items: Iterable[dict[str, Any]]) -> None:
    """The table is deleted and made anew under its name, with these items: what a restore does."""
    table = client.describe_table(TableName=name)["Table"]
    client.delete_table(TableName=name)
    request = {key: table[key] for key in ("TableName", "AttributeDefinitions", "KeySchema")}
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in table.get("GlobalSecondaryIndexes", ())
    ]
    if indexes:
        request["GlobalSecondaryIndexes"] = indexes
    client.create_table(**request, BillingMode="PAY_PER_REQUEST")
    for item in items:
        client.put_item(TableName=name, Item=item)


def make_bucket(client: Any) -> str:
    name = unique("segments")
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def _keys(key: str, sort: str | None = None) -> list[dict[str, str]]:
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    return schema + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])
