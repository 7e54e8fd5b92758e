"""Does an answer about an item say that newer changes may wait, be it in the stream or for the index?"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tabletrail.core.checkpoint import ShardRow, ShardStatus, StreamRow
from tabletrail.errors import TransientError
from tabletrail_cli.doubts import Doubts
from tabletrail_cli.entries import Entries
from tabletrail_cli.log import Log
from tabletrail_cli.standing import BEHIND_SECONDS

NOW = 1_900_000_000
ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"


def doubts(table: str, shards: list[ShardRow], waiting: int = 0) -> list[str]:
    rows = [StreamRow(f"{ARN}/stream/1", "orders", ARN, "id", "123456789012", "eu-central-1")]
    checkpoints = SimpleNamespace(streams=lambda: rows, shards_of=lambda arn: shards)
    segments = SimpleNamespace(count_waiting=lambda: (waiting, NOW))
    log = cast(Log, SimpleNamespace(checkpoints=checkpoints, segments=segments))
    return list(Doubts(cast(Entries, None), log, table, {}).of_the_log(NOW))


def shard(read_at: int, status: ShardStatus = ShardStatus.OPEN) -> ShardRow:
    return ShardRow(f"{ARN}/stream/1", "shard", status=status, parent_processed=True, iterator_obtained_at=read_at)


def test_is_nothing_said_of_what_was_read_to_the_present() -> None:
    assert doubts("orders", [shard(NOW - 60)]) == []
    assert doubts("orders", [shard(0, ShardStatus.CLOSED_AND_PROCESSED)]) == []


@pytest.mark.parametrize("table", ["orders", ARN])
def test_is_a_shard_that_is_behind_told_with_how_far(table: str) -> None:
    old, ended = shard(NOW - BEHIND_SECONDS - 1), shard(NOW - 700, ShardStatus.CLOSED)
    assert doubts(table, [shard(NOW), old, ended]) == [
        "2 shards of its stream, last read 11 min ago, may hold newer changes"
    ]
    assert doubts(table, [shard(0)]) == ["1 shards of its stream, not read yet, may hold newer changes"]


def test_is_another_table_s_lag_none_of_this_one() -> None:
    assert doubts("customers", [shard(0)]) == []


def test_are_segments_that_wait_told() -> None:
    assert doubts("orders", [shard(NOW)], waiting=3) == [
        "3 segments wait to be indexed: a newer change may be among them"
    ]


def test_is_what_cannot_be_looked_at_a_doubt_and_no_error() -> None:
    def refuse() -> Iterator[Any]:
        raise TransientError("the table does not answer")

    segments = SimpleNamespace(count_waiting=refuse)
    found = list(
        Doubts(cast(Entries, None), cast(Log, SimpleNamespace(segments=segments)), "orders", {}).of_the_log(NOW)
    )
    assert found == ["whether newer changes wait to be read or indexed is not known: the table does not answer"]
