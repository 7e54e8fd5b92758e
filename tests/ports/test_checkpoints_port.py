"""Do the tables and the fakes keep the same promises, and what stands in the tables?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames, shard_item_key
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.tries import Tries
from tabletrail.core.checkpoint import Commit
from tabletrail_local.info import StackInfo
from tests.fakes.checkpoints import FakeCheckpoints, Rows
from tests.fakes.clock import FakeClock
from tests.fakes.segments import FakeSegments
from tests.ports.checkpoint_rows import NOW, finished, segment, shard
from tests.ports.checkpoints_contract import (
    CommitContract,
    Ports,
    ShardRowsContract,
    StreamRowsContract,
)
from tests.ports.local_tables import drop_tables, make_checkpoint_tables
from tests.ports.segments_contract import SegmentsContract


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Any:
    return dynamodb_client(stack.session())


class TestFakes(ShardRowsContract, StreamRowsContract, CommitContract, SegmentsContract):
    @pytest.fixture
    def ports(self) -> Ports:
        rows, clock = Rows(), FakeClock()
        return Ports(FakeCheckpoints(rows, clock), FakeSegments(rows, clock))


@pytest.mark.stack
class TestTables(ShardRowsContract, StreamRowsContract, CommitContract, SegmentsContract):
    @pytest.fixture
    def tables(self, client: Any) -> Iterator[TableNames]:
        tables = make_checkpoint_tables(client)
        yield tables
        drop_tables(client, tables.streams, tables.shards, tables.segments)

    @pytest.fixture
    def ports(self, client: Any, tables: TableNames) -> Ports:
        tries = Tries(SystemClock())
        return Ports(TableCheckpoints(client, tables, tries), TableSegments(client, tables.segments, tries))

    def test_a_finished_shard_is_in_no_index_and_has_its_expiry_as_a_number(
        self, ports: Ports, client: Any, tables: TableNames
    ) -> None:
        ports.checkpoints.add_shards([shard()])
        assert "expires_at" not in self.item(client, tables)
        ports.checkpoints.move_shard(finished(shard()))
        item = self.item(client, tables)
        assert "group_id" not in item
        assert item["expires_at"] == {"N": str(NOW + 172_800)}
        assert client.scan(TableName=tables.shards, IndexName="by_group")["Count"] == 0

    def test_a_segment_is_in_the_indexes_of_what_it_waits_for(
        self, ports: Ports, client: Any, tables: TableNames
    ) -> None:
        ports.checkpoints.commit(Commit(ports.token("t1"), segment("plain")))
        ports.checkpoints.commit(Commit(ports.token("t2"), segment("alert", alerts=1)))
        assert self.index(client, tables, "not_indexed") == {"plain", "alert"}
        assert self.index(client, tables, "not_alerted") == {"alert"}
        ports.segments.mark_indexed("alert", NOW, parked=0)
        assert self.index(client, tables, "not_indexed") == {"plain"}
        assert self.index(client, tables, "not_alerted") == {"alert"}
        item = client.get_item(TableName=tables.segments, Key={"segment_id": {"S": "alert"}})["Item"]
        assert item["not_sealed"] == item["not_alerted"]

    @staticmethod
    def item(client: Any, tables: TableNames) -> dict[str, Any]:
        item: dict[str, Any] = client.get_item(TableName=tables.shards, Key=shard_item_key(shard().key))["Item"]
        return item

    @staticmethod
    def index(client: Any, tables: TableNames, name: str) -> set[str]:
        items = client.scan(TableName=tables.segments, IndexName=name)["Items"]
        return {item["segment_id"]["S"] for item in items}
