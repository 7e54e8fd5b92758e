"""The account's tables in memory, with a tagging index that may lag behind the tables' own tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tabletrail.errors import TabletrailError
from tabletrail.ports import TableView
from tests.fakes.stream import FakeStream

ACCOUNT, REGION = "111122223333", "eu-central-1"
VIEW_TYPE = "NEW_AND_OLD_IMAGES"
MADE_AT = 1_799_000_000
"""Of all tables: long before their streams."""


def make_table(name: str, *, stream: str | None = None, view_type: str = VIEW_TYPE) -> TableView:
    """A table as `Tables.view` shows it; `stream` is its latest stream's label, None if it never had one."""
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    stream_arn = f"{arn}/stream/{stream}" if stream else None
    kind = view_type if stream else ""
    return TableView(
        name, arn, f"id-{name}", ACCOUNT, REGION, stream_arn, stream is not None, kind, "", made_at=MADE_AT
    )


@dataclass
class FakeTables:
    """`Tables`. `tags` is what the tables themselves say, `listed` what the tagging API has seen of it.

    `lagging` stops `listed` from following. With `stream`, a stream that is switched on appears there too, with one
    shard.
    """

    stream: FakeStream | None = None
    tables: dict[str, TableView] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    lagging: bool = False
    enabled: list[str] = field(default_factory=list)
    ttl: dict[str, str] = field(default_factory=dict)
    """By name of the table, the attribute by which its items expire."""
    ttl_reads: list[str] = field(default_factory=list)

    def add(self, table: TableView, *, tagged: bool = True) -> TableView:
        self.tables[table.arn] = table
        self.set_tag(table.arn, tagged)
        return table

    def remove(self, table_arn: str) -> None:
        del self.tables[table_arn]
        self.set_tag(table_arn, False)

    def set_tag(self, table_arn: str, tagged: bool) -> None:
        self.tags = self.tags | {table_arn} if tagged else self.tags - {table_arn}
        if not self.lagging:
            self.listed = set(self.tags)

    def tagged(self) -> frozenset[str]:
        return frozenset(self.listed)

    def named(self, names: Sequence[str]) -> frozenset[str]:
        return frozenset(table.arn for table in self.tables.values() if table.name in names)

    def view(self, table_arn: str) -> TableView | None:
        return self.tables.get(table_arn)

    def is_tagged(self, table_arn: str) -> bool:
        return table_arn in self.tables and table_arn in self.tags

    def ttl_attribute(self, table_name: str) -> str:
        self.ttl_reads.append(table_name)
        return self.ttl.get(table_name, "")

    def enable_stream(self, table_name: str) -> str:
        (table,) = [table for table in self.tables.values() if table.name == table_name]
        if table.stream_enabled and table.view_type != VIEW_TYPE:
            raise TabletrailError(f"table {table_name} has a stream of another view")
        if table.stream_enabled:
            return str(table.stream_arn)
        self.enabled.append(table_name)
        arn = f"{table.arn}/stream/enabled-{len(self.enabled)}"
        self.tables[table.arn] = replace(table, stream_arn=arn, stream_enabled=True, view_type=VIEW_TYPE)
        if self.stream is not None:
            self.stream.add_stream(arn)
            self.stream.add_shard(arn, "shardId-00000000000000000001-aaaaaaaa")
        return arn
