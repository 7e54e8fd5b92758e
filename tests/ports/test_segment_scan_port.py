"""Does a scan find each segment of a period, from any place on, and those that are not marked or were lately?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.segment_scan import TableSegmentScan
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.tries import Tries
from tabletrail.core.checkpoint import Commit, Committed, SegmentRow
from tabletrail.core.rebuilds import Tally
from tabletrail.reindex import SegmentPages
from tabletrail_local.info import StackInfo
from tests.fakes.checkpoints import Rows
from tests.fakes.shelf import FakeSegmentPages
from tests.ports.checkpoint_rows import NOW, segment, shard
from tests.ports.local_tables import drop_tables, make_checkpoint_tables

OLD, NEW = "tabletrail-v1-2026.10", "tabletrail-v1-2026.11"
Add = Callable[[SegmentRow], None]


class ScanContract:
    """`add` commits a row and marks it, if it has `indexed_at`."""

    def test_each_row_of_a_period_comes_once_from_any_place_on(self, pages: SegmentPages, add: Add) -> None:
        rows = [
            segment(f"s{n}", shard("a"), indices=((OLD,), (NEW,), (NEW, OLD))[n % 3], indexed_at=NOW) for n in range(30)
        ]
        for row in rows:
            add(row)
        found = list(pages.rows(NEW, "", 0))
        assert sorted(row.segment_id for row in found) == sorted(row.segment_id for row in rows if NEW in row.indices)
        assert all(row == replace(rows[int(row.segment_id[1:])], parked=row.parked) for row in found)
        for place, row in enumerate(found):
            assert [one.segment_id for one in pages.rows(NEW, row.segment_id, 0)] == [
                one.segment_id for one in found[place + 1 :]
            ]
        assert pages.tallies() == {OLD: Tally(20, 60), NEW: Tally(20, 60)}

    def test_a_later_pass_finds_what_is_not_marked_or_was_since(self, pages: SegmentPages, add: Add) -> None:
        for name, indexed_at in (("before", NOW - 1), ("then", NOW), ("later", NOW + 1), ("not yet", 0)):
            add(segment(name, indices=(NEW,), indexed_at=indexed_at))
        add(segment("another period's", indices=(OLD,)))
        assert {row.segment_id for row in pages.rows(NEW, "", NOW)} == {"then", "later", "not yet"}


class TestFakeScan(ScanContract):
    @pytest.fixture
    def rows(self) -> Rows:
        return Rows()

    @pytest.fixture
    def pages(self, rows: Rows) -> FakeSegmentPages:
        return FakeSegmentPages(rows)

    @pytest.fixture
    def add(self, rows: Rows) -> Add:
        return lambda row: rows.segments.update({row.segment_id: row})


@pytest.mark.stack
class TestTableScan(ScanContract):
    @pytest.fixture
    def table(self, stack: StackInfo) -> Iterator[Any]:
        client = stack.session().client("dynamodb")
        tables = make_checkpoint_tables(client)
        yield tables
        drop_tables(client, tables.streams, tables.shards, tables.segments)

    @pytest.fixture
    def pages(self, stack: StackInfo, table: Any) -> TableSegmentScan:
        return TableSegmentScan(dynamodb_client(stack.session()), table.segments, Tries(SystemClock()))

    @pytest.fixture
    def add(self, stack: StackInfo, table: Any) -> Add:
        client, tries = dynamodb_client(stack.session()), Tries(SystemClock())

        def commit(row: SegmentRow) -> None:
            done = TableCheckpoints(client, table, tries).commit(
                Commit(f"token-{row.segment_id}", replace(row, indexed_at=0))
            )
            assert isinstance(done, Committed)
            if row.indexed_at:
                TableSegments(client, table.segments, tries).mark_indexed(row.segment_id, row.indexed_at, row.parked)

        return commit
