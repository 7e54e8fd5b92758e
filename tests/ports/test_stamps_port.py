"""Do the tables' stamps, the bucket's listing and the rows of a recovery keep the fakes' promises?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames
from tabletrail.aws.log_listing import BucketListing
from tabletrail.aws.recovered_rows import TableRecoveredRows
from tabletrail.aws.runs import TableLeases, TableRunNotes
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.stamps import TableStamps
from tabletrail.aws.tries import Tries
from tabletrail.core.stamps import TABLES, Stamp
from tabletrail.errors import TabletrailError
from tabletrail.ports import SegmentStore
from tabletrail_local.info import StackInfo
from tests.fakes.checkpoints import FakeCheckpoints, Rows
from tests.fakes.clock import FakeClock
from tests.fakes.segments import FakeSegments, FakeSegmentStore
from tests.fakes.stamps import FakeListing, FakeRecoveredRows, FakeStamps, TablesMark
from tests.ports.local_tables import drop_tables, make_bucket, make_checkpoint_tables, make_table, remake_table, unique
from tests.ports.stamps_contract import (
    NOW,
    ROW,
    SEGMENT,
    ListingContract,
    RecoveredRowsContract,
    StampsContract,
)

CLOCK = FakeClock()


class TestFakeStamps(StampsContract, ListingContract, RecoveredRowsContract):
    @pytest.fixture
    def stamps(self) -> FakeStamps:
        return FakeStamps(TablesMark())

    @pytest.fixture
    def store(self) -> FakeSegmentStore:
        return FakeSegmentStore()

    @pytest.fixture
    def listing(self, store: FakeSegmentStore) -> FakeListing:
        return FakeListing(store, CLOCK)

    @pytest.fixture
    def rows(self) -> Rows:
        return Rows()

    @pytest.fixture
    def recovered(self, rows: Rows) -> FakeRecoveredRows:
        return FakeRecoveredRows(rows, CLOCK)

    @pytest.fixture
    def segments(self, rows: Rows) -> FakeSegments:
        return FakeSegments(rows, CLOCK)

    @pytest.fixture
    def checkpoints(self, rows: Rows) -> FakeCheckpoints:
        return FakeCheckpoints(rows, CLOCK)


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Any:
    return dynamodb_client(stack.session())


@pytest.fixture
def tables(client: Any) -> Iterator[tuple[TableNames, str]]:
    """The three tables and that of the runs."""
    names, runs = make_checkpoint_tables(client), unique("runs")
    make_table(client, runs, "name")
    yield names, runs
    drop_tables(client, names.streams, names.shards, names.segments, runs)


@pytest.mark.stack
class TestTables(StampsContract, RecoveredRowsContract):
    @pytest.fixture
    def stamps(self, client: Any, tables: tuple[TableNames, str]) -> TableStamps:
        return TableStamps(client, *tables, Tries(SystemClock()))

    @pytest.fixture
    def recovered(self, client: Any, tables: tuple[TableNames, str]) -> TableRecoveredRows:
        return TableRecoveredRows(client, tables[0], Tries(SystemClock()))

    @pytest.fixture
    def segments(self, client: Any, tables: tuple[TableNames, str]) -> TableSegments:
        return TableSegments(client, tables[0].segments, Tries(SystemClock()))

    @pytest.fixture
    def checkpoints(self, client: Any, tables: tuple[TableNames, str]) -> TableCheckpoints:
        return TableCheckpoints(client, tables[0], Tries(SystemClock()))

    def test_no_other_port_shows_the_reserved_rows(
        self, client: Any, tables: tuple[TableNames, str], stamps: TableStamps, checkpoints: TableCheckpoints
    ) -> None:
        found = stamps.read()
        assert stamps.write(found, Stamp(1, NOW, found.ids))
        names, runs = tables
        assert checkpoints.streams() == []
        assert checkpoints.live_shards(["g0000"]) == []
        segments = TableSegments(client, names.segments, Tries(SystemClock()))
        assert segments.count_waiting() == (0, 0)
        assert segments.waiting(NOW * 2, 10) == []
        assert TableRunNotes(client, runs, Tries(SystemClock())).read("#stamp") == {}
        assert TableLeases(client, runs, Tries(SystemClock())).acquire("#stamp", "me", 9, NOW)
        assert stamps.read().number == 1

    @pytest.mark.parametrize("table", TABLES)
    def test_a_table_that_was_made_anew_is_told(
        self, client: Any, tables: tuple[TableNames, str], stamps: TableStamps, table: str
    ) -> None:
        found = stamps.read()
        assert stamps.write(found, Stamp(5, NOW, found.ids))
        names, runs = tables
        name = dict(zip(TABLES, (names.streams, names.shards, names.segments, runs), strict=True))[table]
        remake_table(client, name, [])
        assert "no stamp" in stamps.read().behind()[table]
        assert stamps.read().behind().keys() == {table}

    def test_a_table_with_the_same_rows_is_another_table(
        self, client: Any, tables: tuple[TableNames, str], stamps: TableStamps
    ) -> None:
        found = stamps.read()
        assert stamps.write(found, Stamp(5, NOW, found.ids))
        rows = client.scan(TableName=tables[0].shards, ConsistentRead=True)["Items"]
        remake_table(client, tables[0].shards, rows)
        assert stamps.read().behind().keys() == {"streams_shards"}
        assert "restored" in stamps.read().behind()["streams_shards"]

    def test_a_table_that_is_gone_is_named(
        self, client: Any, tables: tuple[TableNames, str], stamps: TableStamps
    ) -> None:
        gone = TableStamps(client, tables[0], "tabletrail-no-such-table", Tries(SystemClock()))
        with pytest.raises(TabletrailError, match="tabletrail-no-such-table"):
            gone.read()

    def test_rows_come_back_as_the_service_gives_them(self, recovered: TableRecoveredRows) -> None:
        assert recovered.put_shard(None, ROW)
        recovered.put_segment(SEGMENT)
        assert recovered.segments(["one"])["one"].links == SEGMENT.links


@pytest.mark.stack
class TestBucketListing(ListingContract):
    @pytest.fixture
    def bucket(self, stack: StackInfo) -> Iterator[str]:
        client = s3_client(stack.session())
        bucket = make_bucket(client)
        yield bucket
        for version in client.list_object_versions(Bucket=bucket).get("Versions", []):
            client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        client.delete_bucket(Bucket=bucket)

    @pytest.fixture
    def store(self, stack: StackInfo, bucket: str) -> SegmentStore:
        return BucketSegmentStore(s3_client(stack.session()), bucket)

    @pytest.fixture
    def listing(self, stack: StackInfo, bucket: str) -> BucketListing:
        return BucketListing(s3_client(stack.session()), bucket)

    def test_of_a_key_that_was_written_again_the_first_version_counts(
        self, stack: StackInfo, bucket: str, store: SegmentStore, listing: BucketListing
    ) -> None:
        first = store.put("segments/v1/2027/01/01/a", b"true")
        s3_client(stack.session()).put_object(Bucket=bucket, Key="segments/v1/2027/01/01/a", Body=b"forged")
        (found,) = listing.objects()
        assert found.version_id == first
