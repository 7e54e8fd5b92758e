"""What every `Stamps`, `LogListing` and `RecoveredRows` promise, the service's adapters and the fakes alike.

Classes of tests take these as parents and give `stamps`, or `store` and `listing`, or `recovered` and `segments`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tabletrail.core.checkpoint import GENESIS_CHAIN, SegmentRow, ShardLink, ShardRow
from tabletrail.core.stamps import TABLES, Stamp
from tabletrail.log_survey import RecoveredRows
from tabletrail.logged_changes import WrittenLog
from tabletrail.ports import Checkpoints, LogListing, Segments, SegmentStore, Stamps

NOW = 1_800_000_000
ROW = ShardRow("arn", "shard", sequence_no="7", parent_processed=True, version=3)
LINK = ShardLink("arn", "shard", "1", "2", 2, "ab" * 32, GENESIS_CHAIN, "cd" * 32)
SEGMENT = SegmentRow("one", "run", "g0000", "segments/v1/one", "v", "ef" * 32, 9, 2, NOW, ("index",), (LINK,))


class StampsContract:
    def test_new_tables_have_no_stamp_and_ids_of_their_own(self, stamps: Stamps) -> None:
        found = stamps.read()
        assert found.stamps == dict.fromkeys(TABLES)
        assert len(set(found.ids.values())) == len(TABLES)
        assert all(found.ids.values())
        assert stamps.read() == found

    def test_a_stamp_comes_back_from_each_table(self, stamps: Stamps) -> None:
        found = stamps.read()
        stamp = Stamp(1, NOW, found.ids)
        assert stamps.write(found, stamp)
        again = stamps.read()
        assert again.stamps == dict.fromkeys(TABLES, stamp)
        assert again.behind() == {}

    def test_who_comes_second_with_the_same_number_loses(self, stamps: Stamps) -> None:
        found = stamps.read()
        assert stamps.write(found, Stamp(1, NOW, found.ids))
        assert not stamps.write(found, Stamp(1, NOW + 1, found.ids))
        assert stamps.read().stamps["runs"] == Stamp(1, NOW, found.ids)

    def test_a_number_may_jump(self, stamps: Stamps) -> None:
        for number in (1, 70):
            found = stamps.read()
            assert stamps.write(found, Stamp(number, NOW, found.ids))
        assert stamps.read().number == 70


class ListingContract:
    def test_keys_come_in_their_order_behind_a_place(self, store: SegmentStore, listing: LogListing) -> None:
        for name in ("b", "a", "c"):
            store.put(f"segments/v1/2027/01/01/{name}", b"x")
        assert listing.keys("segments/v1/", 2) == [f"segments/v1/2027/01/01/{name}" for name in "ab"]
        assert listing.keys("segments/v1/2027/01/01/b", 9) == ["segments/v1/2027/01/01/c"]
        assert listing.keys("segments/v1/2027/01/02", 9) == []

    def test_objects_come_with_their_version(self, store: SegmentStore, listing: LogListing) -> None:
        versions = {name: store.put(f"segments/v1/2027/01/01/{name}", b"x") for name in ("b", "a")}
        found = list(listing.objects())
        assert [(one.key[-1], one.version_id) for one in found] == [("a", versions["a"]), ("b", versions["b"])]

    def test_what_was_written_comes_with_its_time_behind_a_place(self, store: SegmentStore, listing: Any) -> None:
        written: WrittenLog = listing
        for name in ("b", "a", "c"):
            store.put(f"segments/v1/2027/01/01/{name}", b"x")
        times = {logged.key: logged.written_at for logged in listing.objects()}
        found = list(written.written("segments/v1/2027/01/01/a"))
        assert [logged.key[-1] for logged in found] == ["b", "c"]
        assert {logged.key: logged.written_at for logged in found}.items() <= times.items()
        assert list(written.written("segments/v1/2027/01/02")) == []


class RecoveredRowsContract:
    def test_a_segment_is_put_back_as_not_indexed(self, recovered: RecoveredRows, segments: Segments) -> None:
        recovered.put_segment(replace(SEGMENT, indexed_at=0))
        assert segments.get("one") == SEGMENT
        assert segments.count_waiting() == (1, NOW)
        assert recovered.segments(["one", "two"]) == {"one": SEGMENT}

    def test_a_segments_row_that_is_there_stays(self, recovered: RecoveredRows, segments: Segments) -> None:
        recovered.put_segment(SEGMENT)
        segments.mark_indexed("one", NOW + 9, 0)
        recovered.put_segment(SEGMENT)
        row = segments.get("one")
        assert row is not None
        assert row.indexed_at == NOW + 9

    def test_a_shard_is_replaced_only_if_it_is_as_it_was(
        self, recovered: RecoveredRows, checkpoints: Checkpoints
    ) -> None:
        assert recovered.put_shard(None, ROW)
        assert not recovered.put_shard(None, ROW)
        later = replace(ROW, version=9_000, sequence_no="12")
        assert recovered.put_shard(ROW, later)
        assert not recovered.put_shard(ROW, later)
        assert checkpoints.shards_of("arn") == [later]
