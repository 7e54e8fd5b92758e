"""Tables of the local AWS for the writers' package: twins, of which one is written with it and one without."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from tabletrail_client.outbox import TABLE
from tabletrail_local.info import StackInfo


@dataclass(frozen=True)
class Twins:
    """Two tables with the same items. `plain` never knows of the package."""

    session: Any
    marked: str
    plain: str

    @cached_property
    def plain_client(self) -> Any:
        """Nothing is ever installed in it."""
        return self.client()

    def client(self) -> Any:
        return self.session.client("dynamodb")

    def resource(self) -> Any:
        return self.session.resource("dynamodb")

    def items(self, table: str) -> dict[str, dict[str, Any]]:
        """By partition and sort key, in typed JSON."""
        found = self.plain_client.scan(TableName=table, ConsistentRead=True)["Items"]
        return {f"{item['pk']['S']}/{item['sk']['N']}": item for item in found}

    def rows(self) -> list[dict[str, Any]]:
        """Of the outbox."""
        found = self.plain_client.scan(TableName=TABLE, ConsistentRead=True)["Items"]
        return [row for row in found if row["table"]["S"] == self.marked]


@pytest.fixture(scope="module")
def tables(stack: StackInfo) -> Iterator[Twins]:
    name = f"twin-{uuid.uuid4().hex[:12]}"
    made = Twins(stack.session(), f"{name}-marked", f"{name}-plain")
    client = made.plain_client
    for table in (made.marked, made.plain):
        _make(client, table, {"pk": "S", "sk": "N"})
    # A deployment makes the outbox, and could not where one is left behind under its name.
    own = [TABLE] if TABLE not in client.list_tables()["TableNames"] else []
    for table in own:
        _make(client, table, {"item": "S", "id": "S"})
    yield made
    for table in (made.marked, made.plain, *own):
        client.delete_table(TableName=table)


@pytest.fixture
def twins(tables: Twins) -> Iterator[Twins]:
    """Both empty, and no row of theirs in the outbox, before and after."""
    yield tables
    client = tables.plain_client
    for table in (tables.marked, tables.plain):
        for item in tables.items(table).values():
            client.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})
    for row in tables.rows():
        client.delete_item(TableName=TABLE, Key={name: row[name] for name in ("item", "id")})


def _make(client: Any, table: str, key: dict[str, str]) -> None:
    names = list(key)
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in key.items()],
        KeySchema=[
            {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
        ],
    )
