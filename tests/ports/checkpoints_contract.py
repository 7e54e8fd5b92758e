"""What every `Checkpoints` promises, the tables and the fakes alike.

A class of tests takes these as parents and gives `ports`, over tables of its own.
"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tabletrail.attribute import AttributedStreams
from tabletrail.core.checkpoint import (
    Commit,
    Committed,
    Lost,
    ShardKey,
    ShardRow,
    ShardStatus,
    StreamMove,
    StreamState,
)
from tabletrail.errors import TabletrailError
from tabletrail.ports import Checkpoints, Segments
from tests.ports.checkpoint_rows import (
    ARN,
    LONG,
    NOW,
    OTHER_ARN,
    child,
    commit,
    finished,
    moved,
    segment,
    shard,
    stream,
)


@dataclass(frozen=True)
class Ports:
    checkpoints: Checkpoints
    segments: Segments
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def token(self, name: str) -> str:
        """A client token of this test alone: the service remembers them over all tables of the account."""
        return f"{self.run}-{name}"

    def row(self, row: ShardRow) -> ShardRow:
        """The row as it is now."""
        (found,) = self.checkpoints.shards_of(row.stream_arn, [row.shard_id])
        return found


class ShardRowsContract:
    """Single rows: made once, moved by compare-and-swap."""

    def test_a_row_comes_back_as_it_was_written(self, ports: Ports) -> None:
        row = shard(
            parent_shard_id="shardId-p",
            sequence_no=LONG,
            iterator=f"{ARN}|1|" + "A" * 300,
            iterator_obtained_at=NOW,
            records=12,
            last_record_at=NOW - 5,
            chain_hash="ab" * 32,
        )
        ports.checkpoints.add_shards([row])
        assert ports.row(row) == row

    def test_adding_makes_the_missing_rows_and_leaves_the_others(self, ports: Ports) -> None:
        there = shard("a", sequence_no="5")
        ports.checkpoints.add_shards([there])
        ports.checkpoints.add_shards([shard("a"), shard("b")])
        assert ports.row(there) == there
        assert ports.row(shard("b")) == shard("b")

    def test_rows_of_a_stream_are_found_all_or_by_name(self, ports: Ports) -> None:
        rows = [shard(f"{number:04d}") for number in range(130)]
        ports.checkpoints.add_shards([*rows, shard("x", arn=OTHER_ARN)])
        names = [row.shard_id for row in rows]
        assert sorted(row.shard_id for row in ports.checkpoints.shards_of(ARN)) == names
        assert len(ports.checkpoints.shards_of(ARN, [*names, "shardId-missing", names[0]])) == 130
        assert ports.checkpoints.shards_of(ARN, []) == []

    def test_of_two_moves_from_one_version_one_wins(self, ports: Ports) -> None:
        row = shard()
        ports.checkpoints.add_shards([row])
        assert ports.checkpoints.move_shard(moved(row, iterator="first"))
        assert not ports.checkpoints.move_shard(moved(row, iterator="second"))
        assert ports.row(row) == moved(row, iterator="first").after

    def test_the_same_move_twice_wins_once(self, ports: Ports) -> None:
        ports.checkpoints.add_shards([shard()])
        assert ports.checkpoints.move_shard(moved(shard()))
        assert not ports.checkpoints.move_shard(moved(shard()))

    def test_a_row_that_is_gone_is_not_made_by_a_move(self, ports: Ports) -> None:
        assert not ports.checkpoints.move_shard(moved(shard()))
        assert ports.checkpoints.shards_of(ARN) == []

    def test_a_move_clears_what_it_leaves_out(self, ports: Ports) -> None:
        row = shard(iterator="kept", expires_at=NOW)
        ports.checkpoints.add_shards([row])
        assert ports.checkpoints.move_shard(moved(row, iterator=None, expires_at=0))
        assert ports.row(row).iterator is None
        assert ports.row(row).expires_at == 0

    def test_a_walk_says_that_a_parent_was_forgotten(self, ports: Ports) -> None:
        row = shard(parent_processed=False)
        ports.checkpoints.add_shards([row])
        assert ports.checkpoints.move_shard(moved(row, parent_processed=True))
        assert ports.row(row).parent_processed

    def test_expiry_is_put_off_without_a_move_and_makes_no_rows(self, ports: Ports) -> None:
        row = shard(group_id=None, status=ShardStatus.CLOSED_AND_PROCESSED, version=3)
        ports.checkpoints.add_shards([row])
        ports.checkpoints.extend_expiry([row.key, ShardKey(ARN, "shardId-gone")], NOW + 99)
        assert ports.checkpoints.shards_of(ARN) == [replace(row, expires_at=NOW + 99)]

    def test_a_group_holds_its_rows_until_they_leave_it(self, ports: Ports) -> None:
        rows = [shard("a"), shard("b"), shard("c", group_id="g2"), shard("d", group_id=None)]
        ports.checkpoints.add_shards(rows)
        assert ids(ports.checkpoints.group("g1")) == ["shardId-a", "shardId-b"]
        assert ids(ports.checkpoints.live_shards(["g1", "g2", "g1", "none"])) == ["shardId-a", "shardId-b", "shardId-c"]
        assert ports.checkpoints.move_shard(finished(rows[0]))
        assert ports.checkpoints.move_shard(moved(rows[1], group_id="g2"))
        assert ids(ports.checkpoints.group("g1")) == []
        assert ids(ports.checkpoints.group("g2")) == ["shardId-b", "shardId-c"]


class StreamRowsContract:
    def test_a_stream_is_made_once_and_moved_by_its_version(self, ports: Ports) -> None:
        row = stream()
        assert ports.checkpoints.stream(ARN) is None
        assert ports.checkpoints.move_stream(StreamMove(None, row))
        assert not ports.checkpoints.move_stream(StreamMove(None, replace(row, service="forged")))
        after = replace(row, version=1, last_walk_at=NOW)
        assert ports.checkpoints.move_stream(StreamMove(row, after))
        assert not ports.checkpoints.move_stream(StreamMove(row, replace(after, last_walk_at=NOW + 1)))
        assert ports.checkpoints.stream(ARN) == after

    def test_streams_that_are_done_are_not_listed(self, ports: Ports) -> None:
        ports.checkpoints.move_stream(StreamMove(None, stream()))
        ports.checkpoints.move_stream(StreamMove(None, stream(OTHER_ARN, state=StreamState.DONE)))
        assert ports.checkpoints.streams() == [stream()]
        assert ports.checkpoints.stream(OTHER_ARN) == stream(OTHER_ARN, state=StreamState.DONE)
        every: Any = ports.checkpoints
        found: AttributedStreams = every
        assert {row.stream_arn for row in found.all_streams()} == {ARN, OTHER_ARN}

    def test_until_when_a_stream_is_attributed_comes_back(self, ports: Ports) -> None:
        ports.checkpoints.move_stream(StreamMove(None, stream(attributed_until=NOW)))
        [row] = ports.checkpoints.streams()
        assert row.attributed_until == NOW


class CommitContract:
    """All or nothing, once, and the losers by name."""

    def test_everything_happens_together(self, ports: Ports) -> None:
        parent, other = shard("a"), shard("b")
        ports.checkpoints.add_shards([parent, other])
        ports.checkpoints.move_stream(StreamMove(None, stream()))
        stream_move = StreamMove(stream(), replace(stream(), version=1, coverage_no=1))
        new_stream = StreamMove(None, stream(OTHER_ARN))
        moves = (finished(parent), moved(other))
        whole = commit(
            ports.token("t1"), "s1", *moves, children=(child("c", parent),), streams=(stream_move, new_stream)
        )
        assert ports.checkpoints.commit(whole) == Committed()
        assert ports.segments.get("s1") == whole.segment
        assert [ports.row(move.after) for move in moves] == [move.after for move in moves]
        assert ports.row(child("c", parent)) == child("c", parent)
        assert ports.checkpoints.stream(ARN) == stream_move.after
        assert ports.checkpoints.stream(OTHER_ARN) == new_stream.after

    def test_exactly_the_losing_shards_are_named_and_nothing_happens(self, ports: Ports) -> None:
        rows = [shard("a"), shard("b"), shard("c"), shard("d")]
        ports.checkpoints.add_shards(rows[:3])
        assert ports.checkpoints.move_shard(moved(rows[1]))
        whole = commit(ports.token("t1"), "s1", *(moved(row) for row in rows), children=(child("e", rows[0]),))
        assert ports.checkpoints.commit(whole) == Lost(shards=frozenset({rows[1].key, rows[3].key}))
        assert ports.segments.get("s1") is None
        assert ports.row(rows[0]) == rows[0]
        assert ids(ports.checkpoints.shards_of(ARN)) == ["shardId-a", "shardId-b", "shardId-c"]

    def test_losing_streams_and_a_taken_segment_are_named(self, ports: Ports) -> None:
        ports.checkpoints.add_shards([shard()])
        ports.checkpoints.move_stream(StreamMove(None, stream()))
        assert ports.checkpoints.commit(Commit(ports.token("t1"), segment("s1"))) == Committed()
        whole = commit(ports.token("t2"), "s1", moved(shard()), streams=(StreamMove(None, stream()),))
        assert ports.checkpoints.commit(whole) == Lost(streams=frozenset({ARN}), segment_exists=True)
        assert ports.row(shard()) == shard()

    def test_losers_are_told_apart_whatever_else_the_commit_holds(self, ports: Ports) -> None:
        rows = [shard("a"), shard("b")]
        ports.checkpoints.add_shards(rows[:1])
        ports.checkpoints.move_stream(StreamMove(None, stream()))
        whole = Commit(
            ports.token("t1"),
            None,
            tuple(moved(row) for row in rows),
            (child("c", rows[0]), child("d", rows[0])),
            (StreamMove(None, stream(OTHER_ARN)), StreamMove(None, stream())),
        )
        assert ports.checkpoints.commit(whole) == Lost(frozenset({rows[1].key}), frozenset({ARN}))

    def test_a_shard_whose_parent_is_not_processed_cannot_be_committed(self, ports: Ports) -> None:
        row = shard(parent_processed=False)
        ports.checkpoints.add_shards([row])
        lost = ports.checkpoints.commit(commit(ports.token("t1"), "s1", moved(replace(row, parent_processed=True))))
        assert lost == Lost(shards=frozenset({row.key}))

    def test_a_repeat_with_the_same_token_commits_once(self, ports: Ports) -> None:
        ports.checkpoints.add_shards([shard()])
        whole = commit(ports.token("t1"), "s1", moved(shard()))
        assert ports.checkpoints.commit(whole) == Committed()
        assert ports.checkpoints.commit(whole) == Committed()
        assert ports.row(shard()).version == 1

    def test_a_commit_that_lost_may_come_again_with_its_token(self, ports: Ports) -> None:
        whole = commit(ports.token("t1"), "s1", moved(shard()))
        assert ports.checkpoints.commit(whole) == Lost(shards=frozenset({shard().key}))
        ports.checkpoints.add_shards([shard()])
        assert ports.checkpoints.commit(whole) == Committed()

    def test_a_token_belongs_to_one_commit(self, ports: Ports) -> None:
        ports.checkpoints.commit(Commit(ports.token("t1"), segment("s1")))
        with pytest.raises(TabletrailError, match="token"):
            ports.checkpoints.commit(Commit(ports.token("t1"), segment("s2")))

    def test_a_commit_may_have_no_segment(self, ports: Ports) -> None:
        ports.checkpoints.add_shards([shard()])
        whole = Commit(ports.token("t1"), None, (finished(shard()),), (child("c", shard()), child("d", shard())))
        assert ports.checkpoints.commit(whole) == Committed()
        assert ids(ports.checkpoints.group("g1")) == ["shardId-c", "shardId-d"]

    def test_a_child_that_is_there_keeps_its_checkpoint(self, ports: Ports) -> None:
        parent = shard("a")
        there = child("c", parent, parent_processed=False, group_id="g9", version=4, records=7, chain_hash="ef" * 32)
        bare = child("d", parent, parent_processed=False, group_id=None)
        ports.checkpoints.add_shards([parent, there, bare])
        ports.checkpoints.commit(
            commit(ports.token("t1"), "s1", finished(parent), children=(child("c", parent), child("d", parent)))
        )
        assert ports.row(there) == replace(there, parent_processed=True)
        assert ports.row(bare) == replace(bare, parent_processed=True, group_id="g1")

    def test_a_walk_that_saw_the_child_before_cannot_undo_its_parents_end(self, ports: Ports) -> None:
        parent = shard("a")
        seen = child("c", parent, parent_processed=False)
        ports.checkpoints.add_shards([parent, seen])
        ports.checkpoints.commit(commit(ports.token("t1"), "s1", finished(parent), children=(seen,)))
        assert ports.checkpoints.move_shard(moved(seen, group_id="g2"))
        assert ports.row(seen).parent_processed
        assert ports.row(seen).group_id == "g2"

    @pytest.mark.parametrize("children", [100, 0])
    def test_what_does_not_fit_one_transaction_is_said_at_once(self, ports: Ports, children: int) -> None:
        parent = shard()
        ports.checkpoints.add_shards([parent])
        rows = tuple(child(f"c{number}", parent) for number in range(children))
        whole = Commit(ports.token("t1"), segment("s1") if children else None, (), rows)
        with pytest.raises(TabletrailError, match="transaction"):
            ports.checkpoints.commit(whole)
        assert ids(ports.checkpoints.shards_of(ARN)) == ["shardId-a"]

    def test_the_largest_group_fits_one_transaction(self, ports: Ports) -> None:
        rows = [shard(f"{number:04d}") for number in range(33)]
        ports.checkpoints.add_shards(rows)
        children = tuple(child(f"{number:04d}-{half}", rows[number]) for number in range(33) for half in "xy")
        whole = commit(ports.token("t1"), "s1", *(finished(row) for row in rows), children=children)
        assert ports.checkpoints.commit(whole) == Committed()
        assert ports.segments.get("s1") == whole.segment

    def test_of_several_writers_at_once_one_commits_each_version(self, ports: Ports) -> None:
        ports.checkpoints.add_shards([shard()])

        def write(number: int) -> bool:
            result = ports.checkpoints.commit(commit(ports.token(f"t{number}"), f"s{number}", moved(shard())))
            return result == Committed()

        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(write, range(8)))
        assert won.count(True) == 1
        assert [ports.segments.get(f"s{number}") is not None for number in range(8)] == won


def ids(rows: list[ShardRow]) -> list[str]:
    return sorted(row.shard_id for row in rows)
